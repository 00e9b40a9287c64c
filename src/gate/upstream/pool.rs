//! One worker's connections to one upstream server. Nothing here crosses threads, so nothing locks.

use std::cell::RefCell;
use std::io;
use std::rc::Rc;
use std::time::Duration;

use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};

use super::body::Upload;
use super::connect::Endpoint;

/// How long an upstream may go on reading a request that it has answered already.
const LINGER: Duration = Duration::from_secs(5);

/// A server and the connections to it that wait for their next request.
pub(super) struct Pool {
    pub(super) endpoint: Endpoint,
    idle: RefCell<Vec<Idle>>,
    most_idle: usize,
    idle_timeout: Duration,
    filled: Notify,
}

struct Idle {
    connection: Connection,
    since: Instant,
}

/// One connection, and the task that drives it.
pub(super) struct Connection {
    pub(super) sender: SendRequest<Upload>,
    driver: JoinHandle<()>,
    /// Whether it has carried a request before: then the server may be closing it right now.
    pub(super) reused: bool,
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

impl Pool {
    pub(super) fn new(endpoint: Endpoint, most_idle: usize, idle_timeout: Duration) -> Rc<Self> {
        let pool = Self { endpoint, idle: RefCell::default(), most_idle, idle_timeout, filled: Notify::new() };
        Rc::new(pool)
    }

    /// The connection used last that is still open, so that the others may grow old and be closed.
    pub(super) fn take(&self) -> Option<Connection> {
        let mut idle = self.idle.borrow_mut();
        while let Some(Idle { mut connection, since }) = idle.pop() {
            if connection.sender.is_ready() && since.elapsed() < self.idle_timeout {
                connection.reused = true;
                return Some(connection);
            }
        }
        None
    }

    /// Opens a new connection.
    pub(super) async fn open(&self, limit: Duration) -> io::Result<Connection> {
        let stream = self.endpoint.connect(limit).await?;
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(io::Error::other)?;
        let driver = tokio::task::spawn_local(async move {
            if let Err(error) = connection.with_upgrades().await {
                tracing::debug!(%error, "upstream connection ended");
            }
        });
        Ok(Connection { sender, driver, reused: false })
    }

    /// Takes a connection back whose answer has been read to its end.
    pub(super) fn give(self: &Rc<Self>, mut connection: Connection) {
        if connection.sender.is_ready() {
            self.keep(connection);
        } else if !connection.sender.is_closed() {
            let pool = Rc::clone(self);
            tokio::task::spawn_local(async move {
                if let Ok(Ok(())) = timeout(LINGER, connection.sender.ready()).await {
                    pool.keep(connection);
                }
            });
        }
    }

    fn keep(&self, connection: Connection) {
        let mut idle = self.idle.borrow_mut();
        if idle.len() < self.most_idle {
            idle.push(Idle { connection, since: Instant::now() });
            self.filled.notify_one();
        }
    }

    /// Closes connections that nobody took in time. Wakes up only while there are some.
    pub(super) async fn sweep(self: Rc<Self>) {
        loop {
            self.filled.notified().await;
            while !self.idle.borrow().is_empty() {
                sleep(self.idle_timeout).await;
                self.idle.borrow_mut().retain(|idle| idle.since.elapsed() < self.idle_timeout);
            }
        }
    }
}
