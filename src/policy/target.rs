//! Reads what a client asks for into a [`Target`]: a method and a path that every server would read in one way.
//!
//! Called by the gate for each request and by `explain`. Nothing is repaired silently: a path with two readings is an
//! error, because a proxy that tidies a path judges another one than the upstream serves (CVE-2019-9901,
//! GHSA-p224-6x5r-fjpm). The one rewriting done is RFC 3986 section 6.2.2.2: escaped unreserved characters are decoded,
//! and the decoded form is both what is judged and what is sent.

use std::fmt;

use http::Method;
use http::uri::PathAndQuery;

/// A method and one canonical path. A value of this type exists only if every common server reads it the same way.
///
/// ```
/// use portcullis::policy::Target;
///
/// let target = Target::parse("GET", "/api/v2/%70roducts/7?page=2").unwrap();
/// assert_eq!(target.path(), "/api/v2/products/7");
/// assert_eq!(target.path_and_query().as_str(), "/api/v2/products/7?page=2");
///
/// // Refused, not repaired (section 8 of the contract).
/// assert!(Target::parse("GET", "/api/v2/public/..%2fadmin").is_err());
/// ```
#[derive(Clone, Debug)]
pub struct Target {
    method: Method,
    /// What the upstream is sent, byte for byte.
    sent: PathAndQuery,
    /// The path with the remaining escapes (`%20`, `%C3%A9`) decoded, where there are any: `a%3Ab` and `a:b` are one
    /// name to an upstream, so they must be one name to the routes.
    decoded: Option<Box<str>>,
}

/// Why a request line is not a [`Target`]. Each is answered 400.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TargetError {
    /// The method is not a token (RFC 9110 section 9.1).
    Method,
    /// Neither origin-form nor absolute-form, such as `*` or an authority (RFC 9112 section 3.2).
    Form,
    /// A control byte, raw or escaped.
    Control,
    /// A backslash, raw or escaped: some servers read it as a slash.
    Backslash,
    /// An escaped slash.
    EncodedSlash,
    /// `.` or `..` as a segment, in any encoding.
    DotSegment,
    /// Two slashes in a row.
    EmptySegment,
    /// A `;`, raw or escaped: some servers cut a segment there.
    Parameter,
    /// `%` without two hexadecimal digits behind it.
    BrokenEscape,
    /// `%25`: what it decodes to could be decoded again.
    DoubleEscape,
    /// An escaped `?` or `#`.
    EncodedDelimiter,
    /// Escapes that are not UTF-8, overlong forms among them.
    NotUtf8,
    /// A byte that RFC 3986 section 3.3 does not allow in a path.
    Character,
    /// A fragment, which is never sent to a server (RFC 9110 section 7.1).
    Fragment,
}

impl fmt::Display for TargetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Method => "the method is not a token",
            Self::Form => "the request target is not a path",
            Self::Control => "the path has a control character",
            Self::Backslash => "the path has a backslash",
            Self::EncodedSlash => "the path has an encoded slash",
            Self::DotSegment => "the path has a dot segment",
            Self::EmptySegment => "the path has an empty segment",
            Self::Parameter => "the path has a ';'",
            Self::BrokenEscape => "the path has a broken escape",
            Self::DoubleEscape => "the path has an escaped '%'",
            Self::EncodedDelimiter => "the path has an escaped '?' or '#'",
            Self::NotUtf8 => "the escapes in the path are not UTF-8",
            Self::Character => "the path has a character that must be escaped",
            Self::Fragment => "the request target has a fragment",
        })
    }
}

impl std::error::Error for TargetError {}

impl Target {
    /// Reads the target of a parsed request.
    ///
    /// # Errors
    /// A [`TargetError`] where two servers could read the path differently.
    pub fn read(method: &Method, asked: &PathAndQuery) -> Result<Self, TargetError> {
        let path = asked.path();
        let reading = Reading::of(path)?;
        let sent = if reading.plain.is_empty() {
            asked.clone()
        } else {
            let whole = match asked.query() {
                Some(query) => format!("{}?{query}", reading.plain),
                None => reading.plain,
            };
            PathAndQuery::try_from(whole).map_err(|_| TargetError::Character)?
        };
        Ok(Self { method: method.clone(), sent, decoded: reading.decoded })
    }

    /// Reads a method and a request target as text, in origin-form (RFC 9112 section 3.2.1).
    ///
    /// # Errors
    /// A [`TargetError`] where two servers could read the path differently.
    pub fn parse(method: &str, target: &str) -> Result<Self, TargetError> {
        let method = Method::from_bytes(method.as_bytes()).map_err(|_| TargetError::Method)?;
        // The http crate drops a fragment without telling, so it is looked for first.
        if target.contains('#') {
            return Err(TargetError::Fragment);
        }
        if !target.starts_with('/') {
            return Err(TargetError::Form);
        }
        let path = target.split_once('?').map_or(target, |(path, _)| path);
        Reading::of(path)?;
        let asked = PathAndQuery::try_from(target).map_err(|_| TargetError::Character)?;
        Self::read(&method, &asked)
    }

    /// The method, as sent.
    #[must_use]
    pub fn method(&self) -> &Method {
        &self.method
    }

    /// The canonical path, without the query.
    #[must_use]
    pub fn path(&self) -> &str {
        self.sent.path()
    }

    /// What the upstream's request line gets: the canonical path and the untouched query.
    #[must_use]
    pub fn path_and_query(&self) -> &PathAndQuery {
        &self.sent
    }

    /// The path as routes compare it: decoded, without the leading and one trailing slash. Empty for `/`.
    pub(super) fn matched(&self) -> &str {
        let path = self.decoded.as_deref().unwrap_or_else(|| self.sent.path());
        let path = path.strip_prefix('/').unwrap_or(path);
        path.strip_suffix('/').unwrap_or(path)
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, self.path())
    }
}

/// What one pass over a path finds.
struct Reading {
    /// The path with unreserved escapes decoded; empty where the path had none, so that the usual path costs no copy.
    plain: String,
    decoded: Option<Box<str>>,
}

impl Reading {
    fn of(path: &str) -> Result<Self, TargetError> {
        if !path.starts_with('/') {
            return Err(TargetError::Form);
        }
        let escaped = path.contains('%');
        if !escaped {
            path.bytes().try_for_each(raw)?;
            segments(path)?;
            return Ok(Self { plain: String::new(), decoded: None });
        }
        let (plain, decoded) = decode(path)?;
        segments(&decoded)?;
        let kept = plain.contains('%').then(|| decoded.into_boxed_str());
        Ok(Self { plain, decoded: kept })
    }
}

/// Judges one byte that stands in the path as it is: RFC 3986 `pchar` without `;`, and the slash.
fn raw(byte: u8) -> Result<(), TargetError> {
    match byte {
        b'/' | b':' | b'@' | b'!' | b'$' | b'&' | b'\'' | b'(' | b')' | b'*' | b'+' | b',' | b'=' => Ok(()),
        _ if unreserved(byte) => Ok(()),
        b'\\' => Err(TargetError::Backslash),
        b';' => Err(TargetError::Parameter),
        0..=0x1f | 0x7f => Err(TargetError::Control),
        _ => Err(TargetError::Character),
    }
}

/// Judges one byte that an escape stands for.
fn escaped(byte: u8) -> Result<(), TargetError> {
    match byte {
        0..=0x1f | 0x7f => Err(TargetError::Control),
        b'/' => Err(TargetError::EncodedSlash),
        b'\\' => Err(TargetError::Backslash),
        b';' => Err(TargetError::Parameter),
        b'%' => Err(TargetError::DoubleEscape),
        b'?' | b'#' => Err(TargetError::EncodedDelimiter),
        _ => Ok(()),
    }
}

/// The path with unreserved escapes decoded, and with all of them decoded.
fn decode(path: &str) -> Result<(String, String), TargetError> {
    let mut plain = String::with_capacity(path.len());
    let mut decoded = Vec::with_capacity(path.len());
    let mut rest = path.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            raw(byte)?;
            plain.push(char::from(byte));
            decoded.push(byte);
            continue;
        }
        let (Some(high), Some(low)) = (rest.next().and_then(hex), rest.next().and_then(hex)) else {
            return Err(TargetError::BrokenEscape);
        };
        let byte = high << 4 | low;
        escaped(byte)?;
        if unreserved(byte) {
            plain.push(char::from(byte));
        } else {
            plain.push_str(&format!("%{byte:02X}"));
        }
        decoded.push(byte);
    }
    let decoded = String::from_utf8(decoded).map_err(|_| TargetError::NotUtf8)?;
    // U+0080 to U+009F are control characters too, two bytes each.
    if decoded.chars().any(char::is_control) {
        return Err(TargetError::Control);
    }
    Ok((plain, decoded))
}

/// Refuses empty and dot segments in a decoded path. One trailing slash is a spelling, not a segment.
fn segments(path: &str) -> Result<(), TargetError> {
    let inner = path.strip_prefix('/').unwrap_or(path);
    if inner.is_empty() {
        return Ok(());
    }
    let inner = inner.strip_suffix('/').unwrap_or(inner);
    for segment in inner.split('/') {
        if segment.is_empty() {
            return Err(TargetError::EmptySegment);
        }
        // Windows drops spaces at the end of a name, so `..%20` is `..` to some servers.
        if matches!(segment.trim(), "." | ".." | "") {
            return Err(TargetError::DotSegment);
        }
    }
    Ok(())
}

fn unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~')
}

fn hex(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

#[cfg(test)]
mod tests {
    use super::{Target, TargetError};

    fn error(path: &str) -> TargetError {
        Target::parse("GET", path).expect_err(path)
    }

    #[test]
    fn one_reading_is_accepted() {
        for (path, sent, matched) in [
            ("/", "/", ""),
            ("/api", "/api", "api"),
            ("/api/", "/api/", "api"),
            ("/api/v2/products.json", "/api/v2/products.json", "api/v2/products.json"),
            ("/%61pi", "/api", "api"),
            ("/%7Eamy/%2D", "/~amy/-", "~amy/-"),
            ("/a%20b", "/a%20b", "a b"),
            ("/a%3ab/c:d", "/a%3Ab/c:d", "a:b/c:d"),
            ("/caf%C3%A9", "/caf%C3%A9", "café"),
            ("/a/...", "/a/...", "a/..."),
            ("/a?x=%2e%2e/;\\&y=%zz", "/a?x=%2e%2e/;\\&y=%zz", "a"),
        ] {
            let target = Target::parse("GET", path).unwrap_or_else(|e| panic!("{path}: {e}"));
            assert_eq!(target.path_and_query().as_str(), sent, "{path}");
            assert_eq!(target.matched(), matched, "{path}");
        }
    }

    #[test]
    fn two_readings_are_refused() {
        use TargetError as E;
        for (path, expected) in [
            ("", E::Form),
            ("*", E::Form),
            ("api", E::Form),
            ("http://store/api", E::Form),
            ("//api", E::EmptySegment),
            ("/api//products", E::EmptySegment),
            ("/api//", E::EmptySegment),
            ("/.", E::DotSegment),
            ("/..", E::DotSegment),
            ("/api/../admin", E::DotSegment),
            ("/api/./admin", E::DotSegment),
            ("/api/%2e%2e/admin", E::DotSegment),
            ("/api/.%2E/", E::DotSegment),
            ("/api/..%20/admin", E::DotSegment),
            ("/api/..;/admin", E::Parameter),
            ("/api/a;x=1", E::Parameter),
            ("/api/a%3bx", E::Parameter),
            ("/api\\admin", E::Backslash),
            ("/api/%5c..", E::Backslash),
            ("/api%2fadmin", E::EncodedSlash),
            ("/api%2Fadmin", E::EncodedSlash),
            ("/api/%00", E::Control),
            ("/api/%0d%0a", E::Control),
            ("/api/%7f", E::Control),
            ("/api/%C2%85", E::Control),
            ("/api/%", E::BrokenEscape),
            ("/api/%4", E::BrokenEscape),
            ("/api/%zz", E::BrokenEscape),
            ("/api/%252e", E::DoubleEscape),
            ("/api/%25", E::DoubleEscape),
            ("/api/%3fx", E::EncodedDelimiter),
            ("/api/%23x", E::EncodedDelimiter),
            ("/api/%c0%af", E::NotUtf8),
            ("/api/%e0%80%af", E::NotUtf8),
            ("/api/%ff", E::NotUtf8),
            ("/api/é", E::Character),
            ("/api/a b", E::Character),
            ("/api/a|b", E::Character),
            ("/api#x", E::Fragment),
            ("/api?x#y", E::Fragment),
        ] {
            assert_eq!(error(path), expected, "{path}");
        }
    }

    #[test]
    fn a_method_is_a_token() {
        assert_eq!(Target::parse("GE T", "/").expect_err("space"), TargetError::Method);
        assert_eq!(Target::parse("", "/").expect_err("empty"), TargetError::Method);
    }
}
