//! The form of the answers Portcullis gives by itself: the store API's own, as JSON or XML, or RFC 9457 where the settings
//! say `answers = "problem"`.

use std::time::Duration;

use http::header::ACCEPT;
use http::{HeaderMap, HeaderValue, StatusCode};

use super::Peer;
use crate::settings::Answers;

/// How this gateway words its answers; the same for every request.
#[derive(Clone, Debug)]
pub(crate) struct Voice {
    answers: Answers,
    pub(super) challenge: HeaderValue,
    /// For answers over TLS (RFC 6797).
    transport_security: Option<HeaderValue>,
}

/// The form a client wants a body in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    Json,
    Xml,
}

impl Form {
    /// XML where the path ends in `.xml`, or where Accept names XML and ranks it above JSON.
    pub(crate) fn of(path: &str, headers: &HeaderMap) -> Self {
        let path = path.strip_suffix('/').unwrap_or(path);
        if path.ends_with(".xml") {
            return Self::Xml;
        }
        if path.ends_with(".json") {
            return Self::Json;
        }
        let values = || headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
        // Asked for each request, and nearly always no.
        if !values().any(|value| value.contains("xml")) {
            return Self::Json;
        }
        let ranges: Vec<(&str, f32)> = values().flat_map(|value| value.split(',')).map(range).collect();
        let best = |wanted: &[&str]| {
            let named = ranges.iter().filter(|(kind, _)| wanted.iter().any(|w| kind.eq_ignore_ascii_case(w)));
            named.map(|(_, quality)| *quality).fold(0.0, f32::max)
        };
        let xml = best(&["application/xml", "text/xml"]);
        if xml > 0.0 && xml > best(&["application/json"]) { Self::Xml } else { Self::Json }
    }
}

/// One media range of an Accept header and its quality (RFC 9110 section 12.5.1).
fn range(text: &str) -> (&str, f32) {
    let mut parts = text.split(';').map(str::trim);
    let kind = parts.next().unwrap_or_default();
    let quality = parts.find_map(|part| part.strip_prefix("q=")).map_or(Some(1.0), |q| q.parse().ok());
    (kind, quality.unwrap_or(0.0))
}

impl Voice {
    /// `realm` is checked by the settings: printable ASCII without quotes and backslashes.
    pub(crate) fn new(answers: Answers, realm: &str, hsts: Option<Duration>) -> Self {
        let challenge = HeaderValue::from_str(&format!("Basic realm=\"{realm}\", charset=\"UTF-8\""));
        let challenge =
            challenge.unwrap_or_else(|_| HeaderValue::from_static("Basic realm=\"API\", charset=\"UTF-8\""));
        let transport_security = hsts.map(|age| format!("max-age={}", age.as_secs()));
        let transport_security = transport_security.and_then(|value| HeaderValue::try_from(value).ok());
        Self { answers, challenge, transport_security }
    }

    /// What tells a client never to come in clear. Said in clear it would mean nothing (RFC 6797 section 7.2).
    pub(super) fn transport_security(&self, peer: &Peer) -> Option<HeaderValue> {
        self.transport_security.clone().filter(|_| peer.is_over_tls())
    }

    /// The media type and the body of an answer. Made for each refusal, so it is put together in one place.
    pub(super) fn body(&self, form: Form, status: StatusCode, message: &str) -> (&'static str, Vec<u8>) {
        let mut out = Vec::with_capacity(256);
        let title = status.canonical_reason().unwrap_or_default();
        let kind = match (self.answers, form) {
            (Answers::Problem, Form::Json) => {
                out.extend_from_slice(br#"{"type":"about:blank","title":"#);
                text(&mut out, title);
                number(&mut out, br#","status":"#, status);
                out.extend_from_slice(br#","detail":"#);
                text(&mut out, message);
                out.push(b'}');
                "application/problem+json"
            }
            (Answers::Problem, Form::Xml) => {
                out.extend_from_slice(b"<problem xmlns=\"urn:ietf:rfc:7807\"><type>about:blank</type>");
                element(&mut out, "title", title);
                number(&mut out, b"<status>", status);
                out.extend_from_slice(b"</status>");
                element(&mut out, "detail", message);
                out.extend_from_slice(b"</problem>");
                "application/problem+xml"
            }
            (Answers::Store, Form::Json) => {
                number(&mut out, br#"[{"status":"#, status);
                out.extend_from_slice(br#","message":"#);
                text(&mut out, message);
                out.extend_from_slice(b"}]");
                "application/json"
            }
            (Answers::Store, Form::Xml) => {
                number(&mut out, b"<errors><error><status>", status);
                out.extend_from_slice(b"</status>");
                element(&mut out, "message", message);
                out.extend_from_slice(b"</error></errors>");
                "application/xml"
            }
        };
        (kind, out)
    }
}

/// A status behind what stands before it.
fn number(out: &mut Vec<u8>, before: &[u8], status: StatusCode) {
    out.extend_from_slice(before);
    out.extend_from_slice(status.as_str().as_bytes());
}

/// Text as JSON has it.
fn text(out: &mut Vec<u8>, text: &str) {
    // Writing to memory cannot fail, and neither can writing down a string.
    let _ = serde_json::to_writer(out, text);
}

fn element(out: &mut Vec<u8>, name: &str, text: &str) {
    for part in ["<", name, ">", &escape(text), "</", name, ">"] {
        out.extend_from_slice(part.as_bytes());
    }
}

/// Escapes text for an XML element.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            // XML 1.0 has no way to write most of them.
            c if c.is_control() => out.push(char::REPLACEMENT_CHARACTER),
            c => out.push(c),
        }
    }
    out
}
