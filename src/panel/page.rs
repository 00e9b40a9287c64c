//! What all pages have in common.

use askama::Template;
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};
use http::Method;

use super::Panel;
use super::guard::Visit;
use super::session::Session;
use crate::policy::{Snapshot, Target, User};

/// What stands around a page.
#[derive(Default)]
pub(super) struct Frame {
    /// What the page is called.
    pub(super) title: String,
    /// Who has signed in.
    pub(super) user: Option<String>,
    /// The pages that they may open.
    pub(super) links: Vec<Link>,
    /// What forms carry.
    pub(super) form_token: String,
    /// What happened, told once.
    pub(super) notice: Option<String>,
}

/// A way to another page.
pub(super) struct Link {
    pub(super) path: &'static str,
    pub(super) name: &'static str,
    /// It is this page.
    pub(super) here: bool,
}

/// The pages that can be gone to from anywhere.
const LINKS: &[(&str, &str)] =
    &[("/users", "Users"), ("/permissions", "Permissions"), ("/try", "Try a request"), ("/activity", "Activity")];

impl Frame {
    /// For somebody who has signed in. `here` is the page's path among the links.
    pub(super) fn new(panel: &Panel, visit: &Visit, title: &str, here: &str) -> Self {
        let session = visit.session.as_ref();
        Self {
            title: title.to_owned(),
            user: visit.user().map(|user| user.name.to_string()),
            links: visit.user().map(|user| links(&visit.snapshot, user, here)).unwrap_or_default(),
            form_token: session.map(|session| session.form_token.clone()).unwrap_or_default(),
            notice: session.and_then(|session| panel.sessions.take_notice(session.key)),
        }
    }
}

fn links(snapshot: &Snapshot, user: &User, here: &str) -> Vec<Link> {
    let open = |path: &str| may(snapshot, user, &Method::GET, path);
    let links = LINKS.iter().filter(|(path, _)| open(path));
    links.map(|(path, name)| Link { path, name, here: *path == here }).collect()
}

/// Whether somebody may do something in the panel, to show it or not. Whether they do it is decided when they try.
pub(super) fn may(snapshot: &Snapshot, user: &User, method: &Method, path: &str) -> bool {
    let target = Target::parse(method.as_str(), path);
    let policy = &snapshot.policy;
    target.is_ok_and(|target| policy.would_allow(user, None, &policy.ask_panel(target)).is_ok())
}

/// Makes an answer of a page.
pub(super) fn render(status: StatusCode, page: &impl Template) -> Response {
    match page.render() {
        Ok(text) => (status, Html(text)).into_response(),
        Err(error) => {
            tracing::error!(%error, "a page of the control panel cannot be made");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

/// A page that says one thing.
#[derive(Template)]
#[template(path = "message.html")]
pub(super) struct Message {
    frame: Box<Frame>,
    #[template(skip)]
    status: StatusCode,
    text: String,
}

impl Message {
    pub(super) fn new(status: StatusCode, title: &str, text: &str) -> Self {
        let frame = Box::new(Frame { title: title.to_owned(), ..Frame::default() });
        Self { frame, status, text: text.to_owned() }
    }

    /// For somebody who has signed in: shows the ways on, and the way out.
    pub(super) fn to(mut self, session: Option<&Session>, snapshot: &Snapshot) -> Self {
        if let Some(session) = session {
            let user = session.identity.user();
            self.frame.user = Some(user.name.to_string());
            self.frame.links = links(snapshot, user, "");
            self.frame.form_token.clone_from(&session.form_token);
        }
        self
    }

    /// That there is no such user.
    pub(super) fn no_user(name: &str, visit: &Visit) -> Self {
        let text = format!("There is no user called “{name}”. Perhaps somebody removed them.");
        Self::new(StatusCode::NOT_FOUND, "No such user", &text).to(visit.session.as_ref(), &visit.snapshot)
    }
}

impl IntoResponse for Message {
    fn into_response(self) -> Response {
        render(self.status, &self)
    }
}

/// A text as a sentence begins.
pub(super) fn sentence(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}
