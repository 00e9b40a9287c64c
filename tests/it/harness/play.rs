//! How the upstream behaves: the path under `/play/` says it.

use std::io;
use std::net::SocketAddr;
use std::sync::atomic::Ordering;

use tokio::net::TcpStream;

use super::head::{Body, Framing, Head};
use super::recorder::Log;
use super::wire::Wire;

/// Large bodies repeat a block of this size: a multiple of the pattern's period, so that all blocks are the same.
pub(crate) const BLOCK: usize = 251 * 256;

/// The first `length` bytes of the pattern that bodies are made of.
pub(crate) fn pattern(length: usize) -> Vec<u8> {
    (0..=250).cycle().take(length).collect()
}

/// What becomes of the connection.
pub(super) enum Next {
    Listen,
    HangUp,
}

/// One request and everything needed to answer it.
pub(super) struct Stage<'a> {
    pub(super) wire: &'a mut Wire<TcpStream>,
    pub(super) log: &'a Log,
    pub(super) request: Head,
    pub(super) place: usize,
    /// The request's number on its connection, counted from 1.
    pub(super) number: usize,
    pub(super) address: SocketAddr,
}

/// Behaves.
pub(super) async fn play(stage: &mut Stage<'_>) -> io::Result<Next> {
    let target = stage.request.word().to_owned();
    let path = target.split_once('?').map_or(target.as_str(), |(path, _)| path);
    let words: Vec<&str> = path.strip_prefix("/play/").unwrap_or_default().split('/').collect();
    match *words.as_slice() {
        [shape @ ("sized" | "chunked" | "closing"), length] => stage.shaped(shape, length.parse().unwrap()).await,
        ["echo"] => stage.echo().await,
        ["events"] => stage.events().await,
        ["continue", how] => stage.continues(how).await,
        ["early"] => stage.early().await,
        ["upgrade"] => stage.upgrade().await,
        [failing @ ("silent" | "hangup" | "once" | "quiet-later")] => stage.fail(failing).await,
        ["cut", framing] => stage.cut(framing).await,
        ["location", whose] => stage.location(whose).await,
        ["secure"] => stage.plain("200 OK", "Strict-Transport-Security: max-age=1; preload\r\n", b"ok").await,
        ["fixed", name] => stage.fixed(name).await,
        _ => stage.plain("200 OK", "Content-Type: text/plain\r\n", b"ok").await,
    }
}

impl Stage<'_> {
    async fn shaped(&mut self, shape: &str, length: usize) -> io::Result<Next> {
        match shape {
            "sized" => self.sized(length).await,
            "chunked" => self.chunked(length).await,
            _ => self.closing(length).await,
        }
    }

    /// Does not answer, or not a second time on one connection.
    async fn fail(&mut self, how: &str) -> io::Result<Next> {
        match (how, self.number) {
            ("once" | "quiet-later", 1) => self.plain("200 OK", "", b"ok").await,
            ("once" | "hangup", _) => self.take_body().await.map(|()| Next::HangUp),
            _ => self.silent().await,
        }
    }

    /// Reads the request's body and records it, also where it breaks off.
    async fn take_body(&mut self) -> io::Result<()> {
        let mut body = Body::default();
        let (log, before) = (self.log, self.log.read.load(Ordering::Relaxed));
        let progress = |length| log.read.store(before + length, Ordering::Relaxed);
        let read = self.wire.body(Framing::of_request(&self.request), &mut body, progress).await;
        self.log.body(self.place, body);
        read
    }

    fn is_head(&self) -> bool {
        self.request.line.starts_with("HEAD ")
    }

    /// Answers with a sized body, after having read the request's.
    async fn plain(&mut self, status: &str, fields: &str, body: &[u8]) -> io::Result<Next> {
        self.take_body().await?;
        let length = body.len();
        self.head(&format!("HTTP/1.1 {status}\r\n{DATE}{fields}Content-Length: {length}\r\n")).await?;
        if !self.is_head() {
            self.wire.write(body).await?;
        }
        Ok(Next::Listen)
    }

    async fn head(&mut self, head: &str) -> io::Result<()> {
        self.wire.write(format!("{head}\r\n").as_bytes()).await
    }

    async fn blocks(&mut self, length: usize) -> io::Result<()> {
        let block = pattern(BLOCK.min(length));
        let mut left = length;
        while left > 0 {
            let some = left.min(block.len());
            self.wire.write(&block[..some]).await?;
            self.log.written.fetch_add(some as u64, Ordering::Relaxed);
            left -= some;
        }
        Ok(())
    }

    async fn sized(&mut self, length: usize) -> io::Result<Next> {
        self.take_body().await?;
        self.head(&format!("HTTP/1.1 200 OK\r\n{DATE}Content-Length: {length}\r\n")).await?;
        if !self.is_head() {
            self.blocks(length).await?;
        }
        Ok(Next::Listen)
    }

    async fn chunked(&mut self, length: usize) -> io::Result<Next> {
        self.take_body().await?;
        self.head(&format!("HTTP/1.1 200 OK\r\n{DATE}Transfer-Encoding: chunked\r\n")).await?;
        if self.is_head() {
            return Ok(Next::Listen);
        }
        for chunk in pattern(length).chunks(1000) {
            self.chunk(chunk).await?;
        }
        self.wire.write(b"0\r\n\r\n").await?;
        Ok(Next::Listen)
    }

    async fn chunk(&mut self, chunk: &[u8]) -> io::Result<()> {
        let mut framed = format!("{:x}\r\n", chunk.len()).into_bytes();
        framed.extend_from_slice(chunk);
        framed.extend_from_slice(b"\r\n");
        self.wire.write(&framed).await
    }

    async fn closing(&mut self, length: usize) -> io::Result<Next> {
        self.take_body().await?;
        self.head(&format!("HTTP/1.1 200 OK\r\n{DATE}Connection: close\r\n")).await?;
        self.blocks(length).await?;
        self.wire.end().await?;
        Ok(Next::HangUp)
    }

    /// Sends the body back.
    async fn echo(&mut self) -> io::Result<Next> {
        self.take_body().await?;
        let body = self.recorded();
        self.head(&format!("HTTP/1.1 200 OK\r\n{DATE}Transfer-Encoding: chunked\r\n")).await?;
        if !body.is_empty() {
            self.chunk(&body).await?;
        }
        self.wire.write(b"0\r\n\r\n").await?;
        Ok(Next::Listen)
    }

    fn recorded(&self) -> Vec<u8> {
        self.log.kept(self.place)
    }

    /// Server-sent events, each only after the test said so.
    async fn events(&mut self) -> io::Result<Next> {
        self.take_body().await?;
        let fields = "Content-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n";
        self.head(&format!("HTTP/1.1 200 OK\r\n{DATE}{fields}")).await?;
        for number in 1..=3 {
            self.log.steps.acquire().await.map_err(io::Error::other)?.forget();
            self.chunk(format!("data: {number}\n\n").as_bytes()).await?;
        }
        self.wire.write(b"0\r\n\r\n").await?;
        Ok(Next::Listen)
    }

    async fn continues(&mut self, how: &str) -> io::Result<Next> {
        match how {
            "asks" => {
                self.log.steps.acquire().await.map_err(io::Error::other)?.forget();
                self.wire.write(b"HTTP/1.1 100 Continue\r\n\r\n").await?;
                self.plain("200 OK", "", b"asked").await
            }
            "ignores" => self.plain("200 OK", "", b"ignored").await,
            _ => {
                self.head(&format!("HTTP/1.1 413 Too Large\r\n{DATE}Content-Length: 7\r\n")).await?;
                self.wire.write(b"refused").await?;
                Ok(Next::HangUp)
            }
        }
    }

    /// Answers before the body has come, then reads it to the end all the same.
    async fn early(&mut self) -> io::Result<Next> {
        self.head(&format!("HTTP/1.1 409 Conflict\r\n{DATE}Content-Length: 5\r\n")).await?;
        self.wire.write(b"early").await?;
        self.take_body().await?;
        Ok(Next::Listen)
    }

    /// Switches protocols where that was asked for, and then sends every byte back.
    async fn upgrade(&mut self) -> io::Result<Next> {
        let Some(protocol) = self.request.value("upgrade") else {
            return self.plain("426 Upgrade Required", "", b"no upgrade was asked for").await;
        };
        let fields = "Connection: upgrade\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n";
        self.head(&format!("HTTP/1.1 101 Switching Protocols\r\nUpgrade: {protocol}\r\n{fields}")).await?;
        while let Some(some) = self.wire.some(usize::MAX).await? {
            self.wire.write(&some).await?;
        }
        self.wire.end().await?;
        Ok(Next::HangUp)
    }

    async fn silent(&mut self) -> io::Result<Next> {
        self.take_body().await?;
        while self.wire.some(usize::MAX).await?.is_some() {}
        Ok(Next::HangUp)
    }

    /// Half of what was announced.
    async fn cut(&mut self, framing: &str) -> io::Result<Next> {
        self.take_body().await?;
        if framing == "sized" {
            self.head(&format!("HTTP/1.1 200 OK\r\n{DATE}Content-Length: 2000\r\n")).await?;
            self.blocks(1000).await?;
        } else {
            self.head(&format!("HTTP/1.1 200 OK\r\n{DATE}Transfer-Encoding: chunked\r\n")).await?;
            self.chunk(&pattern(1000)).await?;
        }
        self.wire.end().await?;
        Ok(Next::HangUp)
    }

    async fn location(&mut self, whose: &str) -> io::Result<Next> {
        let location = match whose {
            "own" => format!("http://{}/elsewhere?a=b", self.address),
            "relative" => "/elsewhere".to_owned(),
            _ => "http://other.example/elsewhere".to_owned(),
        };
        self.plain("303 See Other", &format!("Location: {location}\r\n"), b"").await
    }

    /// Answers written out below.
    async fn fixed(&mut self, name: &str) -> io::Result<Next> {
        self.take_body().await?;
        let answer = FIXED.iter().find(|(known, _)| *known == name).expect("a known answer").1;
        let answer = answer.replace("{date}", DATE);
        // Text is Latin-1 here, so that bytes above 0x7f can be written.
        let bytes: Vec<u8> = answer.chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect();
        self.wire.write(&bytes).await?;
        if matches!(name, "garbage" | "http10") {
            self.wire.end().await?;
            return Ok(Next::HangUp);
        }
        Ok(Next::Listen)
    }
}

const DATE: &str = "Date: Tue, 24 Nov 2026 00:00:00 GMT\r\n";

const FIXED: [(&str, &str); 13] = [
    (
        "trailers",
        "HTTP/1.1 200 OK\r\n{date}Transfer-Encoding: chunked\r\nTrailer: X-Checksum\r\n\r\n\
        4\r\nbody\r\n0\r\nX-Checksum: 41c2\r\nX-Remote-User: root\r\n\r\n",
    ),
    ("204", "HTTP/1.1 204 No Content\r\n{date}ETag: \"a\"\r\n\r\n"),
    ("304", "HTTP/1.1 304 Not Modified\r\n{date}ETag: \"a\"\r\nCache-Control: max-age=5\r\n\r\n"),
    ("empty", "HTTP/1.1 200 OK\r\n{date}Content-Length: 0\r\n\r\n"),
    (
        "hints",
        "HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n\
        HTTP/1.1 200 OK\r\n{date}Content-Length: 5\r\n\r\nhints",
    ),
    ("continued", "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n{date}Content-Length: 9\r\n\r\ncontinued"),
    (
        "odd",
        "HTTP/1.1 299 Quite Odd\r\n{date}Set-Cookie: a=1\r\nset-COOKIE: b=2; Path=/\r\nX-Empty:\r\n\
        X-Latin: caf\u{e9}\r\nX-Request-Id: theirs\r\nServer: store/2\r\nVary: a\r\nVary: b\r\n\
        WWW-Authenticate: Digest realm=\"x\"\r\nContent-Length: 3\r\n\r\nodd",
    ),
    (
        "hop",
        "HTTP/1.1 200 OK\r\n{date}Connection: X-Hop\r\nX-Hop: 1\r\nKeep-Alive: timeout=5\r\n\
        Proxy-Connection: keep-alive\r\nContent-Length: 3\r\n\r\nhop",
    ),
    ("undated", "HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\nundated"),
    ("failed", "HTTP/1.1 500 Oh No\r\n{date}Content-Type: text/html\r\nContent-Length: 6\r\n\r\nfailed"),
    ("garbage", "SSH-2.0-OpenSSH_9.2\r\n\r\n"),
    ("http10", "HTTP/1.0 200 OK\r\n{date}\r\nold"),
    ("switching", "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: chat\r\n\r\n"),
];
