//! Step 8: one audit entry and one set of counters for each request, whatever becomes of it.
//!
//! The entry is armed in step 1 and travels with the request into the answer's body. It is written when it is dropped:
//! at the body's end, when the client goes away, and when a task panics.

use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use http::{HeaderValue, StatusCode, Version};
use tokio::time::Instant;

use super::peer::{Busy, Peer};
use super::rejection::Rejection;
use super::upstream::Tally;
use crate::policy::{Asked, Identity};
use crate::record::{AuditLog, Decided, Entry, Metrics, Reason, RequestIds, RequestLine};

/// Where one worker's entries go.
pub(crate) struct Recorder {
    pub(crate) log: AuditLog,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) ids: RequestIds,
}

/// One request's entry, until it is written.
pub(crate) struct Recording {
    entry: Entry,
    began: Instant,
    /// When the request was handed to the upstream, and when its answer began.
    handed: Option<Instant>,
    tally: Option<Rc<Tally>>,
    recorder: Rc<Recorder>,
    /// The connection counts as busy for as long as this lives.
    busy: Busy,
}

impl Recording {
    /// Arms the entry of a request that has just been received. It is large and changes hands often.
    pub(crate) fn begin(recorder: &Rc<Recorder>, peer: &Peer, protocol: Version, generation: u64) -> Box<Self> {
        let entry = Entry::new(SystemTime::now(), recorder.ids.fresh(), peer.address, protocol, generation);
        Box::new(Self {
            entry,
            began: Instant::now(),
            handed: None,
            tally: None,
            recorder: Rc::clone(recorder),
            busy: peer.activity().mark(),
        })
    }

    /// When the request was received, by the wall clock.
    pub(crate) fn time(&self) -> SystemTime {
        self.entry.time
    }

    /// When the request was received, by the clock that never jumps.
    pub(crate) fn began(&self) -> Instant {
        self.began
    }

    /// The name that credentials claim, as it is written down.
    pub(crate) fn claim(&self) -> Option<&str> {
        self.entry.claimed.as_deref()
    }

    /// The request id, as both sides are told it.
    pub(crate) fn id(&self) -> HeaderValue {
        self.entry.id.header()
    }

    /// The name that credentials claim.
    pub(crate) fn claimed(&mut self, name: &str) {
        self.entry.claim(name);
    }

    /// The target as the client wrote it, for what has no single reading.
    pub(crate) fn raw(&mut self, method: &http::Method, target: &str) {
        self.entry.line = RequestLine::raw(method.as_str(), target);
    }

    pub(crate) fn asked(&mut self, asked: &Asked) {
        self.entry.line = RequestLine::Asked(asked.clone());
    }

    pub(crate) fn identity(&mut self, identity: &Identity) {
        self.entry.user = Some(identity.clone());
    }

    pub(crate) fn permitted(&mut self) {
        self.entry.decision = Decided::Permit;
    }

    /// The request is handed to the upstream, and its bodies are counted here.
    pub(crate) fn handed(&mut self, tally: &Rc<Tally>) {
        self.handed = Some(tally.began());
        self.tally = Some(Rc::clone(tally));
    }

    /// The head of the upstream's answer came.
    pub(crate) fn answered(&mut self, status: StatusCode, took: Duration) {
        self.entry.status = Some(status.as_u16());
        self.entry.upstream = Some(took);
    }

    /// The gateway answers by itself.
    pub(crate) fn rejected(&mut self, rejection: &Rejection) {
        let reason = rejection.reason();
        self.entry.reason = reason;
        self.entry.detail = rejection.detail().map(Into::into);
        self.entry.status = Some(rejection.status().as_u16());
        self.entry.decision = match (rejection, self.entry.decision) {
            (Rejection::Denied(_) | Rejection::ClearText, _) if reason != Reason::NoCredentials => Decided::Deny,
            (Rejection::Unauthenticated(_) | Rejection::Denied(_) | Rejection::LockedOut(_), _) => {
                Decided::Unauthenticated
            }
            // Permitted, and then it failed.
            (_, Decided::Permit) => Decided::Permit,
            _ => Decided::Reject,
        };
        if let Some(handed) = self.handed {
            self.entry.upstream = Some(handed.elapsed());
        }
    }

    /// The client is sent on to https.
    pub(crate) fn redirected(&mut self, status: StatusCode) {
        self.entry.decision = Decided::Reject;
        self.entry.reason = Reason::Redirected;
        self.entry.status = Some(status.as_u16());
    }

    /// Everything went as it should, to the last byte.
    pub(crate) fn finish(&mut self) {
        if self.entry.reason == Reason::ClientGone {
            self.entry.reason = Reason::Ok;
        }
    }

    /// The exchange broke off, after the answer had begun.
    pub(crate) fn fault(&mut self, reason: Reason, detail: Option<&str>) {
        self.entry.reason = reason;
        self.entry.detail = detail.map(Into::into);
    }

    /// The client does not get the whole answer: it is gone, or it takes too long to read. What broke off before stands.
    pub(crate) fn lost(&mut self, slow: bool) {
        match (self.entry.reason, slow) {
            (Reason::Ok | Reason::ClientGone, true) => {
                self.fault(Reason::RequestTimeout, Some("the client does not read the answer"));
            }
            (Reason::Ok, false) => self.entry.reason = Reason::ClientGone,
            _ => {}
        }
    }

    /// Bytes of an answer of the gateway's own.
    pub(crate) fn sent(&mut self, bytes: usize) {
        self.entry.bytes_out = bytes as u64;
    }
}

impl Drop for Recording {
    fn drop(&mut self) {
        let now = Instant::now();
        self.busy.until(now);
        self.entry.total = now.saturating_duration_since(self.began);
        self.entry.own = self.entry.total.saturating_sub(self.entry.upstream.unwrap_or_default());
        if let Some(tally) = &self.tally {
            self.entry.bytes_in = tally.up.get();
            self.entry.bytes_out = self.entry.bytes_out.max(tally.down.get());
        }
        self.recorder.metrics.record_request(&self.entry);
        self.recorder.log.record(&self.entry);
    }
}
