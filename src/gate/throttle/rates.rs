//! Rate limits, by the generic cell rate algorithm (ITU-T I.371): all that is kept of a key is one moment.
//!
//! That moment is when everything taken so far is paid back, at one request an interval. A request is allowed if it lies
//! less than a burst ahead. So all requests of a unit of time may come at once, and from then on one an interval; over a
//! long time never more than the rate. A request that is refused takes nothing.

use std::time::Duration;

use super::table::Lasting;
use crate::policy::Rate;

/// When all that was taken is paid back, in nanoseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Debt(u64);

impl Lasting for Debt {
    fn until(&self) -> u64 {
        self.0
    }
}

impl Debt {
    /// Takes one request, or says how long there is none to take.
    pub(super) fn take(&mut self, rate: Rate, now: u64) -> Result<(), Duration> {
        let most = now.saturating_add(rate.interval().saturating_mul(rate.burst()));
        // No more than a burst is owed, also to a rate that was lower until a moment ago.
        let after = self.0.clamp(now, most).saturating_add(rate.interval());
        if after > most {
            return Err(Duration::from_nanos(after - most));
        }
        self.0 = after;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::Debt;
    use crate::policy::Rate;

    const SECOND: u64 = 1_000_000_000;

    #[test]
    fn all_of_a_burst_may_come_at_once_and_then_one_an_interval() {
        let (rate, mut debt, start) = (Rate::parse("4/second").unwrap(), Debt::default(), 77 * SECOND);
        for _ in 0..4 {
            assert_eq!(debt.take(rate, start), Ok(()));
        }
        assert_eq!(debt.take(rate, start), Err(Duration::from_millis(250)));
        assert_eq!(debt.take(rate, start + SECOND / 8), Err(Duration::from_millis(125)), "a refusal takes nothing");
        assert_eq!(debt.take(rate, start + SECOND / 4), Ok(()));
        assert_eq!(debt.take(rate, start + SECOND / 4), Err(Duration::from_millis(250)));
        // After a pause of one unit there is a whole burst again, and no more than that however long it was.
        for _ in 0..4 {
            assert_eq!(debt.take(rate, start + 60 * SECOND), Ok(()));
        }
        assert!(debt.take(rate, start + 60 * SECOND).is_err());
    }

    #[test]
    fn the_rate_holds_over_a_long_time() {
        let (rate, mut debt) = (Rate::parse("100/minute").unwrap(), Debt::default());
        let allowed = (0..600 * 50).filter(|step| debt.take(rate, step * (SECOND / 50)).is_ok()).count();
        assert_eq!(allowed, 100 + 999, "ten minutes and the burst");
    }

    #[test]
    fn a_new_rate_counts_at_once() {
        let (slow, fast) = (Rate::parse("1/hour").unwrap(), Rate::parse("10/second").unwrap());
        let mut debt = Debt::default();
        assert_eq!(debt.take(slow, 0), Ok(()));
        assert_eq!(debt.take(slow, SECOND), Err(Duration::from_secs(3599)));
        assert_eq!(debt.take(fast, SECOND), Err(Duration::from_millis(100)));
        let mut debt = Debt::default();
        (0..10).for_each(|_| assert_eq!(debt.take(fast, 0), Ok(())));
        assert_eq!(debt.take(slow, SECOND), Ok(()));
        assert_eq!(debt.take(slow, SECOND), Err(Duration::from_secs(3600)));
    }
}
