//! Where the record of requests goes.

use std::path::PathBuf;

use super::check::{Check, Problem, Told};
use super::raw::RawAudit;
use crate::fault::nearest;

/// Where audit entries go. Used by `record`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Audit {
    /// Nowhere.
    Off,
    /// To standard output.
    #[default]
    Stdout,
    /// To the end of this file.
    File(PathBuf),
}

impl Audit {
    pub(super) fn check(raw: &RawAudit, check: &mut Check<'_>) -> Result<Self, Told> {
        let Some(to) = &raw.to else { return Ok(Self::default()) };
        match to.value.as_str() {
            "off" => Ok(Self::Off),
            "stdout" => Ok(Self::Stdout),
            text if text.ends_with('/') => Err(check.tell(
                to.span.clone(),
                "audit.to",
                Problem::new(format!("{text:?} is a directory, not a file")),
            )),
            text if text.contains('/') => Ok(Self::File(check.path("audit.to", to)?)),
            // A misspelt word must not become a file of that name.
            text => {
                let problem =
                    Problem::new(format!("{text:?} is neither \"stdout\", \"off\" nor a file with a \"/\" in it"));
                let help = match nearest(text, ["stdout", "off"]) {
                    Some(meant) => format!("write {meant:?}"),
                    None => format!("write \"./{text}\" for a file beside the settings"),
                };
                Err(check.tell(to.span.clone(), "audit.to", problem.help(help)))
            }
        }
    }
}
