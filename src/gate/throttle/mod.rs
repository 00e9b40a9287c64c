//! What is refused for coming too often: lock-out after wrong credentials, and rate limits.
//!
//! One throttle is shared by all workers, and it is the only thing besides counters that a request writes. The gate asks
//! it; `server` has it swept and, for those who run the gateway, told and cleared. Time comes in with every call.

mod count;
mod known;
mod lockout;
mod rates;
mod source;
mod table;
#[cfg(test)]
mod tests;

use std::hash::{BuildHasher, RandomState};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

pub(crate) use lockout::{Attempt, Begun, Claimed, Entry, Locked, NameKey};

use lockout::Lockout;
use rates::Debt;
use source::Source;
use table::{Lasting, Table};

use crate::policy::{Rate, User};
use crate::record::{Metrics, Scope, Table as Name};
use crate::settings;

/// Lock-out and rate limits, for all workers.
pub(crate) struct Throttle {
    /// What the moments in the tables are counted from.
    epoch: Instant,
    lockout: Option<Lockout>,
    address_rate: Option<Rate>,
    addresses: Table<Source, Debt>,
    /// For users whose entry in the access document says nothing.
    user_rate: Option<Rate>,
    /// By the number that stands for the user's name.
    users: Table<u64, Debt>,
    names: RandomState,
}

/// A request over a rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Limited {
    /// Until there is room for one more.
    pub(crate) wait: Duration,
    pub(crate) scope: Scope,
}

impl Throttle {
    pub(crate) fn new(
        lockout: &settings::Lockout,
        rates: &settings::RateLimit,
        metrics: &Arc<Metrics>,
        epoch: Instant,
    ) -> Self {
        let entries = rates.entries as usize;
        Self {
            epoch,
            lockout: lockout.enabled.then(|| Lockout::new(lockout, metrics)),
            address_rate: rates.address,
            addresses: Table::new(entries, Name::AddressRate, metrics),
            user_rate: rates.user,
            users: Table::new(entries, Name::UserRate, metrics),
            names: RandomState::new(),
        }
    }

    /// A request arrives. Where there is no limit for addresses, nothing is looked up.
    pub(super) fn arrived(&self, address: IpAddr, now: Instant) -> Result<(), Limited> {
        let Some(rate) = self.address_rate else { return Ok(()) };
        let now = self.nanos(now);
        let (taken, _) = self.addresses.change(Source::of(address), now, |debt| debt.take(rate, now));
        taken.map_err(|wait| Limited { wait, scope: Scope::Address })
    }

    /// A request is proved to be a user's. Where there is no limit for that user, nothing is looked up.
    pub(super) fn authenticated(&self, user: &User, now: Instant) -> Result<(), Limited> {
        let Some(rate) = user.rate_limit.or(self.user_rate) else { return Ok(()) };
        let now = self.nanos(now);
        let (taken, _) = self.users.change(self.names.hash_one(&*user.name), now, |debt| debt.take(rate, now));
        taken.map_err(|wait| Limited { wait, scope: Scope::User })
    }

    /// Whether credentials from an address may be verified; `name` is what they claim, where they can be read. Gives
    /// nothing to judge later where nothing is counted.
    pub(crate) fn attempt(&self, address: IpAddr, name: Option<&str>, now: Instant) -> Result<Option<Attempt>, Locked> {
        let Some(lockout) = &self.lockout else { return Ok(None) };
        lockout.attempt(address, name, self.nanos(now)).map(Some)
    }

    /// Whether a name has to wait at an address, whatever else has to.
    pub(super) fn holds(&self, address: IpAddr, name: &str, now: Instant) -> bool {
        self.lockout.as_ref().is_some_and(|lockout| lockout.holds(address, name, self.nanos(now)))
    }

    /// What stands for a name in [`Self::judged`].
    pub(crate) fn name(&self, name: &str) -> Option<NameKey> {
        self.lockout.as_ref().map(|lockout| lockout.name(name))
    }

    /// It is known what credentials prove. Tells the lock-out that begins with it.
    pub(crate) fn judged(
        &self,
        attempt: Option<Attempt>,
        name: Option<NameKey>,
        right: bool,
        now: Instant,
    ) -> Result<Option<Begun>, Locked> {
        let (Some(lockout), Some(attempt), Some(name)) = (&self.lockout, attempt, name) else { return Ok(None) };
        let now = self.nanos(now);
        if right { lockout.proved(attempt, name, now).map(|()| None) } else { lockout.failed(attempt, name, now) }
    }

    /// Gives back the room of everything that has lost its meaning.
    pub(crate) fn sweep(&self, now: Instant) {
        let now = self.nanos(now);
        if let Some(lockout) = &self.lockout {
            lockout.sweep(now);
        }
        self.addresses.retain(|_, debt| debt.until() > now);
        self.users.retain(|_, debt| debt.until() > now);
    }

    /// Other credentials count from now on: what was wrong may be right, so whoever waits for a name need not wait on. All
    /// names alike, or it would show which of them exist; the counts of addresses stay.
    pub(crate) fn forgive(&self) {
        if let Some(lockout) = &self.lockout {
            lockout.forgive();
        }
    }

    /// What lock-out keeps; `None` where it is off. `users` are the names that may be told.
    pub(crate) fn locked_out<'u>(&self, users: impl Iterator<Item = &'u str>, now: Instant) -> Option<Vec<Entry>> {
        self.lockout.as_ref().map(|lockout| lockout.entries(users, self.nanos(now)))
    }

    /// Has lock-out forget everything, what it keeps of an address, or of a user from an address. Tells how many entries
    /// that were; `None` where it is off.
    pub(crate) fn clear(&self, address: Option<IpAddr>, user: Option<&str>) -> Option<usize> {
        self.lockout.as_ref().map(|lockout| lockout.clear(address, user))
    }

    fn nanos(&self, now: Instant) -> u64 {
        u64::try_from(now.saturating_duration_since(self.epoch).as_nanos()).unwrap_or(u64::MAX)
    }
}

/// An address as it is counted and told: with its network, where it is IPv6.
pub(super) fn shown(address: IpAddr) -> String {
    Source::of(address).to_string()
}
