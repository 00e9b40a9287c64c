//! Trying a request without sending it: what the gateway would decide, and why.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::SystemTime;

use askama::Template;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;

use super::Panel;
use super::guard::Visit;
use super::page::{Frame, render, sentence};
use crate::policy::{Asked, DenialReason, Policy, Snapshot, Source, Target, User};

/// The methods that can be chosen.
const METHODS: [&str; 7] = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"];

/// What is asked.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Question {
    user: String,
    method: String,
    path: String,
    from: String,
}

#[derive(Template)]
#[template(path = "try.html")]
struct Page {
    frame: Frame,
    asked: Question,
    methods: [&'static str; 7],
    verdict: Option<Verdict>,
}

/// What the gateway would say.
#[derive(Default)]
struct Verdict {
    allowed: bool,
    /// What it comes to, in a sentence.
    summary: String,
    /// What of it is known, name and value.
    facts: Vec<(&'static str, String)>,
    /// What would change it.
    advice: Option<String>,
}

pub(super) async fn show(State(panel): State<Arc<Panel>>, visit: Visit, Query(asked): Query<Question>) -> Response {
    let verdict = (!asked.path.is_empty()).then(|| judge(&visit.snapshot, &asked));
    let frame = Frame::new(&panel, &visit, "Try a request", "/try");
    render(StatusCode::OK, &Page { frame, asked, methods: METHODS, verdict })
}

fn judge(snapshot: &Snapshot, question: &Question) -> Verdict {
    let refused = |status: u16, why: &str| Verdict {
        summary: format!("Answered {status}: {}.", sentence(why)),
        ..Verdict::default()
    };
    let from: Option<IpAddr> = match question.from.trim() {
        "" => None,
        text => match text.parse() {
            Ok(address) => Some(address),
            Err(_) => {
                return Verdict {
                    summary: format!("“{text}” is not an address, such as 10.0.0.7."),
                    ..Verdict::default()
                };
            }
        },
    };
    let target = match Target::parse(&question.method, question.path.trim()) {
        Ok(target) => target,
        Err(error) => return refused(400, &error.to_string()),
    };
    let policy = &snapshot.policy;
    let asked = policy.ask(target);
    let mut facts = facts(&asked);
    if asked.is_public() {
        let summary = "Permitted for everybody: no credentials are asked for.".to_owned();
        return Verdict { allowed: true, summary, facts, advice: None };
    }
    let name = question.user.trim();
    let Some(user) = snapshot.users.get(name) else {
        let who = if name.is_empty() { "without credentials" } else { "there is no user of this name" };
        return Verdict { facts, ..refused(401, who) };
    };
    if let Some((why, advice)) = hindrance(user) {
        return Verdict { facts, advice: Some(advice), ..refused(401, why) };
    }
    match policy.would_allow(user, from, &asked) {
        Ok(()) => {
            facts.extend(held(policy, user, &asked));
            Verdict { allowed: true, summary: format!("Permitted: {name} may do this."), facts, advice: None }
        }
        Err(reason) => Verdict { facts, advice: advice(policy, &reason), ..refused(403, &reason.to_string()) },
    }
}

fn facts(asked: &Asked) -> Vec<(&'static str, String)> {
    let facts = [
        ("Resource", asked.resource().map(|resource| resource.name.to_string())),
        ("Path in the access document", asked.pattern()),
        ("Needs", asked.rule().map(|rule| rule.label.to_string())),
        ("Sent on as", Some(format!("{} {}", asked.target().method(), asked.target().path_and_query()))),
    ];
    facts.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
}

/// Why nobody can prove to be this user at the moment.
fn hindrance(user: &User) -> Option<(&'static str, String)> {
    let now = SystemTime::now();
    let live = user.tokens.iter().any(|token| !token.expired(now));
    if !user.api_access {
        return Some(("this user has no API access", "Tick “Yes, allow this user to use the API”.".to_owned()));
    }
    (!live && user.password.is_none())
        .then(|| ("this user has no API token that counts", "Generate an API token on the user's page.".to_owned()))
}

/// Where the user has each of the permissions from.
fn held(policy: &Policy, user: &User, asked: &Asked) -> Option<(&'static str, String)> {
    let required = asked.rule().map(|rule| policy.required(rule)).unwrap_or_default();
    let from = |source: &Source<'_>| match source.role {
        Some(role) => format!("by the role {}", role.name),
        None => format!("by a grant of their own, {}", source.grant),
    };
    let ways = required.into_iter().map(|permission| {
        let ways: Vec<_> = policy.sources(user, permission).iter().map(from).collect();
        format!("{permission} {}", ways.join(" and "))
    });
    let ways: Vec<_> = ways.collect();
    (!ways.is_empty()).then(|| ("Held", ways.join("; ")))
}

fn advice(policy: &Policy, reason: &DenialReason) -> Option<String> {
    let DenialReason::Missing(missing) = reason else { return None };
    let gives =
        |role: &&crate::policy::Role| missing.iter().all(|one| role.grants.iter().any(|grant| grant.covers(one)));
    let roles: Vec<_> = policy.roles().iter().filter(gives).map(|role| role.name.to_string()).collect();
    Some(match roles.as_slice() {
        [] => "Grant it on the user's page; no role gives it.".to_owned(),
        [role] => format!("Grant it on the user's page, or give the role {role}."),
        roles => format!("Grant it on the user's page, or give one of the roles {}.", roles.join(", ")),
    })
}
