//! Whether anybody can prove to be a user at the moment, before permissions count.

use std::time::SystemTime;

use crate::policy::User;

/// Why no request gets as far as a decision about this user, if that is so.
pub(super) fn hindrance(user: &User, now: SystemTime) -> Option<&'static str> {
    let live = user.password.is_some() || user.tokens.iter().any(|token| !token.expired(now));
    match (user.api_access, live) {
        (false, _) => Some("API access is off"),
        (true, true) => None,
        (true, false) if user.tokens.is_empty() => Some("there is no token"),
        (true, false) => Some("every token has expired"),
    }
}
