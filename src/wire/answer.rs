//! The head of an upstream's answer. It is written anew for the client, so what common servers get wrong is let pass
//! where it leaves no doubt: lines that end in a bare LF, and fields folded over two lines.

use bytes::{Buf as _, Bytes, BytesMut};
use http::header::{CONNECTION, CONTENT_LENGTH, HeaderName, TRANSFER_ENCODING};
use http::{HeaderMap, HeaderValue, Method, StatusCode, Version};

use super::fields::trim;
use super::framing::Framing;

/// The largest head of an answer, in bytes and in fields: twice what clients may send, for cookies come from here.
const SIZE: usize = 64 << 10;
const FIELDS: usize = 256;
/// Lines of it, where fields are folded.
const LINES: usize = 4 * FIELDS;

/// An answer's head.
#[derive(Debug)]
pub(crate) struct AnswerHead {
    pub(crate) status: StatusCode,
    /// The words behind the status.
    pub(crate) reason: Bytes,
    pub(crate) headers: HeaderMap,
    pub(crate) framing: Framing,
    /// Whether the connection may carry another request.
    pub(crate) keep_alive: bool,
}

/// Takes the next head out of the buffer; `Ok(None)` where it has not come as a whole. `method` is the request's.
///
/// # Errors
/// What is wrong with it, for the log.
pub(crate) fn take(buffer: &mut BytesMut, method: &Method) -> Result<Option<AnswerHead>, &'static str> {
    let Some(end) = end(buffer)? else {
        return if buffer.len() > SIZE {
            Err("its head is too large")
        } else if buffer.iter().zip(b"HTTP/1.").any(|(a, b)| a != b) {
            Err("it is not HTTP")
        } else {
            Ok(None)
        };
    };
    if end > SIZE {
        return Err("its head is too large");
    }
    let bytes = Bytes::copy_from_slice(buffer.get(..end).unwrap_or_default());
    buffer.advance(end);
    read(&bytes, method).map(Some)
}

/// Where the empty line ends. Looked for anew with every piece, so that the lines are bounded too.
fn end(bytes: &[u8]) -> Result<Option<usize>, &'static str> {
    for (line, place) in memchr::memchr_iter(b'\n', bytes).enumerate() {
        if line > LINES {
            return Err("its head has too many lines");
        }
        if place > 0 && matches!(bytes.get(..place), Some([.., b'\n'] | [.., b'\n', b'\r'])) {
            return Ok(Some(place + 1));
        }
    }
    Ok(None)
}

fn read(bytes: &Bytes, method: &Method) -> Result<AnswerHead, &'static str> {
    let end = memchr::memchr(b'\n', bytes).ok_or("its head has no end")?;
    let (version, status, reason) = status_line(bytes, bytes.get(..end).unwrap_or_default())?;
    let mut headers = fields(&bytes.slice(end + 1..))?;
    // RFC 9112 section 6.3: these have no body, whatever their fields say.
    let bodiless = method == Method::HEAD
        || status.is_informational()
        || matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED);
    let framing = if bodiless {
        Framing::Nothing
    } else {
        Framing::of_answer(&headers).map_err(|_| "the end of its body is in doubt")?
    };
    let said = |option: &str| says(&headers, option);
    let persistent = if version == Version::HTTP_11 { !said("close") } else { said("keep-alive") };
    let keep_alive = persistent && framing != Framing::UntilClose && !is_doubtful(&headers, status, version);
    say_once(&mut headers, status, framing);
    Ok(AnswerHead { status, reason, headers, framing, keep_alive })
}

/// Whether whoever wrote this may count in another way, so that nothing more is read: both a length and chunks
/// (hyper#4181), chunks in HTTP/1.0 (RFC 9112 section 6.1), or a body where there is none.
fn is_doubtful(headers: &HeaderMap, status: StatusCode, version: Version) -> bool {
    let (length, coded) = (headers.get(CONTENT_LENGTH), headers.contains_key(TRANSFER_ENCODING));
    let bodiless = status.is_informational() || status == StatusCode::NO_CONTENT;
    let announced = coded || length.is_some_and(|length| length != "0");
    coded && (length.is_some() || version == Version::HTTP_10) || bodiless && announced
}

/// Leaves one length where that is the body's, or would be the body's of a GET, and none elsewhere: an HTTP/2 client
/// gets it as it stands, and would hold the body to it.
fn say_once(headers: &mut HeaderMap, status: StatusCode, framing: Framing) {
    let bodiless = status.is_informational() || status == StatusCode::NO_CONTENT;
    let length = match framing {
        Framing::Nothing if !bodiless => match Framing::of_answer(headers) {
            Ok(Framing::Sized(length)) => Some(length),
            Ok(Framing::Nothing | Framing::Chunked | Framing::UntilClose) | Err(_) => None,
        },
        Framing::Sized(length) => Some(length),
        Framing::Nothing | Framing::Chunked | Framing::UntilClose => None,
    };
    match length {
        None => {
            headers.remove(CONTENT_LENGTH);
        }
        Some(length) if headers.get_all(CONTENT_LENGTH).iter().nth(1).is_some() => {
            headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
        }
        Some(_) => {}
    }
}

fn status_line(bytes: &Bytes, line: &[u8]) -> Result<(Version, StatusCode, Bytes), &'static str> {
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let (version, rest) = match line {
        [b'H', b'T', b'T', b'P', b'/', b'1', b'.', b'1', b' ', rest @ ..] => (Version::HTTP_11, rest),
        [b'H', b'T', b'T', b'P', b'/', b'1', b'.', b'0', b' ', rest @ ..] => (Version::HTTP_10, rest),
        _ => return Err("it is not HTTP/1.0 or 1.1"),
    };
    let (status, reason) = rest.split_at_checked(3).ok_or("it has no status")?;
    let status = StatusCode::from_bytes(status).map_err(|_| "its status is no number")?;
    if !matches!(reason.first(), None | Some(b' ')) || status.as_u16() > 599 {
        return Err("its status is no number");
    }
    let reason = trim(reason);
    if reason.iter().any(|byte| byte.is_ascii_control() && *byte != b'\t') {
        return Err("its status line has a control character");
    }
    Ok((version, status, bytes.slice_ref(reason)))
}

fn fields(section: &Bytes) -> Result<HeaderMap, &'static str> {
    let mut headers = HeaderMap::with_capacity(12);
    let mut last: Option<(HeaderName, HeaderValue)> = None;
    let mut start = 0;
    let mut keep = |field: Option<(HeaderName, HeaderValue)>| match field {
        Some((name, value)) if headers.len() < FIELDS => {
            headers.try_append(name, value).map(|_| ()).map_err(|_| "it has too many fields")
        }
        Some(_) => Err("it has too many fields"),
        None => Ok(()),
    };
    for end in memchr::memchr_iter(b'\n', section) {
        let line = section.get(start..end).unwrap_or_default();
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        start = end + 1;
        if line.first().is_some_and(|byte| matches!(byte, b' ' | b'\t')) {
            last = Some(unfold(last.take().ok_or("its first field is folded")?, line)?);
            continue;
        }
        keep(last.take())?;
        if line.is_empty() {
            break;
        }
        let (name, value) = line.split_at(memchr::memchr(b':', line).ok_or("a field has no colon")?);
        // RFC 9112 section 5.1: white space before the colon is removed from answers.
        let name = HeaderName::from_bytes(trim(name)).map_err(|_| "a field has no token for a name")?;
        let value = trim(value.get(1..).unwrap_or_default());
        let value = HeaderValue::from_maybe_shared(section.slice_ref(value));
        last = Some((name, value.map_err(|_| "a field has a control character")?));
    }
    Ok(headers)
}

/// Joins a folded line to the one before with a space (RFC 9112 section 5.2).
fn unfold((name, value): (HeaderName, HeaderValue), line: &[u8]) -> Result<(HeaderName, HeaderValue), &'static str> {
    let joined = [value.as_bytes(), trim(line)].join(&b' ');
    HeaderValue::from_bytes(trim(&joined)).map(|value| (name, value)).map_err(|_| "a field has a control character")
}

fn says(headers: &HeaderMap, option: &str) -> bool {
    let values = headers.get_all(CONNECTION).iter();
    let mut options = values.flat_map(|value| value.as_bytes().split(|byte| *byte == b','));
    options.any(|said| trim(said).eq_ignore_ascii_case(option.as_bytes()))
}

#[cfg(test)]
mod tests {
    use bytes::BytesMut;
    use http::Method;

    use super::{AnswerHead, Framing, take};

    fn get(text: &str) -> Result<Option<AnswerHead>, &'static str> {
        take(&mut BytesMut::from(text), &Method::GET)
    }

    #[test]
    fn answers_are_read_kindly() {
        let text = "HTTP/1.1 200 Fine Then\nX : a\r\n b\r\n\tc\nY:\r\n\nbody";
        let mut buffer = BytesMut::from(text);
        let head = take(&mut buffer, &Method::GET).unwrap().unwrap();
        assert_eq!((head.status.as_u16(), &head.reason[..]), (200, &b"Fine Then"[..]));
        assert_eq!(head.headers.get("x").unwrap(), "a b c");
        assert_eq!(head.headers.get("y").unwrap(), "");
        assert_eq!((head.framing, head.keep_alive, &buffer[..]), (Framing::UntilClose, false, &b"body"[..]));
        assert!(get("HTTP/1.1 200 OK\r\nX: a\r\n").unwrap().is_none());
    }

    #[test]
    fn whether_there_is_another_answer() {
        for (text, framing, keep) in [
            ("HTTP/1.1 200\r\nContent-Length: 2\r\n\r\n", Framing::Sized(2), true),
            ("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: Close\r\n\r\n", Framing::Sized(2), false),
            ("HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\n", Framing::Sized(2), false),
            ("HTTP/1.0 200 OK\r\nContent-Length: 2\r\nConnection: keep-alive\r\n\r\n", Framing::Sized(2), true),
            ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", Framing::Chunked, true),
            ("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n", Framing::Chunked, false),
            (
                "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: keep-alive\r\n\r\n",
                Framing::Chunked,
                false,
            ),
            ("HTTP/1.1 204 No\r\n\r\n", Framing::Nothing, true),
            ("HTTP/1.1 204 No\r\nContent-Length: 2\r\n\r\n", Framing::Nothing, false),
            ("HTTP/1.1 304 No\r\nContent-Length: 2\r\n\r\n", Framing::Nothing, true),
            ("HTTP/1.1 304 No\r\nTransfer-Encoding: chunked\r\n\r\n", Framing::Nothing, true),
            ("HTTP/1.1 100 Continue\r\n\r\n", Framing::Nothing, true),
        ] {
            let head = get(text).unwrap().unwrap();
            assert_eq!((head.framing, head.keep_alive), (framing, keep), "{text}");
        }
        let mut to_head = BytesMut::from("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n");
        assert_eq!(take(&mut to_head, &Method::HEAD).unwrap().unwrap().framing, Framing::Nothing);
    }

    #[test]
    fn the_length_is_said_once_or_not_at_all() {
        for (text, length) in [
            ("200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n", Some("2")),
            ("200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n", None),
            ("204 No\r\nContent-Length: 0\r\n", None),
            ("304 No\r\nContent-Length: 2\r\n", Some("2")),
            ("304 No\r\nContent-Length: 2\r\nContent-Length: 3\r\n", None),
        ] {
            let head = get(&format!("HTTP/1.1 {text}\r\n")).unwrap().unwrap();
            let lengths: Vec<_> = head.headers.get_all("content-length").iter().collect();
            assert_eq!(lengths, length.into_iter().collect::<Vec<_>>(), "{text}");
        }
    }

    #[test]
    fn what_is_no_answer() {
        for text in [
            "SSH-2.0-OpenSSH_9.2\r\n",
            "HTTP/2.0 200 OK\r\n\r\n",
            "HTTP/1.1 2x0 OK\r\n\r\n",
            "HTTP/1.1 2000 OK\r\n\r\n",
            "HTTP/1.1 700 OK\r\n\r\n",
            "HTTP/1.1\r\n\r\n",
            "HTTP/1.1 200 O\rK\r\n\r\n",
            "HTTP/1.1 200 OK\r\n a: folded\r\n\r\n",
            "HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
            "HTTP/1.1 200 OK\r\na: b\rc\r\n\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
            &format!("HTTP/1.1 200 OK\r\na: {}", "a".repeat(70_000)),
            &format!("HTTP/1.1 200 OK\r\na: {}\r\n\r\n", "a".repeat(70_000)),
            &format!("HTTP/1.1 200 OK\r\n{}\r\n", "a: b\r\n".repeat(300)),
            &format!("HTTP/1.1 200 OK\r\na: b\r\n{}", " b\r\n".repeat(2000)),
        ] {
            assert!(get(text).is_err(), "{text:?}");
        }
    }
}
