//! Byte offsets and what a person calls them: line and column.
//!
//! Every part of the reader works with [`Span`]s; only a fault that is about to be shown asks for its [`Place`].

use std::fmt;
use std::ops::Range;

use serde::Serialize;

/// A piece of the document's text, by byte offsets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Span {
    pub(super) start: usize,
    pub(super) end: usize,
}

impl From<Range<usize>> for Span {
    fn from(range: Range<usize>) -> Self {
        Self { start: range.start, end: range.end }
    }
}

/// A place in a document, as editors count: both from 1, columns in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Place {
    /// The line.
    pub line: usize,
    /// The character within the line.
    pub column: usize,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

/// A text and where its lines begin.
#[derive(Debug)]
pub(super) struct Lines<'t> {
    text: &'t str,
    starts: Vec<usize>,
}

impl<'t> Lines<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        let breaks = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(place, _)| place + 1);
        Self { text, starts: std::iter::once(0).chain(breaks).collect() }
    }

    pub(super) fn text(&self) -> &'t str {
        self.text
    }

    /// The text of a span; empty where the span lies on no character boundaries.
    pub(super) fn slice(&self, span: Span) -> &'t str {
        self.text.get(span.start..span.end).unwrap_or("")
    }

    /// The line that an offset lies on, counted from 0.
    pub(super) fn number(&self, offset: usize) -> usize {
        self.starts.partition_point(|start| *start <= offset).saturating_sub(1)
    }

    /// The place of an offset.
    pub(super) fn place(&self, offset: usize) -> Place {
        let number = self.number(offset);
        let start = self.starts.get(number).copied().unwrap_or(0);
        let column = self.text.get(start..offset).map_or(0, |before| before.chars().count());
        Place { line: number + 1, column: column + 1 }
    }

    /// A line without its line break.
    pub(super) fn line(&self, number: usize) -> Span {
        let start = self.starts.get(number).copied().unwrap_or(self.text.len());
        let end = self.starts.get(number + 1).map_or(self.text.len(), |next| next.saturating_sub(1));
        let line = self.slice(Span { start, end });
        Span { start, end: start + line.strip_suffix('\r').unwrap_or(line).len() }
    }

    /// The offset of a byte within a line, both counted from 0, on the nearest character boundary before it.
    pub(super) fn offset(&self, line: usize, byte: usize) -> usize {
        let line = self.line(line);
        self.text.floor_char_boundary(line.start.saturating_add(byte).min(line.end))
    }
}

#[cfg(test)]
mod tests {
    use super::{Lines, Place};

    #[test]
    fn places_count_lines_and_characters() {
        let lines = Lines::new("a\né = \"x\"\r\n\n\tb");
        for (offset, line, column) in
            [(0, 1, 1), (1, 1, 2), (2, 2, 1), (4, 2, 2), (7, 2, 5), (12, 3, 1), (14, 4, 2), (15, 4, 3)]
        {
            assert_eq!(lines.place(offset), Place { line, column }, "{offset}");
        }
        assert_eq!(lines.slice(lines.line(1)), "é = \"x\"");
        assert_eq!(lines.slice(lines.line(3)), "\tb");
        assert_eq!(lines.slice(lines.line(9)), "");
    }
}
