//! One client connection and what it is served with.

use std::rc::Rc;
use std::time::Duration;

use tokio::sync::watch;

use super::shared::Shared;
use crate::gate::{Gate, Peer};
use crate::wire::{HeadLimits, PaceLimits};

/// How long a client may go on sending the body of a request that has its answer, and how much, before it is cut off.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);
pub(super) const MOST: u64 = 16 << 20;

/// What a connection may take.
#[derive(Clone, Debug)]
pub(crate) struct ConnectionLimits {
    pub(crate) handshake_timeout: Duration,
    pub(crate) header_timeout: Duration,
    pub(crate) body_timeout: Duration,
    pub(crate) send_timeout: Duration,
    pub(crate) idle_timeout: Duration,
    pub(crate) tunnel_timeout: Duration,
    /// Bytes that have to move in each `body_timeout` and `send_timeout`.
    pub(crate) progress: u64,
    pub(crate) head: HeadLimits,
    pub(crate) http2_streams: u32,
    /// Requests on one connection.
    pub(crate) connection_requests: u64,
}

impl ConnectionLimits {
    /// How fast the client has to be.
    pub(super) fn pace(&self, patience: Duration) -> PaceLimits {
        PaceLimits { patience, least: self.progress }
    }
}

/// Which of the gate's two doors a connection came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Door {
    /// The TLS listener.
    Tls,
    /// The clear-text listener, from which nothing is forwarded.
    Clear,
}

/// Says when the gateway is about to end.
pub(crate) type Draining = watch::Receiver<bool>;

/// One connection and everything it is served with.
pub(super) struct Connection {
    pub(super) gate: Rc<Gate>,
    pub(super) peer: Peer,
    pub(super) door: Door,
    pub(super) limits: Rc<ConnectionLimits>,
    pub(super) shared: Rc<Shared>,
    pub(super) draining: Draining,
}
