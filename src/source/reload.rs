//! The reload loop: reads files again when they may have changed, has them judged, and puts what is good in force.
//!
//! The access document and the certificates go through this very loop, each with its own [`Reloadable`] and [`Sink`].
//! Whatever is refused changes nothing: the last good version stays in force, and the reason is logged once. The loop
//! knows neither what it loads nor who counts.

use std::any::Any;
use std::convert::Infallible;
use std::error::Error;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;

use sha2::{Digest, Sha256};

use super::file::{ContentHash, Contents, ReadError, read_file};
use super::watch::{Hint, Watch};
use crate::policy::Snapshot;

/// Something that is made from files, and made again when they change.
pub trait Reloadable {
    /// What good files make.
    type Value;
    /// What is wrong with the others, all of it.
    type Fault: fmt::Display;

    /// What it is called in the log, such as `access document`.
    fn name(&self) -> &str;

    /// The files it is made from.
    fn paths(&self) -> Vec<PathBuf>;

    /// Judges the contents of the files, given in the order of [`Self::paths`].
    ///
    /// # Errors
    /// If they must not take effect.
    fn load(&mut self, contents: &[Contents]) -> Result<Self::Value, Self::Fault>;
}

/// Where good versions go, and who is told of the others. Metrics hang on it.
pub trait Sink<V> {
    /// Puts a version in force.
    ///
    /// # Errors
    /// If it is good by itself but must not follow the one in force, see [`guard_no_users`].
    fn publish(&mut self, value: V) -> Result<Published, String>;

    /// The files hold again what is in force, after something that was refused.
    fn restored(&mut self) {}

    /// What the files hold was refused; `why` is the whole text of the log.
    fn refused(&mut self, why: &str) {
        let _ = why;
    }
}

/// A version that took effect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Published {
    /// Its number.
    pub generation: u64,
    /// What changed, by name, such as `+2 users, amy -orders.edit`.
    pub changes: String,
}

/// Why files make no version.
#[derive(Debug)]
pub enum Refused<F> {
    /// Some could not be read.
    Unreadable(Vec<ReadError>),
    /// They are faulty.
    Faulty(F),
    /// Judging them ended in a panic. One strange document must not end reloading.
    Panicked(String),
}

impl<F: fmt::Display> fmt::Display for Refused<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable(errors) => f.write_str(&lines(errors)),
            Self::Faulty(fault) => fault.fmt(f),
            Self::Panicked(message) => write!(f, "portcullis failed while reading it, which is a bug: {message}"),
        }
    }
}

impl<F: fmt::Display + fmt::Debug> Error for Refused<F> {}

/// Makes something from files once, and then for ever again: [`Reload::first`], then [`Reload::run`].
#[derive(Debug)]
pub struct Reload<R> {
    what: R,
    /// What the files held when they were last judged, so that nothing is judged, or complained of, twice.
    attempted: Option<ContentHash>,
    /// What they held when the version in force was made of them.
    in_force: Option<ContentHash>,
}

impl<R: Reloadable> Reload<R> {
    /// Reloads this.
    pub fn new(what: R) -> Self {
        Self { what, attempted: None, in_force: None }
    }

    /// The files that are read, each time anew.
    #[must_use]
    pub fn paths(&self) -> Vec<PathBuf> {
        self.what.paths()
    }

    /// The files to watch.
    #[must_use]
    pub fn watch(&self) -> Watch {
        Watch::new(self.what.paths())
    }

    /// Makes the first version. Without one there is nothing to keep, so the caller decides what a refusal means.
    ///
    /// # Errors
    /// If the files cannot be read or are refused.
    pub fn first(&mut self) -> Result<R::Value, Refused<R::Fault>> {
        let reading = self.read();
        let (attempted, value) = (reading.hash, self.judge(reading)?);
        self.attempted = Some(attempted);
        self.in_force = Some(attempted);
        Ok(value)
    }

    /// Reloads whenever the watch hints at a change, as long as the future is polled.
    pub async fn run(mut self, mut watch: Watch, mut sink: impl Sink<R::Value>) -> Infallible {
        let mut asked = false;
        loop {
            asked |= watch.changed().await == Hint::Asked;
            let reading = self.read();
            // Otherwise this may be half of what is being written, and the watch hints again.
            if watch.undisturbed().await {
                self.attempt(reading, asked, &mut sink);
                asked = false;
            }
        }
    }

    /// Judges what was read, unless that was done before and nobody asks for it again.
    fn attempt(&mut self, reading: Reading, asked: bool, sink: &mut impl Sink<R::Value>) {
        let hash = reading.hash;
        if !asked && self.attempted == Some(hash) {
            return;
        }
        self.attempted = Some(hash);
        if !asked && self.in_force == Some(hash) {
            tracing::info!("{}: again what is in force", self.what.name());
            return sink.restored();
        }
        let judged = self.judge(reading).map_err(|refused| refused.to_string());
        match judged.and_then(|value| sink.publish(value)) {
            Ok(Published { generation, changes }) => {
                self.in_force = Some(hash);
                tracing::info!(generation, changes, "{}: reloaded", self.what.name());
            }
            Err(why) => {
                tracing::error!("{}: refused, the last good one stays in force:\n{why}", self.what.name());
                sink.refused(&why);
            }
        }
    }

    fn judge(&mut self, reading: Reading) -> Result<R::Value, Refused<R::Fault>> {
        let contents = reading.contents.map_err(Refused::Unreadable)?;
        // A reloadable that panics is not asked again before the files change, and then starts from their contents.
        match catch_unwind(AssertUnwindSafe(|| self.what.load(&contents))) {
            Ok(judged) => judged.map_err(Refused::Faulty),
            Err(panic) => Err(Refused::Panicked(message(&*panic))),
        }
    }

    fn read(&self) -> Reading {
        let mut hash = Sha256::new();
        let (mut contents, mut errors) = (Vec::new(), Vec::new());
        for path in self.what.paths() {
            match read_file(&path) {
                Ok(file) => {
                    hash.update([1]);
                    hash.update(file.hash.as_bytes());
                    contents.push(file);
                }
                Err(error) => {
                    hash.update([0]);
                    hash.update(ContentHash::of(error.to_string().as_bytes()).as_bytes());
                    errors.push(error);
                }
            }
        }
        let contents = if errors.is_empty() { Ok(contents) } else { Err(errors) };
        Reading { contents, hash: ContentHash::of(&hash.finalize()) }
    }
}

/// All files, read once.
struct Reading {
    contents: Result<Vec<Contents>, Vec<ReadError>>,
    /// Of what was read, or of why it could not be.
    hash: ContentHash,
}

fn lines(errors: &[ReadError]) -> String {
    errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "no message".to_owned())
}

/// A document that would leave nobody in. Emptied by accident far more often than on purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoUsersLeft {
    before: usize,
}

impl fmt::Display for NoUsersLeft {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let before = self.before;
        write!(f, "it has no users, while {before} are in force; allow_no_users = true says that this is meant")
    }
}

impl Error for NoUsersLeft {}

/// Refuses a document that suddenly has no users, unless it says `allow_no_users = true`.
///
/// # Errors
/// If the snapshot in force has users and the new document has none and does not allow it.
pub fn guard_no_users(in_force: &Snapshot, new_users: usize, allowed: bool) -> Result<(), NoUsersLeft> {
    let before = in_force.users.len();
    if before > 0 && new_users == 0 && !allowed { Err(NoUsersLeft { before }) } else { Ok(()) }
}

#[cfg(test)]
mod tests;
