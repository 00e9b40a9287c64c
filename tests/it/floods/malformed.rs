//! Frames that are none: they end the connection, and nothing of them reaches anybody.

use super::{beside, fields, is_over, reached, request};
use crate::harness::{Gateway, Kind, block, flags, frame, parameters};

fn headers(flags: u8, stream: u32) -> Vec<u8> {
    frame(Kind::HEADERS, flags, stream, &block(&fields("GET", "/play/smuggled")))
}

fn cases() -> Vec<(&'static str, Vec<u8>)> {
    let whole = flags::END_HEADERS | flags::END_STREAM;
    let large = vec![0; 16_385];
    vec![
        ("a head on no stream", headers(whole, 0)),
        ("a head on a stream of the gateway's", headers(whole, 2)),
        ("a head with more padding than there is", frame(Kind::HEADERS, whole | flags::PADDED, 1, &[200, 0x82])),
        ("a head in a code that is none", frame(Kind::HEADERS, whole, 1, &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff])),
        ("a head with a number that nobody knows", frame(Kind::HEADERS, whole, 1, &[0x80 | 70])),
        ("a head with the number nought", frame(Kind::HEADERS, whole, 1, &[0x80])),
        ("a head that is cut off", frame(Kind::HEADERS, whole, 1, &[0, 5, b'a'])),
        ("a head with a table that is too large", frame(Kind::HEADERS, whole, 1, &[0x3f, 0xff, 0xff, 0xff, 0x0f])),
        ("the rest of no head", frame(Kind::CONTINUATION, flags::END_HEADERS, 1, &[])),
        ("a ping in a head", [headers(flags::END_STREAM, 1), frame(Kind::PING, 0, 0, &[0; 8])].concat()),
        ("another stream in a head", [headers(flags::END_STREAM, 1), frame(Kind::CONTINUATION, 4, 3, &[])].concat()),
        ("data on no stream", frame(Kind::DATA, 0, 0, b"x")),
        ("data on a stream that has not begun", frame(Kind::DATA, 0, 1, b"x")),
        ("a reset of a stream that has not begun", frame(Kind::RST_STREAM, 0, 1, &[0; 4])),
        ("a reset of no stream", frame(Kind::RST_STREAM, 0, 0, &[0; 4])),
        ("a reset of three bytes", frame(Kind::RST_STREAM, 0, 1, &[0; 3])),
        ("a window of a stream that has not begun", frame(Kind::WINDOW_UPDATE, 0, 1, &[0, 0, 0, 1])),
        ("a window that does not grow", frame(Kind::WINDOW_UPDATE, 0, 0, &[0; 4])),
        ("a window that grows too large", frame(Kind::WINDOW_UPDATE, 0, 0, &[0x7f, 0xff, 0xff, 0xff])),
        ("a window of three bytes", frame(Kind::WINDOW_UPDATE, 0, 0, &[0; 3])),
        ("a ping of seven bytes", frame(Kind::PING, 0, 0, &[0; 7])),
        ("a ping on a stream", frame(Kind::PING, 0, 1, &[0; 8])),
        ("settings of five bytes", frame(Kind::SETTINGS, 0, 0, &[0; 5])),
        ("settings on a stream", frame(Kind::SETTINGS, 0, 1, &[])),
        ("an acknowledgement that says something", frame(Kind::SETTINGS, 1, 0, &[0; 6])),
        ("a setting for pushes of two", frame(Kind::SETTINGS, 0, 0, &parameters(&[(2, 2)]))),
        ("a setting for windows that are too large", frame(Kind::SETTINGS, 0, 0, &parameters(&[(4, 1 << 31)]))),
        ("a setting for frames that are too small", frame(Kind::SETTINGS, 0, 0, &parameters(&[(5, 16_383)]))),
        ("a setting for frames that are too large", frame(Kind::SETTINGS, 0, 0, &parameters(&[(5, 1 << 24)]))),
        ("a promise", frame(Kind::PUSH_PROMISE, 4, 1, &[0, 0, 0, 2])),
        ("a goodbye on a stream", frame(Kind::GOAWAY, 0, 1, &[0; 8])),
        ("a priority of four bytes on no stream", frame(Kind::PRIORITY, 0, 0, &[0; 4])),
        ("data that is too large", [headers(flags::END_HEADERS, 1), frame(Kind::DATA, 0, 1, &large)].concat()),
        ("a ping that is too large", frame(Kind::PING, 0, 0, &large)),
        ("a request in HTTP/1", b"GET /play/smuggled HTTP/1.1\r\nHost: shop.example\r\n\r\n".to_vec()),
        ("a second preface", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec()),
    ]
}

#[tokio::test]
async fn frames_that_are_none_end_the_connection() {
    let gateway = Gateway::usual();
    for (name, frames) in cases() {
        let over = beside(&gateway, async {
            let mut attacker = gateway.by_hand(&[]).await;
            attacker.send(&frames).await;
            is_over(&mut attacker).await
        });
        assert!(over.await, "{name}");
        let seen = gateway.upstream.settled().await;
        assert!(seen.iter().all(|one| one.head.line.contains("/orders") || !one.body.complete), "{name}");
    }
}

/// A stream that is begun a second time, or too late.
#[tokio::test]
async fn a_stream_begins_once() {
    let gateway = Gateway::usual();
    for (first, second) in [(5, 5), (5, 3)] {
        let over = beside(&gateway, async {
            let mut attacker = gateway.by_hand(&[]).await;
            attacker.send(&request(first, "GET", "/play/sized/1", true)).await;
            attacker.reply(first).await;
            attacker.send(&request(second, "GET", "/play/smuggled", true)).await;
            is_over(&mut attacker).await
        });
        // Refused with the stream or with the connection.
        over.await;
        assert_eq!(reached(&gateway).await, 1, "{first} and {second}");
    }
}
