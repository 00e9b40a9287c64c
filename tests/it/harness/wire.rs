//! HTTP/1.1 by hand, for both ends: what is sent is what the test wrote, and what comes is shown as it came.

use std::io;

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

use super::head::{Answer, Body, Framing, Head};
use super::within;
use crate::kept;

/// A connection and what was read from it too early.
pub(crate) struct Wire<S> {
    stream: S,
    buffer: BytesMut,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Wire<S> {
    pub(crate) fn new(stream: S) -> Self {
        Self { stream, buffer: BytesMut::new() }
    }

    pub(crate) async fn send(&mut self, bytes: &[u8]) {
        kept::request(bytes);
        within("sending", self.write(bytes)).await.expect("the other side takes what is sent");
    }

    pub(crate) async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes).await?;
        self.stream.flush().await
    }

    /// Says that nothing more will be sent.
    pub(crate) async fn end(&mut self) -> io::Result<()> {
        self.stream.shutdown().await
    }

    /// Reads a whole answer to a request with this method.
    pub(crate) async fn answer(&mut self, method: &str) -> Answer {
        within("an answer", self.try_answer(method)).await.unwrap_or_else(|error| panic!("no answer: {error}"))
    }

    /// Reads an answer up to its body.
    pub(crate) async fn answer_head(&mut self) -> Head {
        let head = within("the head of an answer", self.head()).await.expect("a head");
        Head::parse(&head.expect("an answer before the end"))
    }

    /// The same; an error where the connection ends before an answer.
    pub(crate) async fn try_answer(&mut self, method: &str) -> io::Result<Answer> {
        let mut interim = Vec::new();
        loop {
            let raw = self.head().await?.ok_or(io::ErrorKind::UnexpectedEof)?;
            let head = Head::parse(&raw);
            if head.word().starts_with('1') && head.word() != "101" {
                interim.push(head);
                continue;
            }
            let mut body = Body::default();
            // How far it came is in the body.
            let _ = self.body(Framing::of_answer(&head, method), &mut body, |_| {}).await;
            return Ok(Answer { interim, head, body });
        }
    }

    /// Reads a head; `None` where the connection ends before one begins.
    pub(crate) async fn head(&mut self) -> io::Result<Option<Bytes>> {
        let mut searched = 0;
        loop {
            let found = self.buffer[searched..].windows(4).position(|window| window == b"\r\n\r\n");
            if let Some(place) = found {
                return Ok(Some(self.buffer.split_to(searched + place + 4).freeze()));
            }
            searched = self.buffer.len().saturating_sub(3);
            if !self.fill().await? {
                return if self.buffer.is_empty() { Ok(None) } else { Err(io::ErrorKind::UnexpectedEof.into()) };
            }
        }
    }

    /// Reads a body, telling `progress` how long it has become.
    pub(crate) async fn body(&mut self, framing: Framing, body: &mut Body, progress: impl Fn(u64)) -> io::Result<()> {
        match framing {
            Framing::Nothing => {}
            Framing::Sized(length) => self.take(length, body, &progress).await?,
            Framing::Chunked => self.chunks(body, &progress).await?,
            Framing::Close => {
                while let Some(some) = self.some(usize::MAX).await? {
                    body.push(&some);
                    progress(body.length);
                }
            }
        }
        body.complete = true;
        Ok(())
    }

    async fn take(&mut self, length: u64, body: &mut Body, progress: &impl Fn(u64)) -> io::Result<()> {
        let mut left = length;
        while left > 0 {
            let most = usize::try_from(left).unwrap_or(usize::MAX);
            let some = self.some(most).await?.ok_or(io::ErrorKind::UnexpectedEof)?;
            left -= some.len() as u64;
            body.push(&some);
            progress(body.length);
        }
        Ok(())
    }

    async fn chunks(&mut self, body: &mut Body, progress: &impl Fn(u64)) -> io::Result<()> {
        loop {
            let size = self.line().await?;
            let size = size.split(';').next().unwrap_or_default().trim();
            let size = u64::from_str_radix(size, 16).map_err(io::Error::other)?;
            if size == 0 {
                break;
            }
            self.take(size, body, progress).await?;
            if !self.line().await?.is_empty() {
                return Err(io::Error::other("a chunk longer than it says"));
            }
        }
        loop {
            let line = self.line().await?;
            let Some((name, value)) = line.split_once(':') else { return Ok(()) };
            body.trailers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
        }
    }

    /// Reads one line.
    pub(crate) async fn line(&mut self) -> io::Result<String> {
        loop {
            if let Some(place) = self.buffer.windows(2).position(|window| window == b"\r\n") {
                let line = self.buffer.split_to(place + 2);
                return Ok(String::from_utf8_lossy(&line[..place]).into_owned());
            }
            if !self.fill().await? {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
    }

    /// Reads what there is, at most so much; `None` at the end.
    pub(crate) async fn some(&mut self, most: usize) -> io::Result<Option<Bytes>> {
        if self.buffer.is_empty() && !self.fill().await? {
            return Ok(None);
        }
        let length = self.buffer.len().min(most);
        Ok(Some(self.buffer.split_to(length).freeze()))
    }

    /// Whether the other side ends the connection without another byte.
    pub(crate) async fn is_ended(&mut self) -> bool {
        // A connection that is reset has ended too.
        within("the end of the connection", self.some(1)).await.unwrap_or(None).is_none()
    }

    async fn fill(&mut self) -> io::Result<bool> {
        self.buffer.reserve(64 * 1024);
        Ok(self.stream.read_buf(&mut self.buffer).await? > 0)
    }
}
