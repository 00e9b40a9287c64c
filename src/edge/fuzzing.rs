//! The edge's door for the fuzz targets and benchmarks; [`crate::fuzzing`] shows it.

use std::rc::Rc;

use tokio::io::DuplexStream;

use super::connection::{Connection, ConnectionLimits, Door, Draining};
use crate::gate::{Gate, Peer};

/// A gate, and how connections to it are served.
pub(crate) struct Serving {
    pub(crate) gate: Rc<Gate>,
    pub(crate) limits: Rc<ConnectionLimits>,
    pub(crate) draining: Draining,
}

impl Serving {
    /// Serves HTTP/1 as on the TLS listener, or as on the clear-text one.
    pub(crate) async fn http1(&self, client: DuplexStream, peer: Peer, clear: bool) {
        let connection = Connection {
            gate: Rc::clone(&self.gate),
            peer,
            door: if clear { Door::Clear } else { Door::Tls },
            limits: Rc::clone(&self.limits),
            shared: Rc::default(),
            draining: self.draining.clone(),
        };
        connection.http1(client).await;
    }
}
