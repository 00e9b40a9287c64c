//! The answers Portcullis gives by itself: 400, 401, 403, 502 and their kin.
//!
//! A [`Rejection`] is the public half (status, one sentence) with the private reason for the log. The body is the store
//! API's own form, as JSON or XML, or RFC 9457 where the settings say `answers = "problem"`.

use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, CONNECTION, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderValue, Response, StatusCode};

use crate::policy::{DenialReason, Refusal, TargetError};
use crate::record::Reason;
use crate::settings::Answers;

use super::Peer;

/// Why a request is not forwarded, or why its forwarding failed.
#[derive(Debug)]
pub(crate) enum Rejection {
    /// No single reading of the path.
    Target(TargetError),
    /// Something else about the head has no single reading; says what.
    Malformed(&'static str),
    /// An expectation other than `100-continue` (RFC 9110 section 10.1.1).
    Expectation,
    /// Credentials are missing, or prove nothing.
    Unauthenticated(Reason),
    /// The user may not.
    Denied(DenialReason),
    /// Credentials in clear text.
    ClearText,
    /// The host is another site's than the one that the connection was made to.
    Misdirected,
    /// The client's body breaks off or is not framed as its head says.
    ClientGone,
    /// The body is longer than the settings allow.
    TooLarge,
    /// No password verification can be had soon.
    Busy,
    /// No upstream server takes a connection.
    Unreachable(String),
    /// The upstream's answer is not HTTP, or breaks off before it begins.
    BadGateway(String),
    /// The upstream does not begin its answer in time.
    Timeout,
    /// Access was taken away while the request was under way.
    Revoked,
}

impl From<TargetError> for Rejection {
    fn from(error: TargetError) -> Self {
        Self::Target(error)
    }
}

impl From<Refusal> for Rejection {
    fn from(refusal: Refusal) -> Self {
        Self::Unauthenticated(match refusal {
            Refusal::UnknownUser => Reason::UnknownUser,
            Refusal::WrongToken => Reason::WrongToken,
            Refusal::ExpiredToken => Reason::ExpiredToken,
            Refusal::NoApiAccess => Reason::NoApiAccess,
        })
    }
}

impl Rejection {
    pub(crate) fn status(&self) -> StatusCode {
        match self {
            Self::Target(_) | Self::Malformed(_) | Self::ClientGone => StatusCode::BAD_REQUEST,
            Self::Expectation => StatusCode::EXPECTATION_FAILED,
            // A cut before the answer began looks like any request made after the cut.
            Self::Unauthenticated(_) | Self::Revoked => StatusCode::UNAUTHORIZED,
            Self::Denied(DenialReason::Unauthenticated) => StatusCode::UNAUTHORIZED,
            Self::Denied(_) | Self::ClearText => StatusCode::FORBIDDEN,
            Self::Misdirected => StatusCode::MISDIRECTED_REQUEST,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Busy => StatusCode::SERVICE_UNAVAILABLE,
            Self::Unreachable(_) | Self::BadGateway(_) => StatusCode::BAD_GATEWAY,
            Self::Timeout => StatusCode::GATEWAY_TIMEOUT,
        }
    }

    /// The reason as the audit entry has it.
    pub(crate) fn reason(&self) -> Reason {
        match self {
            Self::Target(_) => Reason::BadTarget,
            Self::Malformed(_) | Self::Expectation => Reason::BadRequest,
            Self::Unauthenticated(reason) => *reason,
            Self::Denied(DenialReason::Unauthenticated) => Reason::NoCredentials,
            Self::Denied(DenialReason::Address) => Reason::Address,
            Self::Denied(DenialReason::NoResource) => Reason::NoResource,
            Self::Denied(DenialReason::Format(_)) => Reason::Format,
            Self::Denied(DenialReason::Method) => Reason::Method,
            Self::Denied(DenialReason::Missing(_)) => Reason::MissingPermission,
            Self::ClearText => Reason::ClearText,
            Self::Misdirected => Reason::Misdirected,
            Self::ClientGone => Reason::ClientGone,
            Self::TooLarge => Reason::TooLarge,
            Self::Busy => Reason::PasswordBusy,
            Self::Unreachable(_) => Reason::UpstreamConnect,
            Self::BadGateway(_) => Reason::UpstreamFailed,
            Self::Timeout => Reason::UpstreamTimeout,
            Self::Revoked => Reason::Revoked,
        }
    }

    /// What only the log says.
    pub(crate) fn detail(&self) -> Option<&str> {
        match self {
            Self::Malformed(what) => Some(what),
            Self::Unreachable(error) | Self::BadGateway(error) => Some(error),
            Self::Target(_)
            | Self::Expectation
            | Self::Unauthenticated(_)
            | Self::Denied(_)
            | Self::ClearText
            | Self::Misdirected
            | Self::ClientGone
            | Self::TooLarge
            | Self::Busy
            | Self::Timeout
            | Self::Revoked => None,
        }
    }

    /// The sentence the client is told.
    fn message(&self) -> String {
        match self {
            Self::Target(error) => format!("The request was refused: {error}."),
            Self::Malformed(what) => format!("The request was refused: {what}."),
            Self::Expectation => "The expectation is not one that can be met.".to_owned(),
            Self::Unauthenticated(_) | Self::Denied(DenialReason::Unauthenticated) | Self::Revoked => {
                "A user name and that user's API token are required.".to_owned()
            }
            Self::Denied(reason) => format!("You are not allowed to do this: {reason}."),
            Self::ClearText => {
                "Credentials were sent without encryption. Use https, and consider this token known to others."
                    .to_owned()
            }
            Self::Misdirected => "This connection was made to another host. Ask over one to this host.".to_owned(),
            Self::ClientGone => "The body ended before its end.".to_owned(),
            Self::TooLarge => "The body is larger than is allowed here.".to_owned(),
            Self::Busy => "Too many sign-ins at the moment. Try again soon.".to_owned(),
            Self::Unreachable(_) => "The store cannot be reached at the moment.".to_owned(),
            Self::BadGateway(_) => "The store's answer could not be read.".to_owned(),
            Self::Timeout => "The store did not answer in time.".to_owned(),
        }
    }

    /// The answer, without its request id.
    pub(crate) fn answer(&self, voice: &Voice, form: Form) -> Response<Bytes> {
        let status = self.status();
        let (content_type, body) = voice.body(form, status, &self.message());
        let mut response = Response::new(Bytes::from(body));
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(WWW_AUTHENTICATE, voice.challenge.clone());
        }
        if matches!(self, Self::Busy) {
            headers.insert(RETRY_AFTER, HeaderValue::from_static("2"));
        }
        if self.ends_connection() {
            headers.insert(CONNECTION, HeaderValue::from_static("close"));
        }
        response
    }

    /// Whether nothing more is read from the connection, because it is in doubt where one message ends.
    pub(crate) fn ends_connection(&self) -> bool {
        matches!(self, Self::Malformed(_) | Self::ClientGone | Self::TooLarge)
    }
}

/// How this gateway words its answers; the same for every request.
#[derive(Clone, Debug)]
pub(crate) struct Voice {
    answers: Answers,
    challenge: HeaderValue,
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

    fn body(&self, form: Form, status: StatusCode, message: &str) -> (&'static str, String) {
        let code = status.as_u16();
        let text = |text: &str| serde_json::Value::from(text).to_string();
        match (self.answers, form) {
            (Answers::Problem, Form::Json) => {
                let title = text(status.canonical_reason().unwrap_or_default());
                let body =
                    format!(r#"{{"type":"about:blank","title":{title},"status":{code},"detail":{}}}"#, text(message));
                ("application/problem+json", body)
            }
            (Answers::Problem, Form::Xml) => {
                let title = escape(status.canonical_reason().unwrap_or_default());
                let body = format!(
                    "<problem xmlns=\"urn:ietf:rfc:7807\"><type>about:blank</type>\
                     <title>{title}</title><status>{code}</status><detail>{}</detail></problem>",
                    escape(message)
                );
                ("application/problem+xml", body)
            }
            (Answers::Store, Form::Json) => {
                ("application/json", format!(r#"[{{"status":{code},"message":{}}}]"#, text(message)))
            }
            (Answers::Store, Form::Xml) => {
                let message = escape(message);
                let body = format!(
                    "<errors><error><status>{code}</status>\
                     <message>{message}</message></error></errors>"
                );
                ("application/xml", body)
            }
        }
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
