//! Frames that cost their sender nothing (CVE-2019-9511 to 9518, RUSTSEC-2026-0258).

use super::{beside, is_over, pour, request};
use crate::harness::{Gateway, Kind, frame, parameters};

/// Sends some hundred thousand of a frame, once reading what comes back and once not.
async fn flood(begin: &[u8], one: &[u8]) {
    let gateway = Gateway::usual();
    for reads in [true, false] {
        beside(&gateway, async {
            let mut attacker = gateway.by_hand(&[]).await;
            attacker.send(begin).await;
            let some = one.repeat(1000);
            for _ in 0..100 {
                pour(&mut attacker, &some, 1).await;
                if reads && is_over(&mut attacker).await {
                    break;
                }
            }
        })
        .await;
    }
}

#[tokio::test]
async fn pings() {
    flood(&[], &frame(Kind::PING, 0, 0, &[7; 8])).await;
}

#[tokio::test]
async fn settings() {
    flood(&[], &frame(Kind::SETTINGS, 0, 0, &[])).await;
}

#[tokio::test]
async fn settings_that_say_something() {
    let settings = [(1, 0), (1, 4096), (4, 1), (4, 65_535)];
    flood(&[], &frame(Kind::SETTINGS, 0, 0, &parameters(&settings))).await;
}

#[tokio::test]
async fn priorities() {
    flood(&[], &frame(Kind::PRIORITY, 0, 1, &[0, 0, 0, 3, 16])).await;
}

#[tokio::test]
async fn frames_that_nobody_knows() {
    flood(&[], &frame(Kind(0x77), 0xff, 0, b"x")).await;
}

#[tokio::test]
async fn windows() {
    flood(&[], &frame(Kind::WINDOW_UPDATE, 0, 0, &1u32.to_be_bytes())).await;
}

#[tokio::test]
async fn data_of_nothing() {
    flood(&request(1, "POST", "/play/echo", false), &frame(Kind::DATA, 0, 1, &[])).await;
}

#[tokio::test]
async fn data_of_one_byte() {
    flood(&request(1, "POST", "/play/echo", false), &frame(Kind::DATA, 0, 1, b"x")).await;
}

#[tokio::test]
async fn data_of_padding() {
    let padding = frame(Kind::DATA, crate::harness::flags::PADDED, 1, &[&[255][..], &[0; 255]].concat());
    flood(&request(1, "POST", "/play/echo", false), &padding).await;
}

#[tokio::test]
async fn data_for_a_stream_that_is_over() {
    let begin = [request(1, "POST", "/play/echo", false), super::reset(1)].concat();
    flood(&begin, &frame(Kind::DATA, 0, 1, b"x")).await;
}
