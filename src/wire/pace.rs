//! Whether the other side keeps up: not only that something moves, but that enough does. A byte a minute is never idle,
//! and holds a connection for ever all the same (slow bodies, slow reading).

use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::Instant;

use super::clock::Clock;

/// What is asked of the other side.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PaceLimits {
    /// How long it may be waited for.
    pub(crate) patience: Duration,
    /// How many bytes have to move in each such time.
    pub(crate) least: u64,
}

/// Watches one direction of a connection. Only the time counts that is spent waiting for the other side.
#[derive(Debug)]
pub(crate) struct Pace {
    limits: PaceLimits,
    moved: u64,
    waited: Duration,
    since: Option<Instant>,
    clock: Option<Clock>,
}

impl Pace {
    pub(crate) fn new(limits: PaceLimits) -> Self {
        Self { limits, moved: 0, waited: Duration::ZERO, since: None, clock: None }
    }

    /// So many bytes have moved.
    pub(crate) fn moved(&mut self, bytes: u64) {
        self.moved = self.moved.saturating_add(bytes);
        if let Some(since) = self.since.take() {
            self.waited += since.elapsed();
        }
        if self.moved >= self.limits.least {
            self.restart();
        }
    }

    /// To be asked where nothing moves; ready once the other side has been too slow.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let since = *self.since.get_or_insert_with(Instant::now);
        let deadline = since + self.limits.patience.saturating_sub(self.waited);
        self.clock.get_or_insert_with(|| Clock::new(deadline)).poll(deadline, cx)
    }

    fn restart(&mut self) {
        (self.moved, self.waited) = (0, Duration::ZERO);
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::time::Duration;

    use tokio::time::{Instant, sleep, timeout};

    use super::{Pace, PaceLimits};

    #[tokio::test(start_paused = true)]
    async fn dribbling_is_too_slow_and_pausing_is_not() {
        let second = Duration::from_secs(1);
        let mut pace = Pace::new(PaceLimits { patience: 10 * second, least: 100 });
        let start = Instant::now();
        for _ in 0..3 {
            assert!(timeout(3 * second, poll_fn(|cx| pace.poll(cx))).await.is_err());
            pace.moved(1);
        }
        poll_fn(|cx| pace.poll(cx)).await;
        assert_eq!(start.elapsed(), 10 * second, "a few bytes do not begin the time anew");

        let mut pace = Pace::new(PaceLimits { patience: 10 * second, least: 100 });
        for _ in 0..5 {
            assert!(timeout(9 * second, poll_fn(|cx| pace.poll(cx))).await.is_err());
            pace.moved(100);
            // Not waited for, so it does not count.
            sleep(60 * second).await;
        }
    }
}
