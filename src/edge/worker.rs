//! A worker: one thread, one single-threaded runtime, its own listening sockets, its own gate.
//!
//! Workers share nothing that a request writes, so a request never waits for another thread.

use std::convert::Infallible;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::runtime::Builder;
use tokio::sync::watch;
use tokio::task::{LocalSet, yield_now};
use tokio::time::timeout;

use super::connection::{Connection, ConnectionLimits, Door, Draining};
use super::crowd::Crowd;
use super::handshake::shake;
use super::key_exchange::KeyExchange;
use super::listen::Accepting;
use super::shared::Shared;
use super::socket::Socket;
use super::tls::LiveTls;
use crate::gate::{Gate, Peer};
use crate::record::{Listener, Metrics};
use crate::wire::room;

/// How long a connection that had been begun when the gateway is told to end may take to come: a way there and back.
const BEGUN: Duration = Duration::from_millis(100);

/// What every worker is made of.
#[derive(Clone)]
pub(crate) struct WorkerParts {
    pub(crate) tls: LiveTls,
    pub(crate) limits: ConnectionLimits,
    pub(crate) drain_timeout: Duration,
    pub(crate) crowd: Arc<Crowd>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) draining: Draining,
    /// Called on threads that workers must not wait for, to have them come second.
    pub(crate) yielding: fn(),
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
    let keys = KeyExchange::start(number, parts.yielding)?;
    std::thread::Builder::new().name(format!("worker-{number}")).spawn(move || {
        LocalSet::new().block_on(&runtime, async move {
            let limits = Rc::new(parts.limits.clone());
            let worker = Rc::new(Worker { gate: gate(), limits, shared: Rc::default(), keys, parts });
            worker.run(sockets).await;
        });
        // A password check may still be running; nobody waits for its verdict any more.
        runtime.shutdown_background();
    })
}

struct Worker {
    gate: Rc<Gate>,
    limits: Rc<ConnectionLimits>,
    shared: Rc<Shared>,
    keys: KeyExchange<Socket>,
    parts: WorkerParts,
}

impl Worker {
    async fn run(self: Rc<Self>, sockets: Sockets) {
        self.gate.start();
        // Dropped by the last connection; then `closed` returns.
        let (open, all_closed) = watch::channel(());
        let doors = [(Door::Tls, sockets.https), (Door::Clear, sockets.http)];
        for (door, listener) in doors.into_iter().flat_map(|(door, all)| all.into_iter().map(move |one| (door, one))) {
            match Accepting::new(listener) {
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

    /// Accepts until the gateway drains, and then what has been begun by then: those clients hold a connection and may
    /// have sent a request on it.
    async fn listen(self: Rc<Self>, mut listener: Accepting, door: Door, open: watch::Receiver<()>) {
        let mut draining = self.parts.draining.clone();
        loop {
            tokio::select! {
                biased;
                _ = draining.wait_for(|draining| *draining) => break,
                (stream, peer) = listener.accept(|| self.parts.metrics.connection_shed()) => {
                    self.admit(stream, peer, door, &open);
                }
            }
        }
        listener.begin_no_more();
        let begun = async {
            loop {
                let (stream, peer) = listener.accept(|| self.parts.metrics.connection_shed()).await;
                self.admit(stream, peer, door, &open);
            }
        };
        let _: Result<Infallible, _> = timeout(BEGUN, begun).await;
        while let Some((stream, peer)) = listener.accepted_already().await {
            self.admit(stream, peer, door, &open);
            // However many they are, those who are served already have their turns between.
            yield_now().await;
        }
    }

    fn admit(self: &Rc<Self>, stream: TcpStream, peer: SocketAddr, door: Door, open: &watch::Receiver<()>) {
        let listener = match door {
            Door::Tls => Listener::Https,
            Door::Clear => Listener::Http,
        };
        let opened = self.parts.metrics.connection_opened(listener);
        let Some(place) = self.parts.crowd.admit(peer.ip()) else {
            self.parts.metrics.connection_shed();
            return;
        };
        let client = Peer::new(peer.ip(), Box::new((place, opened, open.clone())));
        tokio::task::spawn_local(Rc::clone(self).serve(stream, client, door));
    }

    async fn serve(self: Rc<Self>, stream: TcpStream, peer: Peer, door: Door) {
        if let Some(serving) = self.shaken(stream, peer, door).await {
            serving.await;
        }
    }

    /// What a connection is served with, once it has shaken hands.
    ///
    /// Each stage is in a box of its own, and made where nothing is waited for: what is held for a connection is what its
    /// present stage needs, and not the largest, nor what the others left behind.
    async fn shaken(&self, stream: TcpStream, peer: Peer, door: Door) -> Option<Serving> {
        if door == Door::Clear {
            return Some(Box::pin(self.connection(peer, door).http1(stream)));
        }
        let shaking = shake(Socket(stream), self.parts.tls.load_full(), &self.keys);
        match Box::pin(timeout(self.limits.handshake_timeout, shaking)).await {
            Ok(Ok((mut stream, site))) => {
                let connection = self.connection(peer.over_tls(site), door);
                let session = stream.get_mut().1;
                if session.alpn_protocol() == Some(b"h2") {
                    return Some(Box::pin(connection.http2(stream)));
                }
                // A piece of a body is encrypted and written in one go, and nothing more before it is on its way.
                session.set_buffer_limit(Some(room::MOST));
                return Some(Box::pin(connection.http1(stream)));
            }
            Ok(Err(error)) => tracing::debug!(%error, "TLS handshake failed"),
            Err(_) => tracing::debug!("TLS handshake took too long"),
        }
        self.parts.metrics.tls_handshake_failed();
        None
    }

    fn connection(&self, peer: Peer, door: Door) -> Connection {
        Connection {
            gate: Rc::clone(&self.gate),
            peer,
            door,
            limits: Rc::clone(&self.limits),
            shared: Rc::clone(&self.shared),
            draining: self.parts.draining.clone(),
        }
    }
}

/// A connection that is being served.
type Serving = Pin<Box<dyn Future<Output = ()>>>;
