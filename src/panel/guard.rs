//! What every request of the panel goes through: who asks, whether that is permitted, and what browsers are told.

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::{FromRequestParts, Request, State};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, COOKIE, HOST, ORIGIN, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
    X_FRAME_OPTIONS,
};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};

use super::Panel;
use super::page::{self, Message};
use super::session::Session;
use crate::policy::{Decision, DenialReason, Identity, Permit, Snapshot, Target, User};

/// Where a connection comes from.
#[derive(Clone, Copy)]
pub(super) struct Client(pub(super) IpAddr);

/// The cookie of a session. The prefix has browsers keep it to this very host, to TLS and to all paths.
pub(super) const COOKIE_NAME: &str = "__Host-portcullis";

/// A request that is permitted. Handlers take it as an argument, and there is no other way to one.
#[derive(Clone)]
pub(super) struct Visit {
    pub(super) address: IpAddr,
    /// One for the whole request.
    pub(super) snapshot: Arc<Snapshot>,
    /// Who has signed in; `None` only on pages that are open to all.
    pub(super) session: Option<Session>,
    permit: Arc<Permit>,
}

impl Visit {
    /// Who asks.
    pub(super) fn user(&self) -> Option<&User> {
        self.permit.identity().map(Identity::user)
    }
}

impl FromRequestParts<Arc<Panel>> for Visit {
    type Rejection = StatusCode;

    async fn from_request_parts(parts: &mut Parts, _: &Arc<Panel>) -> Result<Self, StatusCode> {
        // The guard puts it there, or the request does not come this far.
        parts.extensions.get::<Self>().cloned().ok_or(StatusCode::INTERNAL_SERVER_ERROR)
    }
}

/// Lets through what is permitted.
pub(super) async fn guard(State(panel): State<Arc<Panel>>, mut request: Request, next: Next) -> Response {
    let judged = panel.judge(&request);
    let is_asset = request.uri().path().starts_with("/assets/");
    let mut response = match judged {
        Ok(visit) => {
            request.extensions_mut().insert(visit);
            next.run(request).await
        }
        Err(refusal) => refusal.into_response(),
    };
    harden(response.headers_mut(), is_asset);
    response
}

/// Why a request is not let through.
enum Refusal {
    SignIn,
    Message(Message),
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        match self {
            Self::SignIn => Redirect::to("/sign-in").into_response(),
            Self::Message(message) => message.into_response(),
        }
    }
}

impl Panel {
    fn judge(&self, request: &Request) -> Result<Visit, Refusal> {
        let refuse = |status, title: &str, text: &str| Refusal::Message(Message::new(status, title, text));
        let headers = request.headers();
        let method = request.method();
        if !matches!(*method, Method::GET | Method::HEAD) && !is_own(headers) {
            return Err(refuse(StatusCode::FORBIDDEN, "Not from here", "This request came from another site."));
        }
        let sent = request.uri().path_and_query().map_or("/", |sent| sent.as_str());
        let target = Target::parse(method.as_str(), sent)
            .map_err(|error| refuse(StatusCode::BAD_REQUEST, "Not a page", &error.to_string()))?;
        let snapshot = self.parts.live.snapshot();
        let address = request.extensions().get::<Client>().map(|client| client.0);
        let address = address.ok_or(Refusal::SignIn)?;
        let session = cookie(headers, COOKIE_NAME).and_then(|secret| self.session(secret, address, &snapshot));
        let identity = session.as_ref().map(|session| session.identity.clone());
        match snapshot.policy.decide(identity, snapshot.policy.ask_panel(target)) {
            Decision::Permit(permit) => Ok(Visit { address, snapshot, session, permit: Arc::new(permit) }),
            Decision::Denial(denial) => Err(refusal(denial.reason(), session.as_ref(), &snapshot)),
        }
    }

    /// The session that a cookie names, with the user as the snapshot has them and where they are now: a cookie that was
    /// taken elsewhere is of no use where they may not come from. It ends where they may not sign in any more, or have
    /// another password.
    fn session(&self, secret: &str, address: IpAddr, snapshot: &Snapshot) -> Option<Session> {
        let session = self.sessions.find(secret)?;
        match snapshot.users.still_signed_in(&session.identity, address) {
            Some(identity) => Some(Session { identity, ..session }),
            None => {
                self.sessions.end(session.key);
                None
            }
        }
    }
}

fn refusal(reason: &DenialReason, session: Option<&Session>, snapshot: &Snapshot) -> Refusal {
    let (status, title) = match reason {
        DenialReason::Unauthenticated => return Refusal::SignIn,
        DenialReason::NoResource | DenialReason::Format(_) => (StatusCode::NOT_FOUND, "No such page"),
        DenialReason::Method => (StatusCode::METHOD_NOT_ALLOWED, "Not here"),
        DenialReason::Address | DenialReason::Missing(_) => (StatusCode::FORBIDDEN, "Not permitted"),
    };
    let text = match reason {
        DenialReason::NoResource | DenialReason::Format(_) => "There is no page at this address.".to_owned(),
        DenialReason::Method => "This page does not take that kind of request.".to_owned(),
        DenialReason::Address => "You may not come from this address.".to_owned(),
        other => format!("{}. Somebody who holds it can grant it to you.", page::sentence(&other.to_string())),
    };
    Refusal::Message(Message::new(status, title, &text).to(session, snapshot))
}

/// Whether a request comes from a page of this panel: browsers say where a form was (Fetch standard, `Origin`).
fn is_own(headers: &HeaderMap) -> bool {
    let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    match (text(ORIGIN), text(HOST)) {
        (Some(origin), Some(host)) => origin.strip_prefix("https://") == Some(host),
        _ => false,
    }
}

/// What a cookie holds.
pub(super) fn cookie<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    let lines = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(key, _)| *key == name).map(|(_, value)| value)
}

/// What browsers are told of every answer.
fn harden(headers: &mut HeaderMap, is_asset: bool) {
    // Nothing of a page comes from elsewhere or stands within it, and no other page may frame it.
    const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; form-action 'self'; \
                          base-uri 'none'; frame-ancestors 'none'";
    let fixed: [(HeaderName, &'static str); 7] = [
        (CONTENT_SECURITY_POLICY, POLICY),
        (X_FRAME_OPTIONS, "DENY"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        // With "no-referrer" browsers would send no Origin either.
        (REFERRER_POLICY, "same-origin"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
        (CACHE_CONTROL, if is_asset { "private, max-age=600" } else { "no-store" }),
    ];
    for (name, value) in fixed {
        headers.insert(name, HeaderValue::from_static(value));
    }
}

#[cfg(test)]
mod tests {
    use axum::http::header::{COOKIE, HOST, ORIGIN};
    use axum::http::{HeaderMap, HeaderValue};

    use super::{cookie, is_own};

    #[test]
    fn forms_come_from_the_panel_itself() {
        for (origin, own) in [
            (Some("https://panel.example:8444"), true),
            (Some("https://panel.example"), false),
            (Some("http://panel.example:8444"), false),
            (Some("https://evil.example"), false),
            (Some("null"), false),
            (None, false),
        ] {
            let mut headers = HeaderMap::from_iter([(HOST, HeaderValue::from_static("panel.example:8444"))]);
            headers.extend(origin.map(|origin| (ORIGIN, HeaderValue::from_static(origin))));
            assert_eq!(is_own(&headers), own, "{origin:?}");
        }
    }

    #[test]
    fn a_cookie_is_found_by_its_whole_name() {
        let line = HeaderValue::from_static("a=1; __Host-portcullis-sign-in=x;__Host-portcullis=y=z");
        let headers = HeaderMap::from_iter([(COOKIE, line)]);
        assert_eq!(cookie(&headers, "__Host-portcullis"), Some("y=z"));
        assert_eq!(cookie(&headers, "__Host-portcullis-sign"), None);
    }
}
