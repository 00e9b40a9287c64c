//! Bodies of requests over HTTP/2, and what becomes of those that nobody reads to the end.
//!
//! A body that is dropped has its stream reset (RFC 9113 section 8.1), and many clients look for an answer only when
//! they have sent all of theirs: they would show a broken stream in place of the 403. So what is left is read and thrown
//! away beside the answer, by the connection and within bounds.

use std::cell::{Cell, RefCell};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use http_body::{Body, Frame};
use hyper::body::Incoming;
use tokio::time::Instant;

use crate::edge::connection::{MOST, PATIENCE};
use crate::gate::ClientFault;
use crate::wire::{Clock, Pace, PaceLimits};

/// The body of a request.
pub(super) struct Upload {
    /// `None` once it has ended, or broken off.
    body: Option<Incoming>,
    pace: Pace,
    /// Where it goes when it is dropped; `None` where the client still waits to be asked for it.
    rest: Option<Rc<Rests>>,
}

impl Upload {
    pub(super) fn new(body: Incoming, pace: PaceLimits, rest: Option<Rc<Rests>>) -> Self {
        Self { body: Some(body).filter(|body| !body.is_end_stream()), pace: Pace::new(pace), rest }
    }

    /// Whether there is nothing to read.
    pub(super) fn is_empty(&self) -> bool {
        self.body.is_none()
    }
}

impl Body for Upload {
    type Data = Bytes;
    type Error = ClientFault;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, ClientFault>>> {
        let Self { body, pace, .. } = self.get_mut();
        let Some(incoming) = body else { return Poll::Ready(None) };
        match Pin::new(incoming).poll_frame(cx) {
            Poll::Ready(Some(Ok(frame))) => {
                pace.moved(length(&frame));
                Poll::Ready(Some(Ok(frame)))
            }
            Poll::Ready(ended) => {
                *body = None;
                Poll::Ready(ended.map(|ended| ended.map_err(|_| ClientFault::Gone)))
            }
            Poll::Pending => pace.poll(cx).map(|()| {
                // Who was waited for in vain is not waited for again.
                *body = None;
                Some(Err(ClientFault::TooSlow))
            }),
        }
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        if let (Some(body), Some(rest)) = (self.body.take(), self.rest.take())
            && !body.is_end_stream()
        {
            rest.add(body);
        }
    }
}

fn length(frame: &Frame<Bytes>) -> u64 {
    frame.data_ref().map_or(0, Bytes::len) as u64
}

/// What is left of one connection's bodies.
#[derive(Default)]
pub(super) struct Rests {
    bodies: RefCell<Vec<Rest>>,
    /// The connection's task.
    waiting: Cell<Option<Waker>>,
}

struct Rest {
    body: Incoming,
    read: u64,
    until: Instant,
    clock: Clock,
}

impl Rests {
    fn add(&self, body: Incoming) {
        let until = Instant::now() + PATIENCE;
        self.bodies.borrow_mut().push(Rest { body, read: 0, until, clock: Clock::new(until) });
        if let Some(waker) = self.waiting.take() {
            waker.wake();
        }
    }

    /// Reads on whatever there is; to be polled with the connection.
    pub(super) fn poll(&self, cx: &mut Context<'_>) {
        self.waiting.set(Some(cx.waker().clone()));
        self.bodies.borrow_mut().retain_mut(|rest| rest.poll(cx).is_pending());
    }
}

impl Rest {
    /// Ready once there is no more of it, or more than is bearable.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        while let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(cx) {
            let Some(Ok(frame)) = frame else { return Poll::Ready(()) };
            self.read += length(&frame);
            if self.read > MOST {
                return Poll::Ready(());
            }
        }
        self.clock.poll(self.until, cx)
    }
}
