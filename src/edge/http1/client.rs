//! The client's end of an HTTP/1 connection, as its connection and the body of its running request share it.

use std::cell::{Cell, RefCell};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker, ready};

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use http_body::{Body, Frame};
use tokio::io::{AsyncRead, AsyncWrite};

use crate::gate::{ClientBody, ClientFault, Interim};
use crate::wire::{BodyDecoder, BodyFault, Framing, Line, Pace, PaceLimits, Piece, Scratch, room, write};

/// What a client that waits for it is told when its body is wanted.
const CONTINUE: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";

/// How much may come before it is its turn.
const EARLY: usize = 16 << 10;

/// The client's end.
pub(super) struct Client<S> {
    pub(super) line: Line<S>,
    /// The body of the running request.
    decoder: RefCell<BodyDecoder>,
    stage: Cell<Stage>,
    /// The connection's task, where it waits for the stage to change.
    waiting: RefCell<Option<Waker>>,
    /// Whether the client understands interim answers, and one may be sent at the moment.
    interim: Cell<bool>,
}

/// How far the body of the running request is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// It has been read to its end, or there is none.
    Done,
    /// Nobody has asked for it yet, and the client waits to be asked.
    Expected,
    /// Nobody has asked for it yet.
    Unread,
    /// It is being read.
    Reading,
    /// Nobody wants the rest.
    Left,
    /// It broke off, so nothing that follows can be trusted.
    Broken,
}

impl<S: AsyncRead + AsyncWrite + Unpin + 'static> Client<S> {
    pub(super) fn new(stream: S) -> Rc<Self> {
        Rc::new(Self {
            line: Line::new(stream),
            decoder: RefCell::new(BodyDecoder::new(Framing::Nothing)),
            stage: Cell::new(Stage::Done),
            waiting: RefCell::default(),
            interim: Cell::new(false),
        })
    }

    /// The body of a request whose head has just been read. `expects`: the client waits for `100 Continue`.
    pub(super) fn begin(self: &Rc<Self>, framing: Framing, expects: bool, pace: PaceLimits) -> ClientBody {
        let decoder = BodyDecoder::new(framing);
        let done = decoder.is_done();
        *self.decoder.borrow_mut() = decoder;
        if done {
            self.stage.set(Stage::Done);
            return ClientBody::empty(framing);
        }
        self.stage.set(if expects { Stage::Expected } else { Stage::Unread });
        ClientBody::new(framing, Upload { client: Rc::clone(self), pace: Pace::new(pace) })
    }

    pub(super) fn stage(&self) -> Stage {
        self.stage.get()
    }

    /// Whether interim answers may be sent from now on.
    pub(super) fn allow_interim(&self, allow: bool) {
        self.interim.set(allow);
    }

    fn enter(&self, stage: Stage) {
        self.stage.set(stage);
        if let Some(waker) = self.waiting.take() {
            waker.wake();
        }
    }

    /// Ready once nobody reads the body any more.
    pub(super) fn poll_unread(&self, cx: &Context<'_>) -> Poll<Stage> {
        match self.stage.get() {
            Stage::Unread | Stage::Reading => {
                self.waiting.replace(Some(cx.waker().clone()));
                Poll::Pending
            }
            stage => Poll::Ready(stage),
        }
    }

    /// Ready once the client has gone, while nothing is expected of it: its next request may come early, and waits.
    pub(super) fn poll_leaving(&self, scratch: &Scratch, cx: &mut Context<'_>) -> Poll<()> {
        // Whoever reads the body sees it too; two that read would wake only one. Once it is read, it is looked for here.
        if self.stage.get() == Stage::Reading {
            self.waiting.replace(Some(cx.waker().clone()));
            return Poll::Pending;
        }
        while self.line.input().len() < EARLY {
            match ready!(self.line.poll_read(scratch, cx)) {
                Ok(true) => {}
                Ok(false) | Err(_) => return Poll::Ready(()),
            }
        }
        Poll::Pending
    }

    /// The next piece of the body.
    pub(super) fn poll_piece(&self, cx: &mut Context<'_>) -> Poll<Result<Piece, ClientFault>> {
        loop {
            let piece = self.decoder.borrow_mut().take(&mut self.line.input());
            match piece.map_err(|fault| self.broken(fault))? {
                Piece::More => {}
                piece => {
                    if self.decoder.borrow().is_done() {
                        self.enter(Stage::Done);
                    }
                    return Poll::Ready(Ok(piece));
                }
            }
            match self.line.poll_read_large(room::LEAST, cx) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Ok(1..)) => {}
                Poll::Ready(Ok(0) | Err(_)) => return Poll::Ready(Err(self.broken(BodyFault::Incomplete))),
            }
        }
    }

    fn broken(&self, fault: BodyFault) -> ClientFault {
        self.enter(Stage::Broken);
        match fault {
            BodyFault::Incomplete => ClientFault::Gone,
            BodyFault::Malformed(what) => ClientFault::Malformed(what),
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin + 'static> Interim for Client<S> {
    fn send(&self, status: StatusCode, headers: &HeaderMap) {
        if self.interim.get() {
            // The connection's task is at work just now, and flushes when it waits.
            write::interim(&mut self.line.output(), status, headers);
        }
    }
}

/// The body of a request, for whoever reads it.
struct Upload<S: AsyncRead + AsyncWrite + Unpin + 'static> {
    client: Rc<Client<S>>,
    pace: Pace,
}

impl<S: AsyncRead + AsyncWrite + Unpin + 'static> Body for Upload<S> {
    type Data = Bytes;
    type Error = ClientFault;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, ClientFault>>> {
        let Self { client, pace } = self.get_mut();
        if client.stage.get() == Stage::Expected && client.interim.get() {
            client.line.output().extend_from_slice(CONTINUE);
        }
        if matches!(client.stage.get(), Stage::Expected | Stage::Unread) {
            client.stage.set(Stage::Reading);
        }
        // While the answer is written, that is for its writer alone: two that write would wake only one.
        if client.interim.get() && !client.line.is_flushed() {
            // A client that takes nothing sends nothing either, which its pace tells.
            let _ = client.line.poll_flush(cx);
        }
        match client.poll_piece(cx) {
            Poll::Ready(Ok(Piece::Data(data))) => {
                pace.moved(data.len() as u64);
                Poll::Ready(Some(Ok(Frame::data(data))))
            }
            Poll::Ready(Ok(Piece::Trailers(trailers))) => Poll::Ready(Some(Ok(Frame::trailers(trailers)))),
            Poll::Ready(Ok(Piece::End | Piece::More)) => Poll::Ready(None),
            Poll::Ready(Err(fault)) => Poll::Ready(Some(Err(fault))),
            Poll::Pending => pace.poll(cx).map(|()| {
                client.enter(Stage::Broken);
                Some(Err(ClientFault::TooSlow))
            }),
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin + 'static> Drop for Upload<S> {
    fn drop(&mut self) {
        match self.client.stage.get() {
            Stage::Unread | Stage::Reading => self.client.enter(Stage::Left),
            Stage::Done | Stage::Expected | Stage::Left | Stage::Broken => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::pin::Pin;
    use std::rc::Rc;
    use std::time::Duration;

    use bytes::Bytes;
    use http_body::Body as _;
    use tokio::io::{AsyncReadExt as _, duplex};
    use tokio::task::{LocalSet, spawn_local, yield_now};
    use tokio::time::timeout;

    use super::{Client, Framing, Pace, PaceLimits, Upload};

    #[tokio::test(start_paused = true)]
    async fn the_writer_of_an_answer_keeps_its_wake_up() {
        let minute = Duration::from_secs(60);
        let pace = PaceLimits { patience: 10 * minute, least: 1 };
        let exchange = async {
            let (near, mut far) = duplex(2);
            let client = Client::new(near);
            drop(client.begin(Framing::Sized(10), false, pace));
            client.line.output().extend_from_slice(b"head");
            let writer = Rc::clone(&client);
            let writing = spawn_local(async move {
                let mut more = Bytes::from_static(b"and body");
                poll_fn(|cx| writer.line.poll_write(&mut more, cx)).await
            });
            yield_now().await;
            let mut upload = Upload { client, pace: Pace::new(pace) };
            let reading =
                spawn_local(async move { poll_fn(|cx| Pin::new(&mut upload).poll_frame(cx)).await.is_some() });
            yield_now().await;
            let mut taken = [0; 12];
            far.read_exact(&mut taken).await.unwrap();
            assert_eq!(&taken, b"headand body");
            writing.await.unwrap().unwrap();
            reading.abort();
        };
        timeout(minute, LocalSet::new().run_until(exchange)).await.expect("all of the answer");
    }
}
