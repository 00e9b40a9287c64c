//! What changed between two snapshots, by name: `+2 users (bob, eve)`, `amy -orders.edit`, `amy title "A" → "B"`.
//!
//! For the log of a reload, the audit log and the journal of changes. It never holds a hash, and however much changed it
//! stays short enough to be read.

mod resource;
#[cfg(test)]
mod tests;
mod user;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::document::Law;
use crate::policy::{Grant, Policy, Resource, Role, Snapshot, Users};

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
    compare((&old.users, &old.policy), (&new.users, &new.policy))
}

/// Tells what is different between two documents.
#[must_use]
pub fn between(old: &Law, new: &Law) -> Changes {
    compare((&old.users, &old.policy), (&new.users, &new.policy))
}

fn compare((old, before): (&Users, &Policy), (new, after): (&Users, &Policy)) -> Changes {
    let mut changes = Vec::new();
    let names = [old, new].map(|users| users.iter().map(|user| &*user.name).collect());
    come_and_gone("user", names, &mut changes);
    // Of a new user it is told what they have, as of one who had nothing before.
    let changed = new.iter().filter_map(|user| {
        let old = old.get(&user.name).map(|old| (old, before));
        let what = user::changes(old, (user, after))?;
        Some((&*user.name, format!("{} {what}", plain(&user.name))))
    });
    detail("user", changed.collect(), &mut changes);
    roles(before, after, &mut changes);
    resources(before, after, &mut changes);
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
        let before = old.get(name).map(|role| grants(&role.grants)).unwrap_or_default();
        let parts = signed(&before, &grants(&role.grants));
        Some((*name, format!("role {} {}", plain(name), shortened(parts)?)))
    });
    detail("role", changed.collect(), changes);
}

fn resources(old: &Policy, new: &Policy, changes: &mut Vec<String>) {
    let [old, new]: [BTreeMap<&str, &Resource>; 2] =
        [old, new].map(|policy| policy.resources().map(|resource| (&*resource.name, resource)).collect());
    come_and_gone("resource", [&old, &new].map(|resources| resources.keys().copied().collect()), changes);
    let changed = new.iter().filter_map(|(name, after)| {
        let what = resource::changes(old.get(name)?, after)?;
        Some((*name, format!("resource {} {what}", plain(name))))
    });
    detail("resource", changed.collect(), changes);
}

/// A name as a log line may hold it.
fn plain(name: &str) -> String {
    let plain = name.chars().map(|c| if c.is_control() || c == ',' { char::REPLACEMENT_CHARACTER } else { c });
    plain.take(64).collect()
}

/// A text that a person wrote, in quotes: commas in it are no end.
fn quoted(text: &str) -> String {
    let plain = text.chars().map(|c| match c {
        '"' => '\'',
        c if c.is_control() => char::REPLACEMENT_CHARACTER,
        c => c,
    });
    format!("\"{}\"", plain.take(64).collect::<String>())
}

/// A value that became another one, or one that came or went.
fn turned<T: PartialEq>(what: &str, old: &Option<T>, new: &Option<T>, show: fn(&T) -> String) -> Option<String> {
    let told = |value: &Option<T>| value.as_ref().map_or_else(|| "none".to_owned(), show);
    (old != new).then(|| format!("{what} {} → {}", told(old), told(new)))
}

fn plural(count: usize) -> &'static str {
    if count == 1 { "" } else { "s" }
}
