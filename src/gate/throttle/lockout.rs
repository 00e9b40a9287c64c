//! Lock-out: wrong credentials are slowed down, by name and source, and by source alone.
//!
//! - What is counted is a name *from one source*. Whoever guesses at a user's token from elsewhere never locks that user
//!   out, and a success from one source clears nothing of another.
//! - The wrong tries of a source over all names have a higher threshold of their own. Those that a name's own waits slow
//!   down already do not count there: one client that was set up wrongly must not lock out all who share its address.
//! - While a wait lasts nothing is verified and nothing is counted, right or wrong: an answer that differed would tell
//!   which it was.
//! - Names are kept as numbers under a key of this process. A name that exists and one that does not go the same way.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use super::count::{Count, Pace};
use super::known::Known;
use super::source::Source;
use super::table::{Room, Table};
use crate::record::{Metrics, Scope, Table as Name};
use crate::settings;

/// Whose wrong tries are counted together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Key {
    /// All of a source.
    Source(Source),
    /// Those of a source for one name.
    Pair(Source, NameKey),
}

impl Key {
    fn source(self) -> Source {
        match self {
            Self::Source(source) | Self::Pair(source, _) => source,
        }
    }
}

/// A user name that credentials claim, as a number that only this process can compute.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct NameKey(u64);

/// One presentation of credentials, from before they are verified until it is known what they prove.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Attempt {
    source: Source,
    /// Nothing is kept about the source: there is nothing to look up and nothing to clear.
    clean: bool,
}

impl Attempt {
    /// Whether nothing is kept about the source.
    pub(crate) fn is_clean(&self) -> bool {
        self.clean
    }
}

/// A wait that has to end before credentials are verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Locked {
    pub(crate) wait: Duration,
    pub(crate) scope: Scope,
}

/// A lock-out that began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Begun {
    pub(crate) failures: u64,
    pub(crate) wait: Duration,
    pub(crate) scope: Scope,
    /// Whether it is the first, and not one that follows upon another.
    pub(crate) first: bool,
}

/// One entry, for those who run the gateway.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    /// Where the tries came from: an address, or an IPv6 network.
    pub(crate) address: String,
    pub(crate) user: Claimed,
    pub(crate) failures: u64,
    /// How much longer nothing is verified.
    pub(crate) wait: Option<Duration>,
}

/// The name that tries claimed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Claimed {
    /// Any.
    Any,
    /// This user's.
    User(String),
    /// One that no user has. Which one is not kept.
    Unknown,
}

/// The wrong tries of all sources.
pub(super) struct Lockout {
    table: Table<Key, Count>,
    known: Known,
    names: RandomState,
    pair: Pace,
    source: Pace,
    metrics: Arc<Metrics>,
}

impl Lockout {
    pub(super) fn new(settings: &settings::Lockout, metrics: &Arc<Metrics>) -> Self {
        let nanos = |duration: Duration| u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        let pace = |failures: u32| Pace {
            failures: failures.into(),
            first: nanos(settings.first_wait),
            longest: nanos(settings.longest_wait),
            forget: nanos(settings.forget).max(1),
        };
        let names = RandomState::new();
        Self {
            table: Table::new(settings.entries as usize, Name::Lockout, metrics),
            known: Known::new(RandomState::new().hash_one(0)),
            names,
            pair: pace(settings.failures),
            source: pace(settings.address_failures),
            metrics: Arc::clone(metrics),
        }
    }

    /// The number that stands for a name.
    pub(super) fn name(&self, name: &str) -> NameKey {
        NameKey(self.names.hash_one(name))
    }

    /// Whether credentials from an address may be verified. `name` is what they claim, where they can be read.
    ///
    /// Where nothing is kept about the source, as is usual, this is one load.
    pub(super) fn attempt(&self, address: IpAddr, name: Option<&str>, now: u64) -> Result<Attempt, Locked> {
        let source = Source::of(address);
        if !self.known.about(source) {
            return Ok(Attempt { source, clean: true });
        }
        let pair = name.map(|name| Key::Pair(source, self.name(name)));
        match self.locked(source, pair, now) {
            Some(locked) => Err(locked),
            None => Ok(Attempt { source, clean: false }),
        }
    }

    /// Whether a name has to wait at an address, whatever else has to.
    pub(super) fn holds(&self, address: IpAddr, name: &str, now: u64) -> bool {
        self.table.get(&Key::Pair(Source::of(address), self.name(name))).wait(now).is_some()
    }

    /// The credentials are wrong. What begins with it is told; where a wait has begun meanwhile, nothing is counted.
    pub(super) fn failed(&self, attempt: Attempt, name: NameKey, now: u64) -> Result<Option<Begun>, Locked> {
        let Attempt { source, .. } = attempt;
        let pair = Key::Pair(source, name);
        if let Some(locked) = self.locked(source, Some(pair), now) {
            return Err(locked);
        }
        let (failures, of_pair) = self.count(pair, &self.pair, now);
        if failures > self.pair.failures {
            return Ok(of_pair);
        }
        let (_, of_source) = self.count(Key::Source(source), &self.source, now);
        Ok(of_source.or(of_pair))
    }

    /// The credentials are right: the pair is forgotten. Where a wait began while they were verified, as it does when
    /// many are tried at once, they prove nothing.
    pub(super) fn proved(&self, attempt: Attempt, name: NameKey, now: u64) -> Result<(), Locked> {
        let Attempt { source, .. } = attempt;
        if !self.known.about(source) {
            return Ok(());
        }
        let pair = Key::Pair(source, name);
        if let Some(locked) = self.locked(source, Some(pair), now) {
            return Err(locked);
        }
        if self.table.remove(&pair) {
            self.known.removed(source);
        }
        Ok(())
    }

    fn locked(&self, source: Source, pair: Option<Key>, now: u64) -> Option<Locked> {
        let wait = |key: &Key| self.table.get(key).wait(now);
        let of_pair = pair.as_ref().and_then(wait).map(|wait| Locked { wait, scope: Scope::User });
        let of_source = wait(&Key::Source(source)).map(|wait| Locked { wait, scope: Scope::Address });
        // What ends last is what the client has to wait for.
        of_pair.into_iter().chain(of_source).max_by_key(|locked| locked.wait)
    }

    fn count(&self, key: Key, pace: &Pace, now: u64) -> (u64, Option<Begun>) {
        let scope = if matches!(key, Key::Source(_)) { Scope::Address } else { Scope::User };
        let ((failures, wait), room) = self.table.change(key, now, |count| {
            let wait = count.fail(pace, now);
            (count.failures(pace, now), wait)
        });
        match room {
            Room::Had => {}
            Room::Took => self.known.added(key.source()),
            Room::From(other) => {
                self.known.added(key.source());
                self.known.removed(other.source());
            }
        }
        let first = failures == pace.failures;
        let begun = wait.map(|wait| Begun { failures, wait, scope, first });
        if begun.is_some() {
            self.metrics.lockout_begun(scope);
        }
        (failures, begun)
    }

    /// Forgets what was tried for all names, and nothing of addresses.
    pub(super) fn forgive(&self) {
        self.forget(|key, _| matches!(key, Key::Source(_)));
    }

    /// Gives back the room of what is forgotten.
    pub(super) fn sweep(&self, now: u64) {
        self.forget(|_, count| super::table::Lasting::until(count) > now);
    }

    /// All entries, those first that wait longest and failed most. `users` are the names that may be told.
    pub(super) fn entries<'u>(&self, users: impl Iterator<Item = &'u str>, now: u64) -> Vec<Entry> {
        let users: HashMap<u64, &str> = users.map(|user| (self.name(user).0, user)).collect();
        let mut entries = Vec::new();
        self.table.each(|key, count| {
            let (user, pace) = match key {
                Key::Source(_) => (Claimed::Any, &self.source),
                Key::Pair(_, name) => {
                    (users.get(&name.0).map_or(Claimed::Unknown, |user| Claimed::User((*user).to_owned())), &self.pair)
                }
            };
            let (failures, wait) = (count.failures(pace, now), count.wait(now));
            if failures > 0 || wait.is_some() {
                entries.push(Entry { address: key.source().to_string(), user, failures, wait });
            }
        });
        entries.sort_by(|a, b| {
            let (x, y) = ((b.wait, b.failures), (a.wait, a.failures));
            x.cmp(&y).then_with(|| (&a.address, &a.user).cmp(&(&b.address, &b.user)))
        });
        entries
    }

    /// Forgets everything, what is kept of a source, or what is kept of a name from a source; how many entries that were.
    pub(super) fn clear(&self, address: Option<IpAddr>, user: Option<&str>) -> usize {
        let source = address.map(Source::of);
        let name = user.map(|user| self.name(user));
        self.forget(|key, _| {
            let elsewhere = source.is_some_and(|source| source != key.source());
            let other = name.is_some_and(|name| !matches!(key, Key::Pair(_, held) if *held == name));
            elsewhere || other
        })
    }

    fn forget(&self, keep: impl Fn(&Key, &Count) -> bool) -> usize {
        self.table.retain(|key, count| {
            let keep = keep(key, count);
            if !keep {
                self.known.removed(key.source());
            }
            keep
        })
    }
}

#[cfg(test)]
#[path = "lockout_tests.rs"]
mod tests;
