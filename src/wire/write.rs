//! Writing heads and chunks. What is written is framed by the gateway alone: a length or a coding that stands among the
//! fields is left out and said anew.

use std::io::Write as _;

use http::header::{CONNECTION, CONTENT_LENGTH, TRANSFER_ENCODING};
use http::uri::PathAndQuery;
use http::{HeaderMap, Method, StatusCode};

use super::framing::Framing;

/// Room for a usual head, made once and not as it grows.
const HEAD: usize = 1 << 10;

/// Writes a request's head.
pub(crate) fn request(
    out: &mut Vec<u8>,
    method: &Method,
    target: &PathAndQuery,
    headers: &HeaderMap,
    framing: Framing,
) {
    out.reserve(HEAD);
    for part in [method.as_str().as_bytes(), b" ", target.as_str().as_bytes(), b" HTTP/1.1\r\n"] {
        out.extend_from_slice(part);
    }
    fields(out, headers);
    framed(out, framing);
    out.extend_from_slice(b"\r\n");
}

/// What a client is told of the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Persistence {
    /// Nothing: in HTTP/1.1 that means it is kept.
    Silent,
    /// Kept, for a client that has to be told.
    KeepAlive,
    Close,
}

/// Writes an answer's head, up to where further fields may follow; [`end`] ends it.
pub(crate) fn answer(out: &mut Vec<u8>, status: StatusCode, reason: &[u8], headers: &HeaderMap) {
    out.reserve(HEAD);
    let status = status.as_str().as_bytes();
    for part in [b"HTTP/1.1 ", status, b" ", reason, b"\r\n"] {
        out.extend_from_slice(part);
    }
    fields(out, headers);
}

/// Says how the body is framed and what becomes of the connection, and ends the head.
pub(crate) fn end(out: &mut Vec<u8>, framing: Framing, persistence: Persistence) {
    framed(out, framing);
    match persistence {
        Persistence::Silent => {}
        Persistence::KeepAlive => out.extend_from_slice(b"connection: keep-alive\r\n"),
        Persistence::Close => out.extend_from_slice(b"connection: close\r\n"),
    }
    out.extend_from_slice(b"\r\n");
}

/// One field line.
pub(crate) fn field(out: &mut Vec<u8>, name: &str, value: &[u8]) {
    for part in [name.as_bytes(), b": ", value, b"\r\n"] {
        out.extend_from_slice(part);
    }
}

fn fields(out: &mut Vec<u8>, headers: &HeaderMap) {
    for (name, value) in headers {
        if *name != CONTENT_LENGTH && *name != TRANSFER_ENCODING {
            field(out, name.as_str(), value.as_bytes());
        }
    }
}

fn framed(out: &mut Vec<u8>, framing: Framing) {
    match framing {
        Framing::Nothing | Framing::UntilClose => {}
        Framing::Sized(length) => {
            field(out, CONTENT_LENGTH.as_str(), itoa::Buffer::new().format(length).as_bytes());
        }
        Framing::Chunked => field(out, TRANSFER_ENCODING.as_str(), b"chunked"),
    }
}

/// Writes what stands before a chunk's data.
pub(crate) fn chunk(out: &mut Vec<u8>, length: usize) {
    let _ = write!(out, "{length:x}\r\n");
}

/// Writes what stands behind a chunk's data.
pub(crate) fn chunk_end(out: &mut Vec<u8>) {
    out.extend_from_slice(b"\r\n");
}

/// Writes the last chunk, and the trailers.
pub(crate) fn last_chunk(out: &mut Vec<u8>, trailers: Option<&HeaderMap>) {
    out.extend_from_slice(b"0\r\n");
    for (name, value) in trailers.into_iter().flatten() {
        field(out, name.as_str(), value.as_bytes());
    }
    out.extend_from_slice(b"\r\n");
}

/// Writes an interim answer, such as `103 Early Hints` (RFC 9110 section 15.2).
pub(crate) fn interim(out: &mut Vec<u8>, status: StatusCode, headers: &HeaderMap) {
    let mut headers = headers.clone();
    headers.remove(CONNECTION);
    answer(out, status, status.canonical_reason().unwrap_or_default().as_bytes(), &headers);
    out.extend_from_slice(b"\r\n");
}

#[cfg(test)]
mod tests {
    use http::header::{CONTENT_LENGTH, HOST, TRANSFER_ENCODING};
    use http::{HeaderMap, HeaderValue, Method, StatusCode};

    use super::{Framing, Persistence, answer, chunk, chunk_end, end, last_chunk, request};

    #[test]
    fn framing_is_said_once_and_by_the_writer() {
        let mut headers = HeaderMap::new();
        headers.insert(HOST, HeaderValue::from_static("x"));
        headers.insert(CONTENT_LENGTH, HeaderValue::from_static("7"));
        headers.insert(TRANSFER_ENCODING, HeaderValue::from_static("gzip"));
        for (framing, line) in [
            (Framing::Nothing, ""),
            (Framing::Sized(3), "content-length: 3\r\n"),
            (Framing::Chunked, "transfer-encoding: chunked\r\n"),
        ] {
            let mut out = Vec::new();
            request(&mut out, &Method::POST, &"/a?b".parse().unwrap(), &headers, framing);
            let text = String::from_utf8(out).unwrap();
            assert_eq!(text, format!("POST /a?b HTTP/1.1\r\nhost: x\r\n{line}\r\n"));
        }
    }

    #[test]
    fn an_answer_with_chunks_and_trailers() {
        let mut out = Vec::new();
        answer(&mut out, StatusCode::OK, b"Fine", &HeaderMap::new());
        end(&mut out, Framing::Chunked, Persistence::Close);
        chunk(&mut out, 26);
        chunk_end(&mut out);
        let trailers = HeaderMap::from_iter([(HOST, HeaderValue::from_static("x"))]);
        last_chunk(&mut out, Some(&trailers));
        let head = "HTTP/1.1 200 Fine\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n";
        assert_eq!(String::from_utf8(out).unwrap(), format!("{head}1a\r\n\r\n0\r\nhost: x\r\n\r\n"));
    }
}
