//! One HTTP/2 connection, served by hyper with limits of our own.
//!
//! hyper and h2 bound what one connection can have them do: streams at once, decoded header lists (CVE-2026-49975),
//! CONTINUATION frames (CVE-2024-27316), resets of either side (CVE-2023-44487, CVE-2025-8671), and empty frames
//! (RUSTSEC-2026-0258). Each is set here by name, for their defaults are made for trusted clients.

mod upload;

use std::cell::Cell;
use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;

use http::header::{CONTENT_LENGTH, COOKIE, EXPECT};
use http::request::Parts;
use http::{HeaderValue, Request, Response, Version};
use hyper::rt::Executor;
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};

use crate::edge::connection::{Connection, ConnectionLimits, Draining};
use crate::edge::idle::idles;
use crate::gate::{Activity, ClientBody, Gate, GateBody, Incoming, Peer};
use crate::wire::{Framing, HeadFault, HeadLimits, framing};
use upload::{Rests, Upload};

/// How long an HTTP/2 client may leave a ping unanswered.
const PING_PATIENCE: Duration = Duration::from_secs(20);
/// Streams that a client may have reset before they were looked at; one more ends the connection (Rapid Reset).
const PENDING_RESETS: usize = 20;
/// Streams that had to be reset for a client's faults; one more ends the connection (MadeYouReset).
const LOCAL_RESETS: usize = 100;
/// By how many more requests a client may have taken back than it has had answered, once they were looked at: each of
/// them costs the upstream a connection (Rapid Reset in small portions). Then it is told to come anew, and at twice as
/// many the connection ends.
const TAKEN_BACK: u32 = 100;
/// What a client may send ahead on one stream, and on all of them.
const STREAM_WINDOW: u32 = 256 << 10;
const CONNECTION_WINDOW: u32 = 1 << 20;
/// What hyper keeps of an answer for a stream before it asks for more.
const SEND_BUFFER: usize = 64 << 10;

impl Connection {
    /// Serves HTTP/2 until either side ends it.
    pub(super) fn http2(
        self,
        stream: impl AsyncRead + AsyncWrite + Unpin + 'static,
    ) -> impl Future<Output = ()> + 'static {
        let (activity, limits, draining) = (Rc::clone(self.peer.activity()), self.limits, self.draining);
        let (gate, peer, pace) = (self.gate, self.peer, limits.pace(limits.body_timeout));
        let (balance, rests) = (Balance::default(), Rc::<Rests>::default());
        let (of_service, head, of_bodies) = (balance.clone(), limits.head, Rc::clone(&rests));
        let service = service_fn(move |request: Request<hyper::body::Incoming>| {
            let pending = of_service.begin();
            // A client that waits to be asked for its body would send what nobody wants.
            let waits = request.headers().contains_key(EXPECT);
            let rests = (!waits).then(|| Rc::clone(&of_bodies));
            let request = request.map(|body| Upload::new(body, pace, rests));
            // Boxed, for hyper moves it several times and it is large.
            let answer = Box::pin(answer(Rc::clone(&gate), peer.clone(), head, request));
            async move {
                let answer = answer.await;
                pending.answered();
                Ok::<_, Infallible>(answer)
            }
        });
        // Put in its place here, where nothing is waited for, so that the future holds room for it once.
        let mut connection = Box::pin(builder(&limits).serve_connection(TokioIo::new(stream), service));
        async move {
            let mut leaving = pin!(leaving(&activity, &limits, draining));
            let mut left = false;
            let ended = poll_fn(|cx| {
                if balance.taken_back() > 2 * TAKEN_BACK {
                    return Poll::Ready(Ok(()));
                }
                if !left && (balance.taken_back() > TAKEN_BACK || leaving.as_mut().poll(cx).is_ready()) {
                    // The client is told with GOAWAY which streams still count.
                    connection.as_mut().graceful_shutdown();
                    left = true;
                }
                rests.poll(cx);
                connection.as_mut().poll(cx)
            });
            let ended = tokio::select! {
                biased;
                ended = ended => ended,
                // Its client leaves answers unread, so it would not read a farewell either.
                () = activity.ended() => Ok(()),
            };
            if let Err(error) = ended {
                tracing::debug!(%error, "connection ended");
            }
        }
    }
}

/// Returns once no more requests are wanted on a connection.
async fn leaving(activity: &Rc<Activity>, limits: &ConnectionLimits, mut draining: Draining) {
    tokio::select! {
        () = idles(Rc::clone(activity), limits) => {}
        // The sender is gone only when the gateway is, so that is an end too.
        _ = draining.wait_for(|draining| *draining) => {}
    }
}

fn builder(limits: &ConnectionLimits) -> http2::Builder<OnThisThread> {
    let mut builder = http2::Builder::new(OnThisThread);
    builder
        .timer(TokioTimer::new())
        .max_concurrent_streams(limits.http2_streams)
        .max_header_list_size(u32::try_from(limits.head.size).unwrap_or(u32::MAX))
        .max_pending_accept_reset_streams(PENDING_RESETS)
        .max_local_error_reset_streams(LOCAL_RESETS)
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_send_buf_size(SEND_BUFFER)
        .keep_alive_interval(PING_PATIENCE)
        .keep_alive_timeout(PING_PATIENCE);
    builder
}

/// How many more requests a connection's client has taken back than it has had answered.
#[derive(Clone, Default)]
struct Balance(Rc<Cell<u32>>);

impl Balance {
    fn taken_back(&self) -> u32 {
        self.0.get()
    }

    fn begin(&self) -> Pending {
        Pending { balance: self.clone(), answered: false }
    }
}

/// A request without an answer yet. hyper drops it where its stream is reset.
struct Pending {
    balance: Balance,
    answered: bool,
}

impl Pending {
    fn answered(mut self) {
        self.answered = true;
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        let before = self.balance.0.get();
        self.balance.0.set(if self.answered { before.saturating_sub(1) } else { before.saturating_add(1) });
    }
}

async fn answer(gate: Rc<Gate>, peer: Peer, limits: HeadLimits, request: Request<Upload>) -> Response<GateBody> {
    let (head, body) = request.into_parts();
    if let Err(fault) = judge(&head, &limits) {
        return gate.refuse(peer, Version::HTTP_2, Some(fault));
    }
    let length = head.headers.get(CONTENT_LENGTH).and_then(|length| framing::number(length.as_bytes()));
    let body = match (length, body.is_empty()) {
        (None, true) => ClientBody::empty(Framing::Nothing),
        (Some(_), true) => ClientBody::empty(Framing::Sized(0)),
        // h2 sees to it that so much comes, and no more (RFC 9113 section 8.1.1).
        (Some(length), false) => ClientBody::new(Framing::Sized(length), body),
        (None, false) => ClientBody::new(Framing::Chunked, body),
    };
    gate.serve(peer, Incoming { head, body, interim: None }).await
}

/// Holds a head to what `wire` sees to in HTTP/1, and h2 leaves to others.
fn judge(head: &Parts, limits: &HeadLimits) -> Result<(), HeadFault> {
    if head.uri.path_and_query().is_some_and(|target| target.as_str().len() > limits.target) {
        return Err(HeadFault::TargetTooLong);
    }
    // Cookies come in crumbs, and are one field for all that (RFC 9113 section 8.2.3).
    let crumbs = head.headers.get_all(COOKIE).iter().count();
    if head.headers.len() - crumbs.saturating_sub(1) > limits.fields {
        return Err(HeadFault::TooMany);
    }
    // The http crate takes it for a character of names in HTTP/2, where it is none either (RFC 9110 section 5.1).
    if head.headers.keys().any(|name| name.as_str().contains('"')) {
        return Err(HeadFault::Malformed("a field has no token for a name"));
    }
    let blank = |byte: Option<&u8>| matches!(byte, Some(b' ' | b'\t'));
    if head.headers.values().map(HeaderValue::as_bytes).any(|value| blank(value.first()) || blank(value.last())) {
        // To be refused by section 8.2.1, for in HTTP/1 it would be gone.
        return Err(HeadFault::Malformed("a field begins or ends with white space"));
    }
    Ok(())
}

/// Runs the tasks of an HTTP/2 connection on the worker's own thread.
#[derive(Clone, Copy)]
struct OnThisThread;

impl<F: Future + 'static> Executor<F> for OnThisThread {
    fn execute(&self, future: F) {
        tokio::task::spawn_local(future);
    }
}
