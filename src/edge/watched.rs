//! The clock on a connection that has no request under way: how long it may idle, and how long a head may take.
//!
//! There is one timer for each connection, not one for each request: it is looked at when it fires, and moved then.

use std::future::poll_fn;
use std::io;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, sleep_until};

use super::connection::ConnectionLimits;
use crate::gate::Activity;

/// A stream that remembers whether something was read from it.
pub(super) struct Watched<S> {
    stream: S,
    heard: Arc<AtomicBool>,
}

impl<S> Watched<S> {
    pub(super) fn new(stream: S) -> Self {
        Self { stream, heard: Arc::default() }
    }

    /// Set whenever something has been read; for the [`Watchdog`] to look at and to clear.
    pub(super) fn heard(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.heard)
    }
}

/// Watches over one connection.
pub(super) struct Watchdog {
    activity: Rc<Activity>,
    /// `None` for HTTP/2, where the beginning of a head says nothing and pings tell whether the client lives.
    heard: Option<Arc<AtomicBool>>,
    header_timeout: Duration,
    idle_timeout: Duration,
    /// How many requests had begun when a head was last waited for.
    seen: u64,
    /// When the head that is being received began.
    head_since: Option<Instant>,
}

impl Watchdog {
    pub(super) fn new(activity: Rc<Activity>, heard: Option<Arc<AtomicBool>>, limits: &ConnectionLimits) -> Self {
        let (header_timeout, idle_timeout) = (limits.header_timeout, limits.idle_timeout);
        Self { activity, heard, header_timeout, idle_timeout, seen: 0, head_since: None }
    }

    /// Returns when the connection has idled, or its next head has taken, too long. It is polled with the connection,
    /// after it, so it sees every read.
    pub(super) async fn bark(mut self) {
        let mut timer = pin!(sleep_until(Instant::now() + self.header_timeout.min(self.idle_timeout)));
        poll_fn(|cx| {
            let deadline = self.deadline();
            if let Some(deadline) = deadline.filter(|deadline| *deadline < timer.deadline()) {
                timer.as_mut().reset(deadline);
            }
            while timer.as_mut().poll(cx).is_ready() {
                let now = Instant::now();
                match deadline {
                    Some(deadline) if deadline <= now => return Poll::Ready(()),
                    Some(deadline) => timer.as_mut().reset(deadline),
                    None => timer.as_mut().reset(now + self.idle_timeout),
                }
            }
            Poll::Pending
        })
        .await;
    }

    /// When the connection has to end if nothing changes; `None` while a request is under way.
    fn deadline(&mut self) -> Option<Instant> {
        let begun = self.activity.begun();
        if begun != self.seen || self.activity.is_busy() {
            self.seen = begun;
            self.head_since = None;
            if let Some(heard) = &self.heard {
                heard.store(false, Ordering::Relaxed);
            }
        }
        if self.activity.is_busy() {
            return None;
        }
        let heard = self.heard.as_ref().is_some_and(|heard| heard.load(Ordering::Relaxed));
        if heard {
            return Some(*self.head_since.get_or_insert_with(Instant::now) + self.header_timeout);
        }
        // A client that has asked for nothing yet is not idling, it is slow.
        let patience = if begun == 0 { self.header_timeout.min(self.idle_timeout) } else { self.idle_timeout };
        Some(self.activity.since() + patience)
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let polled = Pin::new(&mut this.stream).poll_read(cx, buf);
        if polled.is_ready() {
            this.heard.store(true, Ordering::Relaxed);
        }
        polled
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(cx)
    }
}
