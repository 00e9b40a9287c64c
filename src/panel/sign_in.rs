//! Signing in and out.

use std::sync::Arc;
use std::time::Duration;

use askama::Template;
use axum::extract::{Request, State};
use axum::http::header::{RETRY_AFTER, SET_COOKIE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use tokio::time::Instant;
use zeroize::Zeroizing;

use super::Panel;
use super::form::{Fields, Posted, TOKEN_FIELD, same};
use super::guard::{COOKIE_NAME, Visit, cookie};
use super::page::{Frame, render};
use super::session::Secret;
use crate::gate::Locked;
use crate::policy::Identity;

/// Holds what the form to sign in carries too: there is no session yet that could.
const FORM_COOKIE: &str = "__Host-portcullis-sign-in";

#[derive(Template)]
#[template(path = "sign_in.html")]
struct Page {
    frame: Frame,
    name: String,
    problem: Option<String>,
}

/// The form.
pub(super) async fn show(visit: Visit) -> Response {
    if visit.session.is_some() {
        return Redirect::to("/").into_response();
    }
    form(StatusCode::OK, "", None)
}

fn form(status: StatusCode, name: &str, problem: Option<String>) -> Response {
    let Ok(secret) = Secret::new() else { return StatusCode::INTERNAL_SERVER_ERROR.into_response() };
    let form_token = secret.as_str().to_owned();
    let frame = Frame { title: "Sign in".to_owned(), form_token, ..Frame::default() };
    let mut response = render(status, &Page { frame, name: name.to_owned(), problem });
    set_cookie(response.headers_mut(), FORM_COOKIE, secret.as_str(), "");
    response
}

/// Signs in who knows their password.
pub(super) async fn sign_in(State(panel): State<Arc<Panel>>, visit: Visit, request: Request) -> Response {
    let carried = cookie(request.headers(), FORM_COOKIE).unwrap_or_default().to_owned();
    let fields = match Fields::read(request).await {
        Ok(fields) => fields,
        Err(message) => return message.into_response(),
    };
    let name = fields.text("name");
    if carried.is_empty() || !same(&carried, fields.text(TOKEN_FIELD)) {
        let text = "This page had been open for too long, or your browser keeps no cookies. Please try again.";
        return form(StatusCode::FORBIDDEN, name, Some(text.to_owned()));
    }
    match panel.prove(&visit, name, fields.text("password")).await {
        Ok(identity) => {
            tracing::info!(user = name, address = %visit.address, "control panel: signed in");
            // The browser forgets the one that it had, so it ends.
            if let Some(before) = &visit.session {
                panel.sessions.end(before.key);
            }
            panel.begin(identity)
        }
        Err(NotProved::Wrong) => {
            tracing::warn!(address = %visit.address, "control panel: wrong name or password");
            let text = "That name and password do not go together, or may not sign in here.";
            form(StatusCode::UNAUTHORIZED, name, Some(text.to_owned()))
        }
        Err(NotProved::Locked(wait)) => {
            let seconds = wait.as_secs() + 1;
            let text = format!("Too many wrong tries. Please wait {} and try again.", told(seconds));
            let mut response = form(StatusCode::TOO_MANY_REQUESTS, name, Some(text));
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
            response
        }
        Err(NotProved::Busy) => {
            let text = "Many are signing in at this moment. Please try again.";
            form(StatusCode::SERVICE_UNAVAILABLE, name, Some(text.to_owned()))
        }
    }
}

/// Ends the session.
pub(super) async fn sign_out(State(panel): State<Arc<Panel>>, posted: Posted) -> Response {
    if let Some(session) = &posted.visit.session {
        panel.sessions.end(session.key);
    }
    let mut response = Redirect::to("/sign-in").into_response();
    set_cookie(response.headers_mut(), COOKIE_NAME, "", "; Max-Age=0");
    response
}

/// Why somebody is not signed in.
pub(super) enum NotProved {
    Wrong,
    Locked(Duration),
    Busy,
}

impl From<Locked> for NotProved {
    fn from(locked: Locked) -> Self {
        Self::Locked(locked.wait)
    }
}

impl Panel {
    /// As for the API: whoever has tried too often is not listened to, and each name takes the same time.
    pub(super) async fn prove(&self, visit: &Visit, name: &str, password: &str) -> Result<Identity, NotProved> {
        let throttle = &self.parts.throttle;
        let attempt = throttle.attempt(visit.address, Some(name), Instant::now())?;
        let check = visit.snapshot.users.sign_in(name, visit.address);
        let secret = Zeroizing::new(password.to_owned());
        let identity = self.parts.passwords.sign_in(check, secret).await.map_err(|_| NotProved::Busy)?;
        let begun = throttle.judged(attempt, throttle.name(name), identity.is_some(), Instant::now())?;
        if let Some(begun) = begun.filter(|begun| begun.first) {
            // A name is told only if it is a user's: what is typed in its place may be a password.
            let user = visit.snapshot.users.get(name).map_or("(unknown name)", |user| &*user.name);
            let (address, seconds) = (visit.address, begun.wait.as_secs_f64());
            tracing::warn!(%address, user, failures = begun.failures, seconds, "control panel: locked out");
        }
        identity.ok_or(NotProved::Wrong)
    }

    /// Begins a session. One that the browser had before is not taken up: nobody signs others in to a session they know.
    fn begin(&self, identity: Identity) -> Response {
        let Ok(secret) = self.sessions.begin(identity) else {
            return StatusCode::INTERNAL_SERVER_ERROR.into_response();
        };
        let mut response = Redirect::to("/").into_response();
        set_cookie(response.headers_mut(), COOKIE_NAME, secret.as_str(), "");
        set_cookie(response.headers_mut(), FORM_COOKIE, "", "; Max-Age=0");
        response
    }
}

fn set_cookie(headers: &mut HeaderMap, name: &str, value: &str, more: &str) {
    let text = format!("{name}={value}; Path=/; Secure; HttpOnly; SameSite=Strict{more}");
    if let Ok(mut value) = HeaderValue::from_str(&text) {
        value.set_sensitive(true);
        headers.append(SET_COOKIE, value);
    }
}

fn told(seconds: u64) -> String {
    match (seconds, seconds.div_ceil(60)) {
        (1, _) => "a second".to_owned(),
        (..=99, _) => format!("{seconds} seconds"),
        (_, minutes) => format!("{minutes} minutes"),
    }
}
