//! Step 7: forwarding. Takes the permit by way of its [`Exchange`], so that what was judged is what is sent.
//!
//! Each worker has its own [`Upstream`] with its own connections. A request whose reused connection turns out to be
//! closed is sent once more on a new one where that is safe: it has no body and an idempotent method, or not a byte of
//! it was written. Never otherwise: an upstream must not see an order twice.

mod body;
mod connect;
mod pool;

use std::cell::Cell;
use std::future::poll_fn;
use std::io;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::Mutex;
use std::task::Poll;
use std::time::Duration;

use http::{Method, Request, Response, StatusCode};
use hyper::body::{Body as _, Incoming};
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep, sleep_until};

use body::Hold;
pub(crate) use body::{BodyError, Tally, Upload, UploadFault};
pub(crate) use connect::Endpoint;
use pool::{Connection, Pool};

use super::rejection::Rejection;
use super::streams::Exchange;
use crate::record::Metrics;

/// How long a client that expects `100 Continue` is kept waiting for an upstream that never says it.
const CONTINUE_PATIENCE: Duration = Duration::from_secs(1);

/// How the upstream is spoken to.
#[derive(Clone)]
pub(crate) struct UpstreamSettings {
    pub(crate) servers: Vec<Endpoint>,
    pub(crate) connect_timeout: Duration,
    pub(crate) response_timeout: Duration,
    pub(crate) idle_timeout: Duration,
    pub(crate) most_idle: usize,
    pub(crate) body_limit: Option<u64>,
}

/// One worker's way to the upstream.
pub(crate) struct Upstream {
    pools: Vec<Rc<Pool>>,
    next: Cell<usize>,
    settings: UpstreamSettings,
    metrics: Arc<Metrics>,
}

/// A request ready to be sent.
pub(crate) struct Outgoing {
    pub(crate) head: http::request::Parts,
    pub(crate) body: Incoming,
    pub(crate) exchange: Exchange,
    pub(crate) tally: Rc<Tally>,
    pub(crate) expects_continue: bool,
}

/// An answer whose head has come.
pub(crate) struct Answered {
    pub(crate) response: Response<Incoming>,
    pub(crate) tally: Rc<Tally>,
    pub(crate) lease: Lease,
    /// How long it took from sending to the answer's head.
    pub(crate) took: Duration,
}

/// The connection an answer comes over.
pub(crate) struct Lease {
    connection: Connection,
    pool: Rc<Pool>,
}

impl Lease {
    /// Gives the connection back for other requests; to be called once the answer has been read to its end.
    pub(crate) fn give_back(self, tally: &Tally) {
        // A body that was never asked for stays unsent, so this connection has no next request.
        if !tally.held.get() {
            self.pool.give(self.connection);
        }
    }

    /// Where the upstream thinks it is.
    pub(crate) fn origin(&self) -> &str {
        &self.pool.endpoint.origin
    }
}

impl Upstream {
    pub(crate) fn new(settings: UpstreamSettings, metrics: Arc<Metrics>) -> Self {
        let pool = |endpoint: &Endpoint| Pool::new(endpoint.clone(), settings.most_idle, settings.idle_timeout);
        let pools = settings.servers.iter().map(pool).collect();
        Self { pools, next: Cell::new(0), settings, metrics }
    }

    /// Starts closing connections that idle. To be called on the worker's own runtime.
    pub(crate) fn start(&self) {
        for pool in &self.pools {
            tokio::task::spawn_local(Rc::clone(pool).sweep());
        }
    }

    /// The Host for a request whose client named none.
    pub(crate) fn fallback_host(&self) -> Option<&http::HeaderValue> {
        self.pools.first().map(|pool| &pool.endpoint.host_header)
    }

    /// Sends a request and waits for the head of the answer.
    pub(crate) async fn forward(&self, outgoing: Outgoing) -> Result<Answered, Rejection> {
        let tally = Rc::clone(&outgoing.tally);
        let again = again(&outgoing);
        let mut request = self.request(outgoing, &tally);
        let exchange = request.body().exchange.clone();
        let (mut connection, mut pool) = match self.connection().await {
            Ok(found) => found,
            Err(rejection) => {
                request.into_body().discard();
                return Err(rejection);
            }
        };
        let mut began = Instant::now();
        let mut sent = self.send(&mut connection, request, &exchange, &tally).await;
        if let Err(Unsent { request: returned, stale, .. }) = &mut sent
            && connection.reused
            && let Some(retry) =
                returned.take().or_else(|| again.filter(|_| *stale).map(|head| head.request(&exchange, &tally)))
        {
            self.metrics.upstream_retried();
            request = retry;
            (connection, pool) = self.fresh().await?;
            began = Instant::now();
            sent = self.send(&mut connection, request, &exchange, &tally).await;
        }
        match sent {
            Ok(response) => {
                tally.answered.set(true);
                let lease = Lease { connection, pool };
                Ok(Answered { response, tally, lease, took: began.elapsed() })
            }
            Err(unsent) => Err(unsent.rejection),
        }
    }

    fn request(&self, outgoing: Outgoing, tally: &Rc<Tally>) -> Request<Upload> {
        let Outgoing { mut head, body, exchange, expects_continue, .. } = outgoing;
        let incoming = (!body.is_end_stream()).then_some(body);
        let upload = |incoming, hold| Upload {
            incoming,
            tally: Rc::clone(tally),
            limit: self.settings.body_limit,
            hold,
            exchange,
        };
        if !expects_continue || incoming.is_none() {
            head.headers.remove(http::header::EXPECT);
            return Request::from_parts(head, upload(incoming, None));
        }
        tally.held.set(true);
        let (ask, asked) = oneshot::channel();
        let hold = Hold { asked: Some(asked), patience: Box::pin(sleep(CONTINUE_PATIENCE)) };
        let mut request = Request::from_parts(head, upload(incoming, Some(hold)));
        let ask = Mutex::new(Some(ask));
        hyper::ext::on_informational(&mut request, move |informed| {
            if informed.status() == StatusCode::CONTINUE
                && let Some(ask) = ask.lock().ok().and_then(|mut ask| ask.take())
            {
                // Nobody waits any more where the exchange has ended meanwhile.
                let _ = ask.send(());
            }
        });
        request
    }

    /// A connection to the next server in turn: a waiting one, else a new one, else the servers after it.
    async fn connection(&self) -> Result<(Connection, Rc<Pool>), Rejection> {
        let first = self.next.get();
        self.next.set(first.wrapping_add(1));
        let pool = self.pools.get(first.checked_rem(self.pools.len()).unwrap_or(0));
        match pool.and_then(|pool| pool.take().map(|connection| (connection, Rc::clone(pool)))) {
            Some(found) => Ok(found),
            None => self.open(first).await,
        }
    }

    async fn fresh(&self) -> Result<(Connection, Rc<Pool>), Rejection> {
        self.open(self.next.get()).await
    }

    async fn open(&self, first: usize) -> Result<(Connection, Rc<Pool>), Rejection> {
        let mut failures = Vec::new();
        let start = first.checked_rem(self.pools.len()).unwrap_or(0);
        for pool in self.pools.iter().cycle().skip(start).take(self.pools.len()) {
            match pool.open(self.settings.connect_timeout).await {
                Ok(connection) => {
                    self.metrics.upstream_connection_opened();
                    return Ok((connection, Rc::clone(pool)));
                }
                Err(error) => failures.push(error.to_string()),
            }
        }
        Err(Rejection::Unreachable(failures.join(", ")))
    }

    /// Sends and waits, no longer than the upstream may stay silent.
    async fn send(
        &self,
        connection: &mut Connection,
        request: Request<Upload>,
        exchange: &Exchange,
        tally: &Tally,
    ) -> Result<Response<Incoming>, Unsent> {
        let silence = self.settings.response_timeout;
        tally.progress.set(Instant::now());
        let mut answer = pin!(connection.sender.try_send_request(request));
        let mut deadline = pin!(sleep_until(tally.progress.get() + silence));
        poll_fn(|cx| {
            if let Poll::Ready(answer) = answer.as_mut().poll(cx) {
                return Poll::Ready(answer.map_err(|mut error| Unsent {
                    request: error.take_message(),
                    stale: is_closed(error.error()),
                    rejection: rejection(exchange, tally, error.error()),
                }));
            }
            if exchange.poll_cut(cx).is_ready() {
                return Poll::Ready(Err(Rejection::Revoked.into()));
            }
            while deadline.as_mut().poll(cx).is_ready() {
                // An upload that goes on is no silence.
                let extended = tally.progress.get() + silence;
                if extended <= Instant::now() {
                    return Poll::Ready(Err(Rejection::Timeout.into()));
                }
                deadline.as_mut().reset(extended);
            }
            Poll::Pending
        })
        .await
    }
}

/// Why there is no answer, and the request where not a byte of it was written.
struct Unsent {
    request: Option<Request<Upload>>,
    /// The connection ended in place of an answer. Silence is no such end, nor is an answer that cannot be read.
    stale: bool,
    rejection: Rejection,
}

impl From<Rejection> for Unsent {
    fn from(rejection: Rejection) -> Self {
        Self { request: None, stale: false, rejection }
    }
}

/// Whether the upstream closed the connection before it answered.
fn is_closed(error: &hyper::Error) -> bool {
    let cause = std::error::Error::source(error).and_then(|cause| cause.downcast_ref::<io::Error>());
    let gone = [io::ErrorKind::BrokenPipe, io::ErrorKind::ConnectionAborted, io::ErrorKind::ConnectionReset];
    error.is_incomplete_message() || error.is_closed() || cause.is_some_and(|error| gone.contains(&error.kind()))
}

fn rejection(exchange: &Exchange, tally: &Tally, error: &hyper::Error) -> Rejection {
    if exchange.is_cut() {
        return Rejection::Revoked;
    }
    match tally.fault.get() {
        Some(UploadFault::TooLarge) => Rejection::TooLarge,
        Some(UploadFault::ClientGone) => Rejection::ClientGone,
        None => Rejection::BadGateway(io::Error::other(chain(error)).to_string()),
    }
}

/// An error with its causes, which hyper keeps to itself otherwise.
fn chain(error: &hyper::Error) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

/// The head of a request that may be sent a second time.
struct Again {
    method: Method,
    uri: http::Uri,
    headers: http::HeaderMap,
}

/// Keeps what a second sending takes, where one is safe (RFC 9110 section 9.2.2).
fn again(outgoing: &Outgoing) -> Option<Again> {
    let head = &outgoing.head;
    let idempotent = matches!(head.method, Method::GET | Method::HEAD | Method::OPTIONS | Method::PUT | Method::DELETE);
    let upgrades = head.headers.contains_key(http::header::UPGRADE);
    (idempotent && !upgrades && outgoing.body.is_end_stream()).then(|| Again {
        method: head.method.clone(),
        uri: head.uri.clone(),
        headers: head.headers.clone(),
    })
}

impl Again {
    fn request(self, exchange: &Exchange, tally: &Rc<Tally>) -> Request<Upload> {
        let (exchange, tally) = (exchange.clone(), Rc::clone(tally));
        let mut request = Request::new(Upload { incoming: None, exchange, tally, limit: None, hold: None });
        *request.method_mut() = self.method;
        *request.uri_mut() = self.uri;
        *request.headers_mut() = self.headers;
        request
    }
}
