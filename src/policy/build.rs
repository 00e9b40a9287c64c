//! Putting a policy together: interning permissions, compiling grants, and finding patterns that tie.
//!
//! Called by `source::document` alone, which knows where in the file each thing stands and turns a [`Tie`] into a fault.

use std::collections::HashMap;
use std::sync::Arc;

use http::HeaderValue;

use super::panel::Pages;
use super::permission::{Grant, Permission, PermissionId, PermissionSet};
use super::rate::Rate;
use super::routes::Leaf;
use super::token::{PasswordHash, Token};
use super::users::{Name, User};
use super::{Network, Policy, Resource, Role, RoleId};

/// Gathers resources and roles, then makes a [`Policy`] of them.
#[derive(Debug, Default)]
pub struct PolicyBuilder {
    policy: Policy,
    ids: HashMap<Permission, PermissionId>,
    ties: Vec<Tie>,
}

/// A pattern by the order in which it was added: which resource, and which of its patterns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spot {
    /// The resource's place.
    pub resource: usize,
    /// The pattern's place within it.
    pub pattern: usize,
}

/// Two patterns that cover the same paths with the same specificity: neither can win.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tie {
    /// The one added first.
    pub first: Spot,
    /// The one added later.
    pub second: Spot,
    /// Set where they tie only because one resource lists this format: `/a` with `json`, and `/a.json`.
    pub format: Option<Box<str>>,
}

/// A user as the document describes it, with everything checked.
#[derive(Clone, Debug, Default)]
pub struct UserEntry {
    /// See [`User::name`].
    pub name: Box<str>,
    /// See [`User::title`].
    pub title: Option<Box<str>>,
    /// See [`User::api_access`].
    pub api_access: bool,
    /// See [`User::tokens`].
    pub tokens: Vec<Token>,
    /// See [`User::password`].
    pub password: Option<PasswordHash>,
    /// See [`User::roles`].
    pub roles: Vec<RoleId>,
    /// See [`User::grants`].
    pub grants: Vec<Grant>,
    /// See [`User::networks`].
    pub networks: Vec<Network>,
    /// See [`User::rate_limit`].
    pub rate_limit: Option<Rate>,
    /// See [`User::panel`].
    pub panel: Option<PasswordHash>,
}

impl PolicyBuilder {
    /// The place of a permission that something requires, adding it where it is new.
    pub fn require(&mut self, permission: &Permission) -> PermissionId {
        if let Some(id) = self.ids.get(permission) {
            return *id;
        }
        let id = PermissionId(u32::try_from(self.policy.permissions.len()).unwrap_or(u32::MAX));
        self.policy.permissions.push(permission.clone());
        self.ids.insert(permission.clone(), id);
        id
    }

    /// Adds a resource. Patterns that tie with earlier ones are found here and told by [`Self::finish`].
    pub fn resource(&mut self, resource: Resource) {
        let place = self.policy.resources.len();
        for (pattern, text) in resource.patterns.iter().enumerate() {
            let leaf = Leaf { resource: place, pattern };
            if let Err(taken) = self.policy.routes.insert(text, leaf) {
                self.ties.push(Tie { first: spot(taken), second: spot(leaf), format: None });
            }
        }
        for format in &resource.formats {
            if !self.policy.formats.contains(format) {
                self.policy.formats.push(format.clone());
            }
        }
        self.policy.resources.push(Arc::new(resource));
    }

    /// Adds a role. All resources must be known by now, since grants are compiled against what they require.
    pub fn role(&mut self, name: &str, grants: Vec<Grant>) -> RoleId {
        let id = RoleId(u32::try_from(self.policy.roles.len()).unwrap_or(u32::MAX));
        let held = Arc::new(self.compile(&grants));
        self.policy.roles.push(Role { name: name.into(), grants: grants.into(), held });
        id
    }

    /// Makes a user of this policy. `None` if the name cannot be sent as a header value: control characters in it.
    #[must_use]
    pub fn user(&self, entry: UserEntry) -> Option<User> {
        HeaderValue::from_bytes(entry.name.as_bytes()).ok()?;
        let held = self.held(&entry);
        Some(User {
            name: Name::from(&*entry.name),
            title: entry.title,
            api_access: entry.api_access,
            tokens: entry.tokens.into(),
            password: entry.password,
            roles: entry.roles.into(),
            grants: entry.grants.into(),
            networks: entry.networks.into(),
            rate_limit: entry.rate_limit,
            panel: entry.panel,
            held,
        })
    }

    /// What a user holds. Nearly everybody holds what one role gives, and shares it.
    fn held(&self, entry: &UserEntry) -> Arc<PermissionSet> {
        let mut roles = entry.roles.iter().filter_map(|id| self.policy.role(*id));
        match (roles.next(), roles.next()) {
            (Some(only), None) if entry.grants.is_empty() => Arc::clone(&only.held),
            (first, second) => {
                let given = first.into_iter().chain(second).chain(roles);
                Arc::new(given.fold(self.compile(&entry.grants), |sum, role| sum.union(&role.held)))
            }
        }
    }

    fn compile(&self, grants: &[Grant]) -> PermissionSet {
        PermissionSet::compile(&self.policy.permissions, |one| self.ids.get(one).copied(), grants)
    }

    /// The permissions required so far, for suggesting the right word.
    #[must_use]
    pub fn permissions(&self) -> &[Permission] {
        &self.policy.permissions
    }

    /// The finished policy.
    ///
    /// # Errors
    /// Every pair of patterns of which neither can win.
    pub fn finish(mut self) -> Result<Policy, Vec<Tie>> {
        self.find_format_ties();
        self.policy.pages = Pages::new(&self.ids);
        if self.ties.is_empty() { Ok(self.policy) } else { Err(self.ties) }
    }

    fn find_format_ties(&mut self) {
        for (resource, entry) in self.policy.resources.iter().enumerate() {
            for (pattern, text) in entry.patterns.iter().enumerate() {
                for format in &entry.formats {
                    let spelled = text.with_format(format).and_then(|other| self.policy.routes.same_shape(&other));
                    if let Some(other) = spelled.filter(|other| other.resource != resource) {
                        let (mine, other) = (Spot { resource, pattern }, spot(other));
                        self.ties.push(Tie { first: other, second: mine, format: Some(format.clone()) });
                    }
                }
            }
        }
    }
}

fn spot(leaf: Leaf) -> Spot {
    Spot { resource: leaf.resource, pattern: leaf.pattern }
}
