//! What a command has to say, before it is known how it will be printed.

use serde::Serialize;
use serde_json::Value;

use super::Exit;

/// What a command found out or did.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) exit: Exit,
    /// For a person, on standard output.
    pub(super) text: String,
    /// For a person, on standard error: faults and warnings. A program finds them in the value.
    pub(super) notes: String,
    /// For a program.
    pub(super) value: Value,
}

impl Answer {
    /// An answer without notes.
    ///
    /// # Errors
    /// Where the value has no form in JSON.
    pub(super) fn new(exit: Exit, text: String, value: &impl Serialize) -> Result<Self, Failure> {
        let value = serde_json::to_value(value).map_err(|error| Failure::Failed(error.to_string()))?;
        Ok(Self { exit, text, notes: String::new(), value })
    }

    /// An answer that has been given already, while the command ran.
    pub(super) fn given() -> Self {
        Self { exit: Exit::Yes, text: String::new(), notes: String::new(), value: Value::Null }
    }

    /// Adds what goes to standard error.
    pub(super) fn notes(self, notes: String) -> Self {
        Self { notes, ..self }
    }
}

/// Why a command has no answer.
#[derive(Debug)]
pub(super) enum Failure {
    /// It was used wrongly, or the configuration is bad.
    Wrong(String),
    /// Files have faults; each already names its place.
    Faults(String),
    /// It could not be done.
    Failed(String),
}

impl Failure {
    pub(super) fn exit(&self) -> Exit {
        match self {
            Self::Wrong(_) | Self::Faults(_) => Exit::Wrong,
            Self::Failed(_) => Exit::No,
        }
    }
}
