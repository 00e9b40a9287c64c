//! Writing resources as a person would, with comments where a person should look.

use std::collections::{HashMap, HashSet};

use toml_edit::Value;

use super::gather::{Gathered, Resource};

/// The longest part of a name that comes from a description.
const LONGEST_LABEL: usize = 60;
/// The longest name.
const LONGEST_NAME: usize = 180;
/// The longest line of paths; more stand below each other.
const LONGEST_LINE: usize = 110;

/// The text of an access document's resources. `name` is where they come from.
pub(super) fn write(name: &str, gathered: &Gathered) -> String {
    let mut text = format!(
        "# Resources out of {}, to be read and edited before they become part of an access document.\n\
         # They grant nothing to anybody: there are no roles and no users here.\n",
        plain(name)
    );
    if !gathered.left_out.is_empty() {
        text += "#\n# What could not be said:\n";
        for line in &gathered.left_out {
            text += &format!("# - {}\n", plain(line));
        }
    }
    for (resource, name) in gathered.resources.iter().zip(names(&gathered.resources)) {
        text.push('\n');
        text += &one(resource, &name);
    }
    text
}

fn one(resource: &Resource, name: &str) -> String {
    let mut text = String::new();
    for note in &resource.notes {
        text += &format!("# LOOK: {}\n", plain(note));
    }
    text += &format!("[[resources]]\nname = {}\npaths = {}\n", quoted(name), list(&resource.patterns));
    if !resource.formats.is_empty() {
        let formats: Vec<_> = resource.formats.iter().map(|format| quoted(format)).collect();
        text += &format!("formats = [{}]\n", formats.join(", "));
    }
    let rules: Vec<_> = resource.rules.iter().map(|(method, needs)| format!("{method} = {}", quoted(needs))).collect();
    text + &format!("permissions = {{ {} }}\n", rules.join(", "))
}

fn list(texts: &[String]) -> String {
    let all: Vec<_> = texts.iter().map(|text| quoted(text)).collect();
    let line = format!("[{}]", all.join(", "));
    if line.len() <= LONGEST_LINE { line } else { format!("[\n    {},\n]", all.join(",\n    ")) }
}

/// A name for each resource, of which no two are alike: the area alone, or with the first path where it has several.
fn names(resources: &[Resource]) -> Vec<String> {
    let mut counts: HashMap<String, usize> = HashMap::new();
    for resource in resources {
        *counts.entry(label(resource)).or_default() += 1;
    }
    let mut taken = HashSet::new();
    let name = |resource: &Resource| {
        let label = label(resource);
        let first = resource.patterns.first().map_or("", String::as_str);
        let alone = counts.get(&label).is_none_or(|count| *count == 1);
        let name = if alone { label } else { format!("{label}: {first}") };
        let name: String = name.chars().take(LONGEST_NAME).collect();
        let numbered = (2..).map(|number| format!("{name} {number}"));
        let free = std::iter::once(name.trim_end().to_owned()).chain(numbered).find(|name| !taken.contains(name));
        let free = free.unwrap_or_default();
        taken.insert(free.clone());
        free
    };
    resources.iter().map(name).collect()
}

fn label(resource: &Resource) -> String {
    let label: String = plain(&resource.label).chars().take(LONGEST_LABEL).collect();
    let label = label.trim();
    if label.is_empty() { "API".to_owned() } else { label.to_owned() }
}

/// A text as TOML writes it.
fn quoted(text: &str) -> String {
    Value::from(text).to_string().trim().to_owned()
}

/// A text that stays on its line and says what it seems to say: without line breaks, and without characters that turn
/// the direction of the text around.
fn plain(text: &str) -> String {
    let turns = |c: char| matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let breaks = |c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}');
    text.chars().map(|c| if breaks(c) || turns(c) { char::REPLACEMENT_CHARACTER } else { c }).collect()
}
