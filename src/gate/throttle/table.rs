//! A table of a fixed number of entries, shared by all workers, which cannot grow whoever fills it.
//!
//! A key belongs to one of many small sets and finds its place only there: so what an operation costs does not depend on
//! how full the table is, and two workers wait for each other only if they want the same set. Which set it is cannot be
//! foretold, for the hash has a random key, so nobody can aim at the entries of somebody else.
//!
//! Every value says until when it means anything. A full set gives up the entry whose meaning ends first: one that is
//! stale if there is any, and the one that matters least if there is none.

use std::hash::{BuildHasher, Hash, RandomState};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::record::{Metrics, Table as Name};

/// The entries of a set. With so many, hardly a set is full before the table is.
const WAYS: usize = 16;

/// What is kept of a key.
pub(super) trait Lasting: Copy + Default {
    /// Until when it means anything, in nanoseconds of the table's clock. The later, the more it matters.
    fn until(&self) -> u64;
}

/// What became of the entries when a value changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Room<K> {
    /// The key had an entry.
    Had,
    /// It was given a free place.
    Took,
    /// It was given the place of another key.
    From(K),
}

/// The table.
pub(super) struct Table<K, V> {
    sets: Box<[Mutex<Set<K, V>>]>,
    keyed: RandomState,
    name: Name,
    metrics: Arc<Metrics>,
}

/// Empty until something is put into it, and then of [`WAYS`] places.
type Set<K, V> = Vec<(K, V)>;

impl<K: Copy + Eq + Hash, V: Lasting> Table<K, V> {
    /// A table of at most so many entries.
    pub(super) fn new(entries: usize, name: Name, metrics: &Arc<Metrics>) -> Self {
        let sets = (0..(entries / WAYS).max(1)).map(|_| Mutex::default()).collect();
        Self { sets, keyed: RandomState::new(), name, metrics: Arc::clone(metrics) }
    }

    /// What is kept of a key; the default where nothing is.
    pub(super) fn get(&self, key: &K) -> V {
        let set = self.set(key);
        let found = set.as_ref().and_then(|set| set.iter().find(|(held, _)| held == key));
        found.map(|(_, value)| *value).unwrap_or_default()
    }

    /// Changes what is kept of a key, making room where it is new.
    pub(super) fn change<R>(&self, key: K, now: u64, change: impl FnOnce(&mut V) -> R) -> (R, Room<K>) {
        let mut fresh = V::default();
        // There is always at least one set.
        let Some(mut set) = self.set(&key) else { return (change(&mut fresh), Room::Had) };
        if let Some((_, value)) = set.iter_mut().find(|(held, _)| *held == key) {
            return (change(value), Room::Had);
        }
        let told = change(&mut fresh);
        if set.len() < WAYS {
            if set.capacity() == 0 {
                set.reserve_exact(WAYS);
            }
            set.push((key, fresh));
            self.metrics.table_grew(self.name, 1);
            return (told, Room::Took);
        }
        let Some(place) = set.iter_mut().min_by_key(|(_, value)| value.until()) else { return (told, Room::Had) };
        let (given_up, value) = std::mem::replace(place, (key, fresh));
        if value.until() > now {
            self.metrics.table_overflowed(self.name);
        }
        (told, Room::From(given_up))
    }

    /// Forgets what `keep` does not want to keep, and tells how many entries that were.
    pub(super) fn retain(&self, mut keep: impl FnMut(&K, &V) -> bool) -> usize {
        let mut gone = 0;
        for set in &self.sets {
            let mut set = lock(set);
            let before = set.len();
            set.retain(|(key, value)| keep(key, value));
            gone += before - set.len();
        }
        self.metrics.table_shrank(self.name, gone);
        gone
    }

    /// Forgets a key; whether there was anything to forget.
    pub(super) fn remove(&self, key: &K) -> bool {
        let Some(mut set) = self.set(key) else { return false };
        let before = set.len();
        set.retain(|(held, _)| held != key);
        let gone = before - set.len();
        self.metrics.table_shrank(self.name, gone);
        gone > 0
    }

    /// Looks at all entries, in no order.
    pub(super) fn each(&self, mut look: impl FnMut(&K, &V)) {
        self.sets.iter().for_each(|set| lock(set).iter().for_each(|(key, value)| look(key, value)));
    }

    /// The bytes that it takes at this moment.
    #[cfg(test)]
    pub(super) fn bytes(&self) -> usize {
        let set = |set: &Mutex<Set<K, V>>| size_of_val(set) + lock(set).capacity() * size_of::<(K, V)>();
        self.sets.iter().map(set).sum()
    }

    fn set(&self, key: &K) -> Option<MutexGuard<'_, Set<K, V>>> {
        let hash = usize::try_from(self.keyed.hash_one(key)).unwrap_or(usize::MAX);
        self.sets.get(hash.checked_rem(self.sets.len())?).map(lock)
    }
}

/// A set is whole whatever its last user came to.
fn lock<T>(set: &Mutex<T>) -> MutexGuard<'_, T> {
    set.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::ops::Range;
    use std::sync::Arc;

    use super::{Lasting, Room, Table, WAYS};
    use crate::record::{Metrics, Table as Name};

    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    struct Until(u64);

    impl Lasting for Until {
        fn until(&self) -> u64 {
            self.0
        }
    }

    fn table(entries: usize) -> (Table<u64, Until>, Arc<Metrics>) {
        let metrics = Arc::new(Metrics::new());
        (Table::new(entries, Name::Lockout, &metrics), metrics)
    }

    fn put(table: &Table<u64, Until>, key: u64, until: u64, now: u64) -> Room<u64> {
        table.change(key, now, |value| value.0 = until).1
    }

    fn fill(table: &Table<u64, Until>, keys: Range<u64>, until: impl Fn(u64) -> u64) {
        for key in keys {
            put(table, key, until(key), 0);
        }
    }

    fn held(table: &Table<u64, Until>) -> usize {
        let mut held = 0;
        table.each(|_, _| held += 1);
        held
    }

    #[test]
    fn values_are_kept_changed_and_forgotten() {
        let (table, _) = table(1000);
        assert_eq!(table.get(&1), Until(0));
        assert_eq!(put(&table, 1, 5, 0), Room::Took);
        assert_eq!(table.change(1, 0, |value| std::mem::replace(&mut value.0, 6)), (5, Room::Had));
        assert_eq!(table.get(&1), Until(6));
        assert!(table.remove(&1) && !table.remove(&1));
        assert_eq!(table.get(&1), Until(0));
        fill(&table, 0..100, |key| key);
        assert_eq!(table.retain(|_, value| value.0 >= 90), 90);
        assert_eq!(held(&table), 10);
    }

    #[test]
    fn a_full_set_gives_up_what_is_stale_and_then_what_matters_least() {
        let (table, metrics) = table(WAYS);
        for key in 0..WAYS as u64 {
            assert_eq!(put(&table, key, 100 + key, 0), Room::Took);
        }
        assert_eq!(put(&table, 50, 500, 0), Room::From(0), "the least");
        put(&table, 7, 10, 0);
        assert_eq!(put(&table, 51, 500, 20), Room::From(7), "the stale one");
        assert_eq!(put(&table, 52, 500, 20), Room::From(1), "the least again");
        assert_eq!(held(&table), WAYS);
        let text = metrics.encode();
        assert!(text.contains("portcullis_table_entries{table=\"lockout\"} 16\n"), "{text}");
        // What was stale anyway is no loss.
        assert!(text.contains("portcullis_table_evictions_total{table=\"lockout\"} 2\n"), "{text}");
    }

    #[test]
    fn it_never_grows_and_is_nearly_full_before_anything_is_lost() {
        let (table, metrics) = table(16_000);
        fill(&table, 0..8000, |_| 1000);
        assert!(held(&table) > 7900, "{}", held(&table));
        fill(&table, 0..200_000, |_| 1000);
        assert!((15_900..=16_000).contains(&held(&table)), "{}", held(&table));
        assert!(
            metrics.encode().contains(&format!("portcullis_table_entries{{table=\"lockout\"}} {}\n", held(&table)))
        );
    }
}
