//! What is the same for all requests of one connection.

use std::any::Any;
use std::cell::Cell;
use std::net::IpAddr;
use std::rc::Rc;

use http::HeaderValue;
use tokio::sync::Notify;
use tokio::time::Instant;

use super::site::Site;

/// The client at the other end of a connection. Cheap to clone, which is done for each of its requests.
#[derive(Clone)]
pub(crate) struct Peer {
    pub(super) address: IpAddr,
    known: Rc<Known>,
}

/// What else is known of it.
struct Known {
    forwarded_for: HeaderValue,
    /// `None` for a client that speaks in clear.
    secure: Option<Secure>,
    activity: Rc<Activity>,
}

impl Peer {
    /// The client at an address. An IPv4 client of an IPv6 socket is an IPv4 client. `held` is kept until the connection
    /// and all its requests have ended, also those that changed the protocol and outlive it.
    pub(crate) fn new(address: IpAddr, held: Box<dyn Any>) -> Self {
        let address = address.to_canonical();
        let forwarded_for = HeaderValue::try_from(address.to_string());
        let forwarded_for = forwarded_for.unwrap_or_else(|_| HeaderValue::from_static("unknown"));
        Self { address, known: Rc::new(Known { forwarded_for, secure: None, activity: Activity::new(held) }) }
    }

    /// The same client, once it speaks TLS; `site` where the gateway has several.
    pub(crate) fn over_tls(self, site: Option<Site>) -> Self {
        let Known { forwarded_for, activity, .. } = &*self.known;
        let (forwarded_for, activity) = (forwarded_for.clone(), Rc::clone(activity));
        Self { known: Rc::new(Known { forwarded_for, secure: Some(Secure { site }), activity }), ..self }
    }

    pub(super) fn is_over_tls(&self) -> bool {
        self.known.secure.is_some()
    }

    /// The address as the upstream is told it.
    pub(super) fn forwarded_for(&self) -> &HeaderValue {
        &self.known.forwarded_for
    }

    /// Whether a request for this host may come by this connection. One without a host is for wherever it comes to.
    pub(super) fn may_ask(&self, host: Option<&HeaderValue>) -> bool {
        match (self.known.secure.as_ref().and_then(|secure| secure.site.as_ref()), host) {
            (Some(site), Some(host)) => site.serves(host),
            _ => true,
        }
    }

    /// Whether this client has requests under way.
    pub(crate) fn activity(&self) -> &Rc<Activity> {
        &self.known.activity
    }
}

/// What TLS said of a connection.
struct Secure {
    site: Option<Site>,
}

/// The requests of one connection, counted so that the edge can tell an idle one.
#[derive(Debug)]
pub(crate) struct Activity {
    running: Cell<u32>,
    begun: Cell<u64>,
    since: Cell<Instant>,
    /// When something of an answer was last taken by the client.
    progress: Cell<Instant>,
    ending: Notify,
    _held: Box<dyn Any>,
}

impl Activity {
    fn new(held: Box<dyn Any>) -> Rc<Self> {
        let (now, ending) = (Instant::now(), Notify::new());
        let (running, begun, since, progress) = (Cell::new(0), Cell::new(0), Cell::new(now), Cell::new(now));
        Rc::new(Self { running, begun, since, progress, ending, _held: held })
    }

    /// Whether a request is under way.
    pub(crate) fn is_busy(&self) -> bool {
        self.running.get() > 0
    }

    /// How many requests have begun.
    pub(crate) fn begun(&self) -> u64 {
        self.begun.get()
    }

    /// Since when nothing is under way; only of interest while nothing is.
    pub(crate) fn since(&self) -> Instant {
        self.since.get()
    }

    /// The client has taken something of an answer.
    pub(super) fn moves(&self) {
        self.progress.set(Instant::now());
    }

    /// When it last did.
    pub(super) fn progress(&self) -> Instant {
        self.progress.get()
    }

    /// Has the connection ended, with all that is under way on it.
    pub(super) fn end(&self) {
        self.ending.notify_one();
    }

    /// Returns once the connection has to end.
    pub(crate) async fn ended(&self) {
        self.ending.notified().await;
    }

    /// Counts a request as under way until the mark is dropped.
    pub(super) fn mark(self: &Rc<Self>) -> Busy {
        self.running.set(self.running.get().saturating_add(1));
        self.begun.set(self.begun.get().wrapping_add(1));
        Busy(Rc::clone(self))
    }
}

/// Marks a request as under way.
#[derive(Debug)]
pub(super) struct Busy(Rc<Activity>);

impl Busy {
    /// When it ends, to be told just before: the clock has been read by then.
    pub(super) fn until(&self, now: Instant) {
        self.0.since.set(now);
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.running.set(self.0.running.get().saturating_sub(1));
    }
}
