//! The answers Portcullis gives by itself: 400, 401, 403, 429, 502 and their kin.
//!
//! A [`Rejection`] is the public half (status, one sentence) with the private reason for the log.

use std::borrow::Cow;
use std::fmt::{self, Write as _};
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, Response, StatusCode};

use super::throttle::{Limited, Locked};
use super::voice::{Form, Voice};
use crate::policy::{DenialReason, Refusal, Target, TargetError};
use crate::record::Reason;
use crate::wire::HeadFault;

/// As many headers as an answer of the gateway's own has, with those that the gate adds.
const MOST_HEADERS: usize = 5;

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
    /// Too many wrong credentials came before, so these are not looked at.
    LockedOut(Locked),
    /// More requests than the rate allows.
    RateLimited(Limited),
    /// The user may not.
    Denied(DenialReason),
    /// Credentials in clear text.
    ClearText,
    /// The head is larger than the settings allow.
    HeadTooLarge,
    /// The request target is longer than the settings allow.
    TargetTooLong,
    /// A version of HTTP that is not spoken here.
    Version,
    /// The head or the body comes too slowly.
    TooSlow,
    /// The host is another site's than the one that the connection was made to.
    Misdirected,
    /// The client's body breaks off.
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

impl From<Locked> for Rejection {
    fn from(locked: Locked) -> Self {
        Self::LockedOut(locked)
    }
}

impl From<Limited> for Rejection {
    fn from(limited: Limited) -> Self {
        Self::RateLimited(limited)
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
            Self::HeadTooLarge => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            Self::TargetTooLong => StatusCode::URI_TOO_LONG,
            Self::Version => StatusCode::HTTP_VERSION_NOT_SUPPORTED,
            Self::TooSlow => StatusCode::REQUEST_TIMEOUT,
            // A cut before the answer began looks like any request made after the cut.
            Self::Unauthenticated(_) | Self::Revoked => StatusCode::UNAUTHORIZED,
            Self::Denied(DenialReason::Unauthenticated) => StatusCode::UNAUTHORIZED,
            Self::Denied(_) | Self::ClearText => StatusCode::FORBIDDEN,
            Self::LockedOut(_) | Self::RateLimited(_) => StatusCode::TOO_MANY_REQUESTS,
            Self::Misdirected => StatusCode::MISDIRECTED_REQUEST,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Busy => StatusCode::SERVICE_UNAVAILABLE,
            Self::Unreachable(_) | Self::BadGateway(_) => StatusCode::BAD_GATEWAY,
            Self::Timeout => StatusCode::GATEWAY_TIMEOUT,
        }
    }

    /// Whether it says of presented credentials that they are wrong, so that when it is said must say nothing else.
    pub(super) fn judges_credentials(&self) -> bool {
        match self {
            Self::Unauthenticated(reason) => *reason != Reason::MalformedCredentials,
            Self::LockedOut(_) => true,
            _ => false,
        }
    }

    /// The reason as the audit entry has it.
    pub(crate) fn reason(&self) -> Reason {
        match self {
            Self::Target(_) => Reason::BadTarget,
            Self::Malformed(_) | Self::Expectation | Self::Version => Reason::BadRequest,
            Self::HeadTooLarge | Self::TargetTooLong => Reason::TooLarge,
            Self::TooSlow => Reason::RequestTimeout,
            Self::Unauthenticated(reason) => *reason,
            Self::Denied(DenialReason::Unauthenticated) => Reason::NoCredentials,
            Self::Denied(DenialReason::Address) => Reason::Address,
            Self::Denied(DenialReason::NoResource) => Reason::NoResource,
            Self::Denied(DenialReason::Format(_)) => Reason::Format,
            Self::Denied(DenialReason::Method) => Reason::Method,
            Self::Denied(DenialReason::Missing(_)) => Reason::MissingPermission,
            Self::ClearText => Reason::ClearText,
            Self::LockedOut(_) => Reason::LockedOut,
            Self::RateLimited(_) => Reason::RateLimited,
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
            Self::HeadTooLarge => Some("head"),
            Self::TargetTooLong => Some("target"),
            Self::LockedOut(Locked { scope, .. }) | Self::RateLimited(Limited { scope, .. }) => Some(scope.as_str()),
            Self::Target(_)
            | Self::Expectation
            | Self::Version
            | Self::TooSlow
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
    fn message(&self) -> Cow<'static, str> {
        Cow::Borrowed(match self {
            Self::Target(error) => return sentence("The request was refused", error),
            Self::Malformed(what) => return sentence("The request was refused", what),
            Self::Expectation => "The expectation is not one that can be met.",
            Self::Unauthenticated(_) | Self::Denied(DenialReason::Unauthenticated) | Self::Revoked => {
                "A user name and that user's API token are required."
            }
            Self::Denied(reason) => return sentence("You are not allowed to do this", reason),
            Self::ClearText => {
                "Credentials were sent without encryption. Use https, and consider this token known to others."
            }
            Self::HeadTooLarge => "The head of the request is larger than is allowed here.",
            Self::TargetTooLong => "The path and query are longer than is allowed here.",
            Self::Version => "Only HTTP/1.0, HTTP/1.1 and HTTP/2 are spoken here.",
            Self::TooSlow => "The request came too slowly.",
            // Not whether the name or the address is meant: that would tell what others tried.
            Self::LockedOut(_) => "Too many wrong credentials came from here. Try again later.",
            Self::RateLimited(_) => "Too many requests. Try again later.",
            Self::Misdirected => "This connection was made to another host. Ask over one to this host.",
            Self::ClientGone => "The body ended before its end.",
            Self::TooLarge => "The body is larger than is allowed here.",
            Self::Busy => "Too many sign-ins at the moment. Try again soon.",
            Self::Unreachable(_) => "The store cannot be reached at the moment.",
            Self::BadGateway(_) => "The store's answer could not be read.",
            Self::Timeout => "The store did not answer in time.",
        })
    }

    /// The answer, without its request id.
    pub(crate) fn answer(&self, voice: &Voice, form: Form) -> Response<Bytes> {
        let status = self.status();
        let (content_type, body) = voice.body(form, status, &self.message());
        let mut response = Response::new(Bytes::from(body));
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.reserve(MOST_HEADERS);
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(WWW_AUTHENTICATE, voice.challenge.clone());
        }
        if let Some(wait) = self.retry_after() {
            // Rounded up: who comes a moment early has come for nothing.
            let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
            headers.insert(RETRY_AFTER, seconds.max(1).into());
        }
        if self.ends_connection() {
            response.extensions_mut().insert(Ending);
        }
        response
    }

    /// How long to wait before asking again.
    fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Busy => Some(Duration::from_secs(2)),
            Self::LockedOut(Locked { wait, .. }) | Self::RateLimited(Limited { wait, .. }) => Some(*wait),
            Self::Target(_)
            | Self::Malformed(_)
            | Self::Expectation
            | Self::Unauthenticated(_)
            | Self::Denied(_)
            | Self::ClearText
            | Self::HeadTooLarge
            | Self::TargetTooLong
            | Self::Version
            | Self::TooSlow
            | Self::Misdirected
            | Self::ClientGone
            | Self::TooLarge
            | Self::Unreachable(_)
            | Self::BadGateway(_)
            | Self::Timeout
            | Self::Revoked => None,
        }
    }

    /// Whether nothing more is read from the connection, because it is in doubt where one message ends.
    pub(crate) fn ends_connection(&self) -> bool {
        match self {
            Self::Malformed(_)
            | Self::HeadTooLarge
            | Self::TargetTooLong
            | Self::Version
            | Self::TooSlow
            | Self::ClientGone
            | Self::TooLarge
            | Self::ClearText => true,
            Self::Target(_)
            | Self::Expectation
            | Self::Unauthenticated(_)
            | Self::Denied(_)
            | Self::LockedOut(_)
            | Self::RateLimited(_)
            | Self::Misdirected
            | Self::Busy
            | Self::Unreachable(_)
            | Self::BadGateway(_)
            | Self::Timeout
            | Self::Revoked => false,
        }
    }
}

/// A sentence that names what it is about.
fn sentence(what: &str, about: impl fmt::Display) -> Cow<'static, str> {
    let mut text = String::with_capacity(128);
    // Writing to memory cannot fail.
    let _ = write!(text, "{what}: {about}.");
    Cow::Owned(text)
}

/// Marks an answer after which an HTTP/1 connection ends.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ending;

impl From<HeadFault> for Rejection {
    fn from(fault: HeadFault) -> Self {
        match fault {
            HeadFault::TooLarge | HeadFault::TooMany => Self::HeadTooLarge,
            HeadFault::TargetTooLong => Self::TargetTooLong,
            HeadFault::Version => Self::Version,
            HeadFault::Framing => Self::Malformed("the end of the body is in doubt"),
            HeadFault::Malformed(what) => Self::Malformed(what),
            HeadFault::Target { method, target } => {
                // What the http crate takes for no target is judged again, to tell why.
                Self::Target(Target::parse(method.as_str(), &target).err().unwrap_or(TargetError::Character))
            }
        }
    }
}
