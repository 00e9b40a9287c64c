//! A worker: one thread, one single-threaded runtime, its own listening sockets, its own gate.
//!
//! Workers share nothing that a request writes, so a request never waits for another thread.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::runtime::Builder;
use tokio::sync::watch;
use tokio::task::LocalSet;
use tokio::time::timeout;

use super::connection::{Connection, ConnectionLimits, Door, Draining};
use super::handshake::shake;
use super::listen::{accept, accepted_already};
use super::tls::LiveTls;
use crate::gate::{Gate, Peer};
use crate::record::{Listener, Metrics, OpenConnection};

/// What every worker is made of.
#[derive(Clone)]
pub(crate) struct WorkerParts {
    pub(crate) tls: LiveTls,
    pub(crate) limits: ConnectionLimits,
    pub(crate) drain_timeout: Duration,
    /// The most connections of all workers together, and how many there are.
    pub(crate) most_connections: usize,
    pub(crate) connections: Arc<AtomicUsize>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) draining: Draining,
}

/// One worker's sockets.
#[derive(Default)]
pub(crate) struct Sockets {
    pub(crate) https: Vec<TcpListener>,
    pub(crate) http: Vec<TcpListener>,
}

/// Starts a worker. `gate` is called on the new thread, for a gate never leaves its own.
pub(crate) fn start(
    number: usize,
    parts: WorkerParts,
    sockets: Sockets,
    gate: impl FnOnce() -> Rc<Gate> + Send + 'static,
) -> io::Result<JoinHandle<()>> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    std::thread::Builder::new().name(format!("worker-{number}")).spawn(move || {
        LocalSet::new().block_on(&runtime, async move {
            let worker = Rc::new(Worker { gate: gate(), limits: Rc::new(parts.limits.clone()), parts });
            worker.run(sockets).await;
        });
        // A password check may still be running; nobody waits for its verdict any more.
        runtime.shutdown_background();
    })
}

struct Worker {
    gate: Rc<Gate>,
    limits: Rc<ConnectionLimits>,
    parts: WorkerParts,
}

impl Worker {
    async fn run(self: Rc<Self>, sockets: Sockets) {
        self.gate.start();
        // Dropped by the last connection; then `closed` returns.
        let (open, all_closed) = watch::channel(());
        let doors = [(Door::Tls, sockets.https), (Door::Clear, sockets.http)];
        for (door, listener) in doors.into_iter().flat_map(|(door, all)| all.into_iter().map(move |one| (door, one))) {
            match tokio::net::TcpListener::from_std(listener) {
                Ok(listener) => {
                    tokio::task::spawn_local(Rc::clone(&self).listen(listener, door, all_closed.clone()));
                }
                Err(error) => tracing::error!(%error, "a listening socket cannot be used"),
            }
        }
        drop(all_closed);
        let mut draining = self.parts.draining.clone();
        // An error means that the sender is gone: the gateway is ending in a hurry.
        let _ = draining.wait_for(|draining| *draining).await;
        if timeout(self.parts.drain_timeout, open.closed()).await.is_err() {
            tracing::warn!(running = self.gate.running(), "the time to finish is over; what still runs is cut");
        }
        self.gate.flush();
    }

    /// Accepts until the gateway drains, and then what the kernel has accepted already: those clients hold a connection
    /// and may have sent a request on it.
    async fn listen(self: Rc<Self>, listener: tokio::net::TcpListener, door: Door, open: watch::Receiver<()>) {
        let mut draining = self.parts.draining.clone();
        loop {
            tokio::select! {
                biased;
                _ = draining.wait_for(|draining| *draining) => break,
                (stream, peer) = accept(&listener) => self.admit(stream, peer, door, &open),
            }
        }
        while let Some((stream, peer)) = accepted_already(&listener).await {
            self.admit(stream, peer, door, &open);
        }
    }

    fn admit(self: &Rc<Self>, stream: TcpStream, peer: SocketAddr, door: Door, open: &watch::Receiver<()>) {
        let counted = Counted::new(&self.parts, door);
        if counted.before >= self.parts.most_connections {
            self.parts.metrics.connection_shed();
            return;
        }
        let client = Peer::new(peer.ip(), Box::new((counted, open.clone())));
        tokio::task::spawn_local(Rc::clone(self).serve(stream, client, door));
    }

    async fn serve(self: Rc<Self>, stream: TcpStream, peer: Peer, door: Door) {
        let connection = |peer| Connection {
            gate: Rc::clone(&self.gate),
            peer,
            door,
            limits: Rc::clone(&self.limits),
            draining: self.parts.draining.clone(),
        };
        if door == Door::Clear {
            return connection(peer).http1(stream).await;
        }
        match timeout(self.limits.handshake_timeout, shake(stream, self.parts.tls.load_full())).await {
            Ok(Ok((stream, site))) => {
                let connection = connection(peer.over_tls(site));
                match stream.get_ref().1.alpn_protocol() {
                    Some(b"h2") => connection.http2(stream).await,
                    _ => connection.http1(stream).await,
                }
            }
            Ok(Err(error)) => {
                tracing::debug!(%error, "TLS handshake failed");
                self.parts.metrics.tls_handshake_failed();
            }
            Err(_) => {
                tracing::debug!("TLS handshake took too long");
                self.parts.metrics.tls_handshake_failed();
            }
        }
    }
}

/// Counts a connection for as long as it lives.
struct Counted {
    total: Arc<AtomicUsize>,
    /// How many there were before it.
    before: usize,
    _open: OpenConnection,
}

impl Counted {
    fn new(parts: &WorkerParts, door: Door) -> Self {
        let listener = match door {
            Door::Tls => Listener::Https,
            Door::Clear => Listener::Http,
        };
        let before = parts.connections.fetch_add(1, Ordering::Relaxed);
        Self { total: Arc::clone(&parts.connections), before, _open: parts.metrics.connection_opened(listener) }
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.total.fetch_sub(1, Ordering::Relaxed);
    }
}
