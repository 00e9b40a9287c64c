//! The reference: for each resource its paths, what each method needs, and who holds that.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;

use super::Panel;
use super::edit::Named;
use super::guard::Visit;
use super::page::{Frame, Message, render};
use crate::policy::{Permission, Policy, Requirement, Resource, Role, Rule, Snapshot, User};

/// Holders that are named; of more, only the number is told.
const NAMED: usize = 100;

/// What is looked for.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Search {
    search: String,
}

#[derive(Template)]
#[template(path = "permissions.html")]
struct Index {
    frame: Frame,
    search: String,
    rows: Vec<IndexRow>,
}

struct IndexRow {
    name: String,
    paths: Vec<String>,
    /// What methods need: the permission, and the methods that need it.
    needs: Vec<(String, String)>,
}

#[derive(Template)]
#[template(path = "resource.html")]
struct Page {
    frame: Frame,
    paths: Vec<String>,
    formats: Vec<String>,
    rows: Vec<RuleRow>,
}

struct RuleRow {
    method: String,
    needs: Vec<String>,
    /// Who may; `None` where it is not a matter of permissions.
    holders: Option<Holders>,
    open: &'static str,
}

struct Holders {
    roles: String,
    users: Vec<Holder>,
    /// How many there are beyond those.
    more: usize,
}

struct Holder {
    name: String,
    access: bool,
}

/// All resources.
pub(super) async fn index(State(panel): State<Arc<Panel>>, visit: Visit, Query(asked): Query<Search>) -> Response {
    let wanted = asked.search.trim().to_lowercase();
    let policy = &visit.snapshot.policy;
    let rows = policy.resources().map(|resource| IndexRow::new(policy, resource));
    let rows = rows.filter(|row| row.matches(&wanted)).collect();
    let frame = Frame::new(&panel, &visit, "Permissions", "/permissions");
    render(StatusCode::OK, &Index { frame, search: asked.search, rows })
}

/// One resource.
pub(super) async fn resource(State(panel): State<Arc<Panel>>, visit: Visit, Query(asked): Query<Named>) -> Response {
    let snapshot = &visit.snapshot;
    let Some(resource) = snapshot.policy.resources().find(|resource| *resource.name == *asked.name) else {
        let text = format!("There is no resource called “{}”.", asked.name);
        let message = Message::new(StatusCode::NOT_FOUND, "No such resource", &text);
        return message.to(visit.session.as_ref(), snapshot).into_response();
    };
    let page = Page {
        frame: Frame::new(&panel, &visit, &resource.name, "/permissions"),
        paths: paths(resource),
        formats: resource.formats.iter().map(ToString::to_string).collect(),
        rows: resource.rules.iter().map(|rule| RuleRow::new(snapshot, rule)).collect(),
    };
    render(StatusCode::OK, &page)
}

impl IndexRow {
    fn new(policy: &Policy, resource: &Resource) -> Self {
        let mut needs: Vec<(String, String)> = Vec::new();
        for rule in &resource.rules {
            let needed = requirement(policy, rule).join(" and ");
            match needs.iter_mut().find(|(known, _)| *known == needed) {
                Some((_, methods)) => methods.push_str(&format!(", {}", rule.method)),
                None => needs.push((needed, rule.method.to_string())),
            }
        }
        Self { name: resource.name.to_string(), paths: paths(resource), needs }
    }

    fn matches(&self, wanted: &str) -> bool {
        let contains = |text: &String| text.to_lowercase().contains(wanted);
        contains(&self.name) || self.paths.iter().any(contains) || self.needs.iter().any(|(needed, _)| contains(needed))
    }
}

impl RuleRow {
    fn new(snapshot: &Snapshot, rule: &Rule) -> Self {
        let open = match rule.requirement {
            Requirement::Public => "everybody, without credentials",
            Requirement::Authenticated => "every user with API access",
            Requirement::All(_) => "",
        };
        let required = snapshot.policy.required(rule);
        let holders = open.is_empty().then(|| Holders::of(snapshot, &required));
        Self { method: rule.method.to_string(), needs: requirement(&snapshot.policy, rule), holders, open }
    }
}

impl Holders {
    fn of(snapshot: &Snapshot, required: &[&Permission]) -> Self {
        let policy = &snapshot.policy;
        let gives = |role: &&Role| required.iter().all(|one| role.grants.iter().any(|grant| grant.covers(one)));
        let holds = |user: &&User| required.iter().all(|one| !policy.sources(user, one).is_empty());
        let mut users: Vec<_> = snapshot.users.iter().filter(holds).collect();
        users.sort_unstable_by(|one, other| one.name.cmp(&other.name));
        let roles: Vec<_> = policy.roles().iter().filter(gives).map(|role| role.name.to_string()).collect();
        let more = users.len().saturating_sub(NAMED);
        let named = users.into_iter().take(NAMED);
        let users = named.map(|user| Holder { name: user.name.to_string(), access: user.api_access }).collect();
        Self { roles: roles.join(", "), users, more }
    }
}

fn paths(resource: &Resource) -> Vec<String> {
    resource.patterns.iter().map(ToString::to_string).collect()
}

fn requirement(policy: &Policy, rule: &Rule) -> Vec<String> {
    match policy.required(rule) {
        required if required.is_empty() => vec![rule.label.to_string()],
        required => required.into_iter().map(ToString::to_string).collect(),
    }
}
