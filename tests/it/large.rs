//! Large bodies: they pass through, and are held nowhere.

use bytes::Bytes;
use http_body::Frame;
use http_body_util::BodyExt as _;

use crate::harness::{Ask, BLOCK, Gateway, Outgoing, pattern, resident, within};

/// How much is sent each way.
const LARGE: usize = 256 * 1024 * 1024 / BLOCK * BLOCK;
/// How much memory that may take: all buffers on the way, and what other tests in this process use meanwhile.
const BEARABLE: u64 = 160 * 1024 * 1024;
/// More than what kernels and TLS hold between the upstream and a client that reads nothing.
const HELD: u64 = 48 * 1024 * 1024;

fn assert_flat(before: u64) {
    let grown = resident().saturating_sub(before);
    assert!(grown < BEARABLE, "{grown} bytes more for {LARGE} bytes of body");
}

#[tokio::test]
async fn a_large_download_is_held_nowhere() {
    let gateway = Gateway::usual();
    let mut wire = gateway.http1().await;
    let before = resident();
    wire.send(&Ask::get(&format!("/play/sized/{LARGE}")).by_amy().to_http1()).await;
    let head = wire.answer_head().await;
    assert_eq!(head.value("content-length"), Some(LARGE.to_string()));
    let block = pattern(BLOCK * 2);
    let mut seen = 0;
    while seen < LARGE {
        let some = within("more of the body", wire.some(BLOCK)).await.unwrap().expect("the whole body");
        let place = seen % BLOCK;
        assert!(block[place..place + some.len()] == some[..], "other bytes at {seen}");
        seen += some.len();
    }
    assert_flat(before);
}

#[tokio::test]
async fn a_large_upload_is_held_nowhere() {
    let gateway = Gateway::usual();
    let mut wire = gateway.http1().await;
    let before = resident();
    let ask = Ask::new("POST", "/play/sized/2").by_amy().field("Content-Length", LARGE.to_string());
    wire.send(&ask.to_http1()).await;
    let block = pattern(BLOCK);
    for _ in 0..LARGE / BLOCK {
        wire.send(&block).await;
    }
    assert_eq!(wire.answer("POST").await.status(), 200);
    assert_flat(before);
    let received = gateway.upstream.only();
    assert_eq!(received.body.length, LARGE as u64);
    assert!(received.body.complete && received.body.kept == pattern(received.body.kept.len()));
}

#[tokio::test]
async fn large_bodies_stream_over_http2_too() {
    const PART: usize = 64 * 1024 * 1024 / BLOCK * BLOCK;
    let gateway = Gateway::usual();
    let http2 = gateway.http2().await;
    let before = resident();
    let ask = Ask::get(&format!("/play/sized/{PART}")).by_amy().to_http2();
    let mut body = within("the head", http2.open(ask)).await.unwrap().into_body();
    let mut seen = 0;
    while let Some(frame) = within("more of the body", body.frame()).await {
        seen += frame.unwrap().into_data().unwrap().len();
    }
    assert_eq!(seen, PART);

    let (sender, body) = Outgoing::channel();
    let request = Ask::new("POST", "/play/sized/2").by_amy().to_http2().map(|_| body);
    let answer = tokio::spawn(async move { http2.try_ask(request).await });
    let block = Bytes::from(pattern(BLOCK));
    for _ in 0..PART / BLOCK {
        within("room for more", sender.send(Frame::data(block.clone()))).await.unwrap();
    }
    drop(sender);
    assert_eq!(answer.await.unwrap().unwrap().status(), 200);
    assert_eq!(gateway.upstream.received()[1].body.length, PART as u64);
    assert_flat(before);
}

#[tokio::test]
async fn a_slow_reader_holds_the_upstream_back() {
    let gateway = Gateway::usual();
    let mut wire = gateway.http1().await;
    wire.send(&Ask::get(&format!("/play/sized/{LARGE}")).by_amy().to_http1()).await;
    wire.answer_head().await;
    let written = gateway.upstream.stalled().await;
    assert!(written < HELD, "{written} bytes were taken from the upstream for a client that reads nothing");
    // Once it reads, more comes.
    let mut read = 0;
    while read < written + 1 {
        read += within("more of the body", wire.some(BLOCK)).await.unwrap().expect("more").len() as u64;
    }
}

#[tokio::test]
async fn a_slow_reader_of_one_http2_stream_holds_up_no_other() {
    let gateway = Gateway::usual();
    let http2 = gateway.http2().await;
    let ask = Ask::get(&format!("/play/sized/{LARGE}")).by_amy().to_http2();
    let unread = within("the head", http2.open(ask)).await.unwrap();
    let written = gateway.upstream.stalled().await;
    assert!(written < HELD, "{written}");
    assert_eq!(http2.ask(&Ask::get("/orders").by_amy()).await.status(), 200);
    drop(unread);
}
