//! How many wrong tries there were, and until when the next one has to wait.
//!
//! One wrong try is forgotten every so often. So all that is kept of the count is one moment: when all are forgotten.

use std::time::Duration;

use super::table::Lasting;

/// How tries are counted and slowed down.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    /// From which wrong try on there is a wait.
    pub(super) failures: u64,
    /// In nanoseconds: the first wait, the longest, and after how long one wrong try is forgotten.
    pub(super) first: u64,
    pub(super) longest: u64,
    pub(super) forget: u64,
}

/// The wrong tries of one key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Count {
    /// When the last of them is forgotten.
    forgotten: u64,
    /// Until when nothing is verified.
    locked: u64,
}

impl Lasting for Count {
    fn until(&self) -> u64 {
        self.forgotten.max(self.locked)
    }
}

impl Count {
    /// How many wrong tries are remembered.
    pub(super) fn failures(&self, pace: &Pace, now: u64) -> u64 {
        self.forgotten.saturating_sub(now).div_ceil(pace.forget)
    }

    /// How much longer nothing is verified.
    pub(super) fn wait(&self, now: u64) -> Option<Duration> {
        self.locked.checked_sub(now).filter(|left| *left > 0).map(Duration::from_nanos)
    }

    /// Counts a wrong try; the wait that it begins.
    pub(super) fn fail(&mut self, pace: &Pace, now: u64) -> Option<Duration> {
        self.forgotten = self.forgotten.max(now).saturating_add(pace.forget);
        let beyond = self.failures(pace, now).checked_sub(pace.failures)?;
        let doubled = u32::try_from(beyond).ok().and_then(|times| 1u64.checked_shl(times));
        let wait = pace.first.saturating_mul(doubled.unwrap_or(u64::MAX)).min(pace.longest);
        self.locked = now.saturating_add(wait);
        Some(Duration::from_nanos(wait))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::table::Lasting;
    use super::{Count, Pace};

    const SECOND: u64 = 1_000_000_000;
    const MINUTE: u64 = 60 * SECOND;
    const PACE: Pace = Pace { failures: 10, first: SECOND, longest: 15 * MINUTE, forget: 15 * MINUTE };

    #[test]
    fn the_wait_doubles_from_the_threshold_on() {
        let (mut count, mut now) = (Count::default(), MINUTE);
        let mut waits = Vec::new();
        for _ in 0..22 {
            let wait = count.fail(&PACE, now);
            assert_eq!(count.wait(now), wait);
            waits.push(wait.map_or(0, |wait| wait.as_secs()));
            now += wait.map_or(0, |wait| u64::try_from(wait.as_nanos()).unwrap());
            assert_eq!(count.wait(now), None, "over to the nanosecond");
        }
        // At the cap one is forgotten for each that is tried.
        let expected = [0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 512, 900, 900];
        assert_eq!(waits.len(), expected.len());
        assert_eq!(waits[..19], expected[..19]);
        assert!(waits[19..].iter().all(|wait| [512, 900].contains(wait)), "{waits:?}");
    }

    #[test]
    fn one_is_forgotten_every_so_often_and_at_last_all() {
        let mut count = Count::default();
        for _ in 0..10 {
            count.fail(&PACE, 0);
        }
        for (minutes, left) in [(0, 10), (14, 10), (15, 9), (30, 8), (149, 1), (150, 0), (1000, 0)] {
            assert_eq!(count.failures(&PACE, minutes * MINUTE), left, "{minutes}");
        }
        assert_eq!(count.until(), 150 * MINUTE);
        let mut slow = Count::default();
        for hours in 0..1000 {
            assert_eq!(slow.fail(&PACE, hours * 60 * MINUTE), None, "mistakes now and then never add up");
        }
    }

    #[test]
    fn a_lock_lasts_though_the_count_is_forgotten() {
        let pace = Pace { failures: 1, first: MINUTE, longest: MINUTE, forget: SECOND };
        let mut count = Count::default();
        assert_eq!(count.fail(&pace, 0), Some(Duration::from_secs(60)));
        assert_eq!((count.failures(&pace, SECOND), count.wait(SECOND)), (0, Some(Duration::from_secs(59))));
        assert_eq!(count.until(), MINUTE);
    }

    #[test]
    fn no_number_overflows() {
        let pace = Pace { failures: 1, first: u64::MAX / 2, longest: u64::MAX, forget: 1 };
        let mut count = Count::default();
        for _ in 0..200 {
            count.fail(&pace, u64::MAX - 100);
        }
        assert!(count.wait(u64::MAX - 100).is_some());
    }
}
