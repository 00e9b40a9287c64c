//! Step 2: a request's head becomes a [`Target`] and a host, or is refused.
//!
//! The bytes have been parsed by `wire` or by hyper; what both let pass and RFC 9110 and 9113 do not is judged here.

use std::net::Ipv6Addr;

use http::header::{CONNECTION, EXPECT, HOST, UPGRADE};
use http::request::Parts;
use http::uri::{Authority, Scheme};
use http::{HeaderMap, HeaderValue, Version};

use super::headers;
use super::rejection::Rejection;
use crate::policy::{Target, TargetError};
use crate::wire::Framing;

/// What a head says, once it has one reading.
pub(super) struct Received {
    pub(super) target: Target,
    /// The host as the client named it; `None` only for HTTP/1.0.
    pub(super) host: Option<HeaderValue>,
    /// The client waits for `100 Continue` before it sends the body.
    pub(super) expects_continue: bool,
}

/// Reads a head.
pub(super) fn read(parts: &Parts) -> Result<Received, Rejection> {
    scheme(parts)?;
    let host = host(parts)?;
    connection_options(&parts.headers)?;
    if parts.version == Version::HTTP_2 {
        framing(parts)?;
    }
    no_overrides(&parts.headers)?;
    let expects_continue = expectation(&parts.headers, parts.version)?;
    let asked = parts.uri.path_and_query().ok_or(TargetError::Form)?;
    let target = Target::read(&parts.method, asked)?;
    Ok(Received { target, host, expects_continue })
}

/// A target with a scheme is for this gateway only if it is HTTP's (RFC 9110 section 7.4). Without encryption on the
/// client's side of another proxy, it is `http`.
fn scheme(parts: &Parts) -> Result<(), Rejection> {
    match parts.uri.scheme() {
        Some(scheme) if *scheme != Scheme::HTTP && *scheme != Scheme::HTTPS => {
            Err(Rejection::Malformed("the target's scheme is neither http nor https"))
        }
        _ => Ok(()),
    }
}

/// The one host (RFC 9112 section 3.2, RFC 9113 section 8.3.1): Host and the target's authority have to agree.
fn host(parts: &Parts) -> Result<Option<HeaderValue>, Rejection> {
    let mut lines = parts.headers.get_all(HOST).iter();
    let line = lines.next();
    if lines.next().is_some() {
        return Err(Rejection::Malformed("there is more than one Host"));
    }
    if let (None, Some(line)) = (parts.uri.authority(), line)
        && is_plain(line.as_bytes())
    {
        return Ok(Some(line.clone()));
    }
    let named = line.map(|value| authority(value.as_bytes())).transpose()?;
    match (parts.uri.authority(), named, line) {
        (Some(asked), Some(named), _) if !asked.as_str().eq_ignore_ascii_case(named.as_str()) => {
            Err(Rejection::Malformed("the target's authority is not the Host"))
        }
        // The absolute form does not stand for it (RFC 9112 section 3.2).
        (Some(_), None, _) if parts.version == Version::HTTP_11 => Err(Rejection::Malformed("there is no Host")),
        (Some(asked), ..) => {
            let asked = authority(asked.as_str().as_bytes())?;
            HeaderValue::from_str(asked.as_str()).map(Some).map_err(|_| Rejection::Malformed("the host is malformed"))
        }
        (None, Some(_), line) => Ok(line.cloned()),
        (None, None, _) if parts.version == Version::HTTP_10 => Ok(None),
        (None, None, _) => Err(Rejection::Malformed("there is no Host")),
    }
}

/// A host and an optional port, without user information (CVE-2026-49468 is what a `#` in Host can do).
fn authority(text: &[u8]) -> Result<Authority, Rejection> {
    let malformed = Rejection::Malformed("the host is malformed");
    match Authority::try_from(text) {
        Ok(host) if !host.as_str().contains('@') && is_host(host.host()) && has_port_or_none(&host) => Ok(host),
        Ok(_) | Err(_) => Err(malformed),
    }
}

/// Whether this is a name or an IPv4 address, with a port at most, as nearly always; then it need not be taken apart.
fn is_plain(text: &[u8]) -> bool {
    let (host, port) = match memchr::memchr(b':', text).and_then(|colon| text.split_at_checked(colon)) {
        Some((host, [_, port @ ..])) => (host, port),
        _ => (text, &b"0"[..]),
    };
    is_port(port) && !host.is_empty() && host.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(byte))
}

/// Whether these are the digits of a port, as they are usually written.
fn is_port(digits: &[u8]) -> bool {
    let digit = |sum: u32, digit: &u8| digit.is_ascii_digit().then(|| sum * 10 + u32::from(digit - b'0'));
    (1..=5).contains(&digits.len()) && digits.iter().try_fold(0, digit).is_some_and(|port| port <= u32::from(u16::MAX))
}

/// Whether this is a name as DNS and its kin have them, or an address. RFC 3986 lets more pass for a name: commas that
/// make a list of it, escapes that somebody may decode.
fn is_host(host: &str) -> bool {
    match host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
        Some(address) => address.parse::<Ipv6Addr>().is_ok(),
        None => !host.is_empty() && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte)),
    }
}

/// Whether what follows the host is nothing or a port; the http crate lets any text pass for one.
fn has_port_or_none(authority: &Authority) -> bool {
    let rest = authority.as_str().strip_prefix(authority.host()).unwrap_or_default();
    rest.is_empty() || authority.port_u16().is_some() && rest.bytes().skip(1).all(|byte| byte.is_ascii_digit())
}

/// Connection and Upgrade are lists of tokens (RFC 9110 section 7.6.1). What cannot be read here might be read by the
/// upstream: a header that is to go would stay, a protocol that must not pass would.
fn connection_options(headers: &HeaderMap) -> Result<(), Rejection> {
    let mut values = [CONNECTION, UPGRADE].into_iter().flat_map(|name| headers.get_all(name));
    if values.all(|value| value.to_str().is_ok()) {
        return Ok(());
    }
    Err(Rejection::Malformed("Connection or Upgrade has a character that no token has"))
}

/// Headers that name another method or path are refused and not only removed: who sends one wants it obeyed.
fn no_overrides(headers: &HeaderMap) -> Result<(), Rejection> {
    if headers.keys().any(headers::overrides) {
        return Err(Rejection::Malformed("a header names another method or path than the request"));
    }
    Ok(())
}

/// One way to tell where the body ends. `wire` has seen to it already for HTTP/1; over HTTP/2 there are frames for that,
/// but a length that is named has to be one.
fn framing(parts: &Parts) -> Result<(), Rejection> {
    match Framing::of_request(&parts.headers, Version::HTTP_11) {
        Ok(_) => Ok(()),
        Err(_) => Err(Rejection::Malformed("the end of the body is in doubt")),
    }
}

/// Whether the client waits for `100 Continue`; one that speaks HTTP/1.0 never does (RFC 9110 section 10.1.1).
fn expectation(headers: &HeaderMap, version: Version) -> Result<bool, Rejection> {
    if version == Version::HTTP_10 {
        return Ok(false);
    }
    let mut lines = headers.get_all(EXPECT).iter();
    match (lines.next(), lines.next()) {
        (None, _) => Ok(false),
        (Some(value), None) if value.as_bytes().eq_ignore_ascii_case(b"100-continue") => Ok(true),
        _ => Err(Rejection::Expectation),
    }
}
