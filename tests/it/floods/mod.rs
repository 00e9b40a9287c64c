//! HTTP/2 clients that want the gateway to work or to remember for nothing: each is bounded, and those beside it do not
//! notice. What they send is bounded too, in count and in time.

mod heads;
mod malformed;
mod resets;
mod small_frames;
mod windows;

use std::future::Future;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

use crate::harness::{AMY, Ask, Frames, Gateway, HOST, Http2, Kind, basic, block, flags, frame, last_ping, resident};

/// Enough connections that some are of the worker that is flooded.
const BESIDE: usize = 6;
/// What a flood may have the gateway, the upstream and the client hold, all together.
const BEARABLE: u64 = 96 << 20;
/// How long a client floods that nobody reads from.
const LONG: Duration = Duration::from_secs(5);

type Attacker = Frames<TlsStream<TcpStream>>;

/// Runs a flood with good clients beside it, who must all be served, and shows whether memory stays within bounds.
async fn beside<T>(gateway: &Gateway, flood: impl Future<Output = T>) -> T {
    let mut clients = Vec::new();
    for _ in 0..BESIDE {
        clients.push(gateway.http2().await);
    }
    let before = resident();
    let mut flood = std::pin::pin!(flood);
    let mut flooded = None;
    while flooded.is_none() {
        tokio::select! {
            done = &mut flood => flooded = Some(done),
            () = all_served(&clients) => {}
        }
    }
    all_served(&clients).await;
    let grown = resident().saturating_sub(before);
    assert!(grown < BEARABLE, "{grown} bytes more");
    flooded.expect("the flood is over")
}

async fn all_served(clients: &[Http2]) {
    for client in clients {
        assert_eq!(client.ask(&Ask::get("/orders").by_amy()).await.status(), 200);
    }
}

/// How many requests reached the upstream that good clients did not send.
async fn reached(gateway: &Gateway) -> usize {
    gateway.upstream.settled().await.iter().filter(|one| !one.head.line.contains("/orders")).count()
}

/// Sends for as long as it is taken, and no longer than a while.
async fn pour(attacker: &mut Attacker, frames: &[u8], times: usize) {
    let pouring = async {
        for _ in 0..times {
            if !attacker.send(frames).await {
                return;
            }
        }
    };
    // A gateway that takes no more is one of the ways to bound it.
    let _ = tokio::time::timeout(LONG, pouring).await;
}

/// A head on a stream, which ends it or not.
fn request(stream: u32, method: &str, path: &str, ends: bool) -> Vec<u8> {
    let end = if ends { flags::END_STREAM } else { 0 };
    frame(Kind::HEADERS, flags::END_HEADERS | end, stream, &block(&fields(method, path)))
}

fn fields(method: &str, path: &str) -> Vec<(String, String)> {
    let fields = [
        (":method", method),
        (":scheme", "https"),
        (":authority", HOST),
        (":path", path),
        ("authorization", &basic(AMY)),
    ];
    fields.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec()
}

fn reset(stream: u32) -> Vec<u8> {
    // CANCEL
    frame(Kind::RST_STREAM, 0, stream, &8u32.to_be_bytes())
}

/// The streams that a client opens, one after the other.
fn streams(count: u32) -> impl Iterator<Item = u32> {
    (0..count).map(|number| 2 * number + 1)
}

/// Whether the connection has ended once all that was sent has been read.
async fn is_over(attacker: &mut Attacker) -> bool {
    !attacker.send(&last_ping()).await || attacker.ends().await
}
