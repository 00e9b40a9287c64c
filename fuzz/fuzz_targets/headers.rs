//! Headers on their way: nothing that a client says of itself or of its connection is left, and nothing else is lost.
//!
//! Input: a sign that chooses the version and the law, and field lines.

#![no_main]

use std::net::{IpAddr, Ipv4Addr};
use std::sync::LazyLock;

use http::header::{CONNECTION, HeaderName};
use http::{HeaderMap, HeaderValue, Request, Version};
use libfuzzer_sys::fuzz_target;
use portcullis::fuzzing::{Said, keep_trailers, prepare, restore, restore_interim};
use portcullis::policy::{Authentication, Credentials, Decision, Permit, Target, TokenHash};
use portcullis::source::document::Law;
use portcullis_fuzz::names::{is_claim, is_hop_by_hop, is_misspelt};
use portcullis_fuzz::{law, now};

static LAW: LazyLock<Law> = LazyLock::new(|| {
    let resource =
        "[[resources]]\nname = \"a\"\npaths = [\"/a\"]\npermissions = { GET = \"public\", PUT = \"a.edit\" }\n";
    let user = "[users.amy]\napi_access = true\npermissions = [\"a.edit\"]\n";
    law(&format!("{resource}{user}tokens = [\"{}\"]\n", TokenHash::of(b"token")))
});

fn permit(method: &str) -> Permit {
    let claim = Credentials { name: "amy", secret: b"token", address: IpAddr::V4(Ipv4Addr::LOCALHOST) };
    let identity = match LAW.users.authenticate(&claim, now()) {
        Authentication::Proven(identity) => Some(identity).filter(|_| method == "PUT"),
        other => panic!("{other:?}"),
    };
    match LAW.policy.decide(identity, LAW.policy.ask(Target::parse(method, "/a").expect("a target"))) {
        Decision::Permit(permit) => permit,
        Decision::Denial(denial) => panic!("{denial:?}"),
    }
}

fuzz_target!(|data: &[u8]| {
    let Some((flags, lines)) = data.split_first() else { return };
    let fields = fields(lines);
    let (mut parts, ()) = Request::new(()).into_parts();
    parts.uri = "/a".parse().expect("a path");
    parts.version = [Version::HTTP_11, Version::HTTP_10, Version::HTTP_2][usize::from(*flags) % 3];
    parts.headers = fields.clone();
    let permit = permit(if flags & 4 == 0 { "GET" } else { "PUT" });
    let said = Said {
        forwarded_for: HeaderValue::from_static("127.0.0.1"),
        fallback_host: HeaderValue::from_static("upstream"),
        request_id: HeaderValue::from_static("id"),
        authorization: (flags & 8 != 0).then(|| HeaderValue::from_static("Basic b3Vycw==")),
    };
    if let Some(prepared) = prepare(&parts, &permit, &said) {
        check_prepared(&fields, &prepared, &permit, &said);
    }
    let mut answer = fields.clone();
    restore(&mut answer, said.request_id.clone());
    assert_eq!(all(&answer, "x-request-id"), [b"id"]);
    check_ends(&fields, &answer, |name| name == "x-request-id");
    let mut interim = fields.clone();
    restore_interim(&mut interim);
    check_ends(&fields, &interim, |_| false);
    let mut trailers = fields.clone();
    keep_trailers(&mut trailers);
    for name in trailers.keys().map(HeaderName::as_str) {
        let acts = ["authorization", "content-length", "content-type", "cookie", "host", "set-cookie", "trailer"];
        assert!(!is_claim(name) && !is_hop_by_hop(name) && !is_misspelt(name) && !acts.contains(&name), "{name}");
    }
});

fn fields(lines: &[u8]) -> HeaderMap {
    let mut fields = HeaderMap::new();
    for line in lines.split(|byte| *byte == b'\n').take(40) {
        let Some(colon) = line.iter().position(|byte| *byte == b':') else { continue };
        let name = HeaderName::from_bytes(&line[..colon]);
        let value = HeaderValue::from_bytes(line[colon + 1..].trim_ascii());
        if let (Ok(name), Ok(value)) = (name, value) {
            fields.append(name, value);
        }
    }
    fields
}

fn all<'h>(headers: &'h HeaderMap, name: &str) -> Vec<&'h [u8]> {
    headers.get_all(name).iter().map(HeaderValue::as_bytes).collect()
}

/// What the upstream sees of a request.
fn check_prepared(before: &HeaderMap, after: &HeaderMap, permit: &Permit, said: &Said) {
    let host = all(after, "host");
    assert_eq!(host.len(), 1, "{after:?}");
    let named = !all(before, "host").is_empty();
    assert!(named || host == ["upstream".as_bytes()]);
    let user: &[&[u8]] = if permit.identity().is_some() { &[b"amy"] } else { &[] };
    let authorization: Vec<_> = said.authorization.iter().map(HeaderValue::as_bytes).collect();
    for (name, expected) in [
        ("x-remote-user", user),
        ("x-forwarded-for", &[b"127.0.0.1"]),
        ("x-forwarded-proto", &[b"https"]),
        ("x-forwarded-host", if named { &host } else { &[] }),
        ("x-request-id", &[b"id"]),
        ("authorization", &authorization),
    ] {
        assert_eq!(all(after, name), expected, "{name} after {before:?}");
    }
    let ours = ["x-remote-user", "x-forwarded-for", "x-forwarded-proto", "x-forwarded-host", "x-request-id"];
    for name in after.keys().map(HeaderName::as_str) {
        assert!(!is_claim(name) || ours.contains(&name), "{name} is left of {before:?}");
        assert!(!is_misspelt(name), "{name} is left of {before:?}");
    }
    match (&all(after, "connection")[..], &all(after, "te")[..], &all(after, "upgrade")[..]) {
        ([], [], []) | ([b"te"], [b"trailers"], []) => {}
        ([b"upgrade"], [] | [b"trailers"], [protocol]) => {
            let mut protocols = protocol.split(|byte| *byte == b',').map(<[u8]>::trim_ascii);
            assert!(!protocols.any(|one| one.to_ascii_lowercase().starts_with(b"h2")), "{after:?}");
        }
        other => panic!("{other:?} after {before:?}"),
    }
    for name in ["keep-alive", "proxy-connection", "transfer-encoding", "http2-settings"] {
        assert!(!after.contains_key(name), "{name} is left of {before:?}");
    }
    let rewritten = |name: &str| {
        is_claim(name) || is_misspelt(name) || is_hop_by_hop(name) || matches!(name, "authorization" | "host")
    };
    check_kept(before, after, rewritten);
}

/// What is the end of one connection's headers: `ours` are put in by the gateway.
fn check_ends(before: &HeaderMap, after: &HeaderMap, ours: impl Fn(&str) -> bool) {
    for name in after.keys().map(HeaderName::as_str) {
        assert!(!is_hop_by_hop(name), "{name} is left of {before:?}");
    }
    check_kept(before, after, |name| is_hop_by_hop(name) || ours(name));
}

/// What `Connection` names is gone, and everything else is as it was but for what is rewritten.
fn check_kept(before: &HeaderMap, after: &HeaderMap, rewritten: impl Fn(&str) -> bool) {
    let options = before.get_all(CONNECTION).iter().filter_map(|value| value.to_str().ok());
    let options: Vec<_> = options.flat_map(|value| value.split(',')).map(|one| one.trim().to_lowercase()).collect();
    for name in before.keys().map(HeaderName::as_str).filter(|name| !rewritten(name)) {
        let named = options.iter().any(|option| option == name) && !matches!(name, "content-length" | "host");
        let expected = if named { Vec::new() } else { all(before, name) };
        let joined = expected.join(&b"; "[..]);
        let found = all(after, name);
        assert!(found == expected || name == "cookie" && found == [&joined[..]], "{name}: {found:?} of {before:?}");
    }
    for name in after.keys().map(HeaderName::as_str) {
        assert!(before.contains_key(name) || rewritten(name), "{name} is new after {before:?}");
    }
}
