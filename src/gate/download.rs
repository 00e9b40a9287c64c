//! The answer's body on its way to the client: the gateway's own few bytes, or the upstream's stream.

use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;

use super::recording::Recording;
use super::streams::Exchange;
use super::upstream::{BodyError, Lease, Tally, UploadFault};

/// A body for the client. Dropping it writes the request's audit entry.
pub(crate) enum GateBody {
    /// The gateway's own answer, and its entry, written when the answer has been sent.
    Own { bytes: Option<Bytes>, _recording: Option<Recording> },
    /// The upstream's.
    Forwarded(Download),
}

/// An upstream's body.
pub(crate) struct Download {
    pub(super) incoming: Incoming,
    pub(super) exchange: Exchange,
    pub(super) tally: Rc<Tally>,
    pub(super) recording: Recording,
    /// `None` once the body has ended and the connection is given back.
    pub(super) lease: Option<Lease>,
}

impl GateBody {
    /// An answer of the gateway's own.
    pub(super) fn own(bytes: Bytes, mut recording: Recording) -> Self {
        recording.sent(bytes.len());
        Self::Own { bytes: Some(bytes).filter(|bytes| !bytes.is_empty()), _recording: Some(recording) }
    }

    /// No body, and no entry either: it is kept by what goes on.
    pub(super) fn nothing() -> Self {
        Self::Own { bytes: None, _recording: None }
    }

    /// An upstream's answer. One without a body gives the connection back at once.
    pub(super) fn forwarded(mut download: Download) -> Self {
        if download.incoming.is_end_stream() {
            download.end();
        }
        Self::Forwarded(download)
    }
}

impl Download {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        if self.exchange.is_cut() {
            return self.cut();
        }
        let Poll::Ready(frame) = Pin::new(&mut self.incoming).poll_frame(cx) else {
            return if self.exchange.poll_cut(cx).is_ready() { self.cut() } else { Poll::Pending };
        };
        match &frame {
            Some(Ok(frame)) => {
                let length = frame.data_ref().map_or(0, Bytes::len) as u64;
                self.tally.down.set(self.tally.down.get().saturating_add(length));
                // Behind the trailers nothing is asked for any more.
                if frame.is_trailers() || self.incoming.is_end_stream() {
                    self.end();
                }
            }
            // An upload that breaks off takes the upstream's answer with it.
            Some(Err(error)) => match self.tally.upload_fault() {
                Some(UploadFault::ClientGone) => {}
                Some(UploadFault::TooLarge) => self.recording.too_large(),
                None => self.recording.broken(error),
            },
            None => self.end(),
        }
        Poll::Ready(frame.map(|frame| frame.map_err(BodyError::Sender)))
    }

    fn cut(&mut self) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        self.recording.cut();
        Poll::Ready(Some(Err(BodyError::Cut)))
    }

    fn end(&mut self) {
        self.recording.finish();
        if let Some(lease) = self.lease.take() {
            lease.give_back(&self.tally);
        }
    }
}

impl Body for GateBody {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        match self.get_mut() {
            Self::Own { bytes, .. } => Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes)))),
            Self::Forwarded(download) => download.poll(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Own { bytes, .. } => bytes.is_none(),
            Self::Forwarded(download) => download.incoming.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Own { bytes, .. } => SizeHint::with_exact(bytes.as_ref().map_or(0, Bytes::len) as u64),
            Self::Forwarded(download) => download.incoming.size_hint(),
        }
    }
}
