//! Changing an access document where it lies, and leaving every byte that the change does not concern.
//!
//! A [`Draft`] is a file as it was read and as it is to be. Its text is changed in `toml` or `json`, judged as a reload
//! judges it, and written by `save`: there is a whole document at any moment, and it is written only over the one that was
//! read. Who changed what is written down in a `journal` beside it. Called by the commands.

mod change;
pub mod journal;
mod json;
mod save;
#[cfg(test)]
mod tests;
mod toml;

use std::path::{Path, PathBuf};
use std::time::SystemTime;

pub use change::{Change, EditError};
pub use journal::{Author, Way};
pub use save::{SaveError, Saved};

use super::diff;
use super::document::{self, Format, Law};
use super::file::{ContentHash, Contents, read_file};
use journal::Step;

/// What a change writes.
#[derive(Clone, Debug)]
pub(super) enum Value {
    Flag(bool),
    Text(String),
}

/// The text of a document, taken apart so that it can be put together again without loss. Users and keys that there are
/// not are nobody's, and nothing happens to them.
trait Tree {
    /// Adds a user with nothing in it, behind the others.
    fn add_user(&mut self, user: &str);
    /// Takes a user out, and the comment that stands right above it.
    fn remove_user(&mut self, user: &str);
    /// Sets what stands behind a key.
    fn set(&mut self, user: &str, key: &str, value: &Value);
    /// The texts of a list; an empty one for whatever in it is no text.
    fn texts(&self, user: &str, key: &str) -> Vec<String>;
    /// Puts a text at the end of a list, which is made where there is none.
    fn push(&mut self, user: &str, key: &str, text: &str);
    /// Takes one out of a list, and the comment on its line.
    fn take(&mut self, user: &str, key: &str, index: usize);
    /// The tokens, in the order of the document.
    fn tokens(&self, user: &str) -> Vec<StoredToken>;
    /// Writes all tokens anew.
    fn set_tokens(&mut self, user: &str, tokens: &[StoredToken]);
    /// The whole text.
    fn text(&self) -> String;
}

/// A token as a document has it: what it says of the token, key by key.
#[derive(Clone, Debug, Default)]
pub(super) struct StoredToken(Vec<(String, String)>);

impl StoredToken {
    /// The keys that a token may have, in the order in which they are written.
    const KEYS: [&'static str; 4] = ["hash", "label", "created", "expires"];

    fn get(&self, key: &str) -> Option<&str> {
        self.0.iter().find(|(name, _)| name == key).map(|(_, value)| value.as_str())
    }

    fn set(&mut self, key: &str, value: String) {
        self.0.retain(|(name, _)| name != key);
        self.0.push((key.to_owned(), value));
    }
}

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

/// What is not let as far as the tree, which would not keep it.
#[derive(Clone, Copy)]
struct Around {
    /// A byte order mark.
    mark: bool,
    /// Lines end as on Windows.
    windows: bool,
}

impl Around {
    fn take_off(text: &str) -> (Self, String) {
        let (mark, inner) = text.strip_prefix('\u{feff}').map_or((false, text), |inner| (true, inner));
        let windows = inner.contains("\r\n");
        let inner = if windows { inner.replace("\r\n", "\n") } else { inner.to_owned() };
        (Self { mark, windows }, inner)
    }

    fn put_on(self, inner: &str) -> String {
        let inner = if self.windows { inner.replace('\n', "\r\n") } else { inner.to_owned() };
        if self.mark { format!("\u{feff}{inner}") } else { inner }
    }
}

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

    /// Makes a change, and judges the document as a reload will. Whether it changed anything.
    ///
    /// # Errors
    /// [`EditError`]; nothing is to be saved then.
    pub fn make(&mut self, user: &str, change: &Change) -> Result<bool, EditError> {
        self.check(user, change)?;
        let before = self.tree.text();
        match self.write(user, change).and_then(|()| self.judge(user, change)) {
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

    /// The law that the text comes to after a change, if it says what it was changed to say.
    fn judge(&self, user: &str, change: &Change) -> Result<Law, EditError> {
        let law = document::read(&self.name, &self.text(), self.format, self.now).map_err(EditError::Refused)?;
        if law.users.is_empty() && !law.allow_no_users {
            return Err(EditError::LastUser(user.to_owned()));
        }
        if is_so(&law, user, change) { Ok(law) } else { Err(EditError::Form(format!("{}: {UNFAITHFUL}", self.name))) }
    }

    fn check(&self, user: &str, change: &Change) -> Result<(), EditError> {
        match (self.law.users.get(user), change) {
            (Some(_), Change::Add { .. }) => Err(EditError::UserExists(user.to_owned())),
            (Some(_), _) | (None, Change::Add { .. }) => Ok(()),
            (None, _) => Err(EditError::no_user(&self.law, user)),
        }
    }

    fn write(&mut self, user: &str, change: &Change) -> Result<(), EditError> {
        let tree = self.tree.as_mut();
        match change {
            Change::Add { title } => {
                tree.add_user(user);
                if let Some(title) = title {
                    tree.set(user, "title", &Value::Text(title.clone()));
                }
                tree.set(user, "api_access", &Value::Flag(false));
            }
            Change::Remove => tree.remove_user(user),
            Change::Access(allowed) => {
                if self.law.users.get(user).is_some_and(|user| user.api_access != *allowed) {
                    tree.set(user, "api_access", &Value::Flag(*allowed));
                }
            }
            Change::Grant(permission) => push(tree, user, "permissions", permission),
            Change::GiveRole(role) => push(tree, user, "roles", role),
            Change::Revoke(permission) => {
                if !take(tree, user, "permissions", permission) {
                    return Err(EditError::NotHeld(self.why_not_revoked(user, permission)));
                }
            }
            Change::NewToken { hash, label, expires, keep_old } => {
                let kept = keep_old.and_then(|until| self.old_token(user, until));
                let mut token = StoredToken::default();
                token.set("hash", hash.to_string());
                token.set("created", written(self.now));
                let said = [("label", label), ("expires", expires)];
                said.into_iter().for_each(|(key, value)| {
                    if let Some(value) = value {
                        token.set(key, value.clone());
                    }
                });
                let tokens: Vec<_> = kept.into_iter().chain([token]).collect();
                self.tree.set_tokens(user, &tokens);
            }
            Change::TakeRole(role) => {
                if !take(tree, user, "roles", role) {
                    return Err(EditError::NotHeld(format!("{user} does not have the role {role}")));
                }
            }
        }
        Ok(())
    }

    /// The latest of the tokens that count, to end at a moment unless it ends before.
    fn old_token(&self, name: &str, until: SystemTime) -> Option<StoredToken> {
        let user = self.law.users.get(name)?;
        let live = user.tokens.iter().rev().find(|token| token.expires.is_none_or(|end| self.now < end))?;
        let hash = live.hash.to_string();
        let mut stored = self
            .tree
            .tokens(name)
            .into_iter()
            .find(|stored| stored.get("hash").is_some_and(|text| text.eq_ignore_ascii_case(&hash)))?;
        if live.expires.is_none_or(|end| until < end) {
            stored.set("expires", written(until));
        }
        Some(stored)
    }

    /// What to do where there is no grant of just this.
    fn why_not_revoked(&self, name: &str, permission: &str) -> String {
        let sources = self.law.users.get(name).zip(crate::policy::Permission::parse(permission).ok());
        let sources = sources.map(|(user, permission)| self.law.policy.sources(user, &permission));
        match sources.as_deref().and_then(<[_]>::first) {
            None => format!("{name} is not granted {permission}"),
            Some(source) => match source.role {
                Some(role) => {
                    format!("{name} has {permission} by the role {}: take that away, or change it", role.name)
                }
                None => format!(
                    "{name} has {permission} by the grant {}: revoke that, and grant what is to stay",
                    source.grant
                ),
            },
        }
    }

    /// Writes it in the place of the one that was read, and before that into the journal who makes the change.
    ///
    /// # Errors
    /// [`SaveError`]; the document is as it was then, or as somebody else made it.
    pub fn save(self, by: &Author) -> Result<Saved, SaveError> {
        let text = self.text();
        let hashes = [self.contents.hash, ContentHash::of(text.as_bytes())];
        let step = Step::by(by, self.now, hashes, self.changes().to_string());
        save::replace(&self.contents, text.as_bytes(), &step)
    }

    /// What is different from the document that was read, by name.
    #[must_use]
    pub fn changes(&self) -> diff::Changes {
        let read = std::str::from_utf8(&self.contents.bytes).ok();
        let law = read.and_then(|text| document::read(&self.name, text, self.format, self.now).ok());
        law.map(|law| diff::between(&law, &self.law)).unwrap_or_default()
    }
}

/// A moment as RFC 3339 writes it, to the second.
fn written(moment: SystemTime) -> String {
    let seconds = moment.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let seconds = i64::try_from(seconds).unwrap_or(i64::MAX);
    jiff::Timestamp::from_second(seconds).unwrap_or(jiff::Timestamp::MAX).to_string()
}

/// Where the file itself is, behind links: it is replaced there, and the links stay.
fn resolved(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| path.to_owned())
}

fn tree(text: &str, format: Format) -> Option<Box<dyn Tree>> {
    Some(match format {
        Format::Toml => Box::new(toml::TomlTree::read(text)?),
        Format::Json => Box::new(json::JsonTree::read(text)?),
    })
}

/// Whether a document says what it was changed to say.
fn is_so(law: &Law, user: &str, change: &Change) -> bool {
    let Some(user) = law.users.get(user) else { return matches!(change, Change::Remove) };
    let granted = |text: &str| user.grants.iter().any(|grant| grant.to_string() == text);
    let mut roles = user.roles.iter().filter_map(|id| law.policy.role(*id));
    let mut given = |name: &str| roles.any(|role| *role.name == *name);
    match change {
        Change::Remove => false,
        Change::Add { .. } => !user.api_access,
        Change::Access(allowed) => user.api_access == *allowed,
        Change::Grant(permission) => granted(permission),
        Change::Revoke(permission) => !granted(permission),
        Change::GiveRole(role) => given(role),
        Change::TakeRole(role) => !given(role),
        Change::NewToken { hash, .. } => user.tokens.iter().any(|token| token.hash == *hash),
    }
}

/// What is there already is not put there twice.
fn push(tree: &mut dyn Tree, user: &str, key: &str, text: &str) {
    if !tree.texts(user, key).iter().any(|there| there == text) {
        tree.push(user, key, text);
    }
}

fn take(tree: &mut dyn Tree, user: &str, key: &str, text: &str) -> bool {
    let found = tree.texts(user, key).iter().position(|there| there == text);
    found.inspect(|index| tree.take(user, key, *index)).is_some()
}
