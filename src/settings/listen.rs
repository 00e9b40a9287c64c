//! Where clients are awaited, and the address for those who run Portcullis.

use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::path::PathBuf;

use super::check::{Check, Problem, Told};
use super::raw::{RawListen, RawOps};
use super::value::At;

/// Where clients are awaited. Used by `edge`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listen {
    /// Addresses for HTTPS, at least one. Port 0 leaves the choice to the system.
    pub https: Vec<SocketAddr>,
    /// Addresses for plain HTTP, which only redirects.
    pub http: Vec<SocketAddr>,
    /// Threads that serve.
    pub workers: NonZeroUsize,
    /// Completed connections that the kernel keeps for each worker.
    pub backlog: u32,
}

/// What is for those who run Portcullis. Used by `server`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ops {
    /// The address for metrics and health; `None` for off.
    pub http: Option<SocketAddr>,
    /// The socket for commands; `None` for off.
    pub socket: Option<PathBuf>,
}

impl Listen {
    pub(super) fn check(raw: At<RawListen>, check: &mut Check<'_>) -> Result<Self, Told> {
        let At { value: raw, span } = raw;
        let https = check.required(&span, "listen.https", raw.https, "[\"0.0.0.0:8443\"]").and_then(|list| {
            if list.value.is_empty() {
                let problem = Problem::new("the list is empty").help("for example: https = [\"0.0.0.0:8443\"]");
                return Err(check.tell(list.span, "listen.https", problem));
            }
            addresses(check, "listen.https", &list.value)
        });
        let http = addresses(check, "listen.http", &raw.http.unwrap_or_default());
        let workers = check.count("listen.workers", raw.workers.as_ref(), 1024);
        let backlog = check.number("listen.backlog", raw.backlog.as_ref(), 1024, 1..=65535);
        Ok(Self { https: https?, http: http?, workers: workers?, backlog: backlog? })
    }
}

impl Ops {
    pub(super) fn check(raw: RawOps, check: &mut Check<'_>) -> Result<Self, Told> {
        let http = raw.http.map(|address| check.address("ops.http", &address)).transpose();
        let socket = check.optional_path("ops.socket", raw.socket.as_ref());
        Ok(Self { http: http?, socket: socket? })
    }
}

/// Checks all before the first that failed ends it.
fn addresses(check: &mut Check<'_>, key: &str, list: &[At<String>]) -> Result<Vec<SocketAddr>, Told> {
    let checked: Vec<_> = list.iter().map(|address| check.address(key, address)).collect();
    checked.into_iter().collect()
}
