//! What is left of a request's body when its answer is already known: it is read and thrown away.
//!
//! Many clients look for an answer only when they have sent all of their body. Were an HTTP/2 stream dropped unread, it
//! would be reset (RFC 9113 section 8.1), and they would show a broken stream in place of the 403. On HTTP/1.1 the edge
//! sees to it, since what follows is its next request.

use std::future::poll_fn;
use std::time::Duration;

use bytes::Bytes;
use tokio::time::timeout;

use super::client::ClientBody;

/// How long a client may go on sending, and how much, before it is cut off after all.
pub(crate) const PATIENCE: Duration = Duration::from_secs(5);
pub(crate) const MOST: u64 = 16 << 20;

/// Reads on beside the answer, within bounds, where that is for the gate to do.
pub(super) fn read_on(body: ClientBody) {
    if let Some(body) = body.read_on() {
        tokio::task::spawn_local(timeout(PATIENCE, to_the_end(body)));
    }
}

async fn to_the_end(mut body: ClientBody) {
    let mut read = 0;
    while let Some(Ok(frame)) = poll_fn(|cx| body.poll_frame(cx)).await {
        read += frame.data_ref().map_or(0, Bytes::len) as u64;
        if read > MOST {
            return;
        }
    }
}
