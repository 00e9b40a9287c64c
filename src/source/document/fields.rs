//! Reading a table by its keys: what is there, what must be there, what must not, and of what kind it has to be.

use std::collections::HashMap;

use super::lines::Span;
use super::mask::is_key;
use super::node::{Entry, Node, Table, Value};
use super::report::{Report, meant, quote};
use super::suggest::nearest;

/// A text of the document and its place.
#[derive(Clone, Copy, Debug)]
pub(super) struct Text<'n> {
    pub(super) value: &'n str,
    pub(super) span: Span,
}

/// A table whose keys have been looked at.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fields<'n, 't> {
    table: &'n Table<'t>,
    span: Span,
    what: &'static str,
    /// Whether every key is a known one.
    pub(super) known: bool,
}

impl<'n, 't> Fields<'n, 't> {
    /// Opens a table that may have these keys. `what` names it in messages: "a resource".
    pub(super) fn open(node: &'n Node<'t>, what: &'static str, keys: &[&str], report: &mut Report<'_>) -> Option<Self> {
        let fields = Self::of(node, what, report)?;
        let unknown = fields.table.entries.iter().filter(|entry| !keys.contains(&&*entry.key));
        let known = unknown.map(|entry| unknown_key(entry, what, keys, report)).count() == 0;
        Some(Self { known, ..fields })
    }

    fn of(node: &'n Node<'t>, what: &'static str, report: &mut Report<'_>) -> Option<Self> {
        let Value::Table(table) = &node.value else {
            wrong(node, what, report.format.table(), report);
            return None;
        };
        Some(Self { table, span: node.span, what, known: true })
    }

    /// The value of a key.
    pub(super) fn get(&self, key: &str) -> Option<&'n Node<'t>> {
        self.table.get(key)
    }

    /// The value of a key that has to be there.
    pub(super) fn require(&self, key: &str, report: &mut Report<'_>) -> Option<&'n Node<'t>> {
        let found = self.get(key);
        if found.is_none() {
            report.absent(self.span, format!("{} has no \"{key}\"", self.what), || None);
        }
        found
    }

    /// The text of a key.
    pub(super) fn text(&self, key: &str, report: &mut Report<'_>) -> Option<Text<'n>> {
        self.get(key).and_then(|node| text(node, &format!("{key:?}"), report))
    }

    /// Yes or no.
    pub(super) fn flag(&self, key: &str, report: &mut Report<'_>) -> Option<bool> {
        let node = self.get(key)?;
        match &node.value {
            Value::Bool(value) => Some(*value),
            Value::Text(_) => {
                let help = || Some("write true or false, without quotes".to_owned());
                report.helped(node.span, format!("{key:?} must be true or false, not a string"), help);
                None
            }
            _ => {
                wrong(node, &format!("{key:?}"), "true or false", report);
                None
            }
        }
    }

    /// A list of texts that differ; empty where there is none.
    pub(super) fn texts(&self, key: &str, report: &mut Report<'_>) -> Vec<Text<'n>> {
        self.get(key).map_or_else(Vec::new, |node| texts(node, key, report))
    }

    /// A list of texts that differ, of which there must be at least one. `why` says what an empty one would come to.
    pub(super) fn some_texts(&self, key: &str, why: &str, report: &mut Report<'_>) -> Vec<Text<'n>> {
        let Some(node) = self.get(key) else { return Vec::new() };
        if matches!(&node.value, Value::List(items) if items.is_empty()) {
            report.fault(node.span, format!("{key:?} is empty: {why}"));
        }
        texts(node, key, report)
    }
}

/// An unknown key may be a secret in the wrong place, and is not repeated then.
fn unknown_key(entry: &Entry<'_>, what: &str, keys: &[&str], report: &mut Report<'_>) {
    let name = if is_key(&entry.key, keys) { format!(" {}", quote(&entry.key)) } else { String::new() };
    report.helped(entry.key_span, format!("unknown key{name} in {what}"), || {
        Some(nearest(&entry.key, keys).map_or_else(|| format!("known keys are {}", keys.join(", ")), meant))
    });
}

/// Reports a value of the wrong kind.
pub(super) fn wrong(node: &Node<'_>, what: &str, expected: &str, report: &mut Report<'_>) {
    report.fault(node.span, format!("{what} must be {expected}, not {}", node.kind(report.format)));
}

/// A value that must be a text.
pub(super) fn text<'n>(node: &'n Node<'_>, what: &str, report: &mut Report<'_>) -> Option<Text<'n>> {
    match &node.value {
        Value::Text(value) => Some(Text { value, span: node.span }),
        _ => {
            wrong(node, what, "a string", report);
            None
        }
    }
}

/// A value that must be a list of texts that differ.
pub(super) fn texts<'n>(node: &'n Node<'_>, key: &str, report: &mut Report<'_>) -> Vec<Text<'n>> {
    let Value::List(items) = &node.value else {
        let help = matches!(node.value, Value::Text(_)).then(|| "put it in brackets: [\"…\"]".to_owned());
        let message = format!("{} must be a list of strings, not {}", quote(key), node.kind(report.format));
        report.helped(node.span, message, || help);
        return Vec::new();
    };
    let what = format!("each of {}", quote(key));
    let texts: Vec<_> = items.iter().filter_map(|item| text(item, &what, report)).collect();
    distinct(&texts, report);
    texts
}

/// Reports what a list has twice.
fn distinct(texts: &[Text<'_>], report: &mut Report<'_>) {
    // Almost every list is short, and then comparing costs less than hashing.
    if texts.len() <= 8 {
        for (place, text) in texts.iter().enumerate() {
            if let Some(first) = texts.iter().take(place).find(|other| other.value == text.value) {
                twice(*text, first.span, report);
            }
        }
        return;
    }
    let mut first = HashMap::with_capacity(texts.len());
    for text in texts {
        if let Some(place) = first.insert(text.value, text.span) {
            twice(*text, place, report);
        }
    }
}

fn twice(text: Text<'_>, first: Span, report: &mut Report<'_>) {
    report.fault(text.span, format!("{} is listed twice, first at {}", quote(text.value), report.place(first)));
}
