//! The list of users.

use std::sync::Arc;
use std::time::SystemTime;

use askama::Template;
use axum::extract::{Query, State};
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

use super::Panel;
use super::guard::Visit;
use super::page::{Frame, Message, may, render};
use super::told;
use crate::policy::{Policy, User};

/// Users on one page.
const AT_ONCE: usize = 50;

/// What is looked for.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Search {
    search: String,
    /// Counted from 0; anything else is the first.
    page: String,
}

#[derive(Template)]
#[template(path = "users.html")]
struct Page {
    frame: Frame,
    search: String,
    rows: Vec<Row>,
    /// How many there are in all, and the first that is shown, counted from 1.
    total: usize,
    first: usize,
    before: Option<usize>,
    after: Option<usize>,
    may_edit: bool,
}

struct Row {
    name: String,
    title: String,
    access: bool,
    remark: Option<&'static str>,
    roles: String,
    last_used: Option<String>,
    panel: bool,
}

/// Where somebody lands who has signed in: at the first page that is open to them.
pub(super) async fn start(visit: Visit) -> Response {
    let Some(user) = visit.user() else { return Redirect::to("/sign-in").into_response() };
    let open = ["/users", "/activity"].into_iter().find(|path| may(&visit.snapshot, user, &Method::GET, path));
    match open {
        Some(path) => Redirect::to(path).into_response(),
        None => {
            let text = "You have signed in, and none of the panel's pages is open to you: that takes one of the \
                        permissions panel.users.view and panel.audit.view.";
            Message::new(StatusCode::FORBIDDEN, "Nothing to see", text)
                .to(visit.session.as_ref(), &visit.snapshot)
                .into_response()
        }
    }
}

/// The list.
pub(super) async fn show(State(panel): State<Arc<Panel>>, visit: Visit, Query(asked): Query<Search>) -> Response {
    let Some(user) = visit.user() else { return Redirect::to("/sign-in").into_response() };
    let may_edit = may(&visit.snapshot, user, &Method::POST, "/users/edit");
    let snapshot = &visit.snapshot;
    let wanted = asked.search.trim().to_lowercase();
    let mut found: Vec<_> = snapshot.users.iter().filter(|user| matches(&snapshot.policy, user, &wanted)).collect();
    found.sort_unstable_by(|one, other| one.name.cmp(&other.name));
    let page = asked.page.parse().unwrap_or(0).min(found.len().saturating_sub(1) / AT_ONCE);
    let now = SystemTime::now();
    let shown = found.iter().skip(page * AT_ONCE).take(AT_ONCE);
    let rows: Vec<_> = shown.map(|user| panel.row(&snapshot.policy, user, now)).collect();
    let after = ((page + 1) * AT_ONCE < found.len()).then_some(page + 1);
    let frame = Frame::new(&panel, &visit, "Users", "/users");
    let (total, first, before) = (found.len(), page * AT_ONCE + 1, page.checked_sub(1));
    render(StatusCode::OK, &Page { frame, search: asked.search, rows, total, first, before, after, may_edit })
}

impl Panel {
    fn row(&self, policy: &Policy, user: &User, now: SystemTime) -> Row {
        let used = user.tokens.iter().filter_map(|token| self.parts.last_use.of(token.hash.mark())).max();
        Row {
            name: user.name.to_string(),
            title: user.title.as_deref().unwrap_or_default().to_owned(),
            access: user.api_access,
            remark: told::remark(user, now).filter(|_| user.api_access),
            roles: role_names(policy, user).join(", "),
            last_used: used.map(|used| told::moment(used, now)),
            panel: user.panel.is_some(),
        }
    }
}

fn matches(policy: &Policy, user: &User, wanted: &str) -> bool {
    let contains = |text: &str| text.to_lowercase().contains(wanted);
    wanted.is_empty()
        || contains(&user.name)
        || user.title.as_deref().is_some_and(contains)
        || role_names(policy, user).into_iter().any(contains)
}

fn role_names<'p>(policy: &'p Policy, user: &User) -> Vec<&'p str> {
    user.roles.iter().filter_map(|id| policy.role(*id)).map(|role| &*role.name).collect()
}
