//! A connection and its buffers. Both directions may be used side by side by two tasks of one thread: nothing here stays
//! borrowed while it waits.

use std::cell::{Cell, RefCell, RefMut};
use std::io::{self, IoSlice};
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};

use bytes::{Buf as _, Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite};

/// What is read at once of anything else: a record of TLS.
const SMALL: usize = 16 << 10;
/// An output buffer larger than this is not kept.
const KEPT: usize = 16 << 10;

/// The room that one worker's connections read into before they know how much there is. A connection that waits for its
/// next request so holds no buffer of its own.
#[derive(Debug)]
pub(crate) struct Scratch(RefCell<BytesMut>);

impl Default for Scratch {
    fn default() -> Self {
        Self(RefCell::new(BytesMut::with_capacity(SMALL)))
    }
}

/// One connection.
#[derive(Debug)]
pub(crate) struct Line<S> {
    stream: RefCell<S>,
    input: RefCell<BytesMut>,
    output: RefCell<Output>,
    sent: Cell<u64>,
}

/// What is to be written, and how much of it has been.
#[derive(Debug, Default)]
struct Output {
    bytes: Vec<u8>,
    written: usize,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Line<S> {
    pub(crate) fn new(stream: S) -> Self {
        let (input, output) = (RefCell::default(), RefCell::default());
        Self { stream: RefCell::new(stream), input, output, sent: Cell::new(0) }
    }

    /// What has been read and not been taken yet.
    pub(crate) fn input(&self) -> RefMut<'_, BytesMut> {
        self.input.borrow_mut()
    }

    /// What is to be written next; it is sent by [`Self::poll_flush`].
    pub(crate) fn output(&self) -> RefMut<'_, Vec<u8>> {
        RefMut::map(self.output.borrow_mut(), |output| &mut output.bytes)
    }

    /// Whether nothing waits to be written.
    pub(crate) fn is_flushed(&self) -> bool {
        let output = self.output.borrow();
        output.written == output.bytes.len()
    }

    /// Reads something small, such as a head. `false` at the end.
    pub(crate) fn poll_read(&self, scratch: &Scratch, cx: &mut Context<'_>) -> Poll<io::Result<bool>> {
        let mut room = scratch.0.borrow_mut();
        room.clear();
        room.reserve(SMALL);
        let read = pin!(self.stream.borrow_mut().read_buf(&mut *room)).poll(cx);
        let read = ready!(read)?;
        self.input().extend_from_slice(&room);
        Poll::Ready(Ok(read > 0))
    }

    /// Reads something large, such as a body, into room for so much. How much it was; 0 at the end.
    pub(crate) fn poll_read_large(&self, room: usize, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let mut input = self.input();
        if input.capacity() - input.len() < SMALL {
            input.reserve(room);
        }
        pin!(self.stream.borrow_mut().read_buf(&mut *input)).poll(cx)
    }

    /// Gives back the room that nothing is in.
    pub(crate) fn release(&self) {
        let mut input = self.input();
        if input.is_empty() {
            *input = BytesMut::new();
        }
        let mut output = self.output.borrow_mut();
        if output.written == output.bytes.len() {
            *output = Output::default();
        }
    }

    /// Gives back room that nothing is in, where it is more than a head needs.
    pub(crate) fn release_large(&self) {
        let large = self.input.borrow().capacity() > KEPT || self.output.borrow().bytes.capacity() > KEPT;
        if large {
            self.release();
        }
    }

    /// Writes what is to be written.
    pub(crate) fn poll_flush(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_write(&mut Bytes::new(), cx)
    }

    /// Writes what is to be written, and `more` behind it.
    pub(crate) fn poll_write(&self, more: &mut Bytes, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut output = self.output.borrow_mut();
        let mut stream = self.stream.borrow_mut();
        loop {
            let waiting = output.bytes.get(output.written..).unwrap_or_default();
            let written = match (waiting.is_empty(), more.is_empty()) {
                (true, true) => break,
                (false, true) => ready!(Pin::new(&mut *stream).poll_write(cx, waiting))?,
                (true, false) => ready!(Pin::new(&mut *stream).poll_write(cx, more))?,
                (false, false) => {
                    let both = [IoSlice::new(waiting), IoSlice::new(more)];
                    ready!(Pin::new(&mut *stream).poll_write_vectored(cx, &both))?
                }
            };
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.sent.set(self.sent.get().wrapping_add(written as u64));
            let of_output = written.min(waiting.len());
            output.written += of_output;
            more.advance(written - of_output);
        }
        if output.bytes.capacity() > KEPT {
            output.bytes = Vec::new();
        }
        output.bytes.clear();
        output.written = 0;
        Pin::new(&mut *stream).poll_flush(cx)
    }

    /// Looks at the stream itself.
    pub(crate) fn look<R>(&self, look: impl FnOnce(&S) -> R) -> R {
        look(&self.stream.borrow())
    }

    /// How many bytes the stream has taken so far.
    pub(crate) fn sent(&self) -> u64 {
        self.sent.get()
    }

    /// Ends the own direction.
    pub(crate) fn poll_shutdown(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.stream.borrow_mut()).poll_shutdown(cx)
    }

    /// The stream, and what has been read from it too early.
    pub(crate) fn into_parts(self) -> (S, Bytes) {
        (self.stream.into_inner(), self.input.into_inner().freeze())
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use bytes::Bytes;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};

    use super::{Line, Scratch};
    use crate::wire::room::LEAST;

    #[tokio::test]
    async fn what_is_written_comes_in_order_however_little_is_taken() {
        let (near, mut far) = duplex(7);
        let line = Line::new(near);
        let writing = async {
            line.output().extend_from_slice(b"0123456789");
            let mut more = Bytes::from_static(b"abcdefghij");
            poll_fn(|cx| line.poll_write(&mut more, cx)).await.unwrap();
            line.output().extend_from_slice(b"end");
            poll_fn(|cx| line.poll_flush(cx)).await.unwrap();
            poll_fn(|cx| line.poll_shutdown(cx)).await.unwrap();
        };
        let mut text = String::new();
        let reading = far.read_to_string(&mut text);
        assert!(tokio::join!(writing, reading).1.is_ok());
        assert_eq!(text, "0123456789abcdefghijend");
        assert!(line.is_flushed());
    }

    #[tokio::test]
    async fn what_is_read_gathers_until_it_is_taken() {
        let (near, mut far) = duplex(100);
        let (line, scratch) = (Line::new(near), Scratch::default());
        far.write_all(b"abc").await.unwrap();
        assert!(poll_fn(|cx| line.poll_read(&scratch, cx)).await.unwrap());
        far.write_all(b"def").await.unwrap();
        assert_eq!(poll_fn(|cx| line.poll_read_large(LEAST, cx)).await.unwrap(), 3);
        assert_eq!(&line.input().split()[..], b"abcdef");
        drop(far);
        assert!(!poll_fn(|cx| line.poll_read(&scratch, cx)).await.unwrap());
        line.release();
        assert_eq!(line.input().capacity(), 0);
    }
}
