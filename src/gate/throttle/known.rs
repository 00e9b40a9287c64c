//! Whether anything at all is kept about a source: the one thing that every request asks, and it takes one load.
//!
//! A row of counters, and each source has one of them, which it may share with others. Where the counter is zero there
//! is nothing to look up. Where it is not, the table is asked, which costs more and is right.

use std::sync::atomic::{AtomicU32, Ordering};

use super::source::Source;

/// Bits of a counter's place.
const BITS: u32 = 12;

/// The counters.
pub(super) struct Known {
    counters: Box<[AtomicU32]>,
    /// Odd and random, so that nobody can choose sources that share the counter of somebody else.
    factor: u64,
}

impl Known {
    pub(super) fn new(random: u64) -> Self {
        Self { counters: (0..1 << BITS).map(|_| AtomicU32::new(0)).collect(), factor: random | 1 }
    }

    /// Whether there may be an entry of this source.
    pub(super) fn about(&self, source: Source) -> bool {
        self.counter(source).is_some_and(|counter| counter.load(Ordering::Relaxed) != 0)
    }

    pub(super) fn added(&self, source: Source) {
        if let Some(counter) = self.counter(source) {
            counter.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// The entry may have been added by another thread that has not come to say so: then the counter wraps for a moment.
    pub(super) fn removed(&self, source: Source) {
        if let Some(counter) = self.counter(source) {
            counter.fetch_sub(1, Ordering::Relaxed);
        }
    }

    fn counter(&self, source: Source) -> Option<&AtomicU32> {
        let place = source.bits().wrapping_mul(self.factor) >> (64 - BITS);
        self.counters.get(usize::try_from(place).unwrap_or_default())
    }
}
