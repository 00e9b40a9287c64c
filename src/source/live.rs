//! The snapshot in force: [`Live`] for those who read it, [`Publisher`] for the one who replaces it.
//!
//! The gate takes the snapshot once for each request; the workers wait on [`Live::changes`] to cut the streams of users
//! who lost access. Nothing here knows how a snapshot is made.

use std::sync::Arc;

use arc_swap::ArcSwap;
use tokio::sync::watch;

use crate::policy::Snapshot;

/// The read side. Clones are cheap and all see the same snapshot.
#[derive(Clone, Debug)]
pub struct Live {
    current: Arc<ArcSwap<Snapshot>>,
    generations: watch::Receiver<u64>,
}

/// The write side. There is one, and publishing borrows it mutably, so generations rise without a lock.
#[derive(Debug)]
pub struct Publisher {
    current: Arc<ArcSwap<Snapshot>>,
    generations: watch::Sender<u64>,
}

impl Live {
    /// Puts a first snapshot in force, as generation 1.
    #[must_use]
    pub fn start(mut first: Snapshot) -> (Self, Publisher) {
        first.generation = 1;
        let current = Arc::new(ArcSwap::from_pointee(first));
        let (sender, generations) = watch::channel(1);
        let publisher = Publisher { current: Arc::clone(&current), generations: sender };
        (Self { current, generations }, publisher)
    }

    /// The snapshot in force: one atomic load, whatever else goes on. Take it once for a request and keep it.
    #[must_use]
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.current.load_full()
    }

    /// Tells of generations that take effect from now on. Whoever also needs the snapshot takes this first: a
    /// generation that was told is never newer than [`Self::snapshot`].
    #[must_use]
    pub fn changes(&self) -> watch::Receiver<u64> {
        let mut changes = self.generations.clone();
        changes.mark_unchanged();
        changes
    }
}

impl Publisher {
    /// Puts a snapshot in force. Its generation is given here, one above the last, whatever it came with.
    pub fn publish(&mut self, mut snapshot: Snapshot) -> Arc<Snapshot> {
        let generation = self.current.load().generation + 1;
        snapshot.generation = generation;
        let snapshot = Arc::new(snapshot);
        self.current.store(Arc::clone(&snapshot));
        // After the store, so that who hears of a generation finds it.
        self.generations.send_replace(generation);
        snapshot
    }

    /// The snapshot in force.
    #[must_use]
    pub fn current(&self) -> Arc<Snapshot> {
        self.current.load_full()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::thread;

    use super::{Live, Snapshot};
    use crate::policy::{Policy, Users};

    fn snapshot() -> Snapshot {
        Snapshot { generation: 77, users: Users::default(), policy: Policy::default() }
    }

    #[test]
    fn generations_count_up_from_one() {
        let (live, mut publisher) = Live::start(snapshot());
        assert_eq!(live.snapshot().generation, 1);
        for generation in 2..5 {
            assert_eq!(publisher.publish(snapshot()).generation, generation);
            assert_eq!(live.clone().snapshot().generation, generation);
        }
    }

    #[test]
    fn a_snapshot_taken_is_not_changed_by_the_next() {
        let (live, mut publisher) = Live::start(snapshot());
        let taken = live.snapshot();
        publisher.publish(snapshot());
        assert_eq!(taken.generation, 1);
        assert!(!Arc::ptr_eq(&taken, &live.snapshot()));
    }

    #[test]
    fn changes_tells_only_of_what_comes_later() {
        let (live, mut publisher) = Live::start(snapshot());
        publisher.publish(snapshot());
        let changes = live.changes();
        assert!(!changes.has_changed().unwrap());
        publisher.publish(snapshot());
        assert!(changes.has_changed().unwrap());
        assert_eq!(*changes.borrow(), 3);
    }

    #[test]
    fn readers_never_see_a_generation_twice_over_or_too_late() {
        const LAST: u64 = 20_000;
        let (live, mut publisher) = Live::start(snapshot());
        thread::scope(|scope| {
            for _ in 0..4 {
                let live = live.clone();
                scope.spawn(move || {
                    let changes = live.changes();
                    let mut newest = 0;
                    while newest < LAST {
                        let told = *changes.borrow();
                        let generation = live.snapshot().generation;
                        assert!(generation >= told, "told of {told}, found {generation}");
                        assert!(generation >= newest, "{generation} after {newest}");
                        newest = generation;
                    }
                });
            }
            for _ in 1..LAST {
                publisher.publish(snapshot());
            }
        });
    }
}
