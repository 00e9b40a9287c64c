//! Putting a new document in the place of the one that was read.
//!
//! It is written beside it and renamed over it, so that whoever looks finds a whole document: a gateway that reloads, and
//! whoever comes after a crash.

use std::error::Error;
use std::fmt;
use std::fs::{File, Permissions, TryLockError};
use std::io::{self, Write as _};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, fchown};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use super::journal::{Journal, Step, beside as journal_beside};
use crate::source::file::{Contents, ReadError, read_file};

/// Why a document was not saved.
#[derive(Debug)]
pub enum SaveError {
    /// It is no longer what was read: somebody saved in between.
    Changed {
        /// The document.
        path: PathBuf,
        /// What is different about it now, in words.
        changes: String,
    },
    /// Another change is being saved at this moment.
    Busy(PathBuf),
    /// It cannot be read any more.
    Read(ReadError),
    /// The system refused.
    Io {
        /// The document.
        path: PathBuf,
        /// What was to be done.
        what: &'static str,
        /// What the system said.
        source: io::Error,
    },
}

impl fmt::Display for SaveError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Changed { path, changes } => write!(
                f,
                "{}: somebody saved it in between, and that has been left as it is ({changes}): look at it and try again",
                path.display()
            ),
            Self::Busy(path) => write!(f, "{}: somebody else is saving it; try again", path.display()),
            Self::Read(error) => error.fmt(f),
            Self::Io { path, what, source } => write!(f, "{}: not saved: {what}: {source}", path.display()),
        }
    }
}

impl Error for SaveError {}

/// Why a file was not replaced.
pub(super) enum Refused {
    /// It is no longer what was read, but this.
    Changed(Contents),
    Other(SaveError),
}

impl From<SaveError> for Refused {
    fn from(error: SaveError) -> Self {
        Self::Other(error)
    }
}

/// A document that was saved.
#[derive(Debug)]
#[must_use = "it may have to be told that the change is not in the journal"]
pub struct Saved {
    /// Why the change is not in the journal, with the journal's path; `None` where it is.
    pub unwritten: Option<String>,
}

/// Replaces a file, with its mode and owner, if it is still what was read.
pub(super) fn replace(read: &Contents, text: &[u8], step: &Step) -> Result<Saved, Refused> {
    let path = &read.path;
    let failed = |what| move |source| SaveError::Io { path: path.clone(), what, source };
    // Two that change it at once: the lock is on the file that is replaced, so who waits for it finds another in place.
    let lock = File::open(path).map_err(failed("it cannot be opened"))?;
    match lock.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Err(SaveError::Busy(path.clone()).into()),
        Err(TryLockError::Error(error)) => return Err(failed("it cannot be locked")(error).into()),
    }
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
    let new = beside(read, text, directory).map_err(failed("a new file beside it cannot be written"))?;
    // As late as can be: what an editor saves after this is lost, within the time that a rename takes.
    let same = lock.metadata().and_then(|locked| Ok((locked.ino(), path.metadata()?.ino())));
    let (locked, there) = same.map_err(failed("it cannot be looked at"))?;
    let now = read_file(path).map_err(SaveError::Read)?;
    if locked != there || now.hash != read.hash {
        return Err(Refused::Changed(now));
    }
    // Before it takes effect, so that whoever reloads it finds who made it.
    let journal = Journal::open(path).and_then(|journal| journal.append(step));
    let told = |error| format!("{}: cannot be written: {error}", journal_beside(path).display());
    let saved = Saved { unwritten: journal.err().map(told) };
    new.persist(path).map_err(|error| failed("the new file cannot take its place")(error.error))?;
    // So that the new name is there after a power cut too.
    let synced = File::open(directory).and_then(|directory| directory.sync_all());
    synced.map_err(failed("its directory cannot be synced"))?;
    Ok(saved)
}

/// The new contents in a file of their own, safely on the disk. It is removed unless it takes the other's place.
fn beside(read: &Contents, text: &[u8], directory: &Path) -> io::Result<NamedTempFile> {
    let mut new = tempfile::Builder::new().prefix(".portcullis-").tempfile_in(directory)?;
    new.write_all(text)?;
    let (file, facts) = (new.as_file(), read.facts);
    let own = file.metadata()?;
    if (own.uid(), own.gid()) != (facts.uid, facts.gid) {
        fchown(file, Some(facts.uid), Some(facts.gid))?;
    }
    file.set_permissions(Permissions::from_mode(facts.mode))?;
    file.sync_all()?;
    Ok(new)
}
