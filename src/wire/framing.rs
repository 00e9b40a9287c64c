//! Where a message's body ends (RFC 9112 section 6.3).

use http::header::{CONTENT_LENGTH, TRANSFER_ENCODING};
use http::{HeaderMap, HeaderValue, Version};

/// How a body is framed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Framing {
    /// There is no body, and nothing is said of one.
    Nothing,
    /// So many bytes; they may be none.
    Sized(u64),
    /// In chunks, with trailers perhaps.
    Chunked,
    /// Until the connection ends. Answers only.
    UntilClose,
}

/// The end of the body is in doubt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct InDoubt;

impl Framing {
    /// The framing of a request. Anything but one plain length, or the one coding `chunked` in HTTP/1.1, is in doubt:
    /// also what RFC 9112 would have repaired, for the next server might repair it in another way (CVE-2021-40346 and
    /// CVE-2023-40225 in HAProxy, CVE-2026-2835 in Pingora).
    pub(crate) fn of_request(fields: &HeaderMap, version: Version) -> Result<Self, InDoubt> {
        let coded = fields.contains_key(TRANSFER_ENCODING);
        match (coded, one(fields, CONTENT_LENGTH)?) {
            (false, None) => Ok(Self::Nothing),
            (false, Some(length)) => number(length.as_bytes()).map(Self::Sized).ok_or(InDoubt),
            (true, Some(_)) => Err(InDoubt),
            (true, None) => {
                let coding = one(fields, TRANSFER_ENCODING)?;
                let chunked = coding.is_some_and(|coding| coding.as_bytes().eq_ignore_ascii_case(b"chunked"));
                if chunked && version == Version::HTTP_11 { Ok(Self::Chunked) } else { Err(InDoubt) }
            }
        }
    }

    /// The framing of an answer that may have a body. A length beside chunks is without meaning (section 6.3), and
    /// equal lengths are one.
    pub(crate) fn of_answer(fields: &HeaderMap) -> Result<Self, InDoubt> {
        if fields.contains_key(TRANSFER_ENCODING) {
            let coding = one(fields, TRANSFER_ENCODING)?;
            let chunked = coding.is_some_and(|coding| coding.as_bytes().eq_ignore_ascii_case(b"chunked"));
            return if chunked { Ok(Self::Chunked) } else { Err(InDoubt) };
        }
        let mut lengths = fields.get_all(CONTENT_LENGTH).iter().map(|length| number(length.as_bytes()));
        match lengths.next() {
            None => Ok(Self::UntilClose),
            Some(first) if lengths.all(|length| length == first) => first.map(Self::Sized).ok_or(InDoubt),
            Some(_) => Err(InDoubt),
        }
    }
}

/// The one value that a field has, if it has any.
fn one(fields: &HeaderMap, name: http::HeaderName) -> Result<Option<&HeaderValue>, InDoubt> {
    let mut values = fields.get_all(name).iter();
    let first = values.next();
    if values.next().is_some() { Err(InDoubt) } else { Ok(first) }
}

/// Decimal digits and nothing else. No leading zero either: it is octal to some. And no more than fits 64 bits with a
/// sign: the rest is negative to some.
pub(crate) fn number(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) || digits.len() > 1 && digits.starts_with(b"0") {
        return None;
    }
    std::str::from_utf8(digits).ok()?.parse().ok().filter(|number| *number <= i64::MAX as u64)
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderName, HeaderValue, Version};

    use super::{Framing, InDoubt};

    fn fields(lines: &[(&str, &str)]) -> HeaderMap {
        let line = |(name, value): &(&str, &str)| {
            (HeaderName::try_from(*name).unwrap(), HeaderValue::from_str(value).unwrap())
        };
        lines.iter().map(line).collect()
    }

    const LENGTH: &str = "content-length";
    const CODING: &str = "transfer-encoding";

    #[test]
    fn a_request_says_once_where_it_ends() {
        let of = |lines: &[_]| Framing::of_request(&fields(lines), Version::HTTP_11);
        assert_eq!(of(&[]), Ok(Framing::Nothing));
        assert_eq!(of(&[(LENGTH, "0")]), Ok(Framing::Sized(0)));
        assert_eq!(of(&[(LENGTH, "9223372036854775807")]), Ok(Framing::Sized(i64::MAX as u64)));
        assert_eq!(of(&[(CODING, "Chunked")]), Ok(Framing::Chunked));
        for doubtful in [
            &[(LENGTH, "5"), (LENGTH, "5")][..],
            &[(LENGTH, "5, 5")],
            &[(LENGTH, "")],
            &[(LENGTH, "05")],
            &[(LENGTH, "+5")],
            &[(LENGTH, "-5")],
            &[(LENGTH, "0x5")],
            &[(LENGTH, "5 ")],
            &[(LENGTH, "1_0")],
            &[(LENGTH, "9223372036854775808")],
            &[(LENGTH, "18446744073709551616")],
            &[(CODING, "chunked"), (LENGTH, "5")],
            &[(CODING, "chunked"), (CODING, "chunked")],
            &[(CODING, "gzip, chunked")],
            &[(CODING, "chunked, chunked")],
            &[(CODING, "identity")],
            &[(CODING, "")],
            &[(CODING, "\"chunked\"")],
            &[(CODING, "chunked;x")],
        ] {
            assert_eq!(of(doubtful), Err(InDoubt), "{doubtful:?}");
        }
        assert_eq!(Framing::of_request(&fields(&[(CODING, "chunked")]), Version::HTTP_10), Err(InDoubt));
    }

    #[test]
    fn an_answer_is_read_more_kindly() {
        let of = |lines: &[_]| Framing::of_answer(&fields(lines));
        assert_eq!(of(&[]), Ok(Framing::UntilClose));
        assert_eq!(of(&[(LENGTH, "5"), (LENGTH, "5")]), Ok(Framing::Sized(5)));
        assert_eq!(of(&[(CODING, "chunked"), (LENGTH, "5")]), Ok(Framing::Chunked));
        for doubtful in [&[(LENGTH, "5"), (LENGTH, "6")][..], &[(LENGTH, "x")], &[(CODING, "gzip, chunked")]] {
            assert_eq!(of(doubtful), Err(InDoubt), "{doubtful:?}");
        }
    }
}
