//! Heads without an end, and heads that unpack to much (CVE-2024-27316, CVE-2026-49975).

use super::{beside, fields, is_over, pour, reached, request, streams};
use crate::harness::{Gateway, Kind, Reply, block, flags, frame};

/// A header block that has the decoder remember one large field, and then names it by its number again and again.
fn bomb(times: usize) -> Vec<u8> {
    let mut bomb = block(&fields("GET", "/play/smuggled"));
    // A literal that is remembered (RFC 7541 section 6.2.1): "a", and 3900 bytes.
    bomb.extend([0x40, 1, b'a', 127, 0xbd, 0x1d]);
    bomb.extend([b'x'; 3900]);
    // The first place behind the 61 that everybody knows.
    bomb.extend(vec![0x80 | 62; times]);
    bomb
}

#[tokio::test]
async fn a_list_that_unpacks_to_much() {
    let gateway = Gateway::usual();
    for times in [10, 12_000] {
        let reply = beside(&gateway, async {
            let mut attacker = gateway.by_hand(&[]).await;
            let head = frame(Kind::HEADERS, flags::END_HEADERS | flags::END_STREAM, 1, &bomb(times));
            attacker.send(&head).await;
            attacker.reply(1).await
        });
        let reply = reply.await;
        assert!(matches!(reply, Reply::Nothing | Reply::Answer(431, _)), "{reply:?}");
        assert_eq!(reached(&gateway).await, 0);
    }
}

#[tokio::test]
async fn many_lists_that_unpack_to_much() {
    let gateway = Gateway::usual();
    beside(&gateway, async {
        let mut attacker = gateway.by_hand(&[]).await;
        for stream in streams(300) {
            let head = frame(Kind::HEADERS, flags::END_HEADERS | flags::END_STREAM, stream, &bomb(12));
            pour(&mut attacker, &head, 1).await;
        }
        is_over(&mut attacker).await
    })
    .await;
    assert_eq!(reached(&gateway).await, 0);
}

#[tokio::test]
async fn a_head_without_an_end() {
    let gateway = Gateway::usual();
    let filler = block(&[("x-filler", "x".repeat(8000)), ("x-filler", "x".repeat(8000))]);
    for (payload, times) in [(Vec::new(), 100_000), (block(&[("a", "")]), 50_000), (filler, 5000)] {
        let over = beside(&gateway, async {
            let mut attacker = gateway.by_hand(&[]).await;
            let head = block(&fields("GET", "/play/smuggled"));
            attacker.send(&frame(Kind::HEADERS, flags::END_STREAM, 1, &head)).await;
            let one = frame(Kind::CONTINUATION, 0, 1, &payload);
            let some = one.repeat(if one.len() > 1000 { 1 } else { 100 });
            pour(&mut attacker, &some, times / (some.len() / one.len())).await;
            is_over(&mut attacker).await
        });
        assert!(over.await, "{times} frames of {} bytes", payload.len());
        assert_eq!(reached(&gateway).await, 0);
    }
}

/// A client that would have the gateway remember all fields of its answers, each of which has an id of its own.
#[tokio::test]
async fn a_table_as_large_as_can_be_named() {
    let gateway = Gateway::usual();
    beside(&gateway, async {
        let mut attacker = gateway.by_hand(&[(1, u32::MAX)]).await;
        for stream in streams(3000) {
            attacker.send(&request(stream, "GET", "/play/../x", true)).await;
            if stream % 100 == 1 && is_over(&mut attacker).await {
                break;
            }
        }
    })
    .await;
    assert_eq!(reached(&gateway).await, 0);
}
