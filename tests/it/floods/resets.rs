//! Requests that are taken back (CVE-2023-44487), or made to fail (CVE-2025-8671).

use super::{beside, is_over, pour, reached, request, reset, streams};
use crate::harness::{Gateway, Kind, flags, frame};

/// What may reach the upstream before the connection ends. Without bounds it would be thousands.
const LET_PASS: usize = 400;

#[tokio::test]
async fn requests_taken_back_at_once() {
    let gateway = Gateway::usual();
    let over = beside(&gateway, async {
        let mut attacker = gateway.by_hand(&[]).await;
        let streams: Vec<u32> = streams(4000).collect();
        for streams in streams.chunks(100) {
            let frames: Vec<u8> =
                streams.iter().flat_map(|s| [request(*s, "GET", "/play/silent", true), reset(*s)].concat()).collect();
            if !attacker.send(&frames).await {
                break;
            }
        }
        is_over(&mut attacker).await
    });
    assert!(over.await, "four thousand were taken back");
    let reached = reached(&gateway).await;
    assert!(reached < LET_PASS, "{reached} reached the upstream");
}

#[tokio::test]
async fn requests_taken_back_in_small_portions() {
    let gateway = Gateway::usual();
    let over = beside(&gateway, async {
        let mut attacker = gateway.by_hand(&[]).await;
        let streams: Vec<u32> = streams(2000).collect();
        for streams in streams.chunks(15) {
            let asked: Vec<u8> = streams.iter().flat_map(|s| request(*s, "GET", "/play/silent", true)).collect();
            let back: Vec<u8> = streams.iter().flat_map(|s| reset(*s)).collect();
            for frames in [asked, back] {
                if !attacker.send(&frames).await || is_over(&mut attacker).await {
                    return true;
                }
            }
        }
        false
    });
    assert!(over.await, "two thousand were looked at and taken back");
    let reached = reached(&gateway).await;
    assert!(reached < LET_PASS, "{reached} reached the upstream");
}

#[tokio::test]
async fn a_client_that_changes_its_mind_now_and_then_is_served() {
    let gateway = Gateway::usual();
    let mut client = gateway.by_hand(&[]).await;
    let mut streams = streams(400);
    for _ in 0..60 {
        let (taken_back, asked) = (streams.next().unwrap(), streams.next().unwrap());
        client.send(&request(taken_back, "GET", "/play/silent", true)).await;
        client.send(&reset(taken_back)).await;
        client.send(&request(asked, "GET", "/play/sized/1", true)).await;
        assert!(!is_over(&mut client).await);
    }
    assert!(!client.goodbye);
}

/// Streams that the gateway has to reset, in three ways.
#[tokio::test]
async fn streams_that_are_made_to_fail() {
    let gateway = Gateway::usual();
    for fault in [
        // A window that does not grow.
        |stream| frame(Kind::WINDOW_UPDATE, 0, stream, &[0; 4]),
        // A window that grows beyond what there is.
        |stream| frame(Kind::WINDOW_UPDATE, 0, stream, &0x7fff_ffffu32.to_be_bytes()),
        // More of a body than its length says.
        |stream| frame(Kind::DATA, flags::END_STREAM, stream, b"more"),
    ] {
        let over = beside(&gateway, async {
            let mut attacker = gateway.by_hand(&[]).await;
            let mut head = super::fields("POST", "/play/silent");
            head.push(("content-length".to_owned(), "1".to_owned()));
            let block = crate::harness::block(&head);
            for stream in streams(2000) {
                let head = frame(Kind::HEADERS, flags::END_HEADERS, stream, &block);
                if !attacker.send(&[head, fault(stream)].concat()).await {
                    break;
                }
            }
            is_over(&mut attacker).await
        });
        assert!(over.await, "two thousand were made to fail");
        let reached = reached(&gateway).await;
        assert!(reached < LET_PASS, "{reached} reached the upstream");
    }
}

/// More streams at once than are allowed: those beyond are refused, and never reach the upstream.
#[tokio::test]
async fn more_streams_than_are_allowed() {
    let gateway = Gateway::usual();
    beside(&gateway, async {
        let mut attacker = gateway.by_hand(&[]).await;
        for stream in streams(300) {
            pour(&mut attacker, &request(stream, "GET", "/play/silent", true), 1).await;
        }
        is_over(&mut attacker).await
    })
    .await;
    let reached = reached(&gateway).await;
    assert!(reached <= 100, "{reached} reached the upstream");
}
