//! The exchanges under way on one worker, and cutting those whose user lost access.
//!
//! A request is judged once, but a WebSocket, an event stream or an upload may run for hours after. With each new
//! snapshot every running exchange is judged again; the one that would now be denied is cut, and nobody else's is.

use std::cell::{Cell, RefCell};
use std::rc::{Rc, Weak};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, SystemTime};

use slab::Slab;
use tokio::time::Instant;

use super::peer::Activity;
use crate::policy::{Permit, Snapshot};

/// How many times as long an answer may be left unread beside others that are read.
const UNREAD_BESIDE_OTHERS: u32 = 10;
/// How many tasks may wait on one exchange: the two there are, and as many that they moved on from.
const WAITING: usize = 4;

/// The exchanges under way on this worker.
#[derive(Default)]
pub(crate) struct Streams {
    running: RefCell<Slab<Weak<State>>>,
}

/// One permitted exchange, from before its request is sent until its last byte. Cheap to clone; the last clone to go
/// ends it.
#[derive(Clone)]
pub(crate) struct Exchange(Rc<State>);

struct State {
    permit: Permit,
    cut: Cell<bool>,
    /// The connection of a client that reads several answers side by side, and so may leave one unread.
    shared: Option<Rc<Activity>>,
    /// Since when the client has had a piece of the answer without asking for the next.
    handed: Cell<Option<Instant>>,
    /// The tasks that wait on this exchange: the one that sends and the one that receives. The latest comes first.
    waiting: RefCell<[Option<Waker>; WAITING]>,
    streams: Rc<Streams>,
    /// Where it stands among those that run.
    place: usize,
}

impl Streams {
    /// Takes a permit in and watches over it. `shared` is the connection where it carries several answers at once.
    pub(crate) fn begin(self: &Rc<Self>, permit: Permit, shared: Option<&Rc<Activity>>) -> Exchange {
        let mut running = self.running.borrow_mut();
        let entry = running.vacant_entry();
        let (streams, place) = (Rc::clone(self), entry.key());
        let (cut, handed, waiting) = (Cell::new(false), Cell::new(None), RefCell::default());
        let state = Rc::new(State { permit, cut, shared: shared.cloned(), handed, waiting, streams, place });
        entry.insert(Rc::downgrade(&state));
        Exchange(state)
    }

    /// Judges all running exchanges by a new snapshot and cuts those that it would not permit. Returns how many.
    pub(crate) fn review(&self, snapshot: &Snapshot, now: SystemTime) -> usize {
        let running = self.running();
        let lost = running.iter().filter(|state| !state.cut.get() && !snapshot.still_permits(&state.permit, now));
        lost.map(|state| state.cut()).count()
    }

    /// Ends connections on which answers are left unread (CVE-2026-49975 is the class: a window that is never opened).
    /// A client may leave one for longer while it reads others. Returns how many.
    pub(crate) fn end_unread(&self, now: Instant, patience: Duration) -> usize {
        let running = self.running();
        let since = |earlier: Instant| now.saturating_duration_since(earlier);
        let unread = running.iter().filter_map(|state| {
            let (shared, handed) = (state.shared.as_ref()?, state.handed.get()?);
            let idle = since(handed) > patience && since(shared.progress()) > patience;
            (idle || since(handed) > patience * UNREAD_BESIDE_OTHERS).then_some(shared)
        });
        unread.map(|shared| shared.end()).count()
    }

    /// All that run, held so that one may end meanwhile.
    fn running(&self) -> Vec<Rc<State>> {
        self.running.borrow().iter().filter_map(|(_, state)| state.upgrade()).collect()
    }

    /// How many exchanges are under way.
    pub(crate) fn len(&self) -> usize {
        self.running.borrow().len()
    }
}

impl Exchange {
    /// What permits this exchange.
    pub(crate) fn permit(&self) -> &Permit {
        &self.0.permit
    }

    /// Whether it was cut.
    pub(crate) fn is_cut(&self) -> bool {
        self.0.cut.get()
    }

    /// The client has been handed a piece of the answer.
    pub(crate) fn handed_over(&self) {
        if let Some(shared) = &self.0.shared {
            shared.moves();
            self.0.handed.set(Some(shared.progress()));
        }
    }

    /// The client asks for more of the answer.
    pub(crate) fn asked(&self) {
        self.0.handed.set(None);
    }

    /// Whether the answer may be left unread, and so has to be handed over in small pieces.
    pub(crate) fn is_shared(&self) -> bool {
        self.0.shared.is_some()
    }

    /// Ready once the exchange is cut.
    pub(crate) fn poll_cut(&self, cx: &Context<'_>) -> Poll<()> {
        if self.0.cut.get() {
            return Poll::Ready(());
        }
        let mut waiting = self.0.waiting.borrow_mut();
        if !waiting.iter().flatten().any(|waker| waker.will_wake(cx.waker())) {
            // Wakers of a task that moved on are replaced by its newer ones, oldest first.
            waiting.rotate_right(1);
            if let Some(latest) = waiting.first_mut() {
                *latest = Some(cx.waker().clone());
            }
        }
        Poll::Pending
    }

    /// Waits until the exchange is cut.
    pub(crate) async fn cut(&self) {
        std::future::poll_fn(|cx| self.poll_cut(cx)).await;
    }
}

impl State {
    fn cut(&self) {
        self.cut.set(true);
        for waker in self.waiting.take().into_iter().flatten() {
            waker.wake();
        }
    }
}

impl Drop for State {
    fn drop(&mut self) {
        self.streams.running.borrow_mut().remove(self.place);
    }
}
