//! The law: what is asked, who asks, and whether that is allowed.
//!
//! This room is pure. It reads no file, opens no socket, asks no clock and waits for nothing: whoever calls it passes the
//! time in. It knows of std, `http` (for methods, header values and paths), `subtle` and `sha2`, and of no other room.
//!
//! The way through it: a request line becomes a [`Target`], [`Policy::ask`] finds the rule for it, [`Credentials`] become
//! an [`Identity`] in [`Users::authenticate`], and [`Policy::decide`] makes of both a [`Permit`] or a [`Denial`].

mod build;
mod decide;
mod lookalike;
mod network;
mod panel;
mod pattern;
mod permission;
mod rate;
mod resource;
mod routes;
mod target;
#[cfg(test)]
mod tests;
mod token;
mod users;

use std::sync::Arc;
use std::time::SystemTime;

pub use build::{PolicyBuilder, Spot, Tie, UserEntry};
pub use decide::{Asked, Decision, Denial, DenialReason, Permit};
pub use network::{Network, NetworkError};
pub use pattern::{Pattern, PatternError};
pub use permission::{Grant, Permission, PermissionError, PermissionId, PermissionSet, Requirement};
pub use rate::{Rate, RateError};
pub use resource::{Resource, Rule};
pub use target::{Target, TargetError};
pub use token::{PREFIX as TOKEN_PREFIX, PasswordHash, Token, TokenHash, Tokens, VerifyPassword};
pub use users::{Authentication, Credentials, Identity, Name, PasswordCheck, Refusal, SignIn, User, Users};

/// One immutable version of the whole law. Users and rules change together or not at all.
#[derive(Debug)]
pub struct Snapshot {
    /// Counts up by one with every document that takes effect; the first is 1.
    pub generation: u64,
    /// Who there is.
    pub users: Users,
    /// What is required for what.
    pub policy: Policy,
}

impl Snapshot {
    /// Whether a request that was permitted under an older snapshot would be permitted under this one: the user still
    /// exists with API access, the token still counts, and the permission is still held.
    #[must_use]
    pub fn still_permits(&self, permit: &Permit, now: SystemTime) -> bool {
        let identity = match permit.identity() {
            None => None,
            Some(old) => match self.users.still_proves(old, now) {
                None => return false,
                proven => proven,
            },
        };
        let asked = self.policy.ask(permit.asked().target().clone());
        matches!(self.policy.decide(identity, asked), Decision::Permit(_))
    }
}

/// A named set of permissions.
#[derive(Clone, Debug)]
pub struct Role {
    /// The name.
    pub name: Box<str>,
    /// What it grants.
    pub grants: Box<[Grant]>,
    held: Arc<PermissionSet>,
}

/// A role's place in the policy's list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RoleId(u32);

/// What is required for what: resources, routes to them, permissions and roles.
#[derive(Debug, Default)]
pub struct Policy {
    resources: Vec<Arc<Resource>>,
    routes: routes::Routes,
    permissions: Vec<Permission>,
    roles: Vec<Role>,
    /// Every format that some resource lists.
    formats: Vec<Box<str>>,
    /// The control panel's own.
    pages: panel::Pages,
}

impl Policy {
    /// The resources, in the document's order.
    pub fn resources(&self) -> impl Iterator<Item = &Resource> {
        self.resources.iter().map(|resource| &**resource)
    }

    /// Every permission that some resource, or the control panel, requires.
    #[must_use]
    pub fn permissions(&self) -> &[Permission] {
        &self.permissions
    }

    /// The permission with this place.
    #[must_use]
    pub fn permission(&self, id: PermissionId) -> Option<&Permission> {
        self.permissions.get(id.0 as usize)
    }

    /// The permissions that a rule requires; none where it is public, or for any user.
    #[must_use]
    pub fn required(&self, rule: &Rule) -> Vec<&Permission> {
        match &rule.requirement {
            Requirement::Public | Requirement::Authenticated => Vec::new(),
            Requirement::All(ids) => ids.iter().filter_map(|id| self.permission(*id)).collect(),
        }
    }

    /// The roles, in the document's order.
    #[must_use]
    pub fn roles(&self) -> &[Role] {
        &self.roles
    }

    /// The roles and their places.
    pub fn roles_with_ids(&self) -> impl Iterator<Item = (RoleId, &Role)> {
        (0..).map(RoleId).zip(&self.roles)
    }

    /// The role with this place.
    #[must_use]
    pub fn role(&self, id: RoleId) -> Option<&Role> {
        self.roles.get(id.0 as usize)
    }

    /// Where a user has a permission from: each role that covers it, and each grant of the user's own.
    #[must_use]
    pub fn sources<'p>(&'p self, user: &'p User, permission: &Permission) -> Vec<Source<'p>> {
        let covers = |grants: &'p [Grant]| grants.iter().find(|grant| grant.covers(permission));
        let roles = user.roles.iter().filter_map(|id| self.role(*id));
        let by_role = roles.filter_map(|role| covers(&role.grants).map(|grant| Source { role: Some(role), grant }));
        by_role.chain(covers(&user.grants).map(|grant| Source { role: None, grant })).collect()
    }
}

/// Where a user has a permission from.
#[derive(Clone, Copy, Debug)]
pub struct Source<'p> {
    /// The role; `None` for a grant of the user's own.
    pub role: Option<&'p Role>,
    /// The grant that covers the permission.
    pub grant: &'p Grant,
}
