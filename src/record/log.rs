//! The audit log, from the workers' side: lines gather in each worker, and one thread writes them for all.
//!
//! `server` starts the [`AuditWriter`] and ends it last; each worker has an [`AuditLog`]. A worker waits neither for the
//! disk nor for another worker: where the writer cannot keep up, lines are lost, counted and warned about.

use std::cell::RefCell;
use std::fs::File;
use std::io;
use std::mem;
use std::os::fd::AsFd;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, sleep};

use super::change::Change;
use super::entry::Entry;
use super::metrics::Metrics;
use super::recent::{REFUSALS, Recent, Refusal};
use super::stamp::Stamps;
use super::writer::{Writer, count_lines, open};

/// Lines are handed over when a worker has gathered this much. Each time the writer has to be woken, which takes more
/// than writing a few hundred lines down; and what is handed over should still be in a cache then.
const BATCH_BYTES: usize = 256 << 10;

/// Batches that may wait for the writer, however small: at little load each is what came in [`BATCH_TIME`].
const BATCHES: usize = 64;

/// Once this much waits for the writer, no more is taken, however few batches that is.
const WAITING_BYTES: usize = 4 << 20;

/// A line waits at most this long for others to go with it.
const BATCH_TIME: Duration = Duration::from_millis(50);

/// A warning about the log itself comes at most this often.
const WARN_SECONDS: u64 = 60;

/// Where audit lines go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AuditSink {
    /// Standard output.
    Stdout,
    /// A file, which is appended to.
    File(PathBuf),
    /// Nowhere.
    Off,
}

/// The writing side. While it lives lines are written; dropping it writes what was handed over before.
#[derive(Debug)]
pub struct AuditWriter {
    handle: AuditHandle,
    thread: Option<JoinHandle<()>>,
}

/// Reaches the writer from any thread.
#[derive(Clone, Debug)]
pub struct AuditHandle {
    /// `None` where lines go nowhere.
    shared: Option<Arc<Shared>>,
    recent: Arc<Recent>,
}

/// One worker's audit log.
#[derive(Debug)]
pub struct AuditLog {
    shared: Option<Arc<Shared>>,
    recent: Arc<Recent>,
    lines: RefCell<Vec<u8>>,
    stamps: RefCell<Stamps>,
    /// The first refusals since they were last handed over; so many at once that there are more need not all be kept.
    refusals: RefCell<Vec<Refusal>>,
    /// Tells [`Self::run`] that there is something to hand over.
    first: Notify,
}

/// What the writer's thread is told.
#[derive(Debug)]
pub(super) enum Message {
    /// Whole lines to write.
    Lines(Vec<u8>),
    /// Nothing to write, but something to look at: [`Shared::take_reopen`].
    Look,
    /// Write what came before, and end.
    Finish,
}

/// What both sides share.
#[derive(Debug)]
pub(super) struct Shared {
    inbox: SyncSender<Message>,
    /// Bytes in the inbox.
    waiting: AtomicUsize,
    /// A flag and not a message, because it must arrive also where the inbox is full.
    reopen: AtomicBool,
    metrics: Arc<Metrics>,
    start: Instant,
    /// In seconds from `start`.
    next_warning: AtomicU64,
}

impl AuditWriter {
    /// Opens the sink and starts the writer. What is refused or changed is kept in `recent` too, wherever lines go.
    ///
    /// # Errors
    /// Where the file cannot be opened or the thread cannot be started.
    pub fn start(sink: AuditSink, recent: Arc<Recent>, metrics: Arc<Metrics>) -> io::Result<(Self, AuditHandle)> {
        let (file, path) = match sink {
            // Standard output's own buffer would be one more place where lines can be lost.
            AuditSink::Stdout => (File::from(io::stdout().as_fd().try_clone_to_owned()?), None),
            AuditSink::File(path) => (open(&path)?, Some(path)),
            AuditSink::Off => {
                let handle = AuditHandle { shared: None, recent };
                return Ok((Self { handle: handle.clone(), thread: None }, handle));
            }
        };
        Self::spawn((file, path), recent, metrics)
    }

    /// Writes everything that was handed over before, and returns when that is done. [`AuditLog`]s hand over what they
    /// have when they are flushed or dropped. A stuck disk holds this up, so a shutdown with a deadline calls it on a
    /// thread of its own.
    pub fn finish(self) {
        drop(self);
    }

    /// Starts the writer on a file, and the path of it if it has one.
    fn spawn(
        (file, path): (File, Option<PathBuf>),
        recent: Arc<Recent>,
        metrics: Arc<Metrics>,
    ) -> io::Result<(Self, AuditHandle)> {
        let (sender, inbox) = sync_channel(BATCHES);
        let shared = Arc::new(Shared::new(sender, metrics));
        let writer = Writer::new(file, path, Arc::clone(&shared));
        let work = move |inbox: Receiver<Message>| writer.run(&inbox);
        let thread = thread::Builder::new().name("audit".to_owned()).spawn(move || work(inbox))?;
        let handle = AuditHandle { shared: Some(shared), recent };
        Ok((Self { handle: handle.clone(), thread: Some(thread) }, handle))
    }
}

impl Drop for AuditWriter {
    fn drop(&mut self) {
        if let (Some(shared), Some(thread)) = (&self.handle.shared, self.thread.take()) {
            // Both fail only where the thread has panicked, which has been told by then.
            let _ = shared.inbox.send(Message::Finish);
            let _ = thread.join();
        }
    }
}

impl AuditHandle {
    /// A log for one worker.
    #[must_use]
    pub fn log(&self) -> AuditLog {
        AuditLog {
            shared: self.shared.clone(),
            recent: Arc::clone(&self.recent),
            lines: RefCell::default(),
            stamps: RefCell::default(),
            refusals: RefCell::default(),
            first: Notify::new(),
        }
    }

    /// Tells of a change of the access document.
    pub fn change(&self, change: Change) {
        if let Some(shared) = &self.shared {
            let mut line = Vec::new();
            change.write_json(&mut line);
            shared.send(line);
        }
        self.recent.changed(change);
    }

    /// Has the file opened anew by its path, for log rotation. Lines handed over before may go to either file.
    pub fn reopen(&self) {
        if let Some(shared) = &self.shared {
            shared.reopen.store(true, Ordering::Release);
            // Where the inbox is full the writer has something to wake up for anyway.
            let _ = shared.inbox.try_send(Message::Look);
        }
    }
}

impl AuditLog {
    /// Writes an entry down, in memory. Lines reach the writer by [`Self::run`], or when enough have gathered.
    pub fn record(&self, entry: &Entry) {
        self.keep(entry);
        if self.shared.is_none() {
            return;
        }
        let mut lines = self.lines.borrow_mut();
        if lines.is_empty() {
            self.first.notify_one();
        }
        entry.write_json(&mut self.stamps.borrow_mut(), &mut lines);
        let full = lines.len() >= BATCH_BYTES;
        drop(lines);
        if full {
            self.hand_over_lines();
        }
    }

    /// Keeps an entry that tells of a refusal.
    fn keep(&self, entry: &Entry) {
        let mut refusals = self.refusals.borrow_mut();
        if refusals.len() < REFUSALS
            && let Some(refusal) = Refusal::of(entry)
        {
            self.first.notify_one();
            refusals.push(refusal);
        }
    }

    /// Hands over what has gathered.
    pub fn flush(&self) {
        self.hand_over_lines();
        let mut refusals = self.refusals.borrow_mut();
        if !refusals.is_empty() {
            self.recent.refused(refusals.drain(..));
        }
    }

    fn hand_over_lines(&self) {
        let Some(shared) = &self.shared else { return };
        let mut lines = self.lines.borrow_mut();
        if !lines.is_empty() {
            // The last line goes past the mark, so the room is a little larger.
            let room = Vec::with_capacity(BATCH_BYTES + BATCH_BYTES / 8);
            shared.send(mem::replace(&mut lines, room));
        }
    }

    /// Hands lines over soon after they are recorded, for ever: each worker runs this beside its requests. It sleeps
    /// while there is nothing to hand over.
    pub async fn run(&self) {
        loop {
            self.first.notified().await;
            sleep(BATCH_TIME).await;
            self.flush();
        }
    }
}

impl Drop for AuditLog {
    fn drop(&mut self) {
        self.flush();
    }
}

impl Shared {
    fn new(inbox: SyncSender<Message>, metrics: Arc<Metrics>) -> Self {
        let (waiting, reopen, next_warning) = (AtomicUsize::new(0), AtomicBool::new(false), AtomicU64::new(0));
        Self { inbox, waiting, reopen, metrics, start: Instant::now(), next_warning }
    }

    fn send(&self, lines: Vec<u8>) {
        const SLOW: &str = "the audit log's disk does not keep up";
        if self.waiting.load(Ordering::Relaxed) >= WAITING_BYTES {
            return self.dropped(count_lines(&lines), SLOW);
        }
        self.waiting.fetch_add(lines.len(), Ordering::Relaxed);
        match self.inbox.try_send(Message::Lines(lines)) {
            Ok(()) => {}
            Err(TrySendError::Full(lost)) => self.lost(&lost, SLOW),
            Err(TrySendError::Disconnected(lost)) => self.lost(&lost, "the audit log is closed"),
        }
    }

    fn lost(&self, message: &Message, why: &'static str) {
        match message {
            Message::Lines(lines) => {
                self.taken(lines);
                self.dropped(count_lines(lines), why);
            }
            Message::Look | Message::Finish => {}
        }
    }

    /// These lines wait in the inbox no longer.
    pub(super) fn taken(&self, lines: &[u8]) {
        self.waiting.fetch_sub(lines.len(), Ordering::Relaxed);
    }

    /// Counts lines that are lost, and warns.
    pub(super) fn dropped(&self, lines: u64, why: &'static str) {
        if lines == 0 {
            return;
        }
        self.metrics.audit_dropped(lines);
        if self.may_warn() {
            tracing::warn!(lost_so_far = self.metrics.audit_dropped_so_far(), "{why}: audit lines are lost");
        }
    }

    /// Whether the last warning is long enough ago; if so, this counts as one.
    pub(super) fn may_warn(&self) -> bool {
        let now = self.start.elapsed().as_secs();
        let next = self.next_warning.load(Ordering::Relaxed);
        let order = Ordering::Relaxed;
        now >= next && self.next_warning.compare_exchange(next, now + WARN_SECONDS, order, order).is_ok()
    }

    /// Whether the file is to be opened anew; asking clears it.
    pub(super) fn take_reopen(&self) -> bool {
        self.reopen.swap(false, Ordering::Acquire)
    }
}

#[cfg(test)]
#[path = "log_tests.rs"]
mod tests;
