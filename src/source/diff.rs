//! What changed between two snapshots, by name, for the log of a reload: `+2 users (bob, eve)`, `amy -orders.edit`.
//!
//! It never holds a hash, and however much changed it stays short enough to be read.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::policy::{Grant, Policy, Resource, Role, Snapshot, Token, User};

/// How many names one line gives.
const NAMED: usize = 5;

/// How many lines there are, of each kind, about what was there before and is different now.
const DETAILED: usize = 10;

/// What changed between two snapshots. Shows as one line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes(Vec<String>);

impl Changes {
    /// Whether nothing changed that has a meaning.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The changes one by one.
    #[must_use]
    pub fn as_slice(&self) -> &[String] {
        &self.0
    }
}

impl fmt::Display for Changes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() { f.write_str("nothing changed") } else { f.write_str(&self.0.join(", ")) }
    }
}

/// Tells what changed from one snapshot to the next.
#[must_use]
pub fn diff(old: &Snapshot, new: &Snapshot) -> Changes {
    let mut changes = Vec::new();
    let names = [old, new].map(|snapshot| snapshot.users.iter().map(|user| &*user.name).collect());
    come_and_gone("user", names, &mut changes);
    let both = new.users.iter().filter_map(|after| old.users.get(&after.name).map(|before| (before, after)));
    let changed = both.filter_map(|(before, after)| {
        let what = user((before, &old.policy), (after, &new.policy))?;
        Some((&*after.name, format!("{} {what}", plain(&after.name))))
    });
    detail("user", changed.collect(), &mut changes);
    roles(&old.policy, &new.policy, &mut changes);
    resources(&old.policy, &new.policy, &mut changes);
    Changes(changes)
}

/// Names what is only in one of two lists.
fn come_and_gone(kind: &str, [old, new]: [BTreeSet<&str>; 2], changes: &mut Vec<String>) {
    for (sign, only) in [('+', Vec::from_iter(new.difference(&old))), ('-', old.difference(&new).collect())] {
        if only.is_empty() {
            continue;
        }
        let mut names: Vec<_> = only.iter().take(NAMED).map(|name| plain(name)).collect();
        if only.len() > NAMED {
            names.push(format!("{} more", only.len() - NAMED));
        }
        changes.push(format!("{sign}{} {kind}{} ({})", only.len(), plural(only.len()), names.join(", ")));
    }
}

/// Takes over the first changes by name, and counts the rest.
fn detail(kind: &str, mut changed: Vec<(&str, String)>, changes: &mut Vec<String>) {
    changed.sort_unstable();
    let more = changed.len().saturating_sub(DETAILED);
    changes.extend(changed.into_iter().take(DETAILED).map(|(_, line)| line));
    if more > 0 {
        changes.push(format!("{more} more {kind}{} changed", plural(more)));
    }
}

/// What is different about a user.
fn user((old, before): (&User, &Policy), (new, after): (&User, &Policy)) -> Option<String> {
    let mut parts = signed(&grants(&old.grants), &grants(&new.grants));
    let roles = |user: &User, policy: &Policy| -> BTreeSet<String> {
        let names = user.roles.iter().filter_map(|id| policy.role(*id));
        names.map(|role| format!("role {}", plain(&role.name))).collect()
    };
    parts.extend(signed(&roles(old, before), &roles(new, after)));
    if old.api_access != new.api_access {
        parts.push(format!("api access {}", if new.api_access { "on" } else { "off" }));
    }
    for (what, changed) in [
        ("tokens", tokens(&old.tokens) != tokens(&new.tokens)),
        ("password", old.password != new.password),
        ("panel password", old.panel != new.panel),
        ("addresses", old.networks != new.networks),
        ("rate limit", old.rate_limit != new.rate_limit),
        ("title", old.title != new.title),
    ] {
        if changed {
            parts.push(format!("{what} changed"));
        }
    }
    shortened(parts)
}

fn tokens(tokens: &[Token]) -> Vec<impl PartialEq> {
    tokens.iter().map(|token| (token.hash, token.label.clone(), token.created, token.expires)).collect()
}

fn grants(grants: &[Grant]) -> BTreeSet<String> {
    grants.iter().map(ToString::to_string).collect()
}

/// What is only in one of two sets, with a sign.
fn signed(old: &BTreeSet<String>, new: &BTreeSet<String>) -> Vec<String> {
    let gone = old.difference(new).map(|name| format!("-{name}"));
    gone.chain(new.difference(old).map(|name| format!("+{name}"))).collect()
}

/// One line of parts, if there are any.
fn shortened(mut parts: Vec<String>) -> Option<String> {
    let more = parts.len().saturating_sub(DETAILED);
    if more > 0 {
        parts.truncate(DETAILED);
        parts.push(format!("and {more} more"));
    }
    (!parts.is_empty()).then(|| parts.join(" "))
}

fn roles(old: &Policy, new: &Policy, changes: &mut Vec<String>) {
    let [old, new]: [BTreeMap<&str, &Role>; 2] =
        [old, new].map(|policy| policy.roles().iter().map(|role| (&*role.name, role)).collect());
    come_and_gone("role", [&old, &new].map(|roles| roles.keys().copied().collect()), changes);
    let changed = new.iter().filter_map(|(name, role)| {
        let parts = signed(&grants(&old.get(name)?.grants), &grants(&role.grants));
        Some((*name, format!("role {} {}", plain(name), shortened(parts)?)))
    });
    detail("role", changed.collect(), changes);
}

fn resources(old: &Policy, new: &Policy, changes: &mut Vec<String>) {
    let [old, new]: [BTreeMap<&str, &Resource>; 2] =
        [old, new].map(|policy| policy.resources().map(|resource| (&*resource.name, resource)).collect());
    come_and_gone("resource", [&old, &new].map(|resources| resources.keys().copied().collect()), changes);
    let changed = new.iter().filter(|(name, after)| old.get(*name).is_some_and(|before| !same(before, after)));
    detail(
        "resource",
        changed.map(|(name, _)| (*name, format!("resource {} changed", plain(name)))).collect(),
        changes,
    );
}

/// Whether two resources say the same. Requirements are compared by their words: their numbers are each policy's own.
fn same(old: &Resource, new: &Resource) -> bool {
    let rules = |resource: &Resource| -> BTreeMap<String, Box<str>> {
        resource.rules.iter().map(|rule| (rule.method.to_string(), rule.label.clone())).collect()
    };
    old.patterns == new.patterns && old.formats == new.formats && rules(old) == rules(new)
}

/// A name as a log line may hold it.
fn plain(name: &str) -> String {
    let plain = name.chars().map(|c| if c.is_control() || c == ',' { char::REPLACEMENT_CHARACTER } else { c });
    plain.take(64).collect()
}

fn plural(count: usize) -> &'static str {
    if count == 1 { "" } else { "s" }
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::super::document::{Format, read};
    use super::diff;
    use crate::policy::{Snapshot, TokenHash};

    const BASE: &str = r#"
        [[resources]]
        name = "Orders"
        paths = ["/orders"]
        permissions = { GET = "orders.view", PUT = "orders.edit", POST = "coupons.view" }
        [roles]
        warehouse = ["orders.view"]
        [users.amy]
        api_access = true
        permissions = ["orders.edit"]
        [users.x]
    "#;

    fn snapshot(text: &str) -> Snapshot {
        read("t", text, Format::Toml, SystemTime::UNIX_EPOCH)
            .unwrap_or_else(|faults| panic!("{faults}"))
            .into_snapshot(1)
    }

    #[test]
    fn changes_are_told_by_name() {
        let hash = TokenHash::of(b"x").to_string();
        for (from, to, told) in [
            ("", "", "nothing changed"),
            ("[users.x]", "[users.bob]\n[users.eve]", "+2 users (bob, eve), -1 user (x)"),
            ("\"orders.edit\"]", "\"coupons.view\"]", "amy -orders.edit +coupons.view"),
            ("api_access = true", "api_access = false", "amy api access off"),
            ("[users.x]", "[users.x]\nroles = [\"warehouse\"]", "x +role warehouse"),
            ("[users.x]", &format!("[users.x]\ntokens = [\"{hash}\"]"), "x tokens changed"),
            ("[users.x]", "[users.x]\ntitle = \"X\"\naddresses = [\"::1\"]", "x addresses changed title changed"),
            ("[users.x]", "[users.x]\nrate_limit = \"1/hour\"", "x rate limit changed"),
            ("warehouse = [", "warehouse = [\"*\", ", "role warehouse +*"),
            ("warehouse =", "depot =", "+1 role (depot), -1 role (warehouse)"),
            ("/orders", "/orders/**", "resource Orders changed"),
            ("POST = \"coupons.view\"", "POST = [\"coupons.view\", \"orders.edit\"]", "resource Orders changed"),
        ] {
            let changes = diff(&snapshot(BASE), &snapshot(&BASE.replace(from, to)));
            assert_eq!(changes.to_string(), told, "{from} -> {to}");
            assert_eq!(changes.is_empty(), told == "nothing changed");
        }
    }

    #[test]
    fn many_changes_are_summed_up() {
        let users = |of: std::ops::Range<u32>, access: bool| -> String {
            of.map(|n| format!("[users.u{n:04}]\napi_access = {access}\n")).collect()
        };
        let old = snapshot(&format!("{BASE}{}", users(0..2000, true)));
        let new = snapshot(&format!("{BASE}{}", users(1000..4000, false)));
        let told = diff(&old, &new).to_string();
        assert!(
            told.starts_with("+2000 users (u2000, u2001, u2002, u2003, u2004, 1995 more), -1000 users (u0000"),
            "{told}"
        );
        assert!(told.contains("u1000 api access off") && told.ends_with("990 more users changed"), "{told}");
        assert!(told.len() < 1000, "{told}");
    }
}
