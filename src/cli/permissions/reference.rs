//! What the reference says, before it is known in which form.

use serde::Serialize;

use crate::cli::{holders, reading};
use crate::policy::{Permission, Requirement, Resource, Rule};
use crate::source::document::Law;

/// The whole reference.
#[derive(Debug, Serialize)]
pub(super) struct Reference {
    pub(super) resources: Vec<ResourceEntry>,
    /// Permissions that no resource requires: those of the control panel.
    pub(super) others: Vec<Entry>,
}

/// One resource.
#[derive(Debug, Serialize)]
pub(super) struct ResourceEntry {
    pub(super) name: String,
    pub(super) paths: Vec<String>,
    pub(super) formats: Vec<String>,
    pub(super) methods: Vec<Entry>,
}

/// One method of a resource, or one permission by itself.
#[derive(Debug, Serialize)]
pub(super) struct Entry {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) method: Option<String>,
    /// Permissions, or `public` or `authenticated`.
    pub(super) requires: Vec<String>,
    /// Roles that give all of it.
    pub(super) roles: Vec<String>,
    /// Users who hold all of it.
    pub(super) users: Vec<Holder>,
    /// Whether it is a permission that has holders, and not everybody's.
    #[serde(skip)]
    pub(super) held: bool,
}

/// A user who holds something.
#[derive(Debug, Serialize)]
pub(super) struct Holder {
    name: String,
    api_access: bool,
}

impl Reference {
    pub(super) fn of(law: &Law) -> Self {
        let resources: Vec<_> = law.policy.resources().map(|resource| ResourceEntry::of(law, resource)).collect();
        let known = |permission: &&Permission| {
            let mut methods = resources.iter().flat_map(|resource| &resource.methods);
            methods.any(|entry| entry.requires.iter().any(|one| one == permission.as_str()))
        };
        let others = law.policy.permissions().iter().filter(|permission| !known(permission));
        let others = others.map(|permission| Entry::of(law, None, &[permission])).collect();
        Self { resources, others }
    }
}

impl ResourceEntry {
    fn of(law: &Law, resource: &Resource) -> Self {
        Self {
            name: resource.name.to_string(),
            paths: resource.patterns.iter().map(ToString::to_string).collect(),
            formats: resource.formats.iter().map(ToString::to_string).collect(),
            methods: resource.rules.iter().map(|rule| Entry::of_rule(law, rule)).collect(),
        }
    }
}

impl Entry {
    fn of_rule(law: &Law, rule: &Rule) -> Self {
        let method = Some(rule.method.to_string());
        match &rule.requirement {
            Requirement::All(_) => Self::of(law, method, &law.policy.required(rule)),
            Requirement::Public | Requirement::Authenticated => {
                let requires = reading::requires(&law.policy, rule);
                Self { method, requires, roles: Vec::new(), users: Vec::new(), held: false }
            }
        }
    }

    fn of(law: &Law, method: Option<String>, required: &[&Permission]) -> Self {
        let users = holders::sorted(law).into_iter();
        let holds = |user: &&_| required.iter().all(|one| !law.policy.sources(user, one).is_empty());
        Self {
            method,
            requires: required.iter().map(ToString::to_string).collect(),
            roles: holders::roles(law, required),
            users: users.filter(holds).map(|user| Holder::new(&user.name, user.api_access)).collect(),
            held: true,
        }
    }

    /// What it requires, as a person reads it.
    pub(super) fn requirement(&self) -> String {
        self.requires.join(" and ")
    }

    /// The roles, as a person reads them.
    pub(super) fn roles(&self) -> String {
        if self.held { or_none(self.roles.join(", ")) } else { String::new() }
    }

    /// The users, as a person reads them.
    pub(super) fn users(&self) -> String {
        let names: Vec<_> = self.users.iter().map(Holder::shown).collect();
        match (self.held, self.requires.first().map(String::as_str)) {
            (true, _) => or_none(names.join(", ")),
            (false, Some("public")) => "everybody, without credentials".to_owned(),
            (false, _) => "every user with API access".to_owned(),
        }
    }
}

impl Holder {
    fn new(name: &str, api_access: bool) -> Self {
        Self { name: name.to_owned(), api_access }
    }

    fn shown(&self) -> String {
        if self.api_access { self.name.clone() } else { format!("{} (API access off)", self.name) }
    }
}

fn or_none(names: String) -> String {
    if names.is_empty() { "nobody".to_owned() } else { names }
}
