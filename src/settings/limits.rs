//! What one client may take up. Each value's reason stands in `raw`.

use std::num::NonZeroUsize;
use std::ops::RangeInclusive;
use std::time::Duration;

use super::check::{Check, Told};
use super::raw::RawLimits;

/// From the shortest timeout that is one to the longest that still ends what is stuck.
pub(super) const TIMEOUT: RangeInclusive<Duration> = Duration::from_millis(1)..=Duration::from_secs(24 * 3600);

/// Less than 8 KiB would refuse what RFC 9112 section 3 wants a request line alone to be allowed.
const HEAD: RangeInclusive<u64> = 8 << 10..=1 << 20;

/// What one client may take up. Used by `edge`, but for `body_size` and `password_checks`: those are the gate's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// For a TLS handshake.
    pub handshake_timeout: Duration,
    /// For the head of a request, from its first byte.
    pub header_timeout: Duration,
    /// For a client's connection between requests.
    pub idle_timeout: Duration,
    /// Bytes of a request's head, from 8 KiB to 1 MiB.
    pub head_size: u32,
    /// Header fields of a request.
    pub head_fields: u32,
    /// Bytes of a request's body; `None` for as many as the upstream takes.
    pub body_size: Option<u64>,
    /// Requests at once on one HTTP/2 connection.
    pub http2_streams: u32,
    /// Client connections at once, over all workers.
    pub connections: u32,
    /// Passwords verified at once.
    pub password_checks: NonZeroUsize,
    /// For requests to end once Portcullis is told to stop. May be zero.
    pub drain_timeout: Duration,
}

impl Limits {
    pub(super) fn check(raw: &RawLimits, check: &mut Check<'_>) -> Result<Self, Told> {
        let mut time = |name: &str, raw, seconds| {
            check.amount(&format!("limits.{name}"), raw, Duration::from_secs(seconds), TIMEOUT)
        };
        let handshake_timeout = time("handshake_timeout", raw.handshake_timeout.as_ref(), 10);
        let header_timeout = time("header_timeout", raw.header_timeout.as_ref(), 15);
        let idle_timeout = time("idle_timeout", raw.idle_timeout.as_ref(), 75);
        let drain = Duration::ZERO..=*TIMEOUT.end();
        let drain_timeout =
            check.amount("limits.drain_timeout", raw.drain_timeout.as_ref(), Duration::from_secs(30), drain);
        let head_size = check.amount("limits.head_size", raw.head_size.as_ref(), 32 << 10, HEAD);
        let head_fields = check.number("limits.head_fields", raw.head_fields.as_ref(), 100, 16..=1000);
        let body = raw.body_size.as_ref();
        let body_size = body.map(|size| check.amount("limits.body_size", Some(size), 0, 1..=u64::MAX)).transpose();
        let http2_streams = check.number("limits.http2_streams", raw.http2_streams.as_ref(), 100, 1..=1000);
        let connections = check.number("limits.connections", raw.connections.as_ref(), 10_000, 1..=1_000_000);
        let password_checks = check.count("limits.password_checks", raw.password_checks.as_ref(), 1024);
        Ok(Self {
            handshake_timeout: handshake_timeout?,
            header_timeout: header_timeout?,
            idle_timeout: idle_timeout?,
            head_size: u32::try_from(head_size?).unwrap_or(u32::MAX),
            head_fields: head_fields?,
            body_size: body_size?,
            http2_streams: http2_streams?,
            connections: connections?,
            password_checks: password_checks?,
            drain_timeout: drain_timeout?,
        })
    }
}
