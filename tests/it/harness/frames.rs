//! HTTP/2 by hand, for what no honest client sends: one request on one connection, its fields byte for byte.

use std::io;

use bytes::{Buf as _, Bytes};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

use super::within;

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
// The types of frames, and the flags that end a stream and its headers (RFC 9113 section 6).
const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

/// What became of the request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Reply {
    /// An answer: its status and its body.
    Answer(u16, Vec<u8>),
    /// The stream was reset, or the connection ended: the request was no HTTP/2.
    Nothing,
}

/// Sends one request and waits for what becomes of it.
pub(super) async fn ask(stream: impl AsyncRead + AsyncWrite + Unpin, fields: &[(&[u8], &[u8])]) -> Reply {
    within("an answer over HTTP/2 by hand", converse(stream, fields)).await.unwrap_or(Reply::Nothing)
}

async fn converse(mut stream: impl AsyncRead + AsyncWrite + Unpin, fields: &[(&[u8], &[u8])]) -> io::Result<Reply> {
    let mut sent = PREFACE.to_vec();
    sent.extend(frame(SETTINGS, 0, 0, &[]));
    sent.extend(frame(HEADERS, END_STREAM | END_HEADERS, 1, &block(fields)));
    stream.write_all(&sent).await?;
    stream.flush().await?;
    let (mut status, mut body) = (0, Vec::new());
    loop {
        let mut head = [0; 9];
        stream.read_exact(&mut head).await?;
        let length = usize::from(head[0]) << 16 | usize::from(head[1]) << 8 | usize::from(head[2]);
        let (kind, flags) = (head[3], head[4]);
        let mut payload = vec![0; length];
        stream.read_exact(&mut payload).await?;
        match kind {
            HEADERS if status == 0 => status = status_of(payload.into()),
            DATA => body.extend(payload),
            RST_STREAM => return Ok(Reply::Nothing),
            // A setting, a window, or a goodbye that lets this stream come to its end.
            _ => continue,
        }
        if flags & END_STREAM != 0 {
            return Ok(Reply::Answer(status, body));
        }
    }
}

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let mut frame = u32::try_from(payload.len()).unwrap().to_be_bytes()[1..].to_vec();
    frame.extend([kind, flags]);
    frame.extend(stream.to_be_bytes());
    frame.extend(payload);
    frame
}

/// Fields as literals that are neither indexed nor compressed (RFC 7541 section 6.2.2).
fn block(fields: &[(&[u8], &[u8])]) -> Vec<u8> {
    let mut block = Vec::new();
    for (name, value) in fields {
        block.push(0);
        for text in [name, value] {
            let length = text.len();
            match u8::try_from(length) {
                Ok(short) if short < 127 => block.push(short),
                _ => {
                    // Seven bits are full; the rest follows, seven bits at a time.
                    let rest = u16::try_from(length - 127).unwrap();
                    assert!(rest < 1 << 14, "no text of a test is that long");
                    block.extend([127, 128 | u8::try_from(rest & 127).unwrap(), u8::try_from(rest >> 7).unwrap()]);
                }
            }
            block.extend(*text);
        }
    }
    block
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
