//! What is refused for coming too often: lock-out and rate limits. Each value's reason stands in `raw`.

use std::ops::RangeInclusive;
use std::time::Duration;

use super::check::{Check, Problem, Told};
use super::limits::TIMEOUT;
use super::raw::{RawLockout, RawRateLimit};
use super::value::At;
use crate::policy::{Rate, RateError};

/// Few enough for the smallest machine, and more than anybody has memory for.
const ENTRIES: RangeInclusive<u32> = 1000..=10_000_000;

/// How wrong credentials are slowed down. Used by `gate`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lockout {
    /// Whether they are.
    pub enabled: bool,
    /// From which wrong try on one name from one address has to wait.
    pub failures: u32,
    /// The same for all names from one address.
    pub address_failures: u32,
    /// The first wait; each further one is twice as long.
    pub first_wait: Duration,
    /// The longest wait.
    pub longest_wait: Duration,
    /// After how long one wrong try is forgotten.
    pub forget: Duration,
    /// The most names and addresses that are kept.
    pub entries: u32,
}

/// How many requests are allowed. Used by `gate`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RateLimit {
    /// For each user whose entry in the access document has none.
    pub user: Option<Rate>,
    /// For each client address.
    pub address: Option<Rate>,
    /// The most users, and the most addresses, that are kept.
    pub entries: u32,
}

impl Lockout {
    pub(super) fn check(raw: &RawLockout, check: &mut Check<'_>) -> Result<Self, Told> {
        let mut number =
            |name: &str, raw, default| check.number(&format!("lockout.{name}"), raw, default, 1..=1_000_000);
        let failures = number("failures", raw.failures.as_ref(), 10);
        let address_failures = number("address_failures", raw.address_failures.as_ref(), 100);
        let mut time = |name: &str, raw, seconds| {
            check.amount(&format!("lockout.{name}"), raw, Duration::from_secs(seconds), TIMEOUT)
        };
        let first_wait = time("first_wait", raw.first_wait.as_ref(), 1);
        let longest_wait = time("longest_wait", raw.longest_wait.as_ref(), 900);
        let forget = time("forget", raw.forget.as_ref(), 900);
        let entries = check.number("lockout.entries", raw.entries.as_ref(), 100_000, ENTRIES);
        let (first_wait, longest_wait) = (first_wait?, longest_wait?);
        if first_wait > longest_wait {
            let span = raw.longest_wait.as_ref().map(|raw| &raw.span);
            let span = span.or_else(|| raw.first_wait.as_ref().map(|raw| &raw.span)).cloned().unwrap_or_default();
            return Err(check.tell(span, "lockout.longest_wait", Problem::new("it is shorter than first_wait")));
        }
        Ok(Self {
            enabled: raw.enabled.as_ref().is_none_or(|raw| raw.value),
            failures: failures?,
            address_failures: address_failures?,
            first_wait,
            longest_wait,
            forget: forget?,
            entries: entries?,
        })
    }
}

impl RateLimit {
    pub(super) fn check(raw: &RawRateLimit, check: &mut Check<'_>) -> Result<Self, Told> {
        let user = rate(check, "rate_limit.user", raw.user.as_ref());
        let address = rate(check, "rate_limit.address", raw.address.as_ref());
        let entries = check.number("rate_limit.entries", raw.entries.as_ref(), 100_000, ENTRIES);
        Ok(Self { user: user?, address: address?, entries: entries? })
    }
}

fn rate(check: &mut Check<'_>, key: &str, raw: Option<&At<String>>) -> Result<Option<Rate>, Told> {
    let parse = |text: &String| {
        Rate::parse(text).map_err(|error| {
            let problem = Problem::new(error.to_string());
            match error {
                RateError::Unit(_, Some(meant)) => problem.help(format!("write \"{meant}\"")),
                _ => problem,
            }
        })
    };
    raw.map(|raw| check.value(key, raw, parse)).transpose()
}
