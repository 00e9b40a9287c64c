//! Changing an access document where it lies, and leaving every byte that the change does not concern.
//!
//! A [`Draft`] is a file as it was read and as it is to be. Its text is changed in `toml` or `json`, judged as a reload
//! judges it, and written by `save`: there is a whole document at any moment, and it is written only over the one that was
//! read. Who changed what is written down in a `journal` beside it. Called by the commands.

mod change;
pub mod journal;
mod json;
mod judge;
mod save;
#[cfg(test)]
mod tests;
mod toml;
mod tree;
mod write;

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

pub use change::{Change, EditError};
pub use journal::{Author, Way};
pub use save::{SaveError, Saved};

use super::diff::{Changes, between};
use super::document::{self, Faults, Format, Law};
use super::file::{ContentHash, Contents, read_file};
use journal::Step;
use save::Refused;
use tree::{Around, Tree, tree};

/// An access document that is being changed.
pub struct Draft {
    contents: Contents,
    name: String,
    format: Format,
    law: Law,
    tree: Box<dyn Tree>,
    around: Around,
    now: SystemTime,
}

/// Why a document has to be changed by hand.
const UNFAITHFUL: &str =
    "cannot be changed without touching what should stay, such as line ends of two kinds; edit it by hand";

impl Draft {
    /// Opens a document. `now` tells which tokens have expired.
    ///
    /// # Errors
    /// [`EditError`]; a document that has faults is not changed.
    pub fn open(path: &Path, now: SystemTime) -> Result<Self, EditError> {
        let contents = read_file(&resolved(path)).map_err(EditError::Read)?;
        let (name, format) = (path.display().to_string(), Format::of(path));
        let form = |problem: &str| EditError::Form(format!("{name}: {problem}"));
        let text = std::str::from_utf8(&contents.bytes).map_err(|_| form("is no text in UTF-8"))?;
        let law = document::read(&name, text, format, now).map_err(EditError::Faulty)?;
        let (around, inner) = Around::take_off(text);
        let tree = tree(&inner, format).filter(|tree| around.put_on(&tree.text()) == text);
        let tree = tree.ok_or_else(|| form(UNFAITHFUL))?;
        Ok(Self { contents, name, format, law, tree, around, now })
    }

    /// What the document says, with the changes so far.
    #[must_use]
    pub fn law(&self) -> &Law {
        &self.law
    }

    /// The document's text, with the changes so far.
    #[must_use]
    pub fn text(&self) -> String {
        self.around.put_on(&self.tree.text())
    }

    /// Whether there is anything to save.
    #[must_use]
    pub fn is_changed(&self) -> bool {
        self.text().as_bytes() != self.contents.bytes.as_slice()
    }

    /// Which document was read: the SHA-256 of its bytes, as 64 hexadecimal digits.
    #[must_use]
    pub fn version(&self) -> String {
        self.contents.hash.to_string()
    }

    /// What the changes so far come to, by name.
    #[must_use]
    pub fn changes(&self) -> Changes {
        // It was read before, so it has no faults.
        self.of(&self.contents.bytes).map(|was| between(&was, &self.law)).unwrap_or_default()
    }

    /// Makes a change, and judges the document as a reload will. Whether it changed anything.
    ///
    /// # Errors
    /// [`EditError`]; nothing of the change is there to be saved then.
    pub fn make(&mut self, user: &str, change: &Change) -> Result<bool, EditError> {
        self.make_all(&[(user, change)])
    }

    /// Makes several changes, each of a user, and judges what they come to at once, for many are as quick as one then.
    /// None of them may undo another. Whether they changed anything.
    ///
    /// # Errors
    /// [`EditError`]; nothing of the changes is there to be saved then.
    pub fn make_all(&mut self, changes: &[(&str, &Change)]) -> Result<bool, EditError> {
        let before = self.tree.text();
        match self.write_all(changes).and_then(|()| self.judge(changes)) {
            Ok(law) => {
                self.law = law;
                Ok(before != self.tree.text())
            }
            Err(error) => {
                // What was refused must not be there to be saved.
                if let Some(tree) = tree(&before, self.format) {
                    self.tree = tree;
                }
                Err(error)
            }
        }
    }

    fn write_all(&mut self, changes: &[(&str, &Change)]) -> Result<(), EditError> {
        let mut added = HashSet::new();
        for (user, change) in changes {
            match (added.contains(user) || self.law.users.get(user).is_some(), change) {
                (true, Change::Add { .. }) => return Err(EditError::UserExists((*user).to_owned())),
                (false, Change::Add { .. }) => {
                    added.insert(*user);
                }
                (true, _) => {}
                (false, _) => return Err(EditError::no_user(&self.law, user)),
            }
            self.write(user, change)?;
        }
        Ok(())
    }

    /// The law that the text comes to after some changes, if it says what it was changed to say.
    fn judge(&self, changes: &[(&str, &Change)]) -> Result<Law, EditError> {
        let law = self.read(&self.text()).map_err(EditError::Refused)?;
        if let Some((user, _)) = changes.last().filter(|_| law.users.is_empty() && !law.allow_no_users) {
            return Err(EditError::LastUser((*user).to_owned()));
        }
        if let Some(last) = judge::last_editor(&self.law, &law) {
            return Err(EditError::LastEditor(last.to_owned()));
        }
        if changes.iter().all(|(user, change)| judge::is_so(&law, user, change)) {
            Ok(law)
        } else {
            Err(EditError::Form(format!("{}: {UNFAITHFUL}", self.name)))
        }
    }

    fn read(&self, text: &str) -> Result<Law, Faults> {
        document::read(&self.name, text, self.format, self.now)
    }

    /// What a text says, unless it has faults.
    fn of(&self, bytes: &[u8]) -> Option<Law> {
        self.read(std::str::from_utf8(bytes).ok()?).ok()
    }

    /// Writes it in the place of the one that was read, and before that into the journal who makes the change.
    ///
    /// # Errors
    /// [`SaveError`]; the document is as it was then, or as somebody else made it.
    pub fn save(self, by: &Author) -> Result<Saved, SaveError> {
        let text = self.text();
        let hashes = [self.contents.hash, ContentHash::of(text.as_bytes())];
        let step = Step::by(by, self.now, hashes, self.changes().to_string());
        match save::replace(&self.contents, text.as_bytes(), &step) {
            Ok(saved) => Ok(saved),
            Err(Refused::Other(error)) => Err(error),
            Err(Refused::Changed(theirs)) => {
                Err(SaveError::Changed { path: self.contents.path.clone(), changes: self.theirs(&theirs) })
            }
        }
    }

    /// What somebody else changed since this was read.
    fn theirs(&self, there: &Contents) -> String {
        let Some(now) = self.of(&there.bytes) else { return "it has faults now".to_owned() };
        let changes = self.of(&self.contents.bytes).map(|was| between(&was, &now)).unwrap_or_default();
        if changes.is_empty() { "only its form or its comments are different".to_owned() } else { changes.to_string() }
    }
}

/// Where the file itself is, behind links: it is replaced there, and the links stay.
fn resolved(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| path.to_owned())
}
