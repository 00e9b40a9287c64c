//! Who changed an access document, when and how: a file beside it, to which one line of JSON is appended for each change.
//!
//! [`Draft::save`](super::Draft::save) writes who makes a change down before it takes effect. The gateway looks up there
//! who made what it reloads, and writes down what was saved by hand. Lines name what changed, and hold no token and no
//! hash of one; documents are told apart by the hashes of their whole contents.

use std::fmt;
use std::fs::{self, File, OpenOptions, Permissions, TryLockError};
use std::io::{self, Write as _};
use std::net::IpAddr;
use std::os::unix::fs::{FileExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _, fchown};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};

use super::write::written;
use crate::source::file::ContentHash;

/// What is added to the document's name.
const ENDING: &str = ".changes.jsonl";
/// Only so much of the journal's end is searched: thousands of changes.
const SEARCHED: u64 = 1 << 20;
/// How often, and after what time, it is tried again to lock it.
const TRIES: u32 = 50;
const BETWEEN_TRIES: Duration = Duration::from_millis(10);

/// Who makes a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Author {
    /// How it is made.
    pub way: Way,
    /// The panel's user, or the login name of who runs the command.
    pub who: String,
    /// Where they are, if they come over the network.
    pub from: Option<IpAddr>,
}

/// How a document gets changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Way {
    /// In the control panel.
    Panel,
    /// By a command.
    Command,
    /// Otherwise: the file was saved by an editor, a script, a deployment.
    File,
}

impl Way {
    /// The word, as the journal and the audit log write it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Panel => "panel",
            Self::Command => "command",
            Self::File => "file",
        }
    }
}

impl fmt::Display for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One change, as a line of the journal has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// When, RFC 3339 in UTC.
    pub time: String,
    /// How.
    pub way: Way,
    /// Who; nobody knows for a file saved by hand.
    pub who: Option<String>,
    /// Where they were, if they came over the network.
    pub from: Option<IpAddr>,
    /// The SHA-256 of the document's contents before.
    pub before: String,
    /// The same after it.
    pub after: String,
    /// What changed, by name.
    pub changes: String,
}

impl Step {
    /// A change by somebody who is known.
    pub(super) fn by(author: &Author, at: SystemTime, [before, after]: [ContentHash; 2], changes: String) -> Self {
        let Author { way, who, from } = author.clone();
        let [before, after] = [before, after].map(|hash| hash.to_string());
        Self { time: written(at), way, who: Some(who), from, before, after, changes }
    }

    /// A change that was found in the file.
    #[must_use]
    pub fn found(at: SystemTime, [before, after]: [ContentHash; 2], changes: &str) -> Self {
        let [before, after] = [before, after].map(|hash| hash.to_string());
        let changes = changes.to_owned();
        Self { time: written(at), way: Way::File, who: None, from: None, before, after, changes }
    }

    /// A change that nobody watched: after this step the document became another, and what changed is not known.
    #[must_use]
    pub fn missed(at: SystemTime, last: &Self, after: ContentHash) -> Self {
        let (before, changes) = (last.after.clone(), "changed while no gateway ran".to_owned());
        Self { time: written(at), way: Way::File, who: None, from: None, before, after: after.to_string(), changes }
    }

    fn line(&self) -> io::Result<Vec<u8>> {
        let mut line = serde_json::to_vec(self)?;
        line.push(b'\n');
        Ok(line)
    }
}

/// Where the journal of a document is: beside the file itself, behind links.
#[must_use]
pub fn beside(document: &Path) -> PathBuf {
    let found = fs::canonicalize(document).unwrap_or_else(|_| document.to_owned());
    let mut name = found.file_name().unwrap_or_default().to_owned();
    name.push(ENDING);
    found.with_file_name(name)
}

/// A journal that is open. It stays usable where a sandbox no longer lets it be opened.
#[derive(Debug)]
pub struct Journal {
    file: File,
    path: PathBuf,
}

impl Journal {
    /// Opens the journal of a document for reading and appending. One that is made gets the document's owner, group and
    /// mode, as far as they may be given, and nobody else may read it. What is a link or no file is not opened: root may
    /// be asking, and whoever owns the directory must not have it write elsewhere.
    ///
    /// # Errors
    /// What the system says.
    pub fn open(document: &Path) -> io::Result<Self> {
        let path = beside(document);
        let mut options = OpenOptions::new();
        options.read(true).append(true).mode(0o600);
        let file = match options.clone().create_new(true).open(&path) {
            Ok(file) => {
                let facts = fs::metadata(document)?;
                // Only root may give a file away; it is of use to its owner in any case.
                let _ = fchown(&file, Some(facts.uid()), Some(facts.gid()));
                file.set_permissions(Permissions::from_mode(facts.mode() & 0o660 | 0o600))?;
                file
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => opened(&options, &path)?,
            Err(error) => return Err(error),
        };
        Ok(Self { file, path })
    }

    /// Opens it for reading alone.
    ///
    /// # Errors
    /// What the system says.
    pub fn look(document: &Path) -> io::Result<Self> {
        let path = beside(document);
        let file = opened(OpenOptions::new().read(true), &path)?;
        Ok(Self { file, path })
    }

    /// Whether this is still the journal of a document, and not one that was moved away.
    #[must_use]
    pub fn is_of(&self, document: &Path) -> bool {
        let there = fs::symlink_metadata(beside(document));
        self.file.metadata().is_ok_and(|own| there.is_ok_and(|there| node(&there) == node(&own)))
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Appends a line.
    ///
    /// # Errors
    /// What the system says.
    pub fn append(&self, step: &Step) -> io::Result<()> {
        let mut line = step.line()?;
        // One that broke off, on a full disk, must not spoil this one.
        let length = self.file.metadata()?.len();
        let mut last = [b'\n'];
        if length > 0 && self.file.read_at(&mut last, length - 1)? == 1 && last != *b"\n" {
            line.insert(0, b'\n');
        }
        (&self.file).write_all(&line)
    }

    /// Appends a change that was found in the file, unless whoever made it, or another gateway, has written it down.
    /// Returns the line that is there for it.
    ///
    /// # Errors
    /// What the system says.
    pub fn complete(&self, step: Step) -> io::Result<Step> {
        self.lock()?;
        let settled = match self.made(&step.before, &step.after) {
            Ok(Some(known)) => Ok(known),
            Ok(None) => self.append(&step).map(|()| step),
            Err(error) => Err(error),
        };
        self.file.unlock()?;
        settled
    }

    /// Waits for another gateway, but not for ever: at worst a change is written down twice.
    fn lock(&self) -> io::Result<()> {
        for _ in 0..TRIES {
            match self.file.try_lock() {
                Ok(()) => return Ok(()),
                Err(TryLockError::WouldBlock) => thread::sleep(BETWEEN_TRIES),
                Err(TryLockError::Error(error)) => return Err(error),
            }
        }
        Ok(())
    }

    /// Who made a document out of another: the latest line that says so, if there is one since it was that other.
    ///
    /// # Errors
    /// What the system says.
    pub fn made(&self, before: &str, after: &str) -> io::Result<Option<Step>> {
        let steps = self.steps()?;
        let mut since = steps.into_iter().rev().take_while(|step| step.after != before);
        Ok(since.find(|step| step.after == after))
    }

    /// The steps that stand in the end of the journal, oldest first. What is none is left out.
    ///
    /// # Errors
    /// What the system says.
    pub fn steps(&self) -> io::Result<Vec<Step>> {
        let length = self.file.metadata()?.len();
        let begin = length.saturating_sub(SEARCHED);
        let mut bytes = vec![0; usize::try_from(length - begin).unwrap_or(0)];
        self.file.read_exact_at(&mut bytes, begin)?;
        let lines = bytes.split(|byte| *byte == b'\n');
        Ok(lines.filter_map(|line| serde_json::from_slice(line).ok()).collect())
    }
}

/// Opens a file that is there: looked at before, for opening a pipe may take for ever, and after, for it may be another by
/// then.
fn opened(options: &OpenOptions, path: &Path) -> io::Result<File> {
    let facts = fs::symlink_metadata(path)?;
    if !facts.is_file() || facts.nlink() > 1 {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no file of its own"));
    }
    let file = options.open(path)?;
    if node(&file.metadata()?) != node(&facts) {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is being replaced"));
    }
    Ok(file)
}

fn node(facts: &fs::Metadata) -> (u64, u64) {
    (facts.dev(), facts.ino())
}
