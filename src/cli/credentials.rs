//! Whether anybody can prove to be a user at the moment, before permissions count.

use std::time::SystemTime;

use crate::policy::User;

/// Why no request gets as far as a decision about this user, if that is so.
pub(super) fn hindrance(user: &User, now: SystemTime) -> Option<&'static str> {
    let lives = |end: Option<SystemTime>| end.is_none_or(|end| now < end);
    let live = user.password.is_some() || user.tokens.iter().any(|token| lives(token.expires));
    match (user.api_access, live) {
        (false, _) => Some("API access is off"),
        (true, true) => None,
        (true, false) if user.tokens.is_empty() => Some("there is no token"),
        (true, false) => Some("every token has expired"),
    }
}
