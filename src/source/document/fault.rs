//! What is wrong with a document, for people and for programs.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use serde::{Serialize, Serializer};

use super::excerpt::Excerpt;
use super::lines::Place;

/// One thing that is wrong, where, and what would be right. Shows as a compiler's error does:
///
/// ```text
/// access.toml:5:1: unknown key "premissions" in a resource
///   |
/// 5 | premissions = { GET = "products.view" }
///   | ^^^^^^^^^^^
///   = help: did you mean "permissions"?
/// ```
///
/// Tokens, hashes and passwords are shown in no part of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The document's name.
    pub file: Arc<str>,
    /// Where.
    pub place: Place,
    /// What is wrong.
    pub message: String,
    /// What would be right, where that can be said.
    pub help: Option<String>,
    pub(super) excerpt: Excerpt,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}\n{}", self.file, self.place, self.message, self.excerpt)?;
        match &self.help {
            Some(help) => write!(f, "\n{:gutter$} = help: {help}", "", gutter = self.excerpt.gutter()),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Fault {}

/// As `{"file", "line", "column", "message", "help"}`.
impl Serialize for Fault {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Flat<'a> {
            file: &'a str,
            line: usize,
            column: usize,
            message: &'a str,
            help: Option<&'a str>,
        }
        let Place { line, column } = self.place;
        Flat { file: &self.file, line, column, message: &self.message, help: self.help.as_deref() }
            .serialize(serializer)
    }
}

/// Everything that is wrong with a document, in the order of its text. There is at least one fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Faults {
    faults: Vec<Fault>,
    more: usize,
}

impl Faults {
    pub(super) fn new(faults: Vec<Fault>, more: usize) -> Option<Self> {
        (!faults.is_empty()).then_some(Self { faults, more })
    }

    /// How many faults there are beyond those that are listed.
    #[must_use]
    pub fn more(&self) -> usize {
        self.more
    }
}

impl Deref for Faults {
    type Target = [Fault];

    fn deref(&self) -> &[Fault] {
        &self.faults
    }
}

/// As a list of the listed faults.
impl Serialize for Faults {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.faults.serialize(serializer)
    }
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, fault) in self.faults.iter().enumerate() {
            let gap = if place == 0 { "" } else { "\n\n" };
            write!(f, "{gap}{fault}")?;
        }
        match self.more {
            0 => Ok(()),
            more => write!(f, "\n\nand {more} more"),
        }
    }
}

impl std::error::Error for Faults {}
