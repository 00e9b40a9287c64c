//! Tells when any of a set of files may have changed: [`Watch::changed`].
//!
//! Two ways of noticing work side by side. The kernel reports what happens in the directories that decide where the
//! files are, never on the files themselves, for a file that is replaced takes its own watch with it. And every two
//! seconds the files are looked at, which finds what no kernel reports (network file systems, some containers) and
//! carries on alone when directories cannot be watched. Either is only a hint: whoever is told reads and compares.
//!
//! A file that is being written is waited for, so that no half of it is read. Renaming into place and closing count at
//! once; [`Watch::undisturbed`] tells afterwards whether what was read stood still.
//!
//! Used by [`super::reload`] on the reload thread. It opens no file and knows nothing of what the files hold.

mod listener;
mod places;

use std::mem;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep, sleep_until};

use listener::{Ear, Listener};
use places::{Places, Stamp};

/// Why the files are to be read again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hint {
    /// They may have changed.
    Changed,
    /// Somebody asked for it: see [`Poker`].
    Asked,
}

/// Has the files read again whether or not they changed: what SIGHUP does.
#[derive(Clone, Debug)]
pub struct Poker(Arc<Ear>);

impl Poker {
    /// Asks. Several times before the files are read count as once.
    pub fn poke(&self) {
        self.0.ask();
    }
}

/// Watches a set of files. It never ends and never fails: what cannot be watched is polled.
#[derive(Debug)]
pub struct Watch {
    files: Vec<PathBuf>,
    timing: Timing,
    ear: Arc<Ear>,
    /// The kernel's reports; `None` while there are none to be had.
    listener: Option<Listener>,
    polling_only: bool,
    /// So that a kernel that reports nothing is complained of once.
    complained: bool,
    next_poll: Instant,
    /// The files as they were when a hint was last given.
    seen: Vec<Option<Stamp>>,
    pending: Pending,
    /// A second save within one tick of the file system's clock leaves no trace but its content, so the first poll
    /// after a change has the files read once more.
    unsettled: bool,
}

/// What has been noticed and not yet told. Kept here, not in a future, so that dropping [`Watch::changed`] loses nothing.
#[derive(Debug, Default)]
struct Pending {
    asked: bool,
    /// One of the files, or a link or directory on the way to one, was reported.
    named: bool,
    /// The directories being listened to are no longer the right ones.
    lost: bool,
    /// The kernel did not report, or was not listened to, while this changed: whether a writer has finished can only
    /// be seen from the file standing still.
    blind: bool,
}

#[derive(Clone, Copy, Debug)]
struct Timing {
    poll: Duration,
    /// One look at whether things are quiet; a burst of reports within it counts as one.
    slice: Duration,
    /// How long a file that was written to and not closed is waited for after the last write.
    hold: Duration,
}

impl Timing {
    const DEFAULT: Self =
        Self { poll: Duration::from_secs(2), slice: Duration::from_millis(10), hold: Duration::from_secs(1) };
}

/// Quiet slices before a reported change is told, and before one is that nobody reported.
const QUIET: u32 = 2;
const QUIET_BLIND: u32 = 5;
/// When to tell even though it is never quiet: many finished saves in a row, or, blind, a file that keeps growing.
const BUSY: Duration = Duration::from_millis(100);
const BUSY_BLIND: Duration = Duration::from_secs(1);
/// When a writer that never pauses is complained of.
const PATIENCE: Duration = Duration::from_secs(5);
/// Whoever wrote while a file was read is heard of this much later at the latest.
const ECHO: Duration = Duration::from_millis(10);
/// How often directories that are replaced meanwhile are followed before telling anyway.
const ROUNDS: u32 = 3;

impl Watch {
    /// Watches some files, which need not exist. The first hint comes at once.
    #[must_use]
    pub fn new(files: Vec<PathBuf>) -> Self {
        Self {
            seen: vec![None; files.len()],
            files,
            timing: Timing::DEFAULT,
            ear: Arc::default(),
            listener: None,
            polling_only: false,
            complained: false,
            next_poll: Instant::now(),
            pending: Pending { named: true, ..Pending::default() },
            unsettled: false,
        }
    }

    /// Does without the kernel's reports, for file systems where they are known to be missing.
    #[must_use]
    pub fn polling_only(mut self) -> Self {
        self.polling_only = true;
        self
    }

    /// Polls this often instead of every two seconds.
    #[must_use]
    pub fn poll_every(mut self, interval: Duration) -> Self {
        self.timing.poll = interval;
        self
    }

    /// Waits longer for a writer, so that a test can be as slow as it likes.
    #[cfg(test)]
    pub(super) fn hold_for(mut self, hold: Duration) -> Self {
        self.timing.hold = hold;
        self
    }

    /// A handle to have the files read again with.
    #[must_use]
    pub fn poker(&self) -> Poker {
        Poker(Arc::clone(&self.ear))
    }

    /// Waits until the files may have changed and nobody is writing to them.
    pub async fn changed(&mut self) -> Hint {
        loop {
            let polled = self.wake().await;
            self.listen();
            if self.worth_telling(polled) {
                break;
            }
            if !polled {
                // Something else in the same directory. Looked at, but not more often than this.
                sleep(self.timing.slice).await;
            }
        }
        for _ in 0..ROUNDS {
            self.calm().await;
            if !self.listen() {
                break;
            }
        }
        self.tell()
    }

    /// Whether nobody wrote to the files since the last hint, for whoever has read them meanwhile. If somebody did,
    /// what was read may be a half, and [`Self::changed`] is due again.
    pub async fn undisturbed(&mut self) -> bool {
        sleep(ECHO).await;
        self.hear();
        let stamps = self.stamps();
        let mut pairs = stamps.iter().zip(&self.seen);
        let rewritten = pairs.any(|pair| matches!(pair, (Some(now), Some(then)) if now.rewritten_since(then)));
        let disturbed = rewritten || self.ear.is_writing(self.timing.hold);
        self.pending.named |= disturbed;
        !disturbed
    }

    /// Waits for a report or for the next poll; true for the poll.
    async fn wake(&mut self) -> bool {
        self.hear();
        if self.pending.named || self.pending.asked {
            return false;
        }
        let polled = tokio::select! {
            // First, so that a directory where much happens does not put the poll off.
            biased;
            () = sleep_until(self.next_poll) => true,
            () = self.ear.rung() => false,
        };
        if polled {
            self.next_poll = Instant::now() + self.timing.poll;
        }
        self.hear();
        polled
    }

    /// Gathers what was reported; true if it was about these files.
    fn hear(&mut self) -> bool {
        let heard = self.ear.take();
        self.pending.asked |= heard.asked;
        self.pending.named |= heard.named;
        self.pending.lost |= heard.lost;
        heard.named
    }

    /// Sees to it that the right directories are listened to; true if they were not until now.
    fn listen(&mut self) -> bool {
        if self.polling_only {
            return false;
        }
        let places = Places::of(&self.files);
        let lost = mem::take(&mut self.pending.lost);
        let changed = match &mut self.listener {
            Some(listener) if !lost && listener.covers(&places) => listener.retry(),
            _ => self.start_listener(places),
        };
        self.pending.blind |= changed;
        changed
    }

    fn start_listener(&mut self, places: Places) -> bool {
        let started = Listener::start(&self.ear, places);
        let trouble = match &started {
            Ok(listener) if listener.deaf().is_empty() => None,
            Ok(listener) => Some(format!("{:?} cannot be watched", listener.deaf())),
            Err(error) => Some(error.to_string()),
        };
        self.listener = started.ok();
        if let Some(trouble) = trouble
            && !mem::replace(&mut self.complained, true)
        {
            let every = self.timing.poll;
            tracing::warn!("{trouble}; what happens there is found by looking at the files every {every:?}");
        }
        self.listener.is_some()
    }

    fn worth_telling(&mut self, polled: bool) -> bool {
        if self.pending.named || self.pending.asked {
            return true;
        }
        if self.stamps() != self.seen {
            self.pending.blind = true;
            return true;
        }
        polled && self.unsettled
    }

    /// Waits until what was noticed has come to rest.
    async fn calm(&mut self) {
        let begun = Instant::now();
        let mut before = self.stamps();
        let mut quiet = 0;
        loop {
            sleep(self.timing.slice).await;
            let heard = self.hear();
            let now = self.stamps();
            quiet = if heard || now != before { 0 } else { quiet + 1 };
            before = now;
            if self.ear.is_writing(self.timing.hold) {
                if begun.elapsed() < PATIENCE {
                    continue;
                }
                tracing::warn!(files = ?self.files, "written to without a pause; the last good version stays in force");
                return;
            }
            let blind = self.is_blind();
            let (enough, busy) = if blind { (QUIET_BLIND, BUSY_BLIND) } else { (QUIET, BUSY) };
            if quiet >= enough || begun.elapsed() >= busy {
                return;
            }
        }
    }

    fn is_blind(&self) -> bool {
        self.pending.blind
            || !Ear::HEARS_CLOSING
            || self.listener.as_ref().is_none_or(|listener| !listener.deaf().is_empty())
    }

    /// Makes a hint of what is pending. The stamps are older than what is going to be read, never newer.
    fn tell(&mut self) -> Hint {
        let stamps = self.stamps();
        let pending = mem::take(&mut self.pending);
        self.pending.lost = pending.lost;
        self.unsettled = pending.named || stamps != self.seen;
        self.seen = stamps;
        self.next_poll = Instant::now() + self.timing.poll;
        if pending.asked { Hint::Asked } else { Hint::Changed }
    }

    fn stamps(&self) -> Vec<Option<Stamp>> {
        self.files.iter().map(|file| Stamp::of(file)).collect()
    }
}

#[cfg(test)]
mod tests;
