//! When answers to wrong credentials leave: on a beat, a thousand times a second, and not when they are ready.
//!
//! [`Users::authenticate`](crate::policy::Users::authenticate) does the same work for each name, and still what it takes
//! depends on where in memory a user lies, by some ten to a hundred nanoseconds: a difference that somebody on the same
//! machine finds in 100,000 tries. When such an answer leaves is therefore set by the moment its request came, before
//! any of the work, and by nothing that was found out since.
//!
//! The timer is the kernel's, with an absolute time. One that is told how long to wait, as the runtime's are, starts
//! from when it is told, which is after the work.

use std::cell::{Cell, OnceCell};
use std::io;
use std::os::fd::{AsFd, AsRawFd, RawFd};
use std::rc::Rc;
use std::time::Duration;

use nix::sys::time::TimeSpec;
use nix::sys::timerfd::{ClockId, Expiration, TimerFd, TimerFlags, TimerSetTimeFlags};
use nix::time::clock_gettime;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::sync::Notify;
use tokio::time::Instant;

/// The time from one beat to the next, in microseconds; a second has a whole number of them.
const BEAT_MICROS: u64 = 1_000;
/// The least time from a request to its beat: many times what the work for it takes, where that is not a password's.
const LEAST: Duration = Duration::from_micros(250);
/// A timer that should have gone off so many beats ago is set anew: one that is lost would keep everybody waiting.
const LATE: u64 = 100;

/// One worker's beat. The timer runs only while an answer waits, and for all that wait at once.
#[derive(Default)]
pub(super) struct Beat {
    timer: OnceCell<AsyncFd<Timer>>,
    /// The beat that the timer is set for, counted from the start of the system's clock.
    set: Cell<Option<u64>>,
    passed: Notify,
}

/// A timer as the runtime wants it.
struct Timer(TimerFd);

impl AsRawFd for Timer {
    fn as_raw_fd(&self) -> RawFd {
        self.0.as_fd().as_raw_fd()
    }
}

impl Beat {
    /// Begins, on the runtime that this is called on. Without it nothing waits.
    pub(super) fn start(self: &Rc<Self>) {
        let timer = TimerFd::new(ClockId::CLOCK_MONOTONIC, TimerFlags::TFD_NONBLOCK | TimerFlags::TFD_CLOEXEC);
        #[allow(deprecated, reason = "its successor is unsafe, for descriptors that change hands; this one never does")]
        let timer = timer.map_err(io::Error::from).and_then(|t| AsyncFd::with_interest(Timer(t), Interest::READABLE));
        match timer {
            Ok(timer) => {
                let _ = self.timer.set(timer);
                tokio::task::spawn_local(Rc::clone(self).run());
            }
            Err(error) => tracing::warn!(%error, "no timer: answers to wrong credentials leave when they are ready"),
        }
    }

    /// Returns on the first beat that is [`LEAST`] after `began`; after longer work on the next one.
    pub(super) async fn hold(&self, began: Instant) {
        let Some(timer) = self.timer.get() else { return };
        let Ok(asked) = now() else { return };
        let arrived = asked.saturating_sub(began.elapsed());
        let due = beats((arrived + LEAST).max(asked)) + 1;
        let mut beat = beats(asked);
        while beat < due {
            if self.set.get().is_none_or(|set| set > due || set + LATE < beat) {
                if timer.get_ref().at(due).is_err() {
                    return;
                }
                self.set.set(Some(due));
            }
            self.passed.notified().await;
            // Nothing can be waited for where the system has no such clock.
            let Ok(now) = now_in_beats() else { return };
            beat = now;
        }
    }

    async fn run(self: Rc<Self>) {
        let Some(timer) = self.timer.get() else { return };
        while let Ok(mut ready) = timer.readable().await {
            // It is read so that it can be ready again; where it was not yet, the runtime was wrong.
            if ready.try_io(|timer| timer.get_ref().0.wait().map_err(io::Error::from)).is_ok() {
                self.set.set(None);
                self.passed.notify_waiters();
            }
        }
    }
}

impl Timer {
    /// Sets it for a beat, in place of what it was set for.
    fn at(&self, beat: u64) -> nix::Result<()> {
        let time = TimeSpec::from_duration(Duration::from_micros(beat.saturating_mul(BEAT_MICROS)));
        self.0.set(Expiration::OneShot(time), TimerSetTimeFlags::TFD_TIMER_ABSTIME)
    }
}

/// The system's clock, the one that the timer goes by.
fn now() -> nix::Result<Duration> {
    clock_gettime(nix::time::ClockId::CLOCK_MONOTONIC).map(Duration::from)
}

fn now_in_beats() -> nix::Result<u64> {
    now().map(beats)
}

/// How many beats there were up to a moment.
fn beats(moment: Duration) -> u64 {
    // A number of seconds that a clock shows has room for its microseconds.
    moment.as_secs() * (1_000_000 / BEAT_MICROS) + u64::from(moment.subsec_micros()) / BEAT_MICROS
}

#[cfg(test)]
mod tests {
    use std::rc::Rc;
    use std::time::Duration;

    use tokio::task::LocalSet;
    use tokio::time::{Instant, timeout};

    use super::{BEAT_MICROS, Beat, LATE, LEAST, now, now_in_beats};

    #[tokio::test]
    async fn nothing_waits_where_there_is_no_beat() {
        let began = now_in_beats().unwrap();
        Beat::default().hold(Instant::now() + Duration::from_secs(3600)).await;
        // However slow the machine is, an hour has not passed.
        assert!(now_in_beats().unwrap() - began < 3_600_000);
    }

    #[tokio::test]
    async fn a_timer_that_was_lost_is_set_anew() {
        let local = LocalSet::new();
        let waiting = local.run_until(async {
            let beat = Rc::new(Beat::default());
            beat.start();
            // As if it had been set, and nothing had come of it.
            beat.set.set(Some(now_in_beats().unwrap() - 2 * LATE));
            timeout(Duration::from_secs(60), beat.hold(Instant::now())).await
        });
        waiting.await.expect("a beat");
    }

    /// Many at once, begun at different moments, the last ones set before those that wait already.
    #[tokio::test]
    async fn each_waits_for_a_beat_of_its_own() {
        let local = LocalSet::new();
        let waits = local.run_until(async {
            let beat = Rc::new(Beat::default());
            beat.start();
            let began = (Instant::now(), now().unwrap());
            let waits = (0..50u32).rev().map(|number| {
                let (beat, later) = (Rc::clone(&beat), Duration::from_micros(BEAT_MICROS) * number / 10);
                tokio::task::spawn_local(async move {
                    // As if it came a little later than it did.
                    beat.hold(began.0 + later).await;
                    now().unwrap() - began.1
                })
            });
            futures(waits.collect()).await
        });
        for waited in waits.await {
            assert!(waited >= LEAST, "{waited:?}");
        }
    }

    async fn futures(all: Vec<tokio::task::JoinHandle<Duration>>) -> Vec<Duration> {
        let mut done = Vec::new();
        for one in all {
            done.push(one.await.unwrap());
        }
        done
    }
}
