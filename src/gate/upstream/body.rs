//! Bodies on their way through: the client's to the upstream, and the upstream's to the client.
//!
//! Neither is buffered: a frame is asked for when the other side has room. Both end at once when the exchange is cut.

use std::cell::Cell;
use std::fmt;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use tokio::sync::oneshot;
use tokio::time::{Instant, Sleep};

use crate::gate::discard::read_on;
use crate::gate::headers;
use crate::gate::streams::Exchange;

/// What both directions of one exchange have come to.
#[derive(Debug)]
pub(crate) struct Tally {
    /// Body bytes from the client.
    pub(crate) up: Cell<u64>,
    /// Body bytes to the client.
    pub(crate) down: Cell<u64>,
    /// When the client last sent something of the body.
    pub(super) progress: Cell<Instant>,
    pub(super) fault: Cell<Option<UploadFault>>,
    /// The body waits for the upstream to ask for it.
    pub(super) held: Cell<bool>,
    /// The answer has come.
    pub(super) answered: Cell<bool>,
}

/// Why an upload ended before its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum UploadFault {
    ClientGone,
    TooLarge,
}

impl Tally {
    /// What went wrong with the client's body.
    pub(crate) fn upload_fault(&self) -> Option<UploadFault> {
        self.fault.get()
    }

    pub(crate) fn new() -> Rc<Self> {
        Rc::new(Self {
            up: Cell::new(0),
            down: Cell::new(0),
            progress: Cell::new(Instant::now()),
            fault: Cell::new(None),
            held: Cell::new(false),
            answered: Cell::new(false),
        })
    }
}

/// Why a body breaks off.
#[derive(Debug)]
pub(crate) enum BodyError {
    /// The sender did.
    Sender(hyper::Error),
    /// Access was taken away.
    Cut,
    /// The limit is passed.
    TooLarge,
}

impl fmt::Display for BodyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sender(error) => write!(f, "the body breaks off: {error}"),
            Self::Cut => f.write_str("access was taken away"),
            Self::TooLarge => f.write_str("the body is too large"),
        }
    }
}

impl std::error::Error for BodyError {}

/// A request's body.
pub(crate) struct Upload {
    /// `None` for a request that has no body, which can be sent again.
    pub(super) incoming: Option<Incoming>,
    pub(super) exchange: Exchange,
    pub(super) tally: Rc<Tally>,
    /// The most bytes allowed.
    pub(super) limit: Option<u64>,
    pub(super) hold: Option<Hold>,
}

/// Holds a body back until the upstream asks for it (RFC 9110 section 10.1.1).
pub(super) struct Hold {
    /// `None` once it is known that the upstream will not ask: it has answered instead.
    pub(super) asked: Option<oneshot::Receiver<()>>,
    /// Upstreams that know nothing of the expectation wait for the body without asking for it.
    pub(super) patience: Pin<Box<Sleep>>,
}

impl Hold {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if let Some(asked) = &mut self.asked
            && let Poll::Ready(asked) = Pin::new(asked).poll(cx)
        {
            if asked.is_ok() {
                return Poll::Ready(());
            }
            self.asked = None;
        }
        self.patience.as_mut().poll(cx)
    }
}

impl Body for Upload {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let this = self.get_mut();
        if this.exchange.is_cut() {
            return Poll::Ready(Some(Err(BodyError::Cut)));
        }
        if let Some(hold) = &mut this.hold {
            if this.tally.answered.get() {
                // Answered without having asked for the body: it is not wanted any more.
                return Poll::Pending;
            }
            ready!(hold.poll(cx));
            this.hold = None;
            this.tally.held.set(false);
        }
        let Some(incoming) = &mut this.incoming else {
            return Poll::Ready(None);
        };
        let polled = Pin::new(incoming).poll_frame(cx);
        let Poll::Ready(frame) = polled else {
            return this.exchange.poll_cut(cx).map(|()| Some(Err(BodyError::Cut)));
        };
        Poll::Ready(frame.map(|frame| this.judge(frame)))
    }

    fn is_end_stream(&self) -> bool {
        self.incoming.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.as_ref().map_or_else(|| SizeHint::with_exact(0), Body::size_hint)
    }
}

impl Upload {
    /// Reads on, for the client's sake, what no upstream takes; unless the client waits to be asked for it.
    pub(super) fn discard(self) {
        if self.hold.is_none()
            && let Some(incoming) = self.incoming
        {
            read_on(incoming);
        }
    }

    fn judge(&self, frame: Result<Frame<Bytes>, hyper::Error>) -> Result<Frame<Bytes>, BodyError> {
        let frame = frame.map_err(|error| {
            self.tally.fault.set(Some(UploadFault::ClientGone));
            BodyError::Sender(error)
        })?;
        let length = frame.data_ref().map_or(0, Bytes::len) as u64;
        let sum = self.tally.up.get().saturating_add(length);
        self.tally.up.set(sum);
        self.tally.progress.set(Instant::now());
        if self.limit.is_some_and(|limit| sum > limit) {
            self.tally.fault.set(Some(UploadFault::TooLarge));
            return Err(BodyError::TooLarge);
        }
        Ok(without_foreign_trailers(frame))
    }
}

/// Takes out of a trailer section what must not stand in one.
pub(super) fn without_foreign_trailers(frame: Frame<Bytes>) -> Frame<Bytes> {
    match frame.into_trailers() {
        Ok(mut trailers) => {
            let foreign: Vec<_> = trailers.keys().filter(|name| !headers::passes_as_trailer(name)).cloned().collect();
            for name in foreign {
                trailers.remove(name);
            }
            Frame::trailers(trailers)
        }
        Err(data) => data,
    }
}
