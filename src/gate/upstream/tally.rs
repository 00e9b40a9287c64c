//! What both directions of one exchange have come to.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use tokio::time::Instant;

/// Shared by the upload, the download and the audit entry of one exchange.
#[derive(Debug)]
pub(crate) struct Tally {
    began: Instant,
    /// Body bytes from the client.
    pub(crate) up: Cell<u64>,
    /// Body bytes to the client.
    pub(crate) down: Cell<u64>,
    /// When the client last sent something of the body.
    pub(super) progress: Cell<Instant>,
    /// The client waits to be asked for the body.
    pub(super) held: Cell<bool>,
    /// The upstream has asked for the body, and who waits for that.
    asked: Cell<bool>,
    waiting: RefCell<Option<Waker>>,
}

impl Tally {
    pub(crate) fn new() -> Rc<Self> {
        let began = Instant::now();
        let progress = Cell::new(began);
        let (up, down, held, asked) = (Cell::new(0), Cell::new(0), Cell::new(false), Cell::new(false));
        Rc::new(Self { began, up, down, progress, held, asked, waiting: RefCell::default() })
    }

    /// When the exchange began.
    pub(crate) fn began(&self) -> Instant {
        self.began
    }

    /// So many body bytes came from the client.
    pub(super) fn received(&self, bytes: usize) {
        self.up.set(self.up.get().saturating_add(bytes as u64));
        self.progress.set(Instant::now());
    }

    /// The upstream asks for the body.
    pub(super) fn ask(&self) {
        self.asked.set(true);
        if let Some(waker) = self.waiting.take() {
            waker.wake();
        }
    }

    /// Ready once the upstream has asked for the body.
    pub(super) fn poll_asked(&self, cx: &Context<'_>) -> Poll<()> {
        if self.asked.get() {
            return Poll::Ready(());
        }
        self.waiting.replace(Some(cx.waker().clone()));
        Poll::Pending
    }

    /// So many body bytes go to the client.
    pub(crate) fn passed(&self, bytes: usize) {
        self.down.set(self.down.get().saturating_add(bytes as u64));
    }
}
