//! Bodies for both ends: whole, or fed piece by piece while the exchange runs.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full};
use tokio::sync::mpsc;

/// A body to send.
pub(crate) type Body = UnsyncBoxBody<Bytes, Infallible>;

/// All of it at once.
pub(crate) fn whole(bytes: impl Into<Bytes>) -> Body {
    Full::new(bytes.into()).boxed_unsync()
}

/// Nothing.
pub(crate) fn empty() -> Body {
    whole(Bytes::new())
}

/// What the sender is given, for as long as there is a sender. At most four pieces wait, so a body of any length takes
/// little memory; sending fails once nobody wants the rest.
pub(crate) fn piecewise() -> (mpsc::Sender<Bytes>, Body) {
    let (sender, receiver) = mpsc::channel(4);
    (sender, Piecewise(receiver).boxed_unsync())
}

struct Piecewise(mpsc::Receiver<Bytes>);

impl HttpBody for Piecewise {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.0.poll_recv(cx).map(|piece| piece.map(|piece| Ok(Frame::data(piece))))
    }
}
