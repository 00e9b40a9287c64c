//! Expectations: what a document says of itself is asked of the finished policy, as a request would be.

use super::super::fields::Text;
use super::super::report::{Report, meant, quote};
use super::super::shape::{Document, Expectation};
use super::super::suggest::nearest;
use crate::policy::{Asked, Policy, Requirement, Target, User, Users};

/// Checks all expectations. What they come to is asked only of a document without a fault.
pub(super) fn all(document: &Document<'_>, users: &Users, policy: &Policy, report: &mut Report<'_>) {
    let sound = report.is_clean();
    for raw in &document.expectations {
        let names = document.users.items.iter().map(|user| user.name.value);
        let known = raw.user.is_none_or(|text| known_user(text, names, document.users.whole, report));
        let (target, allow) = (target(raw.request, report), decision(raw.decision, report));
        if let (true, true, Some(target), Some(allow)) = (sound, known, target, allow) {
            let (user, asked) = (raw.user.and_then(|text| users.get(text.value)), policy.ask(target));
            let denied = denial(policy, user, &asked);
            // Whether somebody is let in at all is switched as the day demands. That "allow" is about what they may do then,
            // so that no expectation is ever in the way of switching it off.
            let is_out = user.is_some_and(|user| !user.api_access) && !asked.is_public();
            if denied.is_none() != allow && (allow || !is_out) {
                let help = || Some(decided_by(policy, user, &asked));
                report.helped(raw.decision.span, contradiction(raw, denied), help);
            }
        }
    }
}

fn known_user<'n>(
    text: Text<'_>,
    mut names: impl Iterator<Item = &'n str> + Clone,
    whole: bool,
    report: &mut Report<'_>,
) -> bool {
    let all = names.clone();
    let known = names.any(|name| name == text.value);
    if !known && whole {
        report.absent(text.span, format!("unknown user {}", quote(text.value)), || nearest(text.value, all).map(meant));
    }
    known
}

fn target(text: Text<'_>, report: &mut Report<'_>) -> Option<Target> {
    let Some((method, path)) = text.value.split_once(' ') else {
        let help = || Some("write a method and a path: \"GET /api/v2/products\"".to_owned());
        report.helped(text.span, format!("{} is no request", quote(text.value)), help);
        return None;
    };
    match Target::parse(method, path) {
        Ok(target) => Some(target),
        Err(error) => {
            report.fault(text.span, format!("{} would be answered 400: {error}", quote(text.value)));
            None
        }
    }
}

fn decision(text: Text<'_>, report: &mut Report<'_>) -> Option<bool> {
    match text.value {
        "allow" => Some(true),
        "deny" => Some(false),
        other => {
            report.helped(text.span, format!("{} is no decision", quote(other)), || {
                Some(nearest(other, ["allow", "deny"]).map_or_else(|| "write \"allow\" or \"deny\"".to_owned(), meant))
            });
            None
        }
    }
}

/// Why a request would be denied, if it would be.
fn denial(policy: &Policy, user: Option<&User>, asked: &Asked) -> Option<String> {
    if asked.is_public() {
        return None;
    }
    match user {
        None => Some("credentials are required".to_owned()),
        Some(user) => policy.would_allow(user, None, asked).err().map(|reason| reason.to_string()),
    }
}

/// In which words an expectation does not hold.
fn contradiction(raw: &Expectation<'_>, denied: Option<String>) -> String {
    let request = quote(raw.request.value);
    let who = match raw.user {
        Some(text) => format!("user {}", quote(text.value)),
        None => "a request without credentials".to_owned(),
    };
    match denied {
        None => format!("expected \"deny\", but {who} may {request}"),
        Some(reason) => format!("expected \"allow\", but {who} may not {request}: {reason}"),
    }
}

/// What decides: the rule, and where the user has from what it needs.
fn decided_by(policy: &Policy, user: Option<&User>, asked: &Asked) -> String {
    let (Some(resource), Some(pattern)) = (asked.resource(), asked.pattern()) else {
        return "decided by the default: what no resource covers is denied".to_owned();
    };
    let method = asked.target().method();
    let rule = match asked.rule() {
        Some(rule) => format!(": {method} needs {}{}", rule.label, held(policy, user, asked)),
        None => format!(", which does not list {method}"),
    };
    format!("decided by resource {}, path {}{rule}", quote(&resource.name), quote(&pattern))
}

/// Where a user has what the rule needs from.
fn held(policy: &Policy, user: Option<&User>, asked: &Asked) -> String {
    let Some((user, Requirement::All(ids))) = user.zip(asked.rule().map(|rule| &rule.requirement)) else {
        return String::new();
    };
    let from = ids.iter().filter_map(|id| {
        let permission = policy.permission(*id)?;
        let source = policy.sources(user, permission).into_iter().next()?;
        Some(match source.role {
            Some(role) => format!(", {permission} is held by the role {} ({})", quote(&role.name), source.grant),
            None => format!(", {permission} is granted as {}", source.grant),
        })
    });
    from.collect()
}
