//! The answer's body on its way to the client: the gateway's own few bytes, or the upstream's stream.

use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

use super::client::ClientFault;
use super::headers;
use super::recording::Recording;
use super::streams::Exchange;
use super::tunnel::Tunnel;
use super::upstream::{AnswerBody, BodyError, Tally, UploadFault};
use crate::record::Reason;
use crate::wire::Piece;

/// A body for the client. Dropping it writes the request's audit entry.
pub(crate) enum GateBody {
    /// The gateway's own answer, and its entry, written when the answer has been sent.
    Own { bytes: Option<Bytes>, _recording: Box<Recording> },
    /// The upstream's.
    Forwarded(Box<Download>),
    /// No body: what follows is another protocol.
    Switched(Box<Tunnel>),
}

/// An upstream's body.
pub(crate) struct Download {
    pub(super) answer: AnswerBody,
    /// Read already, and not handed over yet.
    pub(super) rest: Bytes,
    /// What broke it off, to be told next.
    pub(super) broken: Option<BodyError>,
    pub(super) exchange: Exchange,
    pub(super) tally: Rc<Tally>,
    pub(super) recording: Box<Recording>,
}

/// What is handed over at once to a client that reads several answers side by side.
const SMALL: usize = 16 << 10;

impl GateBody {
    /// An answer of the gateway's own.
    pub(super) fn own(bytes: Bytes, mut recording: Box<Recording>) -> Self {
        recording.sent(bytes.len());
        Self::Own { bytes: Some(bytes).filter(|bytes| !bytes.is_empty()), _recording: recording }
    }

    /// An upstream's answer. One without a body gives the connection back at once.
    pub(super) fn forwarded(mut download: Download) -> Self {
        if download.answer.is_done() {
            download.end();
        }
        Self::Forwarded(Box::new(download))
    }

    /// What follows a change of protocols.
    pub(crate) fn into_tunnel(self) -> Option<Tunnel> {
        match self {
            Self::Switched(tunnel) => Some(*tunnel),
            Self::Own { .. } | Self::Forwarded(_) => None,
        }
    }

    /// The client does not get all of it: it is gone, or it does not read.
    pub(crate) fn lost(&mut self, slow: bool) {
        if let Self::Forwarded(download) = self {
            download.recording.lost(slow);
        }
    }
}

impl Download {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        self.exchange.asked();
        if self.exchange.is_cut() {
            return Poll::Ready(Some(Err(self.cut())));
        }
        if let Some(error) = self.broken.take() {
            return Poll::Ready(Some(Err(error)));
        }
        if !self.rest.is_empty() {
            return Poll::Ready(Some(Ok(self.hand_over())));
        }
        let Poll::Ready(piece) = self.answer.poll_piece(cx) else {
            ready!(self.exchange.poll_cut(cx));
            return Poll::Ready(Some(Err(self.cut())));
        };
        Poll::Ready(match piece {
            Ok(Piece::Data(data)) => {
                self.rest = data;
                Some(Ok(self.hand_over()))
            }
            // Behind the trailers nothing is asked for any more.
            Ok(Piece::Trailers(mut trailers)) => {
                headers::keep_trailers(&mut trailers);
                self.end();
                Some(Ok(Frame::trailers(trailers)))
            }
            Ok(Piece::End | Piece::More) => {
                self.end();
                None
            }
            Err(error) => {
                self.record(&error);
                // Resetting an HTTP/2 stream throws away what of it waits to be sent. One turn lets that go first.
                self.broken = Some(error);
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
        })
    }

    /// The next piece. Where the client may leave it unread it is a small one, so that its time says something.
    fn hand_over(&mut self) -> Frame<Bytes> {
        let most = if self.exchange.is_shared() { SMALL } else { usize::MAX };
        let piece = self.rest.split_to(self.rest.len().min(most));
        self.tally.passed(piece.len());
        self.exchange.handed_over();
        if self.is_done() {
            self.end();
        }
        Frame::data(piece)
    }

    fn is_done(&self) -> bool {
        self.rest.is_empty() && self.answer.is_done()
    }

    fn record(&mut self, error: &BodyError) {
        match error {
            // An upload that breaks off takes the upstream's answer with it.
            BodyError::Upload(UploadFault::Client(ClientFault::TooSlow)) => {
                self.recording.fault(Reason::RequestTimeout, None);
            }
            BodyError::Upload(UploadFault::Client(ClientFault::Malformed(what))) => {
                self.recording.fault(Reason::BadRequest, Some(what));
            }
            BodyError::Upload(UploadFault::Client(ClientFault::Gone)) => {}
            BodyError::Upload(UploadFault::TooLarge) => self.recording.fault(Reason::TooLarge, None),
            BodyError::Upload(UploadFault::Cut) | BodyError::Cut => self.recording.fault(Reason::Revoked, None),
            BodyError::Silent => self.recording.fault(Reason::UpstreamTimeout, None),
            BodyError::Upstream(how) => self.recording.fault(Reason::UpstreamFailed, Some(how)),
        }
    }

    fn cut(&mut self) -> BodyError {
        self.record(&BodyError::Cut);
        BodyError::Cut
    }

    fn end(&mut self) {
        self.recording.finish();
        self.answer.finish();
    }
}

impl Body for GateBody {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        match self.get_mut() {
            Self::Own { bytes, .. } => Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes)))),
            Self::Forwarded(download) => download.poll(cx),
            Self::Switched(_) => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Own { bytes, .. } => bytes.is_none(),
            Self::Forwarded(download) => download.is_done(),
            Self::Switched(_) => true,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Own { bytes, .. } => SizeHint::with_exact(bytes.as_ref().map_or(0, Bytes::len) as u64),
            Self::Forwarded(download) => download.answer.length().map_or_else(SizeHint::default, SizeHint::with_exact),
            Self::Switched(_) => SizeHint::with_exact(0),
        }
    }
}
