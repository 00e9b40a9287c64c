//! Field lines, of heads and of trailer sections (RFC 9112 section 5).

use bytes::Bytes;
use http::header::HeaderName;
use http::{HeaderMap, HeaderValue};

/// Why a section of field lines is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FieldFault {
    /// More lines than are allowed.
    TooMany,
    /// Says what is wrong with one.
    Malformed(&'static str),
}

/// Looks for the end of a section, which is an empty line, from `from` on. Every line has to end in CRLF: a bare LF is a
/// line's end to some servers and a part of the line to others. `Ok(None)` where the end has not come yet.
///
/// Each byte is looked at once, however small the pieces are that it comes in.
pub(super) fn end(bytes: &[u8], from: usize) -> Result<Option<usize>, FieldFault> {
    let new = bytes.get(from..).unwrap_or_default();
    for place in memchr::memchr_iter(b'\n', new).map(|place| from + place) {
        match bytes.get(..place) {
            Some([.., b'\n', b'\r']) | Some([b'\r']) => return Ok(Some(place + 1)),
            Some([.., b'\r']) => {}
            _ => return Err(FieldFault::Malformed("a line ends in a bare LF")),
        }
    }
    Ok(None)
}

/// Reads field lines, up to and with the empty line. The values share the section's bytes.
pub(super) fn read(section: &Bytes, most: usize) -> Result<HeaderMap, FieldFault> {
    let mut fields = HeaderMap::with_capacity(12);
    let mut start = 0;
    let mut count = 0;
    for end in memchr::memchr_iter(b'\n', section) {
        let line = section.get(start..end).and_then(|line| line.strip_suffix(b"\r"));
        let line = line.ok_or(FieldFault::Malformed("a line ends in a bare LF"))?;
        if line.is_empty() {
            return Ok(fields);
        }
        count += 1;
        if count > most {
            return Err(FieldFault::TooMany);
        }
        let (name, value) = field(section, line)?;
        fields.try_append(name, value).map_err(|_| FieldFault::TooMany)?;
        start = end + 1;
    }
    Err(FieldFault::Malformed("the fields have no end"))
}

/// One `name: value`. `http` holds names to RFC 9110 section 5.1, so that a space before the colon or at the line's
/// beginning (obs-fold) is refused, and values to section 5.5, without control bytes (CVE-2019-9900, CVE-2023-30589).
fn field(section: &Bytes, line: &[u8]) -> Result<(HeaderName, HeaderValue), FieldFault> {
    if line.first().is_some_and(|byte| matches!(byte, b' ' | b'\t')) {
        return Err(FieldFault::Malformed("a field is folded over two lines"));
    }
    let colon = memchr::memchr(b':', line).ok_or(FieldFault::Malformed("a field has no colon"))?;
    let (name, rest) = line.split_at(colon);
    let name = HeaderName::from_bytes(name).map_err(|_| FieldFault::Malformed("a field has no token for a name"))?;
    let value = trim(rest.get(1..).unwrap_or_default());
    let value = HeaderValue::from_maybe_shared(section.slice_ref(value));
    let value = value.map_err(|_| FieldFault::Malformed("a field has a control character"))?;
    Ok((name, value))
}

/// Without the optional white space around a value: SP and HTAB, and nothing else (RFC 9110 section 5.6.3).
pub(super) fn trim(mut value: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = value {
        value = rest;
    }
    value
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::{FieldFault, end, read};

    #[test]
    fn the_end_is_found_however_the_bytes_come() {
        let bytes = b"a: 1\r\nb: 2\r\n\r\nrest";
        for cut in 0..bytes.len() {
            let whole = if cut < 14 { None } else { Some(14) };
            assert_eq!(end(&bytes[..cut], 0), Ok(whole), "{cut}");
            assert_eq!(end(bytes, cut.min(13)), Ok(Some(14)), "{cut}");
        }
        assert_eq!(end(b"\r\n", 0), Ok(Some(2)), "no field at all");
        for bare in [&b"a: 1\n\r\n"[..], b"\n", b"a: 1\r\n\n", b"a: 1\r\nb\n"] {
            assert!(end(bare, 0).is_err(), "{bare:?}");
        }
    }

    #[test]
    fn fields_are_read_to_the_letter() {
        let fields = read(&Bytes::from_static(b"Name: \t a b \t\r\nEMPTY:\r\nname:x\xff\r\n\r\n"), 3).unwrap();
        let values: Vec<_> = fields.get_all("name").iter().map(|value| value.as_bytes().to_vec()).collect();
        assert_eq!(values, [b"a b".to_vec(), b"x\xff".to_vec()]);
        assert_eq!(fields.get("empty").unwrap(), "");
        for (section, fault) in [
            (&b"a: 1\r\n b\r\n\r\n"[..], "folded"),
            (b" a: 1\r\n\r\n", "folded"),
            (b"a : 1\r\n\r\n", "token"),
            (b": 1\r\n\r\n", "token"),
            (b"a\xff: 1\r\n\r\n", "token"),
            (b"a(b): 1\r\n\r\n", "token"),
            (b"a\r\n\r\n", "colon"),
            (b"a: b\0c\r\n\r\n", "control"),
            (b"a: b\rc\r\n\r\n", "control"),
            (b"a: b\x7f\r\n\r\n", "control"),
            (b"a: b\x0b\r\n\r\n", "control"),
            (b"a: b\n\r\n", "bare"),
            (b"a: b\r\n", "end"),
        ] {
            let found = read(&Bytes::from_static(section), 3).unwrap_err();
            let FieldFault::Malformed(what) = found else { panic!("{section:?}: {found:?}") };
            assert!(what.contains(fault), "{section:?}: {what}");
        }
        let four = Bytes::from_static(b"a:1\r\nb:1\r\nc:1\r\nd:1\r\n\r\n");
        assert_eq!(read(&four, 3).unwrap_err(), FieldFault::TooMany);
        assert_eq!(read(&four, 4).unwrap().len(), 4);
    }
}
