//! Serving one connection: HTTP/2 or HTTP/1.1 as ALPN says, with the limits that keep it from being held for ever.

use std::convert::Infallible;
use std::future::Future;
use std::pin::pin;
use std::rc::Rc;
use std::time::Duration;

use http::{Request, Response};
use hyper::body::Incoming;
use hyper::rt::Executor;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::watch;

use super::watched::{Watchdog, Watched};
use crate::gate::{Gate, GateBody, Peer};

/// How long an HTTP/2 client may leave a ping unanswered.
const PING_PATIENCE: Duration = Duration::from_secs(20);
/// hyper's smallest read buffer.
const SMALLEST_BUFFER: usize = 8 * 1024;

/// What a connection may take.
#[derive(Clone, Debug)]
pub(crate) struct ConnectionLimits {
    pub(crate) handshake_timeout: Duration,
    pub(crate) header_timeout: Duration,
    pub(crate) idle_timeout: Duration,
    pub(crate) head_size: usize,
    pub(crate) head_fields: usize,
    pub(crate) http2_streams: u32,
}

/// Which of the gate's two doors a connection came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Door {
    /// The TLS listener.
    Tls,
    /// The clear-text listener, from which nothing is forwarded.
    Clear,
}

/// Says when the gateway is about to end.
pub(crate) type Draining = watch::Receiver<bool>;

/// One connection and everything it is served with.
pub(super) struct Connection {
    pub(super) gate: Rc<Gate>,
    pub(super) peer: Peer,
    pub(super) door: Door,
    pub(super) limits: Rc<ConnectionLimits>,
    pub(super) draining: Draining,
}

impl Connection {
    /// Serves HTTP/1.0 and 1.1 until either side ends it.
    pub(super) async fn http1(self, stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) {
        let activity = Rc::clone(self.peer.activity());
        let mut builder = http1::Builder::new();
        builder.max_buf_size(self.limits.head_size.max(SMALLEST_BUFFER)).max_header_size(self.limits.head_size);
        if self.limits.head_fields != 100 {
            // hyper's default; naming any number, also this one, moves its table to the heap.
            builder.max_headers(self.limits.head_fields);
        }
        let stream = Watched::new(stream);
        let heard = stream.heard();
        let (gate, peer, door) = (self.gate, self.peer, self.door);
        let service = service_fn(move |request| answer(Rc::clone(&gate), peer.clone(), door, request));
        let connection = builder.serve_connection(TokioIo::new(stream), service).with_upgrades();
        let mut connection = pin!(connection);
        let watchdog = Watchdog::new(activity, Some(heard), &self.limits);
        let mut ending = pin!(ending(self.draining, watchdog));
        let ended = tokio::select! {
            biased;
            ended = connection.as_mut() => ended,
            end = ending.as_mut() => match end {
                End::TimedOut => return,
                End::Drain => {
                    connection.as_mut().graceful_shutdown();
                    connection.await
                }
            },
        };
        if let Err(error) = ended {
            tracing::debug!(%error, "connection ended");
        }
    }

    /// Serves HTTP/2 until either side ends it.
    pub(super) async fn http2(self, stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) {
        let activity = Rc::clone(self.peer.activity());
        let mut builder = http2::Builder::new(OnThisThread);
        builder
            .timer(TokioTimer::new())
            .max_concurrent_streams(self.limits.http2_streams)
            .max_header_list_size(u32::try_from(self.limits.head_size).unwrap_or(u32::MAX))
            .keep_alive_interval(PING_PATIENCE)
            .keep_alive_timeout(PING_PATIENCE);
        let (gate, peer, door) = (self.gate, self.peer, self.door);
        let service = service_fn(move |request| answer(Rc::clone(&gate), peer.clone(), door, request));
        let mut connection = pin!(builder.serve_connection(TokioIo::new(stream), service));
        let watchdog = Watchdog::new(activity, None, &self.limits);
        let mut ending = pin!(ending(self.draining, watchdog));
        let ended = tokio::select! {
            biased;
            ended = connection.as_mut() => ended,
            // Either way the client is told with GOAWAY which streams still count.
            _ = ending.as_mut() => {
                connection.as_mut().graceful_shutdown();
                connection.await
            },
        };
        if let Err(error) = ended {
            tracing::debug!(%error, "connection ended");
        }
    }
}

async fn answer(
    gate: Rc<Gate>,
    peer: Peer,
    door: Door,
    request: Request<Incoming>,
) -> Result<Response<GateBody>, Infallible> {
    Ok(match door {
        Door::Tls => gate.serve(peer, request).await,
        Door::Clear => gate.serve_clear(peer, request).await,
    })
}

/// Why a connection has to come to its end.
enum End {
    TimedOut,
    Drain,
}

async fn ending(mut draining: Draining, watchdog: Watchdog) -> End {
    tokio::select! {
        () = watchdog.bark() => End::TimedOut,
        // The sender is gone only when the gateway is, so that is an end too.
        _ = draining.wait_for(|draining| *draining) => End::Drain,
    }
}

/// Runs the tasks of an HTTP/2 connection on the worker's own thread.
#[derive(Clone, Copy)]
struct OnThisThread;

impl<F: Future + 'static> Executor<F> for OnThisThread {
    fn execute(&self, future: F) {
        tokio::task::spawn_local(future);
    }
}
