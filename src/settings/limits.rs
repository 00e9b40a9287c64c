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
    /// For `progress` bytes of a request's body, while they are waited for.
    pub body_timeout: Duration,
    /// For a client to take `progress` bytes of an answer, while it is waited for.
    pub send_timeout: Duration,
    /// Bytes that have to move in each `body_timeout` and `send_timeout`.
    pub progress: u64,
    /// For a client's connection between requests.
    pub idle_timeout: Duration,
    /// For a connection that has changed its protocol, between two bytes.
    pub tunnel_timeout: Duration,
    /// Bytes of a request's head, from 8 KiB to 1 MiB.
    pub head_size: u32,
    /// Bytes of a request target: path and query.
    pub target_size: u32,
    /// Header fields of a request.
    pub head_fields: u32,
    /// Bytes of a request's body; `None` for as many as the upstream takes.
    pub body_size: Option<u64>,
    /// Requests at once on one HTTP/2 connection.
    pub http2_streams: u32,
    /// Client connections at once, over all workers.
    pub connections: u32,
    /// Client connections at once from one address, in IPv6 from one /64.
    pub address_connections: u32,
    /// Requests on one connection.
    pub connection_requests: u32,
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
        let body_timeout = time("body_timeout", raw.body_timeout.as_ref(), 30);
        let send_timeout = time("send_timeout", raw.send_timeout.as_ref(), 30);
        let idle_timeout = time("idle_timeout", raw.idle_timeout.as_ref(), 75);
        let tunnel_timeout = time("tunnel_timeout", raw.tunnel_timeout.as_ref(), 3600);
        let progress = check.amount("limits.progress", raw.progress.as_ref(), 1 << 10, 1..=1 << 20);
        let drain = Duration::ZERO..=*TIMEOUT.end();
        let drain_timeout =
            check.amount("limits.drain_timeout", raw.drain_timeout.as_ref(), Duration::from_secs(30), drain);
        let head_size = check.amount("limits.head_size", raw.head_size.as_ref(), 32 << 10, HEAD);
        let target_size = check.amount("limits.target_size", raw.target_size.as_ref(), 8 << 10, 1 << 10..=1 << 20);
        let head_fields = check.number("limits.head_fields", raw.head_fields.as_ref(), 100, 16..=1000);
        let body = raw.body_size.as_ref();
        let body_size = body.map(|size| check.amount("limits.body_size", Some(size), 0, 1..=u64::MAX)).transpose();
        let http2_streams = check.number("limits.http2_streams", raw.http2_streams.as_ref(), 100, 1..=1000);
        let connections = check.number("limits.connections", raw.connections.as_ref(), 16_000, 1..=1_000_000);
        let address_connections =
            check.number("limits.address_connections", raw.address_connections.as_ref(), 12_000, 1..=1_000_000);
        let connection_requests =
            check.number("limits.connection_requests", raw.connection_requests.as_ref(), 10_000, 1..=1_000_000_000);
        let password_checks = check.count("limits.password_checks", raw.password_checks.as_ref(), 1024);
        Ok(Self {
            handshake_timeout: handshake_timeout?,
            header_timeout: header_timeout?,
            body_timeout: body_timeout?,
            send_timeout: send_timeout?,
            progress: progress?,
            idle_timeout: idle_timeout?,
            tunnel_timeout: tunnel_timeout?,
            head_size: u32::try_from(head_size?).unwrap_or(u32::MAX),
            target_size: u32::try_from(target_size?).unwrap_or(u32::MAX),
            head_fields: head_fields?,
            body_size: body_size?,
            http2_streams: http2_streams?,
            connections: connections?,
            address_connections: address_connections?,
            connection_requests: connection_requests?,
            password_checks: password_checks?,
            drain_timeout: drain_timeout?,
        })
    }
}
