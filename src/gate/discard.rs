//! What is left of a request's body when its answer is already known: it is read and thrown away.
//!
//! Called by [`Gate::serve`](super::Gate::serve) for what it rejects, and where no upstream can be reached. Many clients look for an answer only when they
//! have sent all of their body. Were it dropped unread, an HTTP/2 stream would be reset (RFC 9113 section 8.1) and an
//! HTTP/1.1 connection closed under them, and they would show a broken connection in place of the 403.

use std::time::Duration;

use http::header::EXPECT;
use http::request::Parts;
use http_body_util::BodyExt;
use hyper::body::{Body, Incoming};
use tokio::time::timeout;

use super::rejection::Rejection;

/// How long a client may go on sending, and how much, before it is cut off after all.
const PATIENCE: Duration = Duration::from_secs(5);
const MOST: u64 = 16 << 20;

/// Reads on beside the answer, where that helps the client and there is no doubt where the body ends.
pub(super) fn discard(head: &Parts, body: Incoming, rejection: &Rejection) {
    // To ask for the body of a client that waits would have it send what nobody wants.
    if body.is_end_stream() || head.headers.contains_key(EXPECT) || rejection.ends_connection() {
        return;
    }
    read_on(body);
}

/// Reads on beside the answer, within bounds.
pub(super) fn read_on(body: Incoming) {
    tokio::task::spawn_local(timeout(PATIENCE, to_the_end(body)));
}

async fn to_the_end(mut body: Incoming) {
    let mut read = 0;
    while let Some(Ok(frame)) = body.frame().await {
        read += frame.data_ref().map_or(0, |data| data.len() as u64);
        if read > MOST {
            return;
        }
    }
}
