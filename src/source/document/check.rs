//! What a document means: from texts to values of the policy, with everything reported that does not hold.

mod expect;
mod grants;
mod resources;
mod stored;
mod users;
mod when;

use std::time::SystemTime;

use super::fields::Text;
use super::report::{Report, quote};
use super::shape::Document;
use crate::policy::{PasswordHash, Permission, Policy, PolicyBuilder, Users};

/// What the control panel requires. It is guarded by the same permissions as the API.
pub(in crate::source) const PANEL_PERMISSIONS: &[&str] = &["panel.users.view", "panel.users.edit", "panel.audit.view"];

/// The longest name of a user, resource or role, in characters.
const LONGEST_NAME: usize = 200;

/// Makes users and a policy of what a document says. They are only to be used if nothing was reported.
pub(super) fn document(document: &Document<'_>, now: SystemTime, report: &mut Report<'_>) -> (Users, Policy) {
    let mut builder = PolicyBuilder::default();
    for name in PANEL_PERMISSIONS {
        if let Ok(permission) = Permission::parse(name) {
            builder.require(&permission);
        }
    }
    let added = resources::add(&document.resources, &mut builder, report);
    let mut grants = grants::Reader::new(&builder, added.whole);
    let roles = grants::roles(&document.roles, &mut grants, &mut builder, report);
    let users = users::Reader::new(&builder, &roles, grants, now).all(&document.users.items, report);
    let users = Users::new(users);
    let policy = builder.finish().unwrap_or_else(|ties| {
        added.report(&ties, report);
        Policy::default()
    });
    expect::all(document, &users, &policy, report);
    (users, policy)
}

/// Checks the name of a user, resource or role. `what` names it: "a user's name".
fn name(text: Text<'_>, what: &str, report: &mut Report<'_>) {
    if let Some(problem) = name_problem(text.value) {
        report.fault(text.span, format!("{what} {problem}: {}", quote(text.value)));
    }
}

/// What is wrong with a name, as words behind it.
fn name_problem(name: &str) -> Option<&'static str> {
    if name.is_empty() {
        Some("is empty")
    } else if name.chars().any(char::is_control) {
        Some("has a control character")
    } else if name.trim() != name {
        Some("begins or ends with a space")
    } else if name.chars().nth(LONGEST_NAME).is_some() {
        Some("is longer than 200 characters")
    } else {
        None
    }
}

/// What is wrong with the name of a user, as words behind it.
pub(in crate::source) fn user_name_problem(name: &str) -> Option<&'static str> {
    name_problem(name).or_else(|| name.contains(':').then_some("has a ':', where credentials end it"))
}

/// Reads the hash of a password as a document may store it, or says in words why it may not. They hold none of the text.
pub(in crate::source) fn password_hash(text: &str) -> Result<PasswordHash, String> {
    stored::password(text).map_err(|error| error.to_string())
}
