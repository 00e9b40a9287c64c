//! The exchanges under way on one worker, and cutting those whose user lost access.
//!
//! A request is judged once, but a WebSocket, an event stream or an upload may run for hours after. With each new
//! snapshot every running exchange is judged again; the one that would now be denied is cut, and nobody else's is.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::{Rc, Weak};
use std::task::{Context, Poll, Waker};
use std::time::SystemTime;

use crate::policy::{Permit, Snapshot};

/// The exchanges under way on this worker.
#[derive(Default)]
pub(crate) struct Streams {
    running: RefCell<HashMap<u64, Weak<State>>>,
    next: Cell<u64>,
}

/// One permitted exchange, from before its request is sent until its last byte. Cheap to clone; the last clone to go
/// ends it.
#[derive(Clone)]
pub(crate) struct Exchange(Rc<State>);

struct State {
    permit: Permit,
    cut: Cell<bool>,
    /// The tasks that wait on this exchange: at most the one that sends and the one that receives.
    waiting: RefCell<Vec<Waker>>,
    streams: Rc<Streams>,
    number: u64,
}

impl Streams {
    /// Takes a permit in and watches over it.
    pub(crate) fn begin(self: &Rc<Self>, permit: Permit) -> Exchange {
        let number = self.next.get();
        self.next.set(number.wrapping_add(1));
        let streams = Rc::clone(self);
        let state = Rc::new(State { permit, cut: Cell::new(false), waiting: RefCell::default(), streams, number });
        self.running.borrow_mut().insert(number, Rc::downgrade(&state));
        Exchange(state)
    }

    /// Judges all running exchanges by a new snapshot and cuts those that it would not permit. Returns how many.
    pub(crate) fn review(&self, snapshot: &Snapshot, now: SystemTime) -> usize {
        let running: Vec<_> = self.running.borrow().values().filter_map(Weak::upgrade).collect();
        let lost = running.iter().filter(|state| !state.cut.get() && !snapshot.still_permits(&state.permit, now));
        lost.map(|state| state.cut()).count()
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

    /// Ready once the exchange is cut.
    pub(crate) fn poll_cut(&self, cx: &Context<'_>) -> Poll<()> {
        if self.0.cut.get() {
            return Poll::Ready(());
        }
        let mut waiting = self.0.waiting.borrow_mut();
        if !waiting.iter().any(|waker| waker.will_wake(cx.waker())) {
            // Wakers of a task that moved on are replaced by its newer ones, oldest first.
            if waiting.len() >= 4 {
                waiting.remove(0);
            }
            waiting.push(cx.waker().clone());
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
        for waker in self.waiting.take() {
            waker.wake();
        }
    }
}

impl Drop for State {
    fn drop(&mut self) {
        self.streams.running.borrow_mut().remove(&self.number);
    }
}
