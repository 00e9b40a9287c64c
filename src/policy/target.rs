//! Reads what a client asks for into a [`Target`]: a method and a path that every server would read in one way.
//!
//! Called by the gate for each request and by `explain`. Nothing is repaired silently: a path with two readings is an
//! error, because a proxy that tidies a path judges another one than the upstream serves (CVE-2019-9901,
//! GHSA-p224-6x5r-fjpm). The one rewriting done is RFC 3986 section 6.2.2.2: escaped unreserved characters are decoded,
//! and the decoded form is both what is judged and what is sent.

use std::fmt;

use http::Method;
use http::uri::PathAndQuery;

use super::lookalike;

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
    /// CONNECT and TRACE speak to the gateway, not to the API: one opens a tunnel, the other shows what arrived.
    NeverForwarded,
    /// No path that begins with a slash, such as `*`, an authority or a query alone (RFC 9112 section 3.2).
    Form,
    /// A control byte, raw or escaped.
    Control,
    /// A backslash, raw or escaped: some servers read it as a slash.
    Backslash,
    /// An escaped slash.
    EncodedSlash,
    /// `.` or `..` as a segment, in any encoding, or more dots, or dots among spaces.
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
    /// An escaped character that some servers turn into a slash, a backslash, `;`, `%`, `?` or `#`.
    LookAlike,
    /// A byte that RFC 3986 section 3.3 does not allow in a path.
    Character,
    /// A fragment, which is never sent to a server (RFC 9110 section 7.1).
    Fragment,
}

impl fmt::Display for TargetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Method => "the method is not a token",
            Self::NeverForwarded => "this method is never forwarded",
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
            Self::LookAlike => "the path has a character that some servers take for a delimiter",
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
        if matches!(*method, Method::CONNECT | Method::TRACE) {
            return Err(TargetError::NeverForwarded);
        }
        // The http crate shows a missing path as "/". What would be sent is a query alone, or nothing at all where a
        // fragment was dropped that had nothing before it.
        match asked.as_str() {
            "/" if *asked != ROOT => return Err(TargetError::Fragment),
            whole if !whole.starts_with('/') => return Err(TargetError::Form),
            _ => {}
        }
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
        if !path.contains('%') {
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
        let digits = (rest.next(), rest.next());
        let (Some(high), Some(low)) = digits else { return Err(TargetError::BrokenEscape) };
        let byte = hex(high)? << 4 | hex(low)?;
        escaped(byte)?;
        if unreserved(byte) {
            plain.push(char::from(byte));
        } else {
            // Either case means the same (RFC 3986 section 6.2.2.1); one of them is sent.
            plain.extend(['%', char::from(high), char::from(low)].map(|c| c.to_ascii_uppercase()));
        }
        decoded.push(byte);
    }
    let decoded = String::from_utf8(decoded).map_err(|_| TargetError::NotUtf8)?;
    characters(&decoded)?;
    Ok((plain, decoded))
}

/// Judges the characters that escapes stand for together.
fn characters(decoded: &str) -> Result<(), TargetError> {
    for c in decoded.chars().filter(|c| !c.is_ascii()) {
        // U+0080 to U+009F are control characters too, two bytes each.
        if c.is_control() {
            return Err(TargetError::Control);
        }
        if lookalike::is_delimiter(c) {
            return Err(TargetError::LookAlike);
        }
    }
    Ok(())
}

/// Refuses empty and dot segments in a decoded path. One trailing slash is a spelling, not a segment.
fn segments(path: &str) -> Result<(), TargetError> {
    let inner = path.strip_prefix('/').unwrap_or(path);
    if inner.is_empty() {
        return Ok(());
    }
    let inner = inner.strip_suffix('/').unwrap_or(inner);
    // By bytes, since nearly all segments begin with a letter or a digit and are done with then.
    for segment in inner.as_bytes().split(|byte| *byte == b'/') {
        match segment.first() {
            None => return Err(TargetError::EmptySegment),
            Some(first) if first.is_ascii_alphanumeric() => {}
            Some(_) if is_dots(segment) => return Err(TargetError::DotSegment),
            Some(_) => {}
        }
    }
    Ok(())
}

/// Whether a segment is dots and what leaves nothing that is seen. Windows drops spaces and dots at the end of a name:
/// `..%20` is `..` to some servers, and `...` is nothing.
fn is_dots(segment: &[u8]) -> bool {
    let mut characters = segment.utf8_chunks().flat_map(|chunk| chunk.valid().chars());
    characters.all(|c| lookalike::is_dot(c) || lookalike::is_blank(c))
}

fn unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~')
}

fn hex(byte: u8) -> Result<u8, TargetError> {
    let digit = char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    digit.ok_or(TargetError::BrokenEscape)
}

const ROOT: PathAndQuery = PathAndQuery::from_static("/");

#[cfg(test)]
#[path = "target_tests.rs"]
mod tests;
