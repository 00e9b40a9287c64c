//! Keeping, from one start to the next, when tokens were last used: the file that `state` in the settings names.
//!
//! Run by the control thread. The file is a help and no more: whatever is wrong with it is warned about once, and requests
//! go on.

use std::collections::HashSet;
use std::convert::Infallible;
use std::hash::BuildHasherDefault;
use std::mem;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, interval_at};

use crate::record::{AsItIs, LastUse, StateError, StateFile};
use crate::source::live::Live;

/// How often it is written, if anything has changed.
const PERIOD: Duration = Duration::from_secs(30);

/// What is known of uses, and where it is kept.
pub(super) struct UseKeeper {
    uses: Arc<LastUse>,
    live: Live,
    /// `None` for in memory alone.
    file: Option<StateFile>,
    /// Whether the last failure has been told.
    complained: bool,
}

impl UseKeeper {
    /// Reads the file, if there is to be one.
    pub(super) fn start(path: Option<&Path>, uses: Arc<LastUse>, live: Live) -> Self {
        let mut keeper = Self { uses, live, file: path.map(StateFile::new), complained: false };
        match keeper.file.as_ref().map(StateFile::read).transpose() {
            Ok(known) => keeper.uses.learn(known.unwrap_or_default()),
            Err(error) => keeper.complain(&error),
        }
        keeper
    }

    /// Writes the file from time to time, as long as the future is polled.
    pub(super) async fn run(&mut self) -> Infallible {
        let mut times = interval_at(Instant::now() + PERIOD, PERIOD);
        loop {
            times.tick().await;
            self.keep();
        }
    }

    /// Writes the file if anything has changed, and forgets tokens that there are no longer.
    pub(super) fn keep(&mut self) {
        if !self.uses.has_changed() {
            return;
        }
        let snapshot = self.live.snapshot();
        let tokens = snapshot.users.iter().flat_map(|user| &user.tokens);
        let known: HashSet<u64, BuildHasherDefault<AsItIs>> = tokens.map(|token| token.hash.mark()).collect();
        let keep = |mark: u64| known.contains(&mark);
        let (Some(news), Some(file)) = (self.uses.news(keep), &self.file) else { return };
        match file.write(news, keep) {
            Ok(all) => {
                self.uses.learn(all);
                self.complained = false;
            }
            Err(error) => {
                self.uses.again();
                self.complain(&error);
            }
        }
    }

    fn complain(&mut self, error: &StateError) {
        if !mem::replace(&mut self.complained, true) {
            tracing::warn!("state: {error}; when tokens were last used is kept in memory until it can be written");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::sync::Arc;
    use std::time::SystemTime;

    use super::UseKeeper;
    use crate::policy::TokenHash;
    use crate::record::{LastUse, StateFile};
    use crate::source::document::{Format, read};
    use crate::source::live::Live;

    fn live(secret: &str) -> Live {
        let text = format!("[users.amy]\napi_access = true\ntokens = [\"{}\"]\n", TokenHash::of(secret.as_bytes()));
        let law = read("t", &text, Format::Toml, SystemTime::UNIX_EPOCH).unwrap_or_else(|faults| panic!("{faults}"));
        Live::start(law.into_snapshot(1)).0
    }

    #[test]
    fn what_is_kept_is_known_at_the_next_start_and_gone_with_its_token() {
        let dir = tempfile::tempdir().unwrap();
        let (path, mark) = (dir.path().join("state.json"), TokenHash::of(b"a").mark());
        let uses = Arc::new(LastUse::default());
        let mut keeper = UseKeeper::start(Some(&path), Arc::clone(&uses), live("a"));
        keeper.keep();
        assert!(!path.exists(), "nothing was used");
        uses.note([(mark, 1_782_864_000), (77, 1_782_864_000)]);
        keeper.keep();
        let later = Arc::new(LastUse::default());
        let mut keeper = UseKeeper::start(Some(&path), Arc::clone(&later), live("b"));
        assert_eq!((later.of(mark), later.of(77)), (uses.of(mark), None));
        later.note([(TokenHash::of(b"b").mark(), 1)]);
        keeper.keep();
        assert_eq!(StateFile::new(&path).read().unwrap().len(), 1, "the other token is in no document any more");
    }

    #[test]
    fn a_file_that_is_something_else_is_left_and_uses_are_known_all_the_same() {
        let dir = tempfile::tempdir().unwrap();
        let (path, mark) = (dir.path().join("access.toml"), TokenHash::of(b"a").mark());
        fs::write(&path, "[users.amy]\n").unwrap();
        let uses = Arc::new(LastUse::default());
        let mut keeper = UseKeeper::start(Some(&path), Arc::clone(&uses), live("a"));
        uses.note([(mark, 5)]);
        keeper.keep();
        assert!(keeper.complained && uses.of(mark).is_some());
        assert_eq!(fs::read_to_string(&path).unwrap(), "[users.amy]\n");
        fs::remove_file(&path).unwrap();
        keeper.keep();
        assert!(!keeper.complained && StateFile::new(&path).read().unwrap().len() == 1, "it is tried again");
    }
}
