//! `check`: everything that a start would refuse, found without starting.

use std::path::{Path, PathBuf};

use serde::Serialize;
use serde_json::{Value, json};

use super::Exit;
use super::answer::{Answer, Failure};
use super::config::{self, Common};
use crate::server::{self, AccessError};
use crate::settings::SettingsError;
use crate::source::document::Law;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Check this access document in place of the one that the settings name
    #[arg(long, value_name = "CANDIDATE")]
    access: Option<PathBuf>,
}

/// What has been found so far, for a person and for a program.
#[derive(Default)]
struct Findings {
    checked: Vec<PathBuf>,
    faults: Vec<(String, Value)>,
    warnings: Vec<(String, Value)>,
    counts: Option<Counts>,
}

/// What a good document holds.
#[derive(Clone, Copy, Serialize)]
struct Counts {
    resources: usize,
    permissions: usize,
    roles: usize,
    users: usize,
    expectations: usize,
}

pub(super) fn run(args: &Args, common: &Common) -> Result<Answer, Failure> {
    let mut findings = Findings::default();
    match (common.path(), &args.access) {
        (None, None) => return Err(config::nowhere()),
        (None, Some(candidate)) => findings.candidate(candidate),
        (Some(path), candidate) => findings.everything(&path, candidate.as_deref()),
    }
    findings.answer()
}

impl Findings {
    /// Checks the settings and all that they name, with another access document where one is given.
    fn everything(&mut self, path: &Path, candidate: Option<&Path>) {
        self.checked.push(path.to_owned());
        match config::load(path) {
            Ok(mut settings) => {
                if let Some(candidate) = candidate {
                    settings.access = candidate.to_owned();
                }
                self.checked.push(settings.access.clone());
                let report = server::check(&settings);
                self.access(report.access);
                self.faults.extend(report.faults.into_iter().map(unplaced));
                self.warnings.extend(report.warnings.into_iter().map(unplaced));
            }
            Err(error) => {
                match error {
                    SettingsError::Faults(faults) => self.faults.extend(faults.as_slice().iter().map(placed)),
                    SettingsError::Read(..) => self.faults.push(unplaced(error.to_string())),
                }
                if let Some(candidate) = candidate {
                    self.candidate(candidate);
                }
            }
        }
    }

    /// Checks an access document and nothing else.
    fn candidate(&mut self, path: &Path) {
        self.checked.push(path.to_owned());
        self.access(server::access(path));
    }

    fn access(&mut self, read: Result<Law, AccessError>) {
        match read {
            Ok(law) => {
                self.warnings.extend(law.warnings.iter().map(placed));
                self.counts = Some(Counts::of(&law));
            }
            Err(AccessError::Faults(faults)) => {
                self.faults.extend(faults.iter().map(placed));
                if faults.more() > 0 {
                    self.faults.push(unplaced(format!("and {} more", faults.more())));
                }
            }
            Err(AccessError::File(problem)) => self.faults.push(unplaced(problem)),
        }
    }

    fn answer(self) -> Result<Answer, Failure> {
        let good = self.faults.is_empty();
        let texts = |prefix: &str, findings: &[(String, Value)]| {
            findings.iter().map(|(text, _)| format!("{prefix}{text}\n")).collect::<Vec<_>>()
        };
        let notes = [texts("warning: ", &self.warnings), texts("", &self.faults)].concat().join("\n");
        let text = if good { self.summary() } else { String::new() };
        let values = |findings: Vec<(String, Value)>| findings.into_iter().map(|(_, value)| value).collect::<Value>();
        let value = json!({
            "good": good,
            "files": self.checked,
            "counts": self.counts,
            "faults": values(self.faults),
            "warnings": values(self.warnings),
        });
        let exit = if good { Exit::Yes } else { Exit::Wrong };
        Ok(Answer::new(exit, text, &value)?.notes(notes))
    }

    fn summary(&self) -> String {
        let files: Vec<_> = self.checked.iter().map(|path| path.display().to_string()).collect();
        let counts = self.counts.map(|counts| format!(": {counts}")).unwrap_or_default();
        format!("{}: good{counts}", files.join(", "))
    }
}

impl Counts {
    fn of(law: &Law) -> Self {
        Self {
            resources: law.policy.resources().count(),
            permissions: law.policy.permissions().len(),
            roles: law.policy.roles().len(),
            users: law.users.len(),
            expectations: law.expectations,
        }
    }
}

impl std::fmt::Display for Counts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let counts = [
            (self.resources, "resource"),
            (self.permissions, "permission"),
            (self.roles, "role"),
            (self.users, "user"),
            (self.expectations, "expectation"),
        ];
        let counts = counts.map(|(count, what)| format!("{count} {what}{}", if count == 1 { "" } else { "s" }));
        f.write_str(&counts.join(", "))
    }
}

/// A finding that knows its line and column.
fn placed(fault: &(impl ToString + Serialize)) -> (String, Value) {
    (fault.to_string(), serde_json::to_value(fault).unwrap_or_default())
}

/// A finding about a whole file, which its text names.
fn unplaced(text: String) -> (String, Value) {
    let value = json!({ "message": text });
    (text, value)
}
