//! The gate's doors for the fuzz targets and the benchmarks; [`crate::fuzzing`] shows them.

use std::cell::RefCell;
use std::fmt;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use http::request::Parts;
use http::{HeaderMap, HeaderValue, StatusCode};
use tokio::io::{DuplexStream, duplex};

use super::headers::{self, Added, Authorization};
use super::rejection::Rejection;
use super::{Admitted, Gate, Peer, Visit, credentials, receive};
use crate::policy::{Permit, Snapshot};

/// What a request presents.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Presented {
    /// No Authorization header.
    Nothing,
    /// Something that is no credential.
    Malformed,
    /// More than one Authorization header.
    Several,
    /// A name and a secret.
    Basic(String, Vec<u8>),
}

/// Reads what a request presents.
#[must_use]
pub fn credentials(headers: &HeaderMap) -> Presented {
    match credentials::read(headers) {
        credentials::Presented::Nothing => Presented::Nothing,
        credentials::Presented::Malformed => Presented::Malformed,
        credentials::Presented::Several => Presented::Several,
        credentials::Presented::Basic(basic) => Presented::Basic(basic.name().to_owned(), basic.secret().to_vec()),
    }
}

/// What the gateway says of a request to the upstream.
#[derive(Clone, Debug)]
pub struct Said {
    /// The client's address.
    pub forwarded_for: HeaderValue,
    /// The host of a request whose client named none.
    pub fallback_host: HeaderValue,
    /// The request id.
    pub request_id: HeaderValue,
    /// What becomes of Authorization: stripped where there is nothing, replaced where there is a value.
    pub authorization: Option<HeaderValue>,
}

/// Makes the headers of a request the upstream's, as the gate does between its steps 2 and 7. `None` where the head is
/// refused.
#[must_use]
pub fn prepare(head: &Parts, permit: &Permit, said: &Said) -> Option<HeaderMap> {
    let received = receive::read(head).ok()?;
    let mut prepared = head.headers.clone();
    let authorization = said.authorization.clone().map_or(Authorization::Strip, Authorization::Replace);
    let added = Added {
        forwarded_for: &said.forwarded_for,
        host: received.host,
        fallback_host: Some(&said.fallback_host),
        request_id: said.request_id.clone(),
        authorization: &authorization,
        upgrade: headers::upgrade(&head.headers, head.version),
    };
    headers::prepare(&mut prepared, permit, added);
    Some(prepared)
}

/// Makes the headers of an answer the client's.
pub fn restore(headers: &mut HeaderMap, request_id: HeaderValue) {
    headers::restore(headers, request_id);
}

/// Makes the headers of an interim answer the client's.
pub fn restore_interim(headers: &mut HeaderMap) {
    headers::restore_interim(headers);
}

/// Takes out of a trailer section what must not stand in one.
pub fn keep_trailers(trailers: &mut HeaderMap) {
    headers::keep_trailers(trailers);
}

/// Takes the upstream's end of a connection.
type Accept = Rc<dyn Fn(DuplexStream)>;

thread_local! {
    static UPSTREAM: RefCell<Option<Accept>> = const { RefCell::new(None) };
}

/// How much either end of an upstream connection may be behind.
const ROOM: usize = 4 << 10;

/// Has every upstream connection of this thread end at `accept`, and none at a socket.
pub(crate) fn play_upstream(accept: impl Fn(DuplexStream) + 'static) {
    UPSTREAM.replace(Some(Rc::new(accept)));
}

/// A connection to the upstream that is played, if one is.
pub(super) fn upstream() -> Option<DuplexStream> {
    let accept = UPSTREAM.with_borrow(Clone::clone)?;
    let (near, far) = duplex(ROOM);
    accept(far);
    Some(near)
}

/// A request after step 1, which is judged once.
pub struct Arrived {
    gate: Rc<Gate>,
    snapshot: Arc<Snapshot>,
    head: Parts,
    visit: Visit,
}

/// What a request came to.
pub struct Judged(Result<Admitted, Rejection>);

impl Arrived {
    pub(crate) fn new(gate: &Rc<Gate>, peer: Peer, head: Parts) -> Self {
        let snapshot = gate.live.snapshot();
        let visit = gate.visit(peer, &head, &snapshot);
        Self { gate: Rc::clone(gate), snapshot, head, visit }
    }

    /// Takes steps 2 to 5. `None` where they have to wait, as for a password.
    pub fn judge(&mut self) -> Option<Judged> {
        let judging = pin!(self.gate.admit(&self.snapshot, &self.head, &mut self.visit));
        match judging.poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(outcome) => Some(Judged(outcome)),
            Poll::Pending => None,
        }
    }
}

impl Judged {
    /// What it is answered; `None` for a request that may pass.
    #[must_use]
    pub fn refused(&self) -> Option<StatusCode> {
        self.0.as_ref().err().map(Rejection::status)
    }
}

/// Shows no more than what became of it.
impl fmt::Debug for Judged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Judged").field(&self.refused()).finish()
    }
}

impl fmt::Debug for Arrived {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Arrived").finish_non_exhaustive()
    }
}
