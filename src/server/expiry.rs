//! Tokens that end soon: warned about before their users are shut out, and counted.
//!
//! Run by the control thread. Each is told at start, with the reload that brings it, and then once a day; the metrics have
//! numbers and no names.

use std::collections::HashSet;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::time::timeout;

use crate::policy::{Snapshot, Token, User};
use crate::record::Metrics;
use crate::source::live::Live;

/// How often a warning is repeated.
const DAILY: Duration = Duration::from_hours(24);
/// How often tokens are counted where the document does not change. There may be a million of them.
const PERIOD: Duration = Duration::from_mins(5);
/// Warnings in one go; more are counted.
const TOLD: usize = 50;

/// Watches over the tokens of the snapshots in force.
pub(super) struct Expiry {
    live: Live,
    metrics: Arc<Metrics>,
    told: Told,
}

/// What has been told since the last daily round.
#[derive(Default)]
struct Told {
    since: Option<SystemTime>,
    tokens: HashSet<(u64, Option<SystemTime>)>,
}

/// What was found in one look.
#[derive(Debug, Default, PartialEq, Eq)]
struct Found {
    /// Tokens that count and end soon.
    expiring: usize,
    /// Tokens that have ended and are still in the document.
    expired: usize,
    /// Those that end soon and are to be told, the first to end first.
    news: Vec<Ending>,
}

/// A token that ends soon.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Ending {
    expires: SystemTime,
    user: Box<str>,
    label: Option<Box<str>>,
}

impl Expiry {
    pub(super) fn new(live: Live, metrics: Arc<Metrics>) -> Self {
        Self { live, metrics, told: Told::default() }
    }

    /// Looks now, with each reload, and from time to time, as long as the future is polled.
    pub(super) async fn run(mut self) -> Infallible {
        let mut changes = self.live.changes();
        loop {
            self.look(SystemTime::now());
            if let Ok(Err(_)) = timeout(PERIOD, changes.changed()).await {
                // Nobody publishes any more: the gateway is ending.
                std::future::pending::<()>().await;
            }
        }
    }

    fn look(&mut self, now: SystemTime) {
        let found = self.told.look(&self.live.snapshot(), now);
        self.metrics.tokens_expire(found.expiring, found.expired);
        let more = found.news.len().saturating_sub(TOLD);
        for Ending { expires, user, label } in found.news.into_iter().take(TOLD) {
            let expires = jiff::Timestamp::try_from(expires).map(|moment| moment.to_string()).unwrap_or_default();
            tracing::warn!(%user, label = label.as_deref().unwrap_or("(none)"), expires, "a token expires soon");
        }
        if more > 0 {
            tracing::warn!(more, "more tokens expire soon");
        }
    }
}

impl Told {
    /// Counts, and picks out what has not been told today.
    fn look(&mut self, snapshot: &Snapshot, now: SystemTime) -> Found {
        let over = |since: SystemTime| now.duration_since(since).is_ok_and(|age| age >= DAILY);
        if self.since.is_none_or(over) {
            *self = Self { since: Some(now), tokens: HashSet::new() };
        }
        let mut found = Found::default();
        let users = snapshot.users.iter().filter(|user| user.api_access);
        for (user, token, expires) in users.flat_map(ends) {
            if token.expired(now) {
                found.expired += 1;
            } else if token.ends_soon(now) {
                found.expiring += 1;
                if self.tokens.insert((token.hash.mark(), token.expires)) {
                    found.news.push(Ending { expires, user: (*user.name).into(), label: token.label.clone() });
                }
            }
        }
        found.news.sort_unstable();
        found
    }
}

/// The tokens of a user that end at all.
fn ends(user: &User) -> impl Iterator<Item = (&User, &Token, SystemTime)> {
    user.tokens.iter().filter_map(move |token| Some((user, token, token.expires?)))
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use super::{DAILY, Ending, Found, Told};
    use crate::policy::{Snapshot, TokenHash};
    use crate::source::document::{Format, read};

    const DAY: Duration = DAILY;

    fn now() -> SystemTime {
        // 2026-07-01T00:00:00Z
        SystemTime::UNIX_EPOCH + Duration::from_secs(1_782_864_000)
    }

    fn snapshot(users: &[(&str, bool, &str)]) -> Snapshot {
        let users = users.iter().map(|(name, access, expires)| {
            let hash = TokenHash::of(name.as_bytes());
            let token = format!("{{ hash = \"{hash}\", label = \"till\", expires = {expires} }}");
            format!("[users.{name}]\napi_access = {access}\ntokens = [{token}]\n")
        });
        let law =
            read("t", &users.collect::<String>(), Format::Toml, now()).unwrap_or_else(|faults| panic!("{faults}"));
        law.into_snapshot(1)
    }

    fn names(found: &Found) -> Vec<&str> {
        found.news.iter().map(|ending| &*ending.user).collect()
    }

    #[test]
    fn what_ends_within_two_weeks_is_told_and_counted() {
        let all = snapshot(&[
            ("amy", true, "2026-07-10T00:00:00Z"),
            ("bob", true, "2026-07-02T00:00:00Z"),
            ("eve", true, "2026-07-16T00:00:00Z"),
            ("old", true, "2026-07-01T00:00:00Z"),
            ("off", false, "2026-07-02T00:00:00Z"),
        ]);
        let found = Told::default().look(&all, now());
        assert_eq!((found.expiring, found.expired, names(&found)), (2, 1, vec!["bob", "amy"]));
        let ending = Ending { expires: now() + DAY, user: "bob".into(), label: Some("till".into()) };
        assert_eq!(found.news[0], ending);
        let edge = Told::default().look(&all, now() + DAY);
        assert_eq!((edge.expiring, edge.expired, names(&edge)), (2, 2, vec!["amy", "eve"]));
    }

    #[test]
    fn each_is_told_once_a_day_and_a_new_one_at_once() {
        let amy = ("amy", true, "2026-07-10T00:00:00Z");
        let (first, second) = (snapshot(&[amy]), snapshot(&[amy, ("bob", true, "2026-07-09T00:00:00Z")]));
        let mut told = Told::default();
        assert_eq!(names(&told.look(&first, now())), ["amy"]);
        assert_eq!(names(&told.look(&first, now() + DAY / 2)), Vec::<&str>::new());
        assert_eq!(names(&told.look(&second, now() + DAY / 2)), ["bob"], "a reload brought it");
        let later = snapshot(&[("amy", true, "2026-07-11T00:00:00Z")]);
        assert_eq!(names(&told.look(&later, now() + DAY / 2)), ["amy"], "her end has moved");
        assert_eq!(names(&told.look(&second, now() + DAY)), ["bob", "amy"], "a day later");
        assert_eq!(told.look(&second, now() + 10 * DAY), Found { expiring: 0, expired: 2, news: Vec::new() });
    }
}
