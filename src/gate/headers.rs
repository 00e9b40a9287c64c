//! Headers on their way through: what is taken out, what is put in.
//!
//! Everything a client could use to look like somebody else is removed first, in every spelling an upstream may fold
//! (`X_Remote_User`, `x.remote.user`), and only then are the gateway's own headers added, so that nothing a client names
//! in `Connection` can remove them (CVE-2024-45410, CVE-2026-29054, CVE-2026-33433).

use http::header::{
    self, AUTHORIZATION, CONNECTION, CONTENT_LENGTH, COOKIE, HOST, HeaderName, LOCATION, TE, TRANSFER_ENCODING, UPGRADE,
};
use http::{HeaderMap, HeaderValue, Version};

use crate::policy::{Identity, Permit};

pub(super) const REMOTE_USER: HeaderName = HeaderName::from_static("x-remote-user");
pub(super) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const KEEP_ALIVE: HeaderName = HeaderName::from_static("keep-alive");
const PROXY_CONNECTION: HeaderName = HeaderName::from_static("proxy-connection");
const HTTP2_SETTINGS: HeaderName = HeaderName::from_static("http2-settings");

/// What belongs to one connection only (RFC 9110 section 7.6.1).
const HOP_BY_HOP: [HeaderName; 7] =
    [CONNECTION, KEEP_ALIVE, PROXY_CONNECTION, TE, TRANSFER_ENCODING, UPGRADE, HTTP2_SETTINGS];

/// Names, spelled with hyphens, that only the gateway may say to the upstream. One that ends in `-` is a prefix.
// `proxy` is what CGI makes HTTP_PROXY of (CVE-2016-5385).
const OURS: [&str; 8] = [
    "forwarded",
    "proxy",
    "proxy-authorization",
    "remote-user",
    "x-forwarded-",
    "x-real-ip",
    "x-remote-user",
    "x-request-id",
];

/// Names of headers that say another method or path than the request line.
const OVERRIDES: [&str; 6] = [
    "x-http-method",
    "x-http-method-override",
    "x-method-override",
    "x-original-url",
    "x-override-url",
    "x-rewrite-url",
];

/// Names that frame, route or authenticate, and mean nothing to the gateway in another spelling than their own.
const SPELLED_ONE_WAY: [&str; 9] =
    ["authorization", "connection", "content-length", "cookie", "expect", "host", "te", "transfer-encoding", "upgrade"];

/// What becomes of the client's Authorization header.
#[derive(Clone, Debug)]
pub(crate) enum Authorization {
    /// The upstream does not see it.
    Strip,
    /// The upstream sees it as it came.
    Keep,
    /// The upstream sees this instead.
    Replace(HeaderValue),
}

/// What the gateway adds to a request, beside the identity.
pub(super) struct Added<'a> {
    /// The client's address.
    pub(super) forwarded_for: &'a HeaderValue,
    /// The host the client asked for; `None` for an HTTP/1.0 client that named none.
    pub(super) host: Option<HeaderValue>,
    /// The host for an upstream request that has none.
    pub(super) fallback_host: Option<&'a HeaderValue>,
    pub(super) request_id: HeaderValue,
    pub(super) authorization: &'a Authorization,
    /// The protocol to ask the upstream to switch to.
    pub(super) upgrade: Option<HeaderValue>,
}

/// Step 6: makes a client's headers the upstream's.
pub(super) fn prepare(headers: &mut HeaderMap, permit: &Permit, added: Added<'_>) {
    let trailers = accepts_trailers(headers);
    remove_hop_by_hop(headers);
    remove_ours(headers);
    join_cookies(headers);
    match added.authorization {
        Authorization::Keep => {}
        Authorization::Strip => {
            headers.remove(AUTHORIZATION);
        }
        Authorization::Replace(value) => {
            headers.insert(AUTHORIZATION, value.clone());
        }
    }
    if let Some(name) = permit.identity().and_then(Identity::header) {
        headers.insert(REMOTE_USER, name);
    }
    headers.insert(FORWARDED_FOR, added.forwarded_for.clone());
    headers.insert(FORWARDED_PROTO, HeaderValue::from_static("https"));
    match (added.host, added.fallback_host) {
        (Some(host), _) => {
            headers.insert(FORWARDED_HOST, host.clone());
            headers.insert(HOST, host);
        }
        (None, Some(fallback)) => {
            headers.insert(HOST, fallback.clone());
        }
        (None, None) => {}
    }
    headers.insert(REQUEST_ID, added.request_id);
    if trailers {
        headers.insert(TE, HeaderValue::from_static("trailers"));
        headers.insert(CONNECTION, HeaderValue::from_static("te"));
    }
    if let Some(upgrade) = added.upgrade {
        headers.insert(UPGRADE, upgrade);
        headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
    }
}

/// Makes an upstream's headers the client's.
pub(super) fn restore(headers: &mut HeaderMap, request_id: HeaderValue) {
    remove_hop_by_hop(headers);
    headers.insert(REQUEST_ID, request_id);
}

/// Does the same where the protocol changes, and the upstream says to which.
pub(super) fn restore_switching(headers: &mut HeaderMap, request_id: HeaderValue) {
    let upgrade = headers.remove(UPGRADE);
    restore(headers, request_id);
    if let Some(upgrade) = upgrade {
        headers.insert(UPGRADE, upgrade);
        headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
    }
}

/// Rewrites a Location that names the upstream's own origin to the origin the client knows.
pub(super) fn relocate(headers: &mut HeaderMap, upstream: &str, host: Option<&HeaderValue>) {
    let Some(location) = headers.get(LOCATION).and_then(|value| value.to_str().ok()) else {
        return;
    };
    let Some(rest) =
        location.strip_prefix(upstream).filter(|rest| rest.is_empty() || rest.starts_with(['/', '?', '#']))
    else {
        return;
    };
    let moved = match host.and_then(|host| host.to_str().ok()) {
        Some(host) => format!("https://{host}{rest}"),
        // The client named no host: a path alone is resolved against what it asked for.
        None if rest.starts_with('/') => rest.to_owned(),
        None => format!("/{rest}"),
    };
    if let Ok(moved) = HeaderValue::from_str(&moved) {
        headers.insert(LOCATION, moved);
    }
}

/// The protocol a request asks to switch to, if it is one that may pass. `h2c` may not: it would carry requests past the
/// gateway on a connection that was let through for one (CVE-2026-2833 is the class).
pub(super) fn upgrade(headers: &HeaderMap, version: Version) -> Option<HeaderValue> {
    let asked =
        version == Version::HTTP_11 && tokens(headers, &CONNECTION).any(|token| token.eq_ignore_ascii_case("upgrade"));
    let protocol = headers.get(UPGRADE).filter(|_| asked)?;
    let several = headers.get_all(UPGRADE).iter().nth(1).is_some();
    let h2c =
        tokens(headers, &UPGRADE).any(|token| token.get(..2).is_some_and(|start| start.eq_ignore_ascii_case("h2")));
    let bodiless = !headers.contains_key(TRANSFER_ENCODING) && headers.get(CONTENT_LENGTH).is_none_or(|n| n == "0");
    (!several && !h2c && bodiless).then(|| protocol.clone())
}

/// Makes the headers of an upstream's interim answer the client's.
pub(super) fn restore_interim(headers: &mut HeaderMap) {
    remove_hop_by_hop(headers);
}

/// Takes out of a trailer section what must not stand in one.
pub(super) fn keep_trailers(trailers: &mut HeaderMap) {
    let foreign: Vec<HeaderName> = trailers.keys().filter(|name| !passes_as_trailer(name)).cloned().collect();
    for name in foreign {
        trailers.remove(name);
    }
}

/// Whether a header would have the upstream take another method or path than the one that is judged (CVE-2018-14773).
pub(super) fn overrides(name: &HeaderName) -> bool {
    let name = name.as_str().as_bytes();
    name.first() == Some(&b'x') && OVERRIDES.iter().any(|known| folds_to(name, known.as_bytes()))
}

/// Whether a trailer field may pass: nothing that frames, routes, authenticates or identifies (RFC 9110 section 6.5.1).
fn passes_as_trailer(name: &HeaderName) -> bool {
    let framing = [&header::CONTENT_ENCODING, &header::CONTENT_TYPE, &header::CONTENT_RANGE, &header::TRAILER];
    let acting = [&AUTHORIZATION, &CONTENT_LENGTH, &COOKIE, &HOST, &header::SET_COOKIE, &header::EXPECT];
    // From HTTP/2, names may come with quotation marks (see `edge`), which no server has to expect.
    let token = !name.as_str().contains('"');
    token
        && !is_hop_by_hop(name)
        && !is_ours(name)
        && !overrides(name)
        && !framing.contains(&name)
        && !acting.contains(&name)
}

/// The comma-separated tokens of all lines of a header.
fn tokens<'h>(headers: &'h HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'h str> {
    let values = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).map(str::trim).filter(|token| !token.is_empty())
}

fn accepts_trailers(headers: &HeaderMap) -> bool {
    tokens(headers, &TE).any(|token| token.eq_ignore_ascii_case("trailers"))
}

/// Removes what belongs to one connection only (RFC 9110 section 7.6.1), and what `Connection` names.
fn remove_hop_by_hop(headers: &mut HeaderMap) {
    if headers.contains_key(CONNECTION) {
        // Content-Length and Host frame and address the message: whoever names them here wants two readings of it.
        let keep = [CONTENT_LENGTH, HOST];
        // Most say no more than this, which names no other field that is here.
        let usual = headers.get(CONNECTION).is_some_and(|value| value == "keep-alive");
        if !usual || headers.get_all(CONNECTION).iter().nth(1).is_some() {
            let named = tokens(headers, &CONNECTION).filter_map(|token| HeaderName::try_from(token).ok());
            for name in named.filter(|name| !keep.contains(name)).collect::<Vec<_>>() {
                headers.remove(name);
            }
        }
        headers.remove(CONNECTION);
    }
    // One look at the names that are there costs less than looking for each that may be.
    if headers.keys().any(is_hop_by_hop) {
        for name in HOP_BY_HOP {
            headers.remove(name);
        }
    }
}

fn is_hop_by_hop(name: &HeaderName) -> bool {
    HOP_BY_HOP.contains(name)
}

fn remove_ours(headers: &mut HeaderMap) {
    let claimed: Vec<HeaderName> = headers.keys().filter(|name| is_ours(name)).cloned().collect();
    for name in claimed {
        headers.remove(name);
    }
}

/// Whether a name is one of [`OURS`] in any spelling: servers that pass headers as variables fold `_`, `.` and the like
/// into one character (CVE-2026-54763).
fn is_ours(name: &HeaderName) -> bool {
    let name = name.as_str().as_bytes();
    // Almost every header differs in its first letter already.
    matches!(name.first(), Some(b'f' | b'p' | b'r' | b'x')) && OURS.iter().any(|ours| folds_to(name, ours.as_bytes()))
        || is_misspelt(name)
}

/// Whether a name is `Content_Length` or the like: to the upstream it may be what it is not here.
fn is_misspelt(name: &[u8]) -> bool {
    let odd = name.iter().any(|byte| !byte.is_ascii_alphanumeric() && *byte != b'-');
    odd && SPELLED_ONE_WAY.iter().any(|known| folds_to(name, known.as_bytes()))
}

fn folds_to(name: &[u8], ours: &[u8]) -> bool {
    let prefix = ours.ends_with(b"-");
    let lengths = if prefix { name.len() >= ours.len() } else { name.len() == ours.len() };
    lengths && name.iter().zip(ours).all(|(a, b)| a == b || (*b == b'-' && !a.is_ascii_alphanumeric()))
}

/// Joins the crumbs that HTTP/2 splits cookies into (RFC 9113 section 8.2.3).
fn join_cookies(headers: &mut HeaderMap) {
    let mut crumbs = headers.get_all(COOKIE).iter();
    if crumbs.next().is_none() || crumbs.next().is_none() {
        return;
    }
    let whole = headers.get_all(COOKIE).iter().map(HeaderValue::as_bytes).collect::<Vec<_>>().join(&b"; "[..]);
    if let Ok(whole) = HeaderValue::from_bytes(&whole) {
        headers.insert(COOKIE, whole);
    }
}

#[cfg(test)]
mod tests {
    use http::header::{CONNECTION, CONTENT_LENGTH, COOKIE, HOST, HeaderName, LOCATION, UPGRADE};
    use http::{HeaderMap, HeaderValue, Version};

    use super::{
        Authorization, is_ours, join_cookies, overrides, passes_as_trailer, relocate, remove_hop_by_hop, upgrade,
    };

    fn headers(lines: &[(&str, &str)]) -> HeaderMap {
        let parsed = lines
            .iter()
            .map(|(name, value)| (HeaderName::try_from(*name).unwrap(), HeaderValue::from_str(value).unwrap()));
        parsed.collect()
    }

    #[test]
    fn what_replaces_the_clients_credentials_is_not_shown() {
        let mut value = HeaderValue::from_static("Basic YW15OnNlY3JldA==");
        value.set_sensitive(true);
        let shown = format!("{:?}", Authorization::Replace(value).clone());
        assert_eq!(shown, "Replace(Sensitive)");
    }

    #[test]
    fn identity_in_any_spelling_is_ours() {
        for name in [
            "proxy",
            "x-remote-user",
            "X_Remote_User",
            "x.remote-user",
            "X!Remote~User",
            "remote_user",
            "x-forwarded-for",
            "X_Forwarded_Anything",
            "forwarded",
            "x-request-id",
            "content_length",
            "Transfer.Encoding",
        ] {
            assert!(is_ours(&HeaderName::try_from(name).unwrap()), "{name}");
        }
        for name in
            ["x-remote-users", "x-remote", "xremoteuser", "host", "x-forwarded", "forwarded-by", "x-requested-with"]
        {
            assert!(!is_ours(&HeaderName::try_from(name).unwrap()), "{name}");
        }
    }

    #[test]
    fn another_method_or_path_in_any_spelling_is_an_override() {
        for name in ["X-HTTP-Method-Override", "x_http_method", "X.Method.Override", "x-original-url", "X-Rewrite-URL"]
        {
            assert!(overrides(&HeaderName::try_from(name).unwrap()), "{name}");
        }
        for name in ["x-http-methods", "x-method", "method-override", "original-url"] {
            assert!(!overrides(&HeaderName::try_from(name).unwrap()), "{name}");
        }
    }

    #[test]
    fn connection_names_what_goes() {
        let mut map = headers(&[
            ("connection", "close, X-Secret"),
            ("connection", "te, content-length, host"),
            ("x-secret", "1"),
            ("te", "trailers"),
            ("keep-alive", "timeout=5"),
            ("content-length", "3"),
            ("host", "store"),
            ("accept", "*/*"),
        ]);
        remove_hop_by_hop(&mut map);
        let mut left: Vec<_> = map.keys().map(HeaderName::as_str).collect();
        left.sort_unstable();
        assert_eq!(left, ["accept", CONTENT_LENGTH.as_str(), HOST.as_str()]);
    }

    #[test]
    fn only_the_upstreams_own_origin_is_relocated() {
        for (location, moved) in [
            ("http://10.0.0.7:9001/a?b", "https://shop.example/a?b"),
            ("http://10.0.0.7:9001", "https://shop.example"),
            ("http://10.0.0.7:90011/a", "http://10.0.0.7:90011/a"),
            ("https://10.0.0.7:9001/a", "https://10.0.0.7:9001/a"),
            ("https://elsewhere/a", "https://elsewhere/a"),
            ("/a", "/a"),
        ] {
            let mut map = headers(&[("location", location)]);
            relocate(&mut map, "http://10.0.0.7:9001", Some(&HeaderValue::from_static("shop.example")));
            assert_eq!(map.get(LOCATION).unwrap(), moved, "{location}");
        }
    }

    #[test]
    fn h2c_is_no_upgrade() {
        let ask = |protocol: &str| {
            upgrade(
                &headers(&[(CONNECTION.as_str(), "keep-alive, Upgrade"), (UPGRADE.as_str(), protocol)]),
                Version::HTTP_11,
            )
        };
        assert_eq!(ask("websocket").unwrap(), "websocket");
        for protocol in ["h2c", "H2C", "websocket, h2c", "h2"] {
            assert!(ask(protocol).is_none(), "{protocol}");
        }
        let unnamed = headers(&[("upgrade", "websocket")]);
        assert!(upgrade(&unnamed, Version::HTTP_11).is_none());
    }

    #[test]
    fn cookies_are_joined_and_trailers_carry_no_identity() {
        let mut map = headers(&[("cookie", "a=1"), ("cookie", "b=2"), ("cookie", "c=3")]);
        join_cookies(&mut map);
        assert_eq!(map.get_all(COOKIE).iter().collect::<Vec<_>>(), ["a=1; b=2; c=3"]);
        for (name, passes) in [("x-checksum", true), ("x-remote-user", false), ("authorization", false), ("te", false)]
        {
            assert_eq!(passes_as_trailer(&HeaderName::try_from(name).unwrap()), passes, "{name}");
        }
    }
}
