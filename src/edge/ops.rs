//! The ops listener, for monitoring: it tells how the gateway is and never forwards anything.
//!
//! - `GET /metrics`: all metrics, in OpenMetrics text.
//! - `GET /healthz`: 200 while the process lives. For restarting it when it does not.
//! - `GET /readyz`: 200 while it takes new requests, else 503. For sending it traffic or not. The body is one line of
//!   JSON: `{"ready":true,"generation":7,"reasons":[]}`. A refused reload leaves it ready, for the last good document
//!   stays in force, and is among the reasons.
//!
//! HEAD works like GET without the body. Any other method is 405, any other path 404. Nobody is asked for credentials,
//! so it belongs on an address that only monitoring can reach. Called by `server`.

use std::convert::Infallible;
use std::future::Future;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioTimer;
use serde::Serialize;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinSet, LocalSet};
use tokio::time::{sleep, timeout};

use super::aside;
use crate::record::{Listener, Metrics};

/// Connections open at once; further ones wait to be accepted.
const CONNECTIONS: usize = 64;

/// For sending a request's head, and for the silence between two requests.
const HEAD_TIME: Duration = Duration::from_secs(30);

/// A connection is closed after this long, whatever it does: a client that reads nothing must not hold one for ever.
const CONNECTION_TIME: Duration = Duration::from_secs(600);

/// After the shutdown signal, for answers under way.
const GRACE: Duration = Duration::from_secs(5);

/// After an accept that failed, most likely for want of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// How ready the gateway is to take requests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Readiness {
    /// The generation of the access document in force; 0 while there is none.
    pub generation: u64,
    /// Whether it is shutting down.
    pub draining: bool,
    /// Whether the last reload of the access document was refused.
    pub access_refused: bool,
    /// Whether the last reload of the certificates was refused.
    pub tls_refused: bool,
}

/// The body of `/readyz`.
#[derive(Debug, Serialize)]
struct Report {
    ready: bool,
    generation: u64,
    reasons: Vec<&'static str>,
}

impl Readiness {
    fn report(self) -> Report {
        let blocking =
            [(self.generation == 0, "no access document is in force"), (self.draining, "the gateway is shutting down")];
        let notes = [
            (self.access_refused, "the last reload of the access document was refused; the one before is in force"),
            (self.tls_refused, "the last reload of the certificates was refused; the ones before are in use"),
        ];
        let ready = blocking.iter().all(|(holds, _)| !holds);
        let reasons = blocking.into_iter().chain(notes).filter_map(|(holds, reason)| holds.then_some(reason));
        Report { ready, generation: self.generation, reasons: reasons.collect() }
    }
}

/// What answering takes.
struct Ops<R> {
    metrics: Arc<Metrics>,
    ready: R,
}

/// Serves until `shutdown` resolves, which should be late: while the gateway drains, `/readyz` says so.
pub(crate) async fn serve(
    listener: TcpListener,
    metrics: Arc<Metrics>,
    ready: impl Fn() -> Readiness + 'static,
    shutdown: impl Future<Output = ()>,
) {
    let ops = Rc::new(Ops { metrics, ready });
    LocalSet::new().run_until(accept(listener, ops, shutdown)).await;
}

async fn accept<R>(listener: TcpListener, ops: Rc<Ops<R>>, shutdown: impl Future<Output = ()>)
where
    R: Fn() -> Readiness + 'static,
{
    let mut connections = JoinSet::new();
    let (stop, stopped) = watch::channel(());
    let mut shutdown = pin!(shutdown);
    loop {
        tokio::select! {
            () = &mut shutdown => break,
            Some(_) = connections.join_next() => {}
            accepted = listener.accept(), if connections.len() < CONNECTIONS => match accepted {
                Ok((stream, _)) => {
                    connections.spawn_local(connection(stream, Rc::clone(&ops), stopped.clone()));
                }
                Err(error) => {
                    tracing::warn!(%error, "the ops listener cannot accept a connection");
                    sleep(ACCEPT_PAUSE).await;
                }
            },
        }
    }
    drop((listener, stop));
    // What is not answered by then is dropped with the set.
    let _ = timeout(GRACE, async { while connections.join_next().await.is_some() {} }).await;
}

async fn connection<R>(stream: TcpStream, ops: Rc<Ops<R>>, stopped: watch::Receiver<()>)
where
    R: Fn() -> Readiness + 'static,
{
    let _open = ops.metrics.connection_opened(Listener::Ops);
    let service = service_fn(|request: Request<Incoming>| {
        let answer = ops.answer(request.method(), request.uri().path());
        async { Ok::<_, Infallible>(answer) }
    });
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(HEAD_TIME);
    let served = aside::serve(&builder, stream, service, stopped);
    match timeout(CONNECTION_TIME, served).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::debug!(%error, "a connection to the ops listener broke"),
        Err(_) => tracing::debug!("a connection to the ops listener was open for too long"),
    }
}

impl<R: Fn() -> Readiness> Ops<R> {
    fn answer(&self, method: &Method, path: &str) -> Response<Full<Bytes>> {
        let endpoint = match path {
            "/metrics" => Self::metrics,
            "/healthz" => Self::health,
            "/readyz" => Self::readiness,
            _ => return response(StatusCode::NOT_FOUND, PLAIN, "not found\n".into()),
        };
        if method == Method::GET || method == Method::HEAD {
            return endpoint(self);
        }
        let mut refused = response(StatusCode::METHOD_NOT_ALLOWED, PLAIN, "only GET and HEAD are allowed\n".into());
        refused.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
        refused
    }

    fn metrics(&self) -> Response<Full<Bytes>> {
        response(StatusCode::OK, OPEN_METRICS, self.metrics.encode().into())
    }

    fn health(&self) -> Response<Full<Bytes>> {
        response(StatusCode::OK, PLAIN, "ok\n".into())
    }

    fn readiness(&self) -> Response<Full<Bytes>> {
        let report = (self.ready)().report();
        let status = if report.ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
        // A number, a bool and plain texts always have a JSON form.
        let mut body = serde_json::to_vec(&report).unwrap_or_default();
        body.push(b'\n');
        response(status, JSON, body.into())
    }
}

fn response(status: StatusCode, content: &'static str, body: Bytes) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content));
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

const PLAIN: &str = "text/plain; charset=utf-8";
const JSON: &str = "application/json";
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

#[cfg(test)]
#[path = "ops_tests.rs"]
mod tests;
