//! An HTTP/2 client, and bodies for it.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use hyper::client::conn::http2::{SendRequest, handshake};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::mpsc;

use super::head::{self, Answer, Head};
use super::{Ask, within};

/// One connection.
pub(crate) struct Http2 {
    sender: SendRequest<Outgoing>,
}

impl Http2 {
    pub(super) async fn new(stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) -> Self {
        let (sender, connection) =
            within("an HTTP/2 connection", handshake(TokioExecutor::new(), TokioIo::new(stream))).await.unwrap();
        // How it ends shows in the requests.
        tokio::spawn(async move { drop(connection.await) });
        Self { sender }
    }

    pub(crate) async fn ask(&self, ask: &Ask) -> Answer {
        self.try_ask(ask.to_http2()).await.expect("an answer over HTTP/2")
    }

    /// Sends a request; an error where the stream is reset.
    pub(crate) async fn try_ask(&self, request: Request<Outgoing>) -> hyper::Result<Answer> {
        within("an answer over HTTP/2", async { Ok(answer(self.open(request).await?).await) }).await
    }

    /// Sends a request and leaves the answer's body to be read.
    pub(crate) async fn open(&self, request: Request<Outgoing>) -> hyper::Result<Response<Incoming>> {
        self.sender.clone().send_request(request).await
    }
}

async fn answer(response: Response<Incoming>) -> Answer {
    let (parts, mut incoming) = response.into_parts();
    let mut body = head::Body::default();
    loop {
        match incoming.frame().await {
            None => {
                body.complete = true;
                break;
            }
            Some(Err(_)) => break,
            Some(Ok(frame)) => match frame.into_data() {
                Ok(data) => body.push(&data),
                Err(frame) => body.trailers = frame.into_trailers().map(|fields| trailers(&fields)).unwrap(),
            },
        }
    }
    Answer { interim: Vec::new(), head: shown(parts.status.as_u16(), &parts.headers), body }
}

/// An HTTP/2 head, written as HTTP/1 would.
fn shown(status: u16, headers: &HeaderMap) -> Head {
    let mut raw = format!("HTTP/2 {status}\r\n").into_bytes();
    for (name, value) in headers {
        raw.extend_from_slice(name.as_str().as_bytes());
        raw.extend_from_slice(b": ");
        raw.extend_from_slice(value.as_bytes());
        raw.extend_from_slice(b"\r\n");
    }
    Head::parse(&raw)
}

fn trailers(fields: &HeaderMap) -> Vec<(String, String)> {
    let shown = |(name, value): (&http::HeaderName, &http::HeaderValue)| {
        (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned())
    };
    fields.iter().map(shown).collect()
}

/// A body to send.
pub(crate) enum Outgoing {
    /// Frames that are known.
    Frames(VecDeque<Frame<Bytes>>, Option<u64>),
    /// Frames that the test sends when it wants to.
    Channel(mpsc::Receiver<Frame<Bytes>>),
}

impl Outgoing {
    pub(crate) fn nothing() -> Self {
        // Without a length, for hyper would send one.
        Self::Frames(VecDeque::new(), None)
    }

    pub(crate) fn sized(bytes: Bytes) -> Self {
        let length = bytes.len() as u64;
        Self::Frames(VecDeque::from([Frame::data(bytes)]), Some(length))
    }

    pub(crate) fn frames(frames: Vec<Frame<Bytes>>) -> Self {
        Self::Frames(frames.into(), None)
    }

    pub(crate) fn channel() -> (mpsc::Sender<Frame<Bytes>>, Self) {
        let (sender, receiver) = mpsc::channel(1);
        (sender, Self::Channel(receiver))
    }
}

impl Body for Outgoing {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        match self.get_mut() {
            Self::Frames(frames, _) => Poll::Ready(frames.pop_front().map(Ok)),
            Self::Channel(receiver) => receiver.poll_recv(cx).map(|frame| frame.map(Ok)),
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self, Self::Frames(frames, _) if frames.is_empty())
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Frames(_, Some(length)) => SizeHint::with_exact(*length),
            Self::Frames(_, None) | Self::Channel(_) => SizeHint::default(),
        }
    }
}
