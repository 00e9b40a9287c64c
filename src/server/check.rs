//! Checking everything that a start needs, without starting anything.
//!
//! Called by `cli`. The files are judged by what judges them at a start and at a reload.

use std::fmt;
use std::path::Path;
use std::time::SystemTime;

use super::files::access::{AccessDocument, AccessFault};
use super::files::tls::TlsFiles;
use super::files::upstream::endpoints;
use crate::settings::Settings;
use crate::source::document::{Faults, Law};
use crate::source::file::{FileKind, permission_warnings, read_file, single_file_mount};
use crate::source::reload::{Refused, Reload};

/// Why there is no law in a file.
#[derive(Debug)]
pub enum AccessError {
    /// The file cannot be read, or is not text; names it.
    File(String),
    /// The document has these faults.
    Faults(Faults),
}

impl fmt::Display for AccessError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(problem) => f.write_str(problem),
            Self::Faults(faults) => faults.fmt(f),
        }
    }
}

impl std::error::Error for AccessError {}

/// Reads the access document in a file, as a start does.
///
/// # Errors
/// [`AccessError`], with every fault of the document.
pub fn access(path: &Path) -> Result<Law, AccessError> {
    Reload::new(AccessDocument::new(path)).first().map(|loaded| loaded.law).map_err(|refused| match refused {
        Refused::Faulty(AccessFault::Faults(faults)) => AccessError::Faults(faults),
        other => AccessError::File(other.to_string()),
    })
}

/// What [`check`] found.
#[derive(Debug)]
pub struct Report {
    /// The access document.
    pub access: Result<Law, AccessError>,
    /// What is wrong with the other files; each names its file.
    pub faults: Vec<String>,
    /// What is odd, and no reason not to start. What is odd in the access document stands in its law.
    pub warnings: Vec<String>,
}

/// Checks the files that settings name. Nothing is started and no address is bound.
#[must_use]
pub fn check(settings: &Settings) -> Report {
    let mut report = Report { access: access(&settings.access), faults: Vec::new(), warnings: Vec::new() };
    report.permissions(&settings.access, FileKind::AccessDocument);
    report.warnings.extend(single_file_mount(&settings.access));
    for pair in std::iter::once(&settings.tls.first).chain(&settings.tls.more) {
        report.permissions(&pair.certificate, FileKind::Certificate);
        report.permissions(&pair.key, FileKind::PrivateKey);
    }
    match Reload::new(TlsFiles::new(&settings.tls)).first() {
        Ok(checked) => {
            let expired = checked.certificates.iter().filter(|facts| facts.expires <= SystemTime::now());
            report.warnings.extend(expired.map(|facts| format!("{}: this certificate has expired", facts.file)));
        }
        Err(Refused::Unreadable(errors)) => report.faults.extend(errors.iter().map(ToString::to_string)),
        Err(refused) => report.faults.push(refused.to_string()),
    }
    report.faults.extend(endpoints(&settings.upstream).err());
    report
}

impl Report {
    /// Warns of those who may read or write a file and should not.
    fn permissions(&mut self, path: &Path, kind: FileKind) {
        // That it cannot be read is told by what needs it.
        if let Ok(contents) = read_file(path) {
            self.warnings.extend(permission_warnings(&contents, kind));
        }
    }
}
