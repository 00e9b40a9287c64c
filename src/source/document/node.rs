//! One tree for both formats: what a document says, and where it says it.
//!
//! The readers below turn text into a [`Node`] and report what does not parse. They know nothing of access documents.

mod json;
mod toml;

use std::borrow::Cow;
use std::collections::HashMap;

use super::Format;
use super::lines::Span;
use super::report::{Report, quote};

/// A value and its place.
#[derive(Clone, Debug)]
pub(super) struct Node<'t> {
    pub(super) span: Span,
    pub(super) value: Value<'t>,
}

#[derive(Clone, Debug)]
pub(super) enum Value<'t> {
    Text(Cow<'t, str>),
    Bool(bool),
    Number,
    /// A date or time of TOML's own, as it is written.
    Moment(Box<str>),
    Null,
    List(Vec<Node<'t>>),
    Table(Table<'t>),
}

/// Entries in the document's order, each key once.
#[derive(Clone, Debug, Default)]
pub(super) struct Table<'t> {
    pub(super) entries: Vec<Entry<'t>>,
}

#[derive(Clone, Debug)]
pub(super) struct Entry<'t> {
    pub(super) key: Cow<'t, str>,
    pub(super) key_span: Span,
    pub(super) value: Node<'t>,
}

/// Reads a text as a tree. What does not parse is reported, and the tree has what is left.
pub(super) fn parse<'t>(text: &'t str, report: &mut Report<'t>) -> Node<'t> {
    match report.format {
        Format::Toml => toml::parse(text, report),
        Format::Json => json::parse(text, report),
    }
}

impl Node<'_> {
    /// What kind of value it is, in the words of the format.
    pub(super) fn kind(&self, format: Format) -> &'static str {
        match self.value {
            Value::Text(_) => "a string",
            Value::Bool(_) => "a boolean",
            Value::Number => "a number",
            Value::Moment(_) => "a date or time",
            Value::Null => "null",
            Value::List(_) => "a list",
            Value::Table(_) => format.table(),
        }
    }
}

impl<'t> Table<'t> {
    /// The value of a key. Looks through all entries, so it is for tables of a few keys.
    pub(super) fn get(&self, key: &str) -> Option<&Node<'t>> {
        self.entries.iter().find(|entry| entry.key == key).map(|entry| &entry.value)
    }

    /// Takes entries in the document's order, and reports each key that was there before.
    fn unique(entries: Vec<Entry<'t>>, report: &mut Report<'t>) -> Self {
        let mut first: HashMap<Cow<'t, str>, Span> = HashMap::with_capacity(entries.len());
        let mut kept = Vec::with_capacity(entries.len());
        for entry in entries {
            match first.get(&entry.key) {
                Some(place) => report_duplicate(&entry.key, entry.key_span, Some(*place), report),
                None => {
                    first.insert(entry.key.clone(), entry.key_span);
                    kept.push(entry);
                }
            }
        }
        Self { entries: kept }
    }
}

/// A key is there twice. Which of the two counts is a matter of taste to parsers, so neither does.
fn report_duplicate(key: &str, second: Span, first: Option<Span>, report: &mut Report<'_>) {
    let message = match first {
        Some(first) => format!("duplicate key {}, first at {}", quote(key), report.place(first)),
        None => format!("duplicate key {}", quote(key)),
    };
    report.fault(second, message);
}
