//! Times and states, as a person reads them.

use std::time::SystemTime;

use crate::policy::{Token, User};

/// A day, and for a moment of today also the time.
pub(super) fn moment(moment: SystemTime, now: SystemTime) -> String {
    let (day, time) = written(moment);
    let time = time.get(..5).unwrap_or_default();
    if written(now).0 == day { format!("today, {time} UTC") } else { day }
}

/// The time to the second, and the day where it is not today.
pub(super) fn second(moment: SystemTime, now: SystemTime) -> String {
    let (day, time) = written(moment);
    let time = time.trim_end_matches('Z');
    if written(now).0 == day { format!("{time} UTC") } else { format!("{day}, {time} UTC") }
}

/// The day and the time, as RFC 3339 writes them.
fn written(moment: SystemTime) -> (String, String) {
    let written = jiff::Timestamp::try_from(moment).map(|moment| format!("{moment:.0}")).unwrap_or_default();
    let (day, time) = written.split_once('T').unwrap_or((&written, ""));
    (day.to_owned(), time.to_owned())
}

/// How a token stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    Good,
    Ending,
    Ended,
}

pub(super) fn standing(token: &Token, now: SystemTime) -> Standing {
    match (token.expired(now), token.ends_soon(now)) {
        (true, _) => Standing::Ended,
        (false, true) => Standing::Ending,
        (false, false) => Standing::Good,
    }
}

/// How a user's tokens stand, in a word or two; nothing where all is well.
pub(super) fn remark(user: &User, now: SystemTime) -> Option<&'static str> {
    let standings: Vec<_> = user.tokens.iter().map(|token| standing(token, now)).collect();
    let good = |standing: &Standing| *standing == Standing::Good;
    if standings.iter().any(good) || user.password.is_some() {
        None
    } else if standings.contains(&Standing::Ending) {
        Some("token ends soon")
    } else if standings.is_empty() {
        Some("no token")
    } else {
        Some("token has ended")
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use super::{Standing, moment, second, standing};
    use crate::policy::{Token, TokenHash};

    #[test]
    fn moments_are_told_shortly() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_764_547_200);
        assert_eq!(moment(now + Duration::from_secs(3_660), now), "today, 01:01 UTC");
        assert_eq!(moment(now - Duration::from_secs(1), now), "2025-11-30");
        assert_eq!(second(now + Duration::from_secs(3_660), now), "01:01:00 UTC");
        assert_eq!(second(now - Duration::from_secs(1), now), "2025-11-30, 23:59:59 UTC");
    }

    #[test]
    fn a_token_ends_at_its_moment() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000);
        let day = Duration::from_secs(86_400);
        for (expires, standing_then) in [
            (None, Standing::Good),
            (Some(now), Standing::Ended),
            (Some(now + day), Standing::Ending),
            (Some(now + 20 * day), Standing::Good),
        ] {
            let token = Token { hash: TokenHash::of(b"x"), label: None, created: None, expires };
            assert_eq!(standing(&token, now), standing_then);
        }
    }
}
