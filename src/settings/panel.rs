//! The control panel.

use std::net::SocketAddr;
use std::time::Duration;

use super::check::{Check, Told};
use super::raw::RawPanel;

/// A minute, so that a page can be read; a month, so that nobody stays signed in for ever.
const BOUNDS: std::ops::RangeInclusive<Duration> = Duration::from_mins(1)..=Duration::from_hours(24 * 31);

/// The control panel. Used by `server` and `panel`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Panel {
    /// The address; `None` for off.
    pub https: Option<SocketAddr>,
    /// How long somebody who does nothing stays signed in.
    pub idle_timeout: Duration,
    /// How long somebody stays signed in at the most.
    pub session_timeout: Duration,
}

impl Panel {
    pub(super) fn check(raw: RawPanel, check: &mut Check<'_>) -> Result<Self, Told> {
        let https = raw.https.map(|address| check.address("panel.https", &address)).transpose();
        let idle = check.amount("panel.idle_timeout", raw.idle_timeout.as_ref(), Duration::from_mins(30), BOUNDS);
        let most = raw.session_timeout.as_ref();
        let most = check.amount("panel.session_timeout", most, Duration::from_hours(10), BOUNDS);
        Ok(Self { https: https?, idle_timeout: idle?, session_timeout: most? })
    }
}
