//! What is different about one resource.

use std::collections::{BTreeMap, BTreeSet};

use super::{plain, shortened, signed, turned};
use crate::policy::Resource;

/// What is different, in one line, if anything is. Requirements are compared by their words: their numbers are each
/// policy's own.
pub(super) fn changes(old: &Resource, new: &Resource) -> Option<String> {
    let mut parts = Vec::new();
    let paths = |resource: &Resource| resource.patterns.iter().map(ToString::to_string).collect();
    let formats = |resource: &Resource| resource.formats.iter().map(|format| plain(format)).collect();
    named("paths", &paths(old), &paths(new), &mut parts);
    named("formats", &formats(old), &formats(new), &mut parts);
    let (before, after) = (rules(old), rules(new));
    let methods: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    parts.extend(
        methods
            .into_iter()
            .filter_map(|method| turned(method, &before.get(method), &after.get(method), |label| plain(label))),
    );
    if parts.is_empty() && old.patterns != new.patterns {
        parts.push("paths in another order".to_owned());
    }
    shortened(parts)
}

fn named(what: &str, old: &BTreeSet<String>, new: &BTreeSet<String>, parts: &mut Vec<String>) {
    let signed = signed(old, new);
    if !signed.is_empty() {
        parts.push(format!("{what} {}", signed.join(" ")));
    }
}

fn rules(resource: &Resource) -> BTreeMap<String, Box<str>> {
    resource.rules.iter().map(|rule| (rule.method.to_string(), rule.label.clone())).collect()
}
