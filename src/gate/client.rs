//! A request as it comes from the edge, however its client speaks.

use std::fmt;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, StatusCode};
use http_body::{Body, Frame};

use crate::wire::Framing;

/// A request whose head has been read.
pub(crate) struct Incoming {
    pub(crate) head: Parts,
    pub(crate) body: ClientBody,
    /// Where interim answers go, for a client that understands them.
    pub(crate) interim: Option<Rc<dyn Interim>>,
}

/// Takes interim answers (RFC 9110 section 15.2) on their way to the client.
pub(crate) trait Interim {
    /// Sends one. That the client is gone shows elsewhere.
    fn send(&self, status: StatusCode, headers: &HeaderMap);
}

/// Why a client's body breaks off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ClientFault {
    /// The client went away, or reset the stream.
    Gone,
    /// It is not framed as its head says; tells how.
    Malformed(&'static str),
    /// It comes too slowly.
    TooSlow,
}

impl fmt::Display for ClientFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Gone => f.write_str("the client went away"),
            Self::Malformed(what) => write!(f, "the body is malformed: {what}"),
            Self::TooSlow => f.write_str("the body comes too slowly"),
        }
    }
}

impl std::error::Error for ClientFault {}

type Stream = Pin<Box<dyn Body<Data = Bytes, Error = ClientFault>>>;

/// A request's body.
pub(crate) struct ClientBody {
    framing: Framing,
    /// `None` where there is nothing to read.
    stream: Option<Stream>,
}

impl ClientBody {
    /// No body; `framing` tells whether a length of none was named.
    pub(crate) fn empty(framing: Framing) -> Self {
        Self { framing, stream: None }
    }

    /// What is left of it when it is dropped is for whoever made it to see to.
    pub(crate) fn new(framing: Framing, stream: impl Body<Data = Bytes, Error = ClientFault> + 'static) -> Self {
        Self { framing, stream: Some(Box::pin(stream)) }
    }

    /// How it is framed for the upstream.
    pub(crate) fn framing(&self) -> Framing {
        self.framing
    }

    /// Whether there is nothing to read.
    pub(crate) fn is_empty(&self) -> bool {
        self.stream.is_none()
    }

    pub(super) fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, ClientFault>>> {
        match &mut self.stream {
            None => Poll::Ready(None),
            Some(stream) => stream.as_mut().poll_frame(cx),
        }
    }
}
