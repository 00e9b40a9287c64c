//! One connection's deadline.

use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::time::{Instant, Sleep, sleep_until};

/// A timer that is moved only when it fires: a connection's deadline changes with every request, and setting a timer
/// costs more than looking at one.
#[derive(Debug)]
pub(crate) struct Clock(Pin<Box<Sleep>>);

impl Clock {
    /// A clock that will be asked for this deadline first.
    pub(crate) fn new(deadline: Instant) -> Self {
        Self(Box::pin(sleep_until(deadline)))
    }

    /// Ready once the deadline has passed. Until then the task is woken at the latest when it does.
    pub(crate) fn poll(&mut self, deadline: Instant, cx: &mut Context<'_>) -> Poll<()> {
        if deadline < self.0.deadline() {
            self.0.as_mut().reset(deadline);
        }
        while self.0.as_mut().poll(cx).is_ready() {
            if deadline <= Instant::now() {
                return Poll::Ready(());
            }
            self.0.as_mut().reset(deadline);
        }
        Poll::Pending
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::time::Duration;

    use tokio::time::{Instant, timeout};

    use super::Clock;

    #[tokio::test(start_paused = true)]
    async fn a_deadline_may_be_moved_either_way() {
        let (start, second) = (Instant::now(), Duration::from_secs(1));
        let mut clock = Clock::new(start + 5 * second);
        poll_fn(|cx| clock.poll(start + second, cx)).await;
        assert_eq!(start.elapsed(), second);
        let later = poll_fn(|cx| clock.poll(start + 9 * second, cx));
        assert!(timeout(7 * second, later).await.is_err());
        poll_fn(|cx| clock.poll(start + 9 * second, cx)).await;
        assert_eq!(start.elapsed(), 9 * second);
    }
}
