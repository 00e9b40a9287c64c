//! What the tests stand on: a gateway, an upstream that records, and clients that hide nothing.

mod access;
mod ask;
pub(crate) mod corpus;
mod escaped;
mod frames;
mod gateway;
mod head;
mod http2;
mod play;
mod recorder;
mod seen;
mod wire;

use std::future::Future;
use std::time::Duration;

pub(crate) use access::{AMY, PLAIN, SECRETS, basic, document, user};
pub(crate) use ask::Ask;
pub(crate) use escaped::bytes;
pub(crate) use frames::{Frames, Kind, Reply, block, flags, frame, last_ping, parameters};
pub(crate) use gateway::{Gateway, GatewayOptions, HERE, HOST, Protocol};
pub(crate) use head::{Answer, Head};
pub(crate) use http2::{Http2, Outgoing};
pub(crate) use play::{BLOCK, pattern};
pub(crate) use recorder::{Received, Upstream};
pub(crate) use seen::Seen;
pub(crate) use wire::Wire;

/// Long enough for a machine that does much else; reached only by a test that fails.
const DEADLINE: Duration = Duration::from_secs(20);

/// Waits for something that has to happen.
pub(crate) async fn within<F: Future>(what: &str, future: F) -> F::Output {
    match tokio::time::timeout(DEADLINE, future).await {
        Ok(output) => output,
        Err(_) => panic!("{what}: not within {DEADLINE:?}"),
    }
}

/// Waits until `look` finds something, for what tells nobody when it comes.
pub(crate) async fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let watch = async {
        loop {
            if let Some(found) = look() {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    within(what, watch).await
}

/// Resident memory of this process: the gateway, the upstream and the client.
pub(crate) fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
}
