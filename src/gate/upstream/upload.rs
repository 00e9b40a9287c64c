//! A request's body on its way to the upstream. It is not held: a piece is asked for when the one before has been written.

use std::future::poll_fn;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http::HeaderMap;
use tokio::task::JoinHandle;
use tokio::time::{Sleep, sleep};

use super::connect::Stream;
use super::tally::Tally;
use crate::gate::client::{ClientBody, ClientFault};
use crate::gate::headers;
use crate::gate::streams::Exchange;
use crate::wire::{Framing, Line, write};

/// How long a client that expects `100 Continue` is kept waiting for an upstream that never says it.
const CONTINUE_PATIENCE: Duration = Duration::from_secs(1);

/// Why an upload ended before its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum UploadFault {
    Client(ClientFault),
    /// The body is longer than is allowed.
    TooLarge,
    /// Access was taken away.
    Cut,
}

/// A request's body, and what watches over it.
pub(super) struct Upload {
    body: ClientBody,
    framing: Framing,
    exchange: Exchange,
    tally: Rc<Tally>,
    /// The most bytes allowed.
    limit: Option<u64>,
    /// Runs while the upstream has not asked for the body (RFC 9110 section 10.1.1). One that knows nothing of the
    /// expectation waits for the body without asking for it, so it gets it after a while.
    hold: Option<Pin<Box<Sleep>>>,
    /// Read already, and not written yet.
    next: Option<Piece>,
}

enum Piece {
    Data(Bytes),
    Trailers(HeaderMap),
    End,
}

/// How writing a body ended.
pub(super) struct Ended {
    /// To be written to another connection, where nothing was written to this one.
    pub(super) upload: Upload,
    pub(super) how: Result<(), Stopped>,
}

/// Why writing ended before the body did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stopped {
    Fault(UploadFault),
    /// The upstream takes no more. It may have answered all the same.
    Unwanted,
}

impl Upload {
    pub(super) fn new(
        body: ClientBody,
        exchange: Exchange,
        tally: &Rc<Tally>,
        limit: Option<u64>,
        expects_continue: bool,
    ) -> Self {
        let hold = expects_continue.then(|| Box::pin(sleep(CONTINUE_PATIENCE)));
        tally.held.set(expects_continue);
        let framing = body.framing();
        Self { body, framing, exchange, tally: Rc::clone(tally), limit, hold, next: None }
    }

    /// Looks at what is there of the body, before anything is sent: what is broken or too large from the beginning
    /// reaches nobody.
    pub(super) async fn look(&mut self) -> Result<(), UploadFault> {
        if let (Framing::Sized(length), Some(limit)) = (self.framing, self.limit)
            && length > limit
        {
            return Err(UploadFault::TooLarge);
        }
        if self.hold.is_none()
            && let Poll::Ready(piece) = poll_fn(|cx| Poll::Ready(self.poll_piece(cx))).await
        {
            self.next = Some(piece?);
        }
        Ok(())
    }

    /// Writes the body in a task of its own, behind the head that waits in the line.
    pub(super) fn start(self, line: &Rc<Line<Stream>>) -> Uploading {
        Uploading(tokio::task::spawn_local(self.write(Rc::clone(line))))
    }

    async fn write(mut self, line: Rc<Line<Stream>>) -> Ended {
        let how = self.write_all(&line).await;
        Ended { upload: self, how }
    }

    async fn write_all(&mut self, line: &Line<Stream>) -> Result<(), Stopped> {
        loop {
            let mut piece = match self.next.take() {
                Some(piece) => piece,
                None => poll_fn(|cx| self.poll_piece_or_flush(line, cx)).await?,
            };
            let ends = self.frame(&piece, line);
            let mut nothing = Bytes::new();
            let before = line.sent();
            let data = if let Piece::Data(data) = &mut piece { data } else { &mut nothing };
            let written = poll_fn(|cx| line.poll_write(data, cx)).await;
            if written.is_err() {
                if line.sent() == before {
                    self.next = Some(piece);
                }
                return Err(Stopped::Unwanted);
            }
            if ends {
                return Ok(());
            }
            if self.framing == Framing::Chunked {
                write::chunk_end(&mut line.output());
            }
        }
    }

    /// Writes what stands around a piece; whether it is the last.
    fn frame(&self, piece: &Piece, line: &Line<Stream>) -> bool {
        let chunked = self.framing == Framing::Chunked;
        match piece {
            Piece::Data(data) if chunked => write::chunk(&mut line.output(), data.len()),
            Piece::Data(_) => {}
            Piece::Trailers(trailers) if chunked => write::last_chunk(&mut line.output(), Some(trailers)),
            Piece::End if chunked => write::last_chunk(&mut line.output(), None),
            Piece::Trailers(_) | Piece::End => {}
        }
        !matches!(piece, Piece::Data(_))
    }

    /// The next piece. What was written before it is on its way when this waits.
    fn poll_piece_or_flush(&mut self, line: &Line<Stream>, cx: &mut Context<'_>) -> Poll<Result<Piece, Stopped>> {
        if let Poll::Ready(piece) = self.poll_piece(cx) {
            return Poll::Ready(piece.map_err(Stopped::Fault));
        }
        if !line.is_flushed() {
            // Whether it is done now or later: the piece is what is waited for.
            let _ = line.poll_flush(cx).map_err(|_| Stopped::Unwanted)?;
        }
        Poll::Pending
    }

    fn poll_piece(&mut self, cx: &mut Context<'_>) -> Poll<Result<Piece, UploadFault>> {
        if self.exchange.poll_cut(cx).is_ready() {
            return Poll::Ready(Err(UploadFault::Cut));
        }
        if let Some(hold) = &mut self.hold {
            if self.tally.poll_asked(cx).is_pending() {
                ready!(hold.as_mut().poll(cx));
            }
            self.hold = None;
            self.tally.held.set(false);
        }
        loop {
            let Some(frame) = ready!(self.body.poll_frame(cx)) else {
                return Poll::Ready(Ok(Piece::End));
            };
            match frame.map_err(UploadFault::Client)?.into_data() {
                // In chunks, an empty one would be the end.
                Ok(data) if data.is_empty() => {}
                Ok(data) => return Poll::Ready(self.judge(data)),
                Err(frame) => {
                    let Ok(mut trailers) = frame.into_trailers() else { continue };
                    headers::keep_trailers(&mut trailers);
                    return Poll::Ready(Ok(Piece::Trailers(trailers)));
                }
            }
        }
    }

    fn judge(&self, data: Bytes) -> Result<Piece, UploadFault> {
        self.tally.received(data.len());
        if self.limit.is_some_and(|limit| self.tally.up.get() > limit) {
            return Err(UploadFault::TooLarge);
        }
        Ok(Piece::Data(data))
    }
}

/// A body that is being written. Dropping it ends that.
pub(super) struct Uploading(JoinHandle<Ended>);

impl Uploading {
    /// Ready once writing has ended; `None` where its task broke off. Not to be asked again then.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Ended>> {
        Pin::new(&mut self.0).poll(cx).map(Result::ok)
    }
}

impl Drop for Uploading {
    fn drop(&mut self) {
        self.0.abort();
    }
}
