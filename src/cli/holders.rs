//! Where permissions come from: through which role or grant a user has one, and which roles would give it.

use std::fmt;

use serde::Serialize;

use super::table::listed;
use crate::policy::{Permission, Role, Source, User};
use crate::source::document::Law;

/// One way in which a user has a permission.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Held {
    permission: String,
    /// `None` for a grant of the user's own.
    role: Option<String>,
    grant: String,
}

impl Held {
    fn new(permission: &Permission, source: &Source<'_>) -> Self {
        let role = source.role.map(|role| role.name.to_string());
        Self { permission: permission.to_string(), role, grant: source.grant.to_string() }
    }
}

impl fmt::Display for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.role, self.grant == self.permission) {
            (Some(role), true) => write!(f, "{} by role {role}", self.permission),
            (Some(role), false) => write!(f, "{} by role {role}, which grants {}", self.permission, self.grant),
            (None, true) => write!(f, "{} by a grant of their own", self.permission),
            (None, false) => write!(f, "{} by a grant of their own, {}", self.permission, self.grant),
        }
    }
}

/// A permission that a user does not have.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Lacking {
    permission: String,
    /// The roles that would give it.
    roles: Vec<String>,
}

impl fmt::Display for Lacking {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.roles.as_slice() {
            [] => write!(f, "{}, which no role gives", self.permission),
            [role] => write!(f, "{}, which role {role} would give", self.permission),
            roles => write!(f, "{}, which any of the roles {} would give", self.permission, listed(roles)),
        }
    }
}

/// Each way in which a user has each of these permissions.
pub(super) fn held(law: &Law, user: &User, permissions: &[&Permission]) -> Vec<Held> {
    let ways = |permission: &&Permission| {
        let sources = law.policy.sources(user, permission);
        sources.iter().map(|source| Held::new(permission, source)).collect::<Vec<_>>()
    };
    permissions.iter().flat_map(ways).collect()
}

/// What a user lacks, and what would give it.
pub(super) fn lacking(law: &Law, permission: &Permission) -> Lacking {
    Lacking { permission: permission.to_string(), roles: roles(law, &[permission]) }
}

/// The roles that give all of these permissions.
pub(super) fn roles(law: &Law, permissions: &[&Permission]) -> Vec<String> {
    let gives = |role: &&Role| permissions.iter().all(|one| role.grants.iter().any(|grant| grant.covers(one)));
    law.policy.roles().iter().filter(gives).map(|role| role.name.to_string()).collect()
}

/// The roles that a user has.
pub(super) fn role_names(law: &Law, user: &User) -> Vec<String> {
    user.roles.iter().filter_map(|id| law.policy.role(*id)).map(|role| role.name.to_string()).collect()
}

/// The users by name.
pub(super) fn sorted(law: &Law) -> Vec<&User> {
    let mut users: Vec<_> = law.users.iter().collect();
    users.sort_by(|one, other| one.name.cmp(&other.name));
    users
}
