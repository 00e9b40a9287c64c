//! The gate's doors for the fuzz targets; [`crate::fuzzing`] shows them.

use std::cell::RefCell;
use std::rc::Rc;

use http::request::Parts;
use http::{HeaderMap, HeaderValue};
use tokio::io::{DuplexStream, duplex};

use super::headers::{self, Added, Authorization};
use super::{credentials, receive};
use crate::policy::Permit;

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
