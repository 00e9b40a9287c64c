//! Who made the changes that take effect: found in the document's journal, or written down there, and told to the audit.
//!
//! Called with every reload of the access document. The journal is opened at start, before the file system is closed, and
//! kept open: the sandbox lets nothing be written beside the document.

use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::record::{AuditHandle, Change, Outcome};
use crate::source::edit::Way;
use crate::source::edit::journal::{Journal, Step};
use crate::source::file::ContentHash;

/// Tells of the changes of one document.
#[derive(Debug)]
pub(in crate::server) struct Changes {
    document: PathBuf,
    journal: Option<Journal>,
    /// `None` until the audit log runs; nothing changes before.
    audit: Option<AuditHandle>,
    /// Whether it has been told that the journal cannot be written.
    complained: bool,
}

impl Changes {
    /// Opens the journal of a document, if it may be written, and notes there that it was changed meanwhile, if it was.
    pub(in crate::server) fn of(document: &Path, contents: ContentHash) -> Self {
        let mut changes = Self { document: document.to_owned(), journal: None, audit: None, complained: false };
        match Journal::open(document).and_then(|journal| catch_up(&journal, contents).map(|()| journal)) {
            Ok(journal) => changes.journal = Some(journal),
            Err(error) => changes.complain(&error),
        }
        changes
    }

    /// Tells to this audit log from now on.
    pub(in crate::server) fn tell_to(&mut self, audit: AuditHandle) {
        self.audit = Some(audit);
    }

    /// A document took effect in place of another. One that was only read again, as with every SIGHUP, is no change.
    pub(super) fn made(&mut self, contents: [ContentHash; 2], changes: &str, generation: u64) {
        let [before, after] = contents;
        if before == after {
            return;
        }
        let now = SystemTime::now();
        let step = self.settled(Step::found(now, contents, changes));
        let by_hand = step.way == Way::File;
        self.tell(
            Outcome::Made {
                way: step.way.as_str(),
                who: step.who.filter(|_| !by_hand).map(Into::into),
                from: step.from,
                changes: changes.into(),
            },
            now,
            generation,
        );
    }

    /// A document was refused; `generation` stays in force.
    pub(super) fn refused(&self, why: &str, generation: u64) {
        let first = why.lines().next().unwrap_or_default();
        self.tell(Outcome::Refused(first.into()), SystemTime::now(), generation);
    }

    fn tell(&self, outcome: Outcome, time: SystemTime, generation: u64) {
        if let Some(audit) = &self.audit {
            audit.change(Change { time, outcome, generation });
        }
    }

    /// The step as the journal has it, with who took it. What nobody has written down was done to the file itself.
    fn settled(&mut self, found: Step) -> Step {
        if self.journal.as_ref().is_none_or(|journal| !journal.is_of(&self.document)) {
            self.journal = Journal::open(&self.document).inspect_err(|error| self.complain(error)).ok();
        }
        let Some(journal) = &self.journal else { return self.read(found) };
        match journal.complete(found.clone()) {
            Ok(step) => {
                self.complained = false;
                step
            }
            Err(error) => {
                self.complain(&error);
                self.read(found)
            }
        }
    }

    /// The same from a journal that may only be read.
    fn read(&self, found: Step) -> Step {
        let journal = Journal::look(&self.document).and_then(|journal| journal.made(&found.before, &found.after));
        journal.ok().flatten().unwrap_or(found)
    }

    /// That it cannot be written is usual where the document is mounted from elsewhere, and told once.
    fn complain(&mut self, error: &io::Error) {
        if !std::mem::replace(&mut self.complained, true) {
            let path = crate::source::edit::journal::beside(&self.document);
            tracing::info!("{}: changes made by hand are not noted there: {error}", path.display());
        }
    }
}

/// Where the last step did not lead to the document that there is, somebody has saved it by hand since.
fn catch_up(journal: &Journal, contents: ContentHash) -> io::Result<()> {
    let after = contents.to_string();
    match journal.steps()?.last().filter(|last| last.after != after) {
        Some(last) => journal.complete(Step::missed(SystemTime::now(), last, contents)).map(drop),
        None => Ok(()),
    }
}
