//! One worker's connections to one upstream server. Nothing here crosses threads, so nothing locks.

use std::cell::RefCell;
use std::io;
use std::rc::Rc;
use std::task::{Context, Waker};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, sleep};

use super::connect::{Endpoint, Stream};
use super::tally::Tally;
use crate::wire::{Clock, Line, Scratch};

/// A server and the connections to it that wait for their next request.
pub(super) struct Pool {
    pub(super) endpoint: Endpoint,
    idle: RefCell<Vec<Idle>>,
    most_idle: usize,
    idle_timeout: Duration,
    filled: Notify,
    pub(super) scratch: Rc<Scratch>,
}

struct Idle {
    connection: Connection,
    since: Instant,
}

/// One connection, which carries one exchange at a time.
pub(super) struct Connection {
    pub(super) line: Rc<Line<Stream>>,
    pub(super) clock: Clock,
    /// Whether it has carried a request before: then the server may be closing it right now.
    pub(super) reused: bool,
    opened: Instant,
}

impl Connection {
    /// When the request that is about to be sent can be: at once where the connection was there.
    pub(super) fn ready(&self, tally: &Tally) -> Instant {
        if self.reused { tally.began() } else { self.opened }
    }

    /// Whether the server has neither closed it nor said something unasked.
    fn is_quiet(&self, scratch: &Scratch) -> bool {
        // Nobody waits here, so nobody need be woken.
        let unread = || self.line.poll_read(scratch, &mut Context::from_waker(Waker::noop())).is_pending();
        self.line.input().is_empty() && unread() && self.line.look(Stream::is_silent)
    }
}

impl Pool {
    pub(super) fn new(endpoint: Endpoint, most_idle: usize, idle_timeout: Duration, scratch: &Rc<Scratch>) -> Rc<Self> {
        let (idle, filled, scratch) = (RefCell::default(), Notify::new(), Rc::clone(scratch));
        Rc::new(Self { endpoint, idle, most_idle, idle_timeout, filled, scratch })
    }

    /// The connection used last that is still open, so that the others may grow old and be closed.
    pub(super) fn take(&self, now: Instant) -> Option<Connection> {
        loop {
            let Idle { mut connection, since } = self.idle.borrow_mut().pop()?;
            if now.saturating_duration_since(since) < self.idle_timeout && connection.is_quiet(&self.scratch) {
                connection.reused = true;
                return Some(connection);
            }
        }
    }

    /// Opens a new connection.
    pub(super) async fn open(&self, limit: Duration) -> io::Result<Connection> {
        let stream = self.endpoint.connect(limit).await?;
        let now = Instant::now();
        let (line, clock) = (Rc::new(Line::new(stream)), Clock::new(now + limit));
        Ok(Connection { line, clock, reused: false, opened: now })
    }

    /// Takes a connection back over which nothing more is to come. Bytes behind an answer belong to nobody's: read as the
    /// next one they would be whatever the upstream had in mind (response splitting), so such a connection is closed.
    /// It idles since the upstream was last heard.
    pub(super) fn give(&self, connection: Connection, since: Instant) {
        if !connection.line.input().is_empty() {
            return;
        }
        connection.line.release_large();
        let mut idle = self.idle.borrow_mut();
        if idle.len() < self.most_idle {
            idle.push(Idle { connection, since });
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
