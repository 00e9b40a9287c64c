//! What was refused and what was changed lately, kept in memory for the control panel.
//!
//! Fed by the audit log: refusals are handed over with a worker's lines, changes as they are told. There is room for a
//! set number of each, and what is older goes. It is there also where the audit log is off.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use super::change::Change;
use super::entry::Entry;
use super::words::{Decided, Reason};

/// How many refusals are kept, and how many a worker hands over at once at most.
pub(super) const REFUSALS: usize = 200;
/// How many changes are kept.
const CHANGES: usize = 200;

/// The latest refusals and changes. Shared by all who record and all who look.
#[derive(Debug, Default)]
pub struct Recent(Mutex<Rings>);

#[derive(Debug, Default)]
struct Rings {
    refusals: VecDeque<Refusal>,
    changes: VecDeque<Change>,
}

/// A request that did not pass, in the words of its audit line. It holds no credential, as that line holds none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// When it arrived.
    pub time: SystemTime,
    /// Where it came from.
    pub address: IpAddr,
    /// The user name that was claimed, proved or not.
    pub claimed: Option<Box<str>>,
    /// The user who it is proved to come from.
    pub user: Option<Box<str>>,
    /// The method, as far as it was read.
    pub method: Option<Box<str>>,
    /// The path, or what came in its place; never the query.
    pub path: Option<Box<str>>,
    /// The status of the answer.
    pub status: Option<u16>,
    /// Why.
    pub reason: Reason,
    /// More about that.
    pub detail: Option<Box<str>>,
    /// What the resource requires for the method, where that was missing.
    pub permission: Option<Box<str>>,
}

impl Refusal {
    /// What is kept of an entry; `None` where nothing was refused.
    pub(super) fn of(entry: &Entry) -> Option<Self> {
        let unremarkable = matches!(entry.reason, Reason::Ok | Reason::Redirected | Reason::ClientGone);
        if entry.decision == Decided::Permit || unremarkable {
            return None;
        }
        let asked = entry.line.asked().filter(|_| entry.reason == Reason::MissingPermission);
        Some(Self {
            time: entry.time,
            address: entry.address,
            claimed: entry.claimed.clone(),
            user: entry.user.as_ref().map(|identity| (*identity.user().name).into()),
            method: entry.line.method().map(Into::into),
            path: entry.line.path().map(Into::into),
            status: entry.status,
            reason: entry.reason,
            detail: entry.detail.clone(),
            permission: asked.and_then(|asked| asked.rule()).map(|rule| rule.label.clone()),
        })
    }
}

impl Recent {
    /// The latest refusals, newest first.
    #[must_use]
    pub fn refusals(&self) -> Vec<Refusal> {
        let mut refusals: Vec<_> = self.rings().refusals.iter().rev().cloned().collect();
        // Each worker hands over its own, so those of different workers come in any order.
        refusals.sort_by_key(|refusal| std::cmp::Reverse(refusal.time));
        refusals
    }

    /// The latest changes of the access document, newest first.
    #[must_use]
    pub fn changes(&self) -> Vec<Change> {
        self.rings().changes.iter().rev().cloned().collect()
    }

    pub(super) fn refused(&self, refusals: impl IntoIterator<Item = Refusal>) {
        let mut rings = self.rings();
        refusals.into_iter().for_each(|refusal| push(&mut rings.refusals, REFUSALS, refusal));
    }

    pub(super) fn changed(&self, change: Change) {
        push(&mut self.rings().changes, CHANGES, change);
    }

    /// A ring is whole after each push, so a panic elsewhere does not spoil it.
    fn rings(&self) -> MutexGuard<'_, Rings> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn push<T>(ring: &mut VecDeque<T>, room: usize, one: T) {
    if ring.len() == room {
        ring.pop_front();
    }
    ring.push_back(one);
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::sample;
    use super::{Decided, Entry, REFUSALS, Reason, Recent, Refusal};
    use crate::record::RequestLine;

    fn denied() -> Entry {
        let mut entry = sample::entry();
        entry.claim("amy");
        entry.user = Some(sample::amy());
        entry.line = RequestLine::Asked(sample::policy().ask(sample::target("PUT", "/api/products/7?key=hush")));
        (entry.decision, entry.reason, entry.status) = (Decided::Deny, Reason::MissingPermission, Some(403));
        entry
    }

    #[test]
    fn a_refusal_says_what_was_missing() {
        let refusal = Refusal::of(&denied()).unwrap();
        assert_eq!((refusal.user.as_deref(), refusal.status), (Some("amy"), Some(403)));
        assert_eq!(
            (refusal.path.as_deref(), refusal.permission.as_deref()),
            (Some("/api/products/7"), Some("products.edit"))
        );
        let wrong = Entry { decision: Decided::Unauthenticated, reason: Reason::WrongToken, ..denied() };
        assert_eq!(Refusal::of(&wrong).unwrap().permission, None);
    }

    #[test]
    fn what_passed_or_went_away_is_none() {
        for (decision, reason) in [
            (Decided::Permit, Reason::Ok),
            (Decided::Permit, Reason::UpstreamFailed),
            (Decided::Reject, Reason::ClientGone),
            (Decided::Reject, Reason::Redirected),
        ] {
            assert_eq!(Refusal::of(&Entry { decision, reason, ..denied() }), None, "{reason}");
        }
    }

    #[test]
    fn the_latest_are_kept_newest_first() {
        let recent = Recent::default();
        let at = |second: usize| {
            let mut refusal = Refusal::of(&denied()).unwrap();
            refusal.time += Duration::from_secs(second as u64);
            refusal
        };
        recent.refused((0..REFUSALS + 10).map(at));
        let kept = recent.refusals();
        assert_eq!((kept.len(), kept[0].time), (REFUSALS, at(REFUSALS + 9).time));
        assert!(kept.is_sorted_by(|one, next| one.time >= next.time));
        assert_eq!(kept[REFUSALS - 1].time, at(10).time);
    }
}
