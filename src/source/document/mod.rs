//! From the text of an access document to values of the policy, or to every fault there is in it.
//!
//! [`read`] is called wherever a document is judged: at start, on reload, by `portcullis check` and before the panel
//! writes. It goes in three steps. `node` turns TOML or JSON into one tree with places, `shape` reads the tree by
//! its keys, `check` makes users and a policy of it. Each goes on after a fault, so that one reading finds them all.
//! It opens no file and asks no clock.

mod check;
mod excerpt;
mod fault;
mod fields;
mod lines;
mod mask;
mod node;
mod report;
pub(in crate::source) mod shape;
mod suggest;
#[cfg(test)]
mod tests;

use std::path::Path;
use std::time::SystemTime;

pub use fault::{Fault, Faults};
pub use lines::Place;

use crate::policy::{Policy, Snapshot, Users};
pub(in crate::source) use check::{password_hash, user_name_problem};
use node::{Node, Value};
use report::Report;

/// The two ways to write an access document. Their structure is the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// TOML 1.1.
    Toml,
    /// JSON as RFC 8259 has it.
    Json,
}

impl Format {
    /// The format by a file's ending: `.json` is JSON, anything else TOML.
    #[must_use]
    pub fn of(path: &Path) -> Self {
        let json = path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("json"));
        if json { Self::Json } else { Self::Toml }
    }

    /// What it calls a table.
    fn table_word(self) -> &'static str {
        match self {
            Self::Toml => "table",
            Self::Json => "object",
        }
    }

    fn table(self) -> &'static str {
        match self {
            Self::Toml => "a table",
            Self::Json => "an object",
        }
    }

    /// How a table is written that belongs into a list.
    fn how_to_list(self, key: &str, found: &Node<'_>) -> Option<String> {
        match (self, &found.value) {
            (Self::Toml, Value::Table(_)) => Some(format!("write [[{key}]]")),
            (Self::Json, Value::Table(_)) => Some("put it in brackets: [{…}]".to_owned()),
            _ => None,
        }
    }
}

/// What an access document comes to.
#[derive(Debug)]
pub struct Law {
    /// Who there is.
    pub users: Users,
    /// What is required for what.
    pub policy: Policy,
    /// What is odd, and no reason to refuse the document.
    pub warnings: Vec<Fault>,
    /// Whether the document says that having no users is meant.
    pub allow_no_users: bool,
    /// How many expectations the document holds, all of them met.
    pub expectations: usize,
}

impl Law {
    /// The snapshot with this generation.
    #[must_use]
    pub fn into_snapshot(self, generation: u64) -> Snapshot {
        Snapshot { generation, users: self.users, policy: self.policy }
    }
}

/// Reads an access document. `name` is what faults call it; `now` tells which tokens have expired.
///
/// ```
/// use std::time::SystemTime;
/// use portcullis::source::document::{Format, read};
///
/// let faults = read("access.toml", "[users.amy]\nrols = []\n", Format::Toml, SystemTime::now()).unwrap_err();
/// assert_eq!(faults[0].help.as_deref(), Some("did you mean \"roles\"?"));
/// ```
///
/// # Errors
/// Every fault of the document. One is enough to refuse it whole.
pub fn read(name: &str, text: &str, format: Format, now: SystemTime) -> Result<Law, Faults> {
    // Some editors begin a file with a byte order mark. It belongs to no line.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut report = Report::new(text, format);
    let root = node::parse(text, &mut report);
    let document = shape::document(&root, &mut report);
    let (users, policy) = check::document(&document, now, &mut report);
    let (allow_no_users, expectations) = (document.allow_no_users, document.expectations.len());
    let ((users, policy), warnings) = report.judge(name, &root, (users, policy))?;
    Ok(Law { users, policy, warnings, allow_no_users, expectations })
}
