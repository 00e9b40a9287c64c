//! What the form for a user says, and how two such forms come together when two people change one user.
//!
//! A page carries the [`Sheet`] it was made from, so that it is known later what *this* person changed, and what others
//! changed meanwhile.

use std::collections::BTreeSet;
use std::time::SystemTime;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::form::Fields;
use crate::policy::{Policy, User};
use crate::source::edit::Change;

/// What can be said of a user, but for tokens, which are made and not written.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Sheet {
    pub(super) title: String,
    pub(super) access: bool,
    pub(super) roles: BTreeSet<String>,
    /// Permissions granted beyond the roles.
    pub(super) grants: BTreeSet<String>,
    /// Networks that the user may come from; empty for anywhere.
    pub(super) addresses: BTreeSet<String>,
    /// Stands for the tokens that there are. It can be compared, and tells nothing of them.
    pub(super) tokens: String,
}

impl Sheet {
    /// What a document says of a user.
    pub(super) fn of(policy: &Policy, user: &User) -> Self {
        let roles = user.roles.iter().filter_map(|id| policy.role(*id));
        Self {
            // As a form brings it back.
            title: user.title.as_deref().unwrap_or_default().trim().to_owned(),
            access: user.api_access,
            roles: roles.map(|role| role.name.to_string()).collect(),
            grants: user.grants.iter().map(ToString::to_string).collect(),
            addresses: user.networks.iter().map(ToString::to_string).collect(),
            tokens: mark(user),
        }
    }

    /// What a form says. `tokens` are those of the page it was sent from.
    pub(super) fn posted(fields: &Fields, tokens: String) -> Self {
        let ticked = |name: &'static str| fields.all(name).map(str::to_owned).collect();
        let addresses = fields.text("addresses").split([',', ' ', '\r', '\n', '\t']);
        Self {
            title: fields.text("title").trim().to_owned(),
            access: fields.has("access"),
            roles: ticked("role"),
            grants: ticked("permission"),
            addresses: addresses.filter(|one| !one.is_empty()).map(str::to_owned).collect(),
            tokens,
        }
    }

    /// What both wanted: of each thing, what this person changed, and else what others made of it.
    pub(super) fn merged(base: &Self, theirs: &Self, mine: &Self) -> Self {
        Self {
            title: pick(&base.title, &theirs.title, &mine.title),
            access: pick(&base.access, &theirs.access, &mine.access),
            roles: merge(&base.roles, &theirs.roles, &mine.roles),
            grants: merge(&base.grants, &theirs.grants, &mine.grants),
            addresses: merge(&base.addresses, &theirs.addresses, &mine.addresses),
            tokens: theirs.tokens.clone(),
        }
    }

    /// What differs in another, for a person to read.
    pub(super) fn differences(&self, other: &Self) -> Vec<String> {
        let mut told = Vec::new();
        if self.access != other.access {
            told.push(format!("API access is {}", if other.access { "on" } else { "off" }));
        }
        if self.title != other.title {
            told.push(format!("the title is “{}”", other.title));
        }
        let parts = [("role", &self.roles, &other.roles), ("permission", &self.grants, &other.grants)];
        for (what, before, after) in parts.into_iter().chain([("network", &self.addresses, &other.addresses)]) {
            told.extend(after.difference(before).map(|one| format!("{what} {one} has been added")));
            told.extend(before.difference(after).map(|one| format!("{what} {one} has been taken away")));
        }
        if self.tokens != other.tokens {
            told.push("the API token has been changed".to_owned());
        }
        told
    }

    /// What makes another of it. Access comes last to be given and first to be taken, so that no document in between
    /// would let in who should not be.
    pub(super) fn changes(&self, to: &Self) -> Vec<Change> {
        let mut changes = Vec::new();
        if self.title != to.title {
            changes.push(Change::Title(Some(to.title.clone()).filter(|title| !title.is_empty())));
        }
        changes.extend(self.roles.difference(&to.roles).cloned().map(Change::TakeRole));
        changes.extend(to.roles.difference(&self.roles).cloned().map(Change::GiveRole));
        changes.extend(self.grants.difference(&to.grants).cloned().map(Change::Revoke));
        changes.extend(to.grants.difference(&self.grants).cloned().map(Change::Grant));
        if self.addresses != to.addresses {
            changes.push(Change::Addresses(to.addresses.iter().cloned().collect()));
        }
        if self.access != to.access {
            changes.push(Change::Access(to.access));
        }
        changes
    }
}

fn pick<T: PartialEq + Clone>(base: &T, theirs: &T, mine: &T) -> T {
    if mine == base { theirs.clone() } else { mine.clone() }
}

fn merge(base: &BTreeSet<String>, theirs: &BTreeSet<String>, mine: &BTreeSet<String>) -> BTreeSet<String> {
    let added = mine.difference(base);
    let kept = theirs.iter().filter(|one| !base.contains(*one) || mine.contains(*one));
    kept.chain(added).cloned().collect()
}

/// Half of a hash over the hashes, and over when they end.
fn mark(user: &User) -> String {
    let mut hash = Sha256::new();
    for token in &user.tokens {
        hash.update(token.hash.to_string());
        let end = token.expires.and_then(|end| end.duration_since(SystemTime::UNIX_EPOCH).ok());
        hash.update(end.map_or(0, |end| end.as_secs()).to_be_bytes());
    }
    hash.finalize().iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::Sheet;

    fn sheet(title: &str, access: bool, grants: &[&str]) -> Sheet {
        let grants = grants.iter().map(|one| (*one).to_owned()).collect();
        Sheet { title: title.to_owned(), access, grants, ..Sheet::default() }
    }

    #[test]
    fn two_changes_come_together() {
        let base = sheet("A", true, &["a.view", "b.view"]);
        let theirs = sheet("A", false, &["a.view", "c.view"]);
        let mine = sheet("B", true, &["b.view", "d.view"]);
        assert_eq!(Sheet::merged(&base, &theirs, &mine), sheet("B", false, &["c.view", "d.view"]));
        assert_eq!(Sheet::merged(&base, &base, &mine), mine, "nobody else changed anything");
        assert_eq!(Sheet::merged(&base, &theirs, &base), theirs, "this person changed nothing");
        assert_eq!(Sheet::merged(&base, &mine, &mine), mine, "both changed the same");
    }

    #[test]
    fn what_differs_is_told_by_name() {
        let (before, after) = (sheet("A", true, &["a.view"]), sheet("B", false, &["b.view"]));
        assert_eq!(
            before.differences(&after),
            [
                "API access is off",
                "the title is “B”",
                "permission b.view has been added",
                "permission a.view has been taken away"
            ]
        );
        assert!(before.differences(&before).is_empty());
    }
}
