//! The head of a request: its line and its fields (RFC 9112 sections 3 and 5).

use bytes::{Buf as _, Bytes, BytesMut};
use http::header::CONNECTION;
use http::request::Parts;
use http::uri::PathAndQuery;
use http::{HeaderMap, Method, Request, Uri, Version};

use super::fields::{self, FieldFault};
use super::framing::Framing;

/// A request's head that has one reading.
#[derive(Debug)]
pub(crate) struct RequestHead {
    pub(crate) parts: Parts,
    pub(crate) framing: Framing,
    /// Whether the client wants the connection kept (RFC 9112 section 9.3).
    pub(crate) keep_alive: bool,
}

/// Why there is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum HeadFault {
    /// More bytes than are allowed.
    TooLarge,
    /// More fields than are allowed.
    TooMany,
    /// A longer request target than is allowed.
    TargetTooLong,
    /// HTTP, but no version that is spoken here.
    Version,
    /// A request target that is none: its method and text, as far as they are printable.
    Target { method: Method, target: String },
    /// The end of the body is in doubt.
    Framing,
    /// Says what is wrong.
    Malformed(&'static str),
}

impl From<FieldFault> for HeadFault {
    fn from(fault: FieldFault) -> Self {
        match fault {
            FieldFault::TooMany => Self::TooMany,
            FieldFault::Malformed(what) => Self::Malformed(what),
        }
    }
}

/// How large a head may be.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HeadLimits {
    /// Bytes, with the empty line at the end.
    pub(crate) size: usize,
    pub(crate) fields: usize,
    /// Bytes of the request target.
    pub(crate) target: usize,
}

/// Reads heads from what a connection brings.
#[derive(Debug, Default)]
pub(crate) struct HeadReader {
    /// How far the buffer has been searched for the head's end.
    searched: usize,
    /// Whether the empty line that may stand before a request has been skipped.
    skipped: bool,
    /// Whether the request line has been looked at.
    looked: bool,
}

impl HeadReader {
    /// Takes the next head out of the buffer; `Ok(None)` where it has not come as a whole.
    ///
    /// # Errors
    /// [`HeadFault`]; nothing that follows on the connection can be trusted then.
    pub(crate) fn take(
        &mut self,
        buffer: &mut BytesMut,
        limits: &HeadLimits,
    ) -> Result<Option<RequestHead>, HeadFault> {
        // RFC 9112 section 2.2: some clients send one empty line too many behind a body.
        if !self.skipped && buffer.starts_with(b"\r\n") {
            buffer.advance(2);
            self.skipped = true;
        }
        match buffer.first() {
            None => return Ok(None),
            Some(b'\r') if !self.skipped && buffer.len() == 1 => return Ok(None),
            // What is no HTTP at all need not be waited for to its end.
            Some(byte) if !is_token(*byte) => return Err(HeadFault::Malformed("this is no HTTP request")),
            Some(_) => {}
        }
        let end = fields::end(buffer, self.searched)?;
        let size = end.unwrap_or(buffer.len());
        if size > limits.size {
            return Err(too_large(buffer, limits));
        }
        let Some(end) = end else {
            self.look(buffer, limits)?;
            self.searched = buffer.len();
            return Ok(None);
        };
        *self = Self::default();
        // A copy, so that the buffer is not kept for as long as the request lives.
        let bytes = Bytes::copy_from_slice(buffer.get(..end).unwrap_or_default());
        buffer.advance(end);
        read(&bytes, limits).map(Some)
    }

    /// Looks at the request line as soon as it has come: what is no request may never end in an empty line (HTTP/0.9).
    fn look(&mut self, buffer: &[u8], limits: &HeadLimits) -> Result<(), HeadFault> {
        if self.looked {
            return Ok(());
        }
        match memchr::memchr(b'\n', buffer) {
            Some(end) => {
                self.looked = true;
                let line = Bytes::copy_from_slice(buffer.get(..end).unwrap_or_default());
                request_line(&line, line.strip_suffix(b"\r").unwrap_or_default(), limits).map(|_| ())
            }
            None if buffer.len() > limits.target + LONGEST_METHOD => Err(HeadFault::TargetTooLong),
            None => Ok(()),
        }
    }

    /// Whether a head has begun to come.
    pub(crate) fn has_begun(&self, buffer: &BytesMut) -> bool {
        self.skipped || !buffer.is_empty()
    }
}

/// Which part of a head is too large: its first line, which is the request target's fault, or all of it.
fn too_large(buffer: &BytesMut, limits: &HeadLimits) -> HeadFault {
    let line = memchr::memchr(b'\n', buffer).unwrap_or(buffer.len());
    if line > limits.target + LONGEST_METHOD { HeadFault::TargetTooLong } else { HeadFault::TooLarge }
}

/// No method that is registered is longer than this (`VERSION-CONTROL`, `UPDATEREDIRECTREF`).
const LONGEST_METHOD: usize = 32;

fn read(bytes: &Bytes, limits: &HeadLimits) -> Result<RequestHead, HeadFault> {
    let end = memchr::memchr(b'\n', bytes).ok_or(HeadFault::Malformed("the request has no end"))?;
    let line = bytes.get(..end).and_then(|line| line.strip_suffix(b"\r")).unwrap_or_default();
    let (method, uri, version) = request_line(bytes, line, limits)?;
    let headers = fields::read(&bytes.slice(end + 1..), limits.fields)?;
    let framing = Framing::of_request(&headers, version).map_err(|_| HeadFault::Framing)?;
    let keep_alive = keeps_alive(&headers, version);
    let (mut parts, ()) = Request::new(()).into_parts();
    (parts.method, parts.uri, parts.version, parts.headers) = (method, uri, version, headers);
    Ok(RequestHead { parts, framing, keep_alive })
}

/// `method SP request-target SP HTTP-version`, with one space each (RFC 9112 section 3).
fn request_line(bytes: &Bytes, line: &[u8], limits: &HeadLimits) -> Result<(Method, Uri, Version), HeadFault> {
    let malformed = HeadFault::Malformed("the request line is not METHOD TARGET HTTP/1.1");
    let mut words = line.splitn(3, |byte| *byte == b' ');
    let (Some(method), Some(target), Some(version)) = (words.next(), words.next(), words.next()) else {
        return Err(malformed);
    };
    let version = match version {
        b"HTTP/1.1" => Version::HTTP_11,
        b"HTTP/1.0" => Version::HTTP_10,
        [b'H', b'T', b'T', b'P', b'/', b'0'..=b'9', b'.', b'0'..=b'9'] => return Err(HeadFault::Version),
        _ => return Err(malformed),
    };
    if method.len() > LONGEST_METHOD || target.is_empty() {
        return Err(malformed);
    }
    if target.len() > limits.target {
        return Err(HeadFault::TargetTooLong);
    }
    let method = Method::from_bytes(method).map_err(|_| malformed)?;
    match uri(&bytes.slice_ref(target)) {
        Some(uri) => Ok((method, uri, version)),
        None => Err(HeadFault::Target { method, target: printable(target) }),
    }
}

/// The origin-form, or the absolute-form of http and https (RFC 9112 section 3.2). The http crate drops a fragment
/// without telling, so it is looked for first (CVE-2021-32779, CVE-2023-45539).
fn uri(target: &Bytes) -> Option<Uri> {
    if !target.iter().all(|byte| matches!(byte, b'!'..=b'~' if *byte != b'#')) {
        return None;
    }
    if target.starts_with(b"/") {
        return PathAndQuery::from_maybe_shared(target.clone()).ok().map(Uri::from);
    }
    let uri = Uri::from_maybe_shared(target.clone()).ok()?;
    let known = uri.scheme_str().is_some_and(|scheme| matches!(scheme, "http" | "https"));
    (known && uri.authority().is_some()).then_some(uri)
}

/// For the audit, which escapes what is left.
fn printable(target: &[u8]) -> String {
    String::from_utf8_lossy(target).into_owned()
}

fn keeps_alive(headers: &HeaderMap, version: Version) -> bool {
    let mut keep = version == Version::HTTP_11;
    let values = headers.get_all(CONNECTION).iter();
    for option in values.flat_map(|value| value.as_bytes().split(|byte| *byte == b',')) {
        let option = fields::trim(option);
        if option.eq_ignore_ascii_case(b"close") {
            return false;
        }
        keep |= option.eq_ignore_ascii_case(b"keep-alive");
    }
    keep
}

/// Whether a byte may begin a method (RFC 9110 section 5.6.2).
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

#[cfg(test)]
mod tests {
    use bytes::BytesMut;
    use http::Version;

    use super::{Framing, HeadFault, HeadLimits, HeadReader, RequestHead};

    const LIMITS: HeadLimits = HeadLimits { size: 200, fields: 4, target: 40 };

    fn take(text: &str) -> Result<Option<RequestHead>, HeadFault> {
        HeadReader::default().take(&mut BytesMut::from(text), &LIMITS)
    }

    #[test]
    fn a_head_is_taken_when_it_is_whole() {
        let text = "\r\nPOST /a?b HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabcGET";
        for step in [1, 2, 7, text.len()] {
            let (mut reader, mut buffer) = (HeadReader::default(), BytesMut::new());
            let mut taken = None;
            for piece in text.as_bytes().chunks(step) {
                buffer.extend_from_slice(piece);
                if taken.is_none() {
                    taken = reader.take(&mut buffer, &LIMITS).unwrap();
                }
            }
            let head = taken.expect("a head");
            assert_eq!((head.parts.method.as_str(), head.parts.uri.to_string().as_str()), ("POST", "/a?b"));
            assert_eq!((head.framing, head.keep_alive), (Framing::Sized(3), true));
            assert_eq!(&buffer[..], b"abcGET", "{step}");
        }
    }

    #[test]
    fn versions_and_connection_options() {
        for (line, version, keep) in [
            ("GET / HTTP/1.1\r\n", Version::HTTP_11, true),
            ("GET / HTTP/1.1\r\nConnection: Close\r\n", Version::HTTP_11, false),
            ("GET / HTTP/1.1\r\nConnection: x, close ,keep-alive\r\n", Version::HTTP_11, false),
            ("GET / HTTP/1.0\r\n", Version::HTTP_10, false),
            ("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n", Version::HTTP_10, true),
            ("GET http://shop.example/a HTTP/1.1\r\n", Version::HTTP_11, true),
        ] {
            let head = take(&format!("{line}\r\n")).unwrap().unwrap();
            assert_eq!((head.parts.version, head.keep_alive), (version, keep), "{line}");
        }
    }

    #[test]
    fn what_is_no_request_is_told_apart() {
        let target = |method: &str, target: &str| HeadFault::Target {
            method: method.parse().unwrap(),
            target: target.to_owned(),
        };
        for (text, fault) in [
            ("GET / HTTP/1.2\r\n\r\n", HeadFault::Version),
            ("PRI * HTTP/2.0\r\n\r\n", HeadFault::Version),
            ("GET /#a HTTP/1.1\r\n\r\n", target("GET", "/#a")),
            ("OPTIONS * HTTP/1.1\r\n\r\n", target("OPTIONS", "*")),
            ("CONNECT a:443 HTTP/1.1\r\n\r\n", target("CONNECT", "a:443")),
            ("GET ftp://a/ HTTP/1.1\r\n\r\n", target("GET", "ftp://a/")),
            ("GET a HTTP/1.1\r\n\r\n", target("GET", "a")),
            ("GET /\u{e9} HTTP/1.1\r\n\r\n", target("GET", "/\u{e9}")),
            ("GET /\t HTTP/1.1\r\n\r\n", target("GET", "/\t")),
            ("GET / HTTP/1.1\r\nContent-Length: x\r\n\r\n", HeadFault::Framing),
            (&format!("GET /{} HTTP/1.1\r\n\r\n", "a".repeat(40)), HeadFault::TargetTooLong),
            (&format!("GET /{}", "a".repeat(400)), HeadFault::TargetTooLong),
            (&format!("GET / HTTP/1.1\r\na: {}", "a".repeat(400)), HeadFault::TooLarge),
            ("GET / HTTP/1.1\r\na:1\r\nb:1\r\nc:1\r\nd:1\r\ne:1\r\n\r\n", HeadFault::TooMany),
        ] {
            assert_eq!(take(text).unwrap_err(), fault, "{text:?}");
        }
        for text in [
            "GET /\r\n\r\n",
            "GET  / HTTP/1.1\r\n\r\n",
            "GET / HTTP/1.1 \r\n\r\n",
            "GET / x HTTP/1.1\r\n\r\n",
            "GET\t/ HTTP/1.1\r\n\r\n",
            "GET / http/1.1\r\n\r\n",
            "GET / HTTP/11\r\n\r\n",
            "GE(T / HTTP/1.1\r\n\r\n",
            "GET / HTTP/1.1\nHost: x\r\n\r\n",
            "GET / HTTP/1.1\r\n\n",
            "\r\n\r\nGET / HTTP/1.1\r\n\r\n",
            " GET / HTTP/1.1\r\n\r\n",
            "\u{16}\u{3}\u{1}",
            "\n",
            &format!("{} / HTTP/1.1\r\n\r\n", "A".repeat(33)),
        ] {
            assert!(matches!(take(text), Err(HeadFault::Malformed(_))), "{text:?}: {:?}", take(text));
        }
        assert!(take("GET / HTTP/1.1\r\nHost: x\r\n").unwrap().is_none());
        assert!(matches!(take("GET /\r\n"), Err(HeadFault::Malformed(_))), "its end is not waited for");
    }
}
