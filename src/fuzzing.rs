//! Doors for the fuzz targets in `fuzz/` and for what `benches/` measures: what is private, in one thin function each.
//!
//! Compiled with the feature `fuzzing` alone, which no gateway is built with: with it a thread can be told to find its
//! upstream in memory. Nothing here decides or repairs anything, so that what is fuzzed and measured is what runs.

use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use tokio::io::DuplexStream;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::edge::connection::ConnectionLimits;
use crate::edge::fuzzing::Serving;
use crate::gate::fuzzing::play_upstream;
pub use crate::gate::fuzzing::{
    Arrived, Judged, Presented, Said, credentials, keep_trailers, prepare, restore, restore_interim,
};
use crate::gate::{
    Authorization, Endpoint, Gate, GateParts, Passwords, Peer, Recorder, Throttle, UpstreamSettings, Voice,
};
use crate::record::{AuditSink, AuditWriter, Metrics, RequestIds, TokenUses};
use crate::settings::{Answers, Lockout, RateLimit};
use crate::source::document::Law;
use crate::source::live::{Live, Publisher};
use crate::wire::{BodyDecoder, HeadLimits, Piece, answer};

/// An upstream's answer as the gateway reads it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The words behind it.
    pub reason: Vec<u8>,
    /// The fields of its head.
    pub headers: HeaderMap,
    /// Whether another answer may follow it.
    pub keep_alive: bool,
    /// The data of its body.
    pub body: Vec<u8>,
    /// The fields behind its body.
    pub trailers: HeaderMap,
    /// Whether it came to its end.
    pub whole: bool,
    /// What stands behind it.
    pub rest: Vec<u8>,
}

/// Reads one answer that comes in pieces, after which the upstream closes the connection; `None` where its head has not
/// come as a whole.
///
/// # Errors
/// What is wrong with its head.
pub fn answer<'p>(mut pieces: impl Iterator<Item = &'p [u8]>, method: &Method) -> Result<Option<Answer>, &'static str> {
    let mut buffer = BytesMut::new();
    let head = loop {
        match (answer::take(&mut buffer, method)?, pieces.next()) {
            (Some(head), next) => {
                buffer.extend_from_slice(next.unwrap_or_default());
                break head;
            }
            (None, Some(piece)) => buffer.extend_from_slice(piece),
            (None, None) => return Ok(None),
        }
    };
    let (mut body, mut trailers) = (Vec::new(), HeaderMap::new());
    let mut decoder = BodyDecoder::new(head.framing);
    let whole = loop {
        match decoder.take(&mut buffer) {
            Ok(Piece::Data(data)) => body.extend_from_slice(&data),
            Ok(Piece::Trailers(fields)) => trailers = fields,
            Ok(Piece::End) => break true,
            Ok(Piece::More) => match pieces.next() {
                Some(piece) => buffer.extend_from_slice(piece),
                None => break decoder.ended().is_ok(),
            },
            Err(_) => break false,
        }
    };
    pieces.for_each(|piece| buffer.extend_from_slice(piece));
    let (status, reason, headers) = (head.status, head.reason.to_vec(), head.headers);
    Ok(Some(Answer {
        status,
        reason,
        headers,
        keep_alive: head.keep_alive,
        body,
        trailers,
        whole,
        rest: buffer.into(),
    }))
}

/// The largest head of a request.
const HEAD: HeadLimits = HeadLimits { size: 8 << 10, fields: 64, target: 1 << 10 };
/// The largest body of a request.
const BODY: u64 = 8 << 10;

/// A gateway that has neither sockets nor threads.
pub struct Gateway {
    serving: Serving,
    /// Kept, for a gateway whose sender is gone drains.
    _draining: watch::Sender<bool>,
    _publisher: Publisher,
}

impl Gateway {
    /// A gateway under this law. Every connection to its upstream is handed to `accept`. One thread has one at a time.
    /// Nothing is counted that would make an answer depend on what came before it.
    ///
    /// # Errors
    /// Where the system has no random bytes to give.
    pub fn new(law: Law, accept: impl Fn(DuplexStream) + 'static) -> io::Result<Self> {
        Self::with_lockout(law, &no_lockout(), accept)
    }

    /// The same, with wrong credentials counted.
    ///
    /// # Errors
    /// Where the system has no random bytes to give.
    pub fn with_lockout(law: Law, lockout: &Lockout, accept: impl Fn(DuplexStream) + 'static) -> io::Result<Self> {
        play_upstream(accept);
        let (live, publisher) = Live::start(law.into_snapshot(1));
        let metrics = Arc::new(Metrics::new());
        let (_, audit) = AuditWriter::start(AuditSink::Off, Arc::default(), Arc::clone(&metrics))?;
        let limits = limits();
        let gate = Gate::new(GateParts {
            live,
            voice: Voice::new(Answers::default(), "fuzz", None),
            authorization: Authorization::Strip,
            passwords: Arc::new(Passwords::new(1)?),
            throttle: Arc::new(Throttle::new(lockout, &no_rates(), &metrics, Instant::now())),
            upstream: upstream(),
            recorder: Recorder { log: audit.log(), metrics, ids: RequestIds::seeded()? },
            uses: TokenUses::new(Arc::default()),
            https_port: 443,
            send_timeout: limits.send_timeout,
        });
        let (sender, draining) = watch::channel(false);
        let serving = Serving { gate, limits: Rc::new(limits), draining };
        Ok(Self { serving, _draining: sender, _publisher: publisher })
    }

    /// Serves a client until either side ends the connection; to be called in a `LocalSet`. `clear`: it came to the
    /// clear-text listener.
    pub async fn serve(&self, client: DuplexStream, clear: bool) {
        let peer = Peer::new(IpAddr::V4(Ipv4Addr::LOCALHOST), Box::new(()));
        self.serving.http1(client, peer, clear).await;
    }

    /// Takes a request in, whose head was read by somebody else.
    #[must_use]
    pub fn arrive(&self, address: IpAddr, head: Parts) -> Arrived {
        Arrived::new(&self.serving.gate, Peer::new(address, Box::new(())), head)
    }
}

fn no_lockout() -> Lockout {
    Lockout {
        enabled: false,
        failures: 1,
        address_failures: 1,
        first_wait: Duration::ZERO,
        longest_wait: Duration::ZERO,
        forget: Duration::ZERO,
        entries: 1000,
    }
}

fn no_rates() -> RateLimit {
    RateLimit { user: None, address: None, entries: 1000 }
}

fn limits() -> ConnectionLimits {
    ConnectionLimits {
        handshake_timeout: Duration::from_secs(10),
        header_timeout: Duration::from_secs(10),
        body_timeout: Duration::from_secs(30),
        send_timeout: Duration::from_secs(30),
        idle_timeout: Duration::from_secs(60),
        tunnel_timeout: Duration::from_secs(60),
        progress: 1 << 10,
        head: HEAD,
        http2_streams: 1,
        connection_requests: 1000,
    }
}

fn upstream() -> UpstreamSettings {
    UpstreamSettings {
        servers: vec![Endpoint {
            origin: "http://upstream.example".to_owned(),
            host: "upstream.example".to_owned(),
            port: 80,
            host_header: HeaderValue::from_static("upstream.example"),
            tls: None,
        }],
        connect_timeout: Duration::from_secs(5),
        response_timeout: Duration::from_secs(20),
        read_timeout: Duration::from_secs(20),
        idle_timeout: Duration::from_secs(30),
        most_idle: 4,
        body_limit: Some(BODY),
    }
}
