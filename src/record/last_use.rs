//! When each token was last used.
//!
//! Each worker notes in [`TokenUses`], which is its own, and hands over to [`LastUse`] from time to time: a request
//! writes nothing that others share. What is shared is read by the panel, and written to a file by `server` if the
//! settings name one. A token is known by its mark alone (see [`TokenHash::mark`](crate::policy::TokenHash::mark)).

mod file;

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

pub use file::{StateError, StateFile};

/// Marks of tokens, and the second since 1970 in which each was last used.
pub type Marks = HashMap<u64, u64, BuildHasherDefault<AsItIs>>;

/// Takes a mark for its own hash: marks are the beginnings of hashes, and only valid tokens have one here.
#[derive(Clone, Copy, Debug, Default)]
pub struct AsItIs(u64);

impl Hasher for AsItIs {
    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.0 = self.0.rotate_left(8) ^ u64::from(*byte));
    }

    fn write_u64(&mut self, mark: u64) {
        self.0 = mark;
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

/// One worker's notes.
#[derive(Debug)]
pub struct TokenUses {
    shared: Arc<LastUse>,
    noted: RefCell<Marks>,
    /// What was noted last: most requests come on the heels of another by the same client.
    last: Cell<(u64, u64)>,
}

impl TokenUses {
    /// Notes nothing yet, and hands over to this.
    #[must_use]
    pub fn new(shared: Arc<LastUse>) -> Self {
        Self { shared, noted: RefCell::default(), last: Cell::default() }
    }

    /// Notes that a token was used.
    pub fn note(&self, mark: u64, at: SystemTime) {
        let use_now = (mark, seconds(at));
        if self.last.replace(use_now) != use_now {
            self.noted.borrow_mut().insert(use_now.0, use_now.1);
        }
    }

    /// Hands over what has been noted since the last time, as it is: of a hundred thousand users there may be as many
    /// notes, and taking them in is for whoever looks at them, while a worker has requests waiting.
    pub fn hand_over(&self) {
        let mut noted = self.noted.borrow_mut();
        if !noted.is_empty() {
            // There will be as many again, so that the room need not be made as they come.
            let room = Marks::with_capacity_and_hasher(noted.len(), BuildHasherDefault::default());
            self.shared.handed().push(mem::replace(&mut *noted, room));
        }
    }
}

/// When each token was last used, as far as workers have handed over: some seconds ago.
#[derive(Debug, Default)]
pub struct LastUse {
    state: Mutex<State>,
    /// What workers have handed over and nobody has looked at yet. Never locked for longer than a push or a take.
    handed: Mutex<Vec<Marks>>,
}

#[derive(Debug, Default)]
struct State {
    marks: Marks,
    changed: bool,
}

impl State {
    fn take_in(&mut self, uses: impl IntoIterator<Item = (u64, u64)>) {
        self.changed |= take_in(&mut self.marks, uses);
    }
}

impl LastUse {
    /// When a token was last used, to the second; `None` for one that never was, as far as is known.
    #[must_use]
    pub fn of(&self, mark: u64) -> Option<SystemTime> {
        self.state().marks.get(&mark).map(|seconds| UNIX_EPOCH + Duration::from_secs(*seconds))
    }

    /// Takes in uses, of which the latest counts.
    pub fn note(&self, uses: impl IntoIterator<Item = (u64, u64)>) {
        self.state().take_in(uses);
    }

    /// Takes in what another source knows already, so that it need not be told there.
    pub fn learn(&self, known: impl IntoIterator<Item = (u64, u64)>) {
        take_in(&mut self.state().marks, known);
    }

    /// Forgets all tokens but these, and hands out what is known of them if that has changed since the last time.
    #[must_use]
    pub fn news(&self, keep: impl Fn(u64) -> bool) -> Option<Marks> {
        let mut state = self.state();
        mem::take(&mut state.changed).then(|| {
            state.marks.retain(|mark, _| keep(*mark));
            state.marks.clone()
        })
    }

    /// Whether there is anything that [`Self::news`] would hand out.
    #[must_use]
    pub fn has_changed(&self) -> bool {
        self.state().changed
    }

    /// Has [`Self::news`] hand out everything again: what it handed out last was lost.
    pub fn again(&self) {
        self.state().changed = true;
    }

    /// With all that was handed over. No panic leaves it half changed in a way that matters.
    fn state(&self) -> MutexGuard<'_, State> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let handed = mem::take(&mut *self.handed());
        handed.into_iter().for_each(|marks| state.take_in(marks));
        state
    }

    fn handed(&self) -> MutexGuard<'_, Vec<Marks>> {
        self.handed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether anything in it was news.
fn take_in(marks: &mut Marks, uses: impl IntoIterator<Item = (u64, u64)>) -> bool {
    let mut news = false;
    for (mark, at) in uses {
        let known = marks.entry(mark).or_default();
        news |= at > *known;
        *known = at.max(*known);
    }
    news
}

fn seconds(at: SystemTime) -> u64 {
    at.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::{Duration, UNIX_EPOCH};

    use super::{LastUse, TokenUses};

    #[test]
    fn workers_hand_over_and_the_latest_use_counts() {
        let shared = Arc::new(LastUse::default());
        let (one, two) = (TokenUses::new(Arc::clone(&shared)), TokenUses::new(Arc::clone(&shared)));
        let at = |second| UNIX_EPOCH + Duration::from_secs(second);
        one.note(7, at(20));
        one.note(7, at(20));
        one.note(8, at(21));
        two.note(7, at(19));
        assert_eq!(shared.of(7), None, "nothing is shared before it is handed over");
        one.hand_over();
        two.hand_over();
        assert_eq!((shared.of(7), shared.of(8), shared.of(9)), (Some(at(20)), Some(at(21)), None));
        one.note(7, at(22));
        one.note(8, at(22));
        one.note(7, at(22));
        one.hand_over();
        assert_eq!((shared.of(7), shared.of(8)), (Some(at(22)), Some(at(22))));
    }

    #[test]
    fn a_worker_does_not_wait_for_who_looks_and_loses_nothing() {
        let shared = Arc::new(LastUse::default());
        let uses = TokenUses::new(Arc::clone(&shared));
        uses.note(7, UNIX_EPOCH + Duration::from_secs(20));
        let looking = shared.state();
        uses.hand_over();
        assert_eq!(looking.marks.len(), 0);
        drop(looking);
        assert!(shared.of(7).is_some());
    }

    #[test]
    fn news_are_told_once_and_only_of_tokens_that_there_are() {
        let shared = LastUse::default();
        shared.learn([(1, 5), (2, 5)]);
        assert!(!shared.has_changed() && shared.news(|_| true).is_none(), "that was known elsewhere");
        shared.note([(1, 4)]);
        assert!(shared.news(|_| true).is_none(), "that was older");
        shared.note([(1, 6), (3, 6)]);
        let told: Vec<_> = shared.news(|mark| mark != 2).unwrap().into_iter().collect();
        assert_eq!((told.len(), shared.of(2)), (2, None));
        assert!(shared.news(|_| true).is_none());
        shared.again();
        assert_eq!(shared.news(|mark| mark == 1).unwrap().get(&1), Some(&6));
    }
}
