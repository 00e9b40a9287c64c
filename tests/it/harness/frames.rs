//! HTTP/2 by hand, for what no honest client sends: frames byte for byte.

use std::io;

use bytes::{Buf as _, Bytes};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

use super::within;

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// The types of frames (RFC 9113 section 6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Kind(pub(crate) u8);

impl Kind {
    pub(crate) const DATA: Self = Self(0);
    pub(crate) const HEADERS: Self = Self(1);
    pub(crate) const PRIORITY: Self = Self(2);
    pub(crate) const RST_STREAM: Self = Self(3);
    pub(crate) const SETTINGS: Self = Self(4);
    pub(crate) const PUSH_PROMISE: Self = Self(5);
    pub(crate) const PING: Self = Self(6);
    pub(crate) const GOAWAY: Self = Self(7);
    pub(crate) const WINDOW_UPDATE: Self = Self(8);
    pub(crate) const CONTINUATION: Self = Self(9);
}

pub(crate) mod flags {
    /// Of DATA and HEADERS.
    pub(crate) const END_STREAM: u8 = 1;
    /// Of HEADERS and CONTINUATION.
    pub(crate) const END_HEADERS: u8 = 4;
    /// Of DATA and HEADERS.
    pub(crate) const PADDED: u8 = 8;
}

/// What became of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Reply {
    /// An answer: its status and its body.
    Answer(u16, Vec<u8>),
    /// The stream was reset, or the connection ended: the request was no HTTP/2.
    Nothing,
}

/// A frame that came.
#[derive(Debug)]
struct Frame {
    kind: Kind,
    flags: u8,
    stream: u32,
    payload: Bytes,
}

/// A connection.
pub(crate) struct Frames<S> {
    stream: S,
    /// Whether the other side has said goodbye.
    pub(crate) goodbye: bool,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Frames<S> {
    /// Begins with these settings, as identifiers and values.
    pub(super) async fn new(stream: S, settings: &[(u16, u32)]) -> Self {
        let mut begun = Self { stream, goodbye: false };
        let mut sent = PREFACE.to_vec();
        sent.extend(frame(Kind::SETTINGS, 0, 0, &parameters(settings)));
        begun.send(&sent).await;
        begun
    }

    /// Sends bytes; whether the other side still took them.
    pub(crate) async fn send(&mut self, bytes: &[u8]) -> bool {
        let sending = async {
            self.stream.write_all(bytes).await?;
            self.stream.flush().await
        };
        within("sending frames", sending).await.is_ok()
    }

    /// What becomes of the request on a stream.
    pub(crate) async fn reply(&mut self, stream: u32) -> Reply {
        within("an answer over HTTP/2 by hand", self.read_reply(stream)).await.unwrap_or(Reply::Nothing)
    }

    async fn read_reply(&mut self, stream: u32) -> io::Result<Reply> {
        let (mut status, mut body) = (0, Vec::new());
        loop {
            let frame = self.next().await?;
            if frame.stream != stream {
                continue;
            }
            match frame.kind {
                Kind::HEADERS if status == 0 => status = status_of(frame.payload),
                Kind::DATA => body.extend(frame.payload),
                Kind::RST_STREAM => return Ok(Reply::Nothing),
                _ => continue,
            }
            if frame.flags & flags::END_STREAM != 0 {
                return Ok(Reply::Answer(status, body));
            }
        }
    }

    /// Reads until the connection ends, or until a ping that was sent last is answered; whether it has ended.
    pub(crate) async fn ends(&mut self) -> bool {
        let ended = async {
            loop {
                match self.next().await {
                    Ok(frame) if frame.kind == Kind::PING && frame.payload[..] == *b"the last" => return false,
                    Ok(_) => {}
                    Err(_) => return true,
                }
            }
        };
        within("the end of the connection, or an answer to a ping", ended).await
    }

    async fn next(&mut self) -> io::Result<Frame> {
        let mut head = [0; 9];
        self.stream.read_exact(&mut head).await?;
        let length = usize::from(head[0]) << 16 | usize::from(head[1]) << 8 | usize::from(head[2]);
        let mut payload = vec![0; length];
        self.stream.read_exact(&mut payload).await?;
        let stream = u32::from_be_bytes([head[5], head[6], head[7], head[8]]);
        let kind = Kind(head[3]);
        self.goodbye |= kind == Kind::GOAWAY;
        Ok(Frame { kind, flags: head[4], stream, payload: payload.into() })
    }
}

/// Sends one request and waits for what becomes of it.
pub(super) async fn ask(stream: impl AsyncRead + AsyncWrite + Unpin, fields: &[(&[u8], &[u8])]) -> Reply {
    let mut frames = Frames::new(stream, &[]).await;
    frames.send(&frame(Kind::HEADERS, flags::END_STREAM | flags::END_HEADERS, 1, &block(fields))).await;
    frames.reply(1).await
}

/// A ping to tell what has been read of everything before it.
pub(crate) fn last_ping() -> Vec<u8> {
    frame(Kind::PING, 0, 0, b"the last")
}

pub(crate) fn frame(kind: Kind, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let mut frame = u32::try_from(payload.len()).unwrap().to_be_bytes()[1..].to_vec();
    frame.extend([kind.0, flags]);
    frame.extend(stream.to_be_bytes());
    frame.extend(payload);
    frame
}

/// The payload of SETTINGS.
pub(crate) fn parameters(settings: &[(u16, u32)]) -> Vec<u8> {
    settings.iter().flat_map(|(name, value)| [&name.to_be_bytes()[..], &value.to_be_bytes()].concat()).collect()
}

/// Fields as literals that are neither indexed nor compressed (RFC 7541 section 6.2.2).
pub(crate) fn block<N: AsRef<[u8]>, V: AsRef<[u8]>>(fields: &[(N, V)]) -> Vec<u8> {
    let mut block = Vec::new();
    for (name, value) in fields {
        block.push(0);
        for text in [name.as_ref(), value.as_ref()] {
            block.extend(integer(text.len()));
            block.extend(text);
        }
    }
    block
}

/// An integer behind one bit (RFC 7541 section 5.1).
fn integer(number: usize) -> Vec<u8> {
    let Some(mut rest) = number.checked_sub(127) else { return vec![u8::try_from(number).unwrap()] };
    let mut bytes = vec![127];
    while rest >= 128 {
        bytes.push(128 | u8::try_from(rest & 127).unwrap());
        rest >>= 7;
    }
    bytes.push(u8::try_from(rest).unwrap());
    bytes
}

/// The status in an answer's head: it comes first there, and its name is one that every server has a number for.
fn status_of(mut block: Bytes) -> u16 {
    const KNOWN: [u16; 7] = [200, 204, 206, 304, 400, 404, 500];
    loop {
        match block.get_u8() {
            indexed @ 0x88..=0x8e => return KNOWN[usize::from(indexed - 0x88)],
            // A literal, to be indexed or not, whose name is one of those.
            0x48..=0x4e | 0x08..=0x0e | 0x18..=0x1e => break,
            // The table's size, in this one byte.
            0x20..=0x3e => {}
            other => panic!("an answer does not begin with its status but with {other:#x}"),
        }
    }
    let length = block.get_u8();
    let text = block.split_to(usize::from(length & 0x7f));
    let digits = if length & 0x80 == 0 { text.to_vec() } else { uncompressed(&text) };
    String::from_utf8(digits).unwrap().parse().unwrap()
}

/// Three digits in the code of RFC 7541 appendix B: five bits for 0 to 2, six for 3 to 9.
fn uncompressed(text: &[u8]) -> Vec<u8> {
    let bits: Vec<u8> = text.iter().flat_map(|byte| (0..8).rev().map(move |place| byte >> place & 1)).collect();
    let number = |bits: &[u8]| bits.iter().fold(0, |number, bit| number << 1 | bit);
    let (mut digits, mut place) = (Vec::new(), 0);
    while digits.len() < 3 {
        let short = number(&bits[place..place + 5]);
        if short < 3 {
            digits.push(b'0' + short);
            place += 5;
        } else {
            digits.push(b'3' + number(&bits[place..place + 6]) - 25);
            place += 6;
        }
    }
    digits
}
