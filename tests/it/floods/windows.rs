//! Answers that are asked for and not read, and windows that are opened by a crack (CVE-2026-49975 and its kin).

use super::{beside, is_over, request, streams};
use crate::harness::{Gateway, Kind, frame, parameters};

/// The number of the setting for a stream's first window.
const INITIAL_WINDOW_SIZE: u16 = 4;

#[tokio::test]
async fn a_hundred_large_answers_that_nobody_reads() {
    let gateway = Gateway::usual();
    beside(&gateway, async {
        let mut attacker = gateway.by_hand(&[(INITIAL_WINDOW_SIZE, 0)]).await;
        for stream in streams(100) {
            attacker.send(&request(stream, "GET", "/play/sized/50000000", true)).await;
        }
        assert!(!is_over(&mut attacker).await);
        gateway.upstream.wait(100).await;
        gateway.upstream.stalled().await;
    })
    .await;
}

#[tokio::test]
async fn windows_that_open_byte_by_byte() {
    let gateway = Gateway::usual();
    beside(&gateway, async {
        let mut attacker = gateway.by_hand(&[(INITIAL_WINDOW_SIZE, 0)]).await;
        for stream in streams(50) {
            attacker.send(&request(stream, "GET", "/play/sized/1000000", true)).await;
        }
        for _ in 0..100 {
            let cracks: Vec<u8> =
                streams(50).flat_map(|stream| frame(Kind::WINDOW_UPDATE, 0, stream, &1u32.to_be_bytes())).collect();
            attacker.send(&cracks).await;
            assert!(!is_over(&mut attacker).await);
        }
    })
    .await;
}

/// Each change concerns all streams that are open.
#[tokio::test]
async fn windows_that_change_all_the_time() {
    let gateway = Gateway::usual();
    beside(&gateway, async {
        let mut attacker = gateway.by_hand(&[(INITIAL_WINDOW_SIZE, 0)]).await;
        for stream in streams(100) {
            attacker.send(&request(stream, "GET", "/play/sized/1000000", true)).await;
        }
        for _ in 0..50 {
            let changes = parameters(&[(INITIAL_WINDOW_SIZE, 1), (INITIAL_WINDOW_SIZE, 0)]);
            attacker.send(&frame(Kind::SETTINGS, 0, 0, &changes).repeat(50)).await;
            if is_over(&mut attacker).await {
                break;
            }
        }
    })
    .await;
}
