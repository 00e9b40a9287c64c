//! Gathers what the reader finds wrong, and turns it into [`Faults`] at the end.
//!
//! Finding goes on after the first fault, so whatever finds something says it here and carries on with what it has.

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;

use super::excerpt::Excerpt;
use super::lines::{Lines, Place, Span};
use super::node::Node;
use super::{Fault, Faults, Format, mask};

/// How many faults are listed. Beyond that the count alone helps.
const LISTED: usize = 100;

/// How long a message may be: names come from the document and could be of any length.
const MESSAGE: usize = 400;

/// How much of a name is quoted.
const QUOTED: usize = 60;

pub(super) struct Report<'t> {
    pub(super) lines: Lines<'t>,
    pub(super) format: Format,
    found: Vec<Found>,
    more: usize,
    warnings: Vec<Found>,
    /// The lines that do not parse, counted from 0.
    broken: BTreeSet<usize>,
}

struct Found {
    span: Span,
    message: String,
    help: Option<String>,
}

impl<'t> Report<'t> {
    pub(super) fn new(text: &'t str, format: Format) -> Self {
        let lines = Lines::new(text);
        Self { lines, format, found: Vec::new(), more: 0, warnings: Vec::new(), broken: BTreeSet::new() }
    }

    /// Whether nothing is wrong so far.
    pub(super) fn is_clean(&self) -> bool {
        self.found.is_empty()
    }

    /// Whether more faults would only be counted, so that no time need go into them.
    pub(super) fn is_full(&self) -> bool {
        self.found.len() >= LISTED
    }

    /// Where something is, for a message about something else.
    pub(super) fn place(&self, span: Span) -> Place {
        self.lines.place(span.start)
    }

    /// The text does not parse here. One fault a line: those that follow on the same line only follow.
    pub(super) fn broken(&mut self, span: Span, message: &str, help: Option<&str>) {
        if self.broken.insert(self.lines.number(span.start)) {
            self.push(span, message.into(), || help.map(str::to_owned));
        }
    }

    pub(super) fn broken_lines(&self) -> impl Iterator<Item = usize> {
        self.broken.iter().copied()
    }

    /// Something is wrong.
    pub(super) fn fault(&mut self, span: Span, message: impl Into<String>) {
        self.helped(span, message, || None);
    }

    /// Something is wrong, and perhaps it can be said what would be right.
    pub(super) fn helped(&mut self, span: Span, message: impl Into<String>, help: impl FnOnce() -> Option<String>) {
        // What a line means that does not parse is a guess.
        if !self.broken.contains(&self.lines.number(span.start)) {
            self.push(span, message.into(), help);
        }
    }

    /// Something refers to what is not there. In a text that does not parse it may well be there, so nothing is said.
    pub(super) fn absent(&mut self, span: Span, message: impl Into<String>, help: impl FnOnce() -> Option<String>) {
        if self.broken.is_empty() {
            self.push(span, message.into(), help);
        }
    }

    /// Something is odd, and no reason to refuse the document.
    pub(super) fn warn(&mut self, span: Span, message: String) {
        if self.warnings.len() < LISTED {
            self.warnings.push(Found { span, message, help: None });
        }
    }

    fn push(&mut self, span: Span, message: String, help: impl FnOnce() -> Option<String>) {
        if self.found.len() < LISTED {
            self.found.push(Found { span, message, help: help() });
        } else {
            self.more += 1;
        }
    }

    /// The faults, or what was read together with the warnings.
    pub(super) fn judge<T>(self, file: &str, root: &Node<'_>, read: T) -> Result<(T, Vec<Fault>), Faults> {
        let file: Arc<str> = file.into();
        let silent = self.found.is_empty() && self.warnings.is_empty();
        let masks = if silent { Masks::default() } else { Masks::of(root, &self) };
        let show = |found: &Found| self.show(&file, &masks, found);
        let mut faults: Vec<Fault> = self.found.iter().map(show).collect();
        faults.sort_by_key(|fault| fault.place);
        match Faults::new(faults, self.more) {
            Some(faults) => Err(faults),
            None => Ok((read, self.warnings.iter().map(show).collect())),
        }
    }

    fn show(&self, file: &Arc<str>, masks: &Masks, found: &Found) -> Fault {
        let hidden = |window: Span| self.hidden(masks, window);
        Fault {
            file: Arc::clone(file),
            place: self.lines.place(found.span.start),
            message: tidy(&found.message),
            help: found.help.as_deref().map(tidy),
            excerpt: Excerpt::of(&self.lines, found.span, hidden),
        }
    }

    fn hidden(&self, masks: &Masks, window: Span) -> Vec<Range<usize>> {
        let Masks { secrets, no_comments } = masks;
        let text = self.lines.slice(window);
        let from = secrets.partition_point(|secret| secret.end <= window.start);
        let known = secrets.iter().skip(from).take_while(|secret| secret.start < window.end);
        let mut hidden: Vec<Range<usize>> = known.map(|secret| secret.start..secret.end).collect();
        let mut look = mask::suspicious(text);
        // The tree of a text that does not parse may lack just the place that makes a text a secret.
        if !self.broken.is_empty() {
            look.extend(mask::unknown_words(text));
        }
        hidden.extend(look.into_iter().map(|range| range.start + window.start..range.end + window.start));
        if self.format == Format::Toml {
            let line = self.lines.line(self.lines.number(window.start));
            hidden.extend(mask::comment(line, &self.lines, no_comments));
        }
        hidden
    }
}

/// What of the document is hidden, and what only looks like a comment.
#[derive(Default)]
struct Masks {
    secrets: Vec<Span>,
    no_comments: Vec<Span>,
}

impl Masks {
    fn of(root: &Node<'_>, report: &Report<'_>) -> Self {
        Self { secrets: mask::secrets(root, &report.lines), no_comments: mask::no_comments(root, &report.lines) }
    }
}

/// A name from the document as a message shows it: in quotes, escaped, not too long.
pub(super) fn quote(name: &str) -> String {
    match name.char_indices().nth(QUOTED) {
        None => format!("{name:?}"),
        Some((end, _)) => format!("{:?}…", name.get(..end).unwrap_or("")),
    }
}

/// "did you mean …?"
pub(super) fn meant(word: impl AsRef<str>) -> String {
    format!("did you mean {}?", quote(word.as_ref()))
}

fn tidy(message: &str) -> String {
    let shown = mask::hide(message);
    let plain = shown.chars().map(|c| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c });
    plain.take(MESSAGE).collect()
}
