//! Step 7: forwarding. Takes the permit by way of its [`Exchange`], so that what was judged is what is sent.
//!
//! Each worker has its own [`Upstream`] with its own connections. A request whose reused connection turns out to be
//! closed is sent once more on a new one where that is safe: it has no body and an idempotent method, or not a byte of
//! it was written. Never otherwise: an upstream must not see an order twice.

mod answer;
mod connect;
mod pool;
mod send;
mod tally;
mod upload;

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{EXPECT, UPGRADE};
use http::{HeaderMap, Method, StatusCode};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::Instant;

pub(crate) use answer::{AnswerBody, BodyError};
pub(crate) use connect::Endpoint;
pub(crate) use tally::Tally;
pub(crate) use upload::UploadFault;

use pool::{Connection, Pool};
use send::{Request, Sending, Sent, Unsent};
use upload::Upload;

use super::client::{ClientBody, Interim};
use super::rejection::Rejection;
use super::streams::Exchange;
use crate::record::Metrics;
use crate::wire::{AnswerHead, Room, Scratch};

/// How the upstream is spoken to.
#[derive(Clone)]
pub(crate) struct UpstreamSettings {
    pub(crate) servers: Vec<Endpoint>,
    pub(crate) connect_timeout: Duration,
    pub(crate) response_timeout: Duration,
    pub(crate) read_timeout: Duration,
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
    scratch: Rc<Scratch>,
}

/// A request ready to be sent.
pub(crate) struct Outgoing {
    pub(crate) headers: HeaderMap,
    pub(crate) body: ClientBody,
    pub(crate) exchange: Exchange,
    pub(crate) tally: Rc<Tally>,
    pub(crate) interim: Option<Rc<dyn Interim>>,
    pub(crate) expects_continue: bool,
}

/// An answer whose head has come.
pub(crate) struct Answered {
    pub(crate) status: StatusCode,
    pub(crate) reason: Bytes,
    pub(crate) headers: HeaderMap,
    pub(crate) body: AnswerBody,
    /// How long it took from sending to the answer's head.
    pub(crate) took: Duration,
}

impl Upstream {
    pub(crate) fn new(settings: UpstreamSettings, metrics: Arc<Metrics>) -> Self {
        let scratch = Rc::default();
        let pool =
            |endpoint: &Endpoint| Pool::new(endpoint.clone(), settings.most_idle, settings.idle_timeout, &scratch);
        let pools = settings.servers.iter().map(pool).collect();
        Self { pools, next: Cell::new(0), settings, metrics, scratch }
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
        let Outgoing { mut headers, body, exchange, tally, interim, expects_continue } = outgoing;
        let (framing, bodiless) = (body.framing(), body.is_empty());
        if bodiless || !expects_continue {
            headers.remove(EXPECT);
        }
        let limit = self.settings.body_limit;
        let mut upload = (!bodiless).then(|| Upload::new(body, exchange.clone(), &tally, limit, expects_continue));
        if let Some(upload) = &mut upload {
            upload.look().await?;
        }
        let target = exchange.permit().asked().target();
        let request =
            || Request { method: target.method(), target: target.path_and_query(), headers: &headers, framing };
        let (scratch, silence) = (&*self.scratch, self.settings.response_timeout);
        let sending = Sending {
            request: request(),
            exchange: &exchange,
            tally: &tally,
            interim: interim.as_ref(),
            scratch,
            silence,
        };
        let (mut connection, mut pool) = self.connection(tally.began()).await?;
        let mut began = connection.ready(&tally);
        let mut sent = sending.run(&mut connection, began, upload).await;
        if let Err(unsent) = &mut sent
            && connection.reused
            && let Some(upload) = unsent.again(bodiless && may_repeat(target.method(), &headers))
        {
            self.metrics.upstream_retried();
            (connection, pool) = self.fresh().await?;
            began = connection.ready(&tally);
            sent = sending.run(&mut connection, began, upload).await;
        }
        let Sent { head, upload } = sent.map_err(|unsent| unsent.rejection)?;
        let heard = Instant::now();
        let room = if exchange.is_shared() { Room::fixed() } else { Room::growing() };
        let reading = (self.settings.read_timeout, heard, room);
        let body = AnswerBody::new((connection, pool), &head, upload, &tally, reading);
        let AnswerHead { status, reason, headers, .. } = head;
        Ok(Answered { status, reason, headers, body, took: heard.saturating_duration_since(began) })
    }

    /// A connection to the next server in turn: a waiting one, else a new one, else the servers after it.
    async fn connection(&self, now: Instant) -> Result<(Connection, Rc<Pool>), Rejection> {
        let first = self.next.get();
        self.next.set(first.wrapping_add(1));
        let pool = self.pools.get(first.checked_rem(self.pools.len()).unwrap_or(0));
        match pool.and_then(|pool| pool.take(now).map(|connection| (connection, Rc::clone(pool)))) {
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
}

impl Unsent {
    /// What is sent a second time, where a second sending is safe (RFC 9110 section 9.2.2).
    #[expect(clippy::option_option, reason = "whether to send again, and whether there is a body to send")]
    fn again(&mut self, repeatable: bool) -> Option<Option<Upload>> {
        match self.unwritten.take() {
            Some(upload) => Some(Some(*upload)),
            None => (self.closed && (repeatable || self.untouched)).then_some(None),
        }
    }
}

/// Whether a request without a body does the same however often it is sent.
fn may_repeat(method: &Method, headers: &HeaderMap) -> bool {
    let idempotent = matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS | Method::PUT | Method::DELETE);
    idempotent && !headers.contains_key(UPGRADE)
}

impl AnswerBody {
    /// The stream itself and what was read of it too early, once the upstream has switched protocols.
    pub(crate) fn into_stream(self) -> Option<(impl AsyncRead + AsyncWrite + Unpin, Bytes)> {
        let connection = self.into_connection()?;
        Rc::try_unwrap(connection.line).ok().map(crate::wire::Line::into_parts)
    }
}
