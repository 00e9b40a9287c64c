//! What stays open: upgraded connections and events, each byte when it comes.

use crate::harness::{Ask, Gateway, Outgoing, pattern, within};
use bytes::Bytes;
use http_body::Frame;
use http_body_util::BodyExt as _;

fn websocket() -> Ask {
    let ask =
        Ask::get("/play/upgrade").by_amy().field("Connection", "keep-alive, Upgrade").field("Upgrade", "websocket");
    ask.field("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==").field("Sec-WebSocket-Version", "13")
}

#[tokio::test]
async fn an_upgraded_connection_carries_bytes_both_ways() {
    let gateway = Gateway::usual();
    let mut wire = gateway.http1().await;
    // The first frame may come in one piece with the head.
    let mut bytes = websocket().to_http1();
    bytes.extend_from_slice(b"\x81\x05first");
    wire.send(&bytes).await;
    let answer = wire.answer_head().await;
    assert_eq!(answer.word(), "101", "{}", answer.text());
    assert_eq!(answer.value("upgrade").as_deref(), Some("websocket"));
    assert_eq!(answer.value("connection").as_deref(), Some("upgrade"));
    assert_eq!(answer.value("sec-websocket-accept").as_deref(), Some("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="));
    let received = gateway.upstream.only();
    assert_eq!(received.head.value("upgrade").as_deref(), Some("websocket"));
    assert_eq!(received.head.value("x-remote-user").as_deref(), Some("amy"));
    assert!(!received.head.has("authorization"));

    let mut back = Vec::new();
    while back.len() < 7 {
        back.extend_from_slice(&within("the echo", wire.some(7)).await.unwrap().unwrap());
    }
    assert_eq!(back, b"\x81\x05first");
    let large = pattern(300_000);
    wire.send(&large[..100]).await;
    let mut back = Vec::new();
    let mut sent = 100;
    while back.len() < large.len() {
        let some = within("the echo", wire.some(usize::MAX)).await.unwrap().unwrap();
        back.extend_from_slice(&some);
        let next = (sent + some.len()).min(large.len());
        wire.send(&large[sent..next]).await;
        sent = next;
    }
    assert_eq!(back, large);
    wire.end().await.unwrap();
    assert!(wire.is_ended().await, "the end passes too");
}

#[tokio::test]
async fn an_upgrade_needs_a_permit_like_everything_else() {
    let gateway = Gateway::usual();
    let mut wire = gateway.http1().await;
    let text = String::from_utf8(websocket().to_http1()).unwrap();
    let without: String =
        text.lines().filter(|line| !line.starts_with("Authorization")).map(|line| format!("{line}\r\n")).collect();
    wire.send(without.as_bytes()).await;
    wire.send(b"\x81\x05first").await;
    assert_eq!(wire.answer("GET").await.status(), 401);
    gateway.upstream.assert_nothing_reached().await;
}

#[tokio::test]
async fn an_upgrade_that_nobody_asked_for_is_an_error_of_the_upstream_s() {
    let gateway = Gateway::usual();
    for protocol in crate::harness::Protocol::BOTH {
        let answer = gateway.ask(protocol, &Ask::get("/play/fixed/switching").by_amy()).await;
        assert_eq!(answer.status(), 502, "{protocol:?}");
    }
}

#[tokio::test]
async fn each_event_arrives_before_the_next_is_sent() {
    let gateway = Gateway::usual();
    let mut wire = gateway.http1().await;
    wire.send(&Ask::get("/play/events").by_amy().field("Accept", "text/event-stream").to_http1()).await;
    let head = wire.answer_head().await;
    assert_eq!(head.value("content-type").as_deref(), Some("text/event-stream"));
    for number in 1..=3 {
        gateway.upstream.step();
        let size = within("an event", wire.line()).await.unwrap();
        // The event's own line breaks are bare, so that the chunk is one line here.
        let data = within("an event", wire.line()).await.unwrap();
        assert_eq!((size.as_str(), data), ("9", format!("data: {number}\n\n")));
    }
    assert_eq!(within("the end", wire.line()).await.unwrap(), "0");
}

#[tokio::test]
async fn each_event_arrives_over_http2_too() {
    let gateway = Gateway::usual();
    let http2 = gateway.http2().await;
    let opened = http2.open(Ask::get("/play/events").by_amy().to_http2());
    let mut events = within("the head of the answer", opened).await.unwrap().into_body();
    for number in 1..=3 {
        gateway.upstream.step();
        let frame = within("an event", events.frame()).await.unwrap().unwrap();
        assert_eq!(frame.into_data().unwrap(), format!("data: {number}\n\n"));
    }
    // The end may come with a frame of its own, which is empty.
    while let Some(frame) = within("the end", events.frame()).await {
        assert!(frame.unwrap().into_data().unwrap().is_empty());
    }
}

#[tokio::test]
async fn an_upload_arrives_piece_by_piece() {
    let gateway = Gateway::usual();
    let http2 = gateway.http2().await;
    let (sender, body) = Outgoing::channel();
    let request = Ask::new("POST", "/play/echo").by_amy().to_http2().map(|_| body);
    let answer = tokio::spawn(async move { http2.try_ask(request).await });
    for length in [5_u64, 10, 15] {
        sender.send(Frame::data(Bytes::from_static(b"piece"))).await.unwrap();
        crate::harness::until("the piece at the upstream", || (gateway.upstream.read() == length).then_some(())).await;
    }
    drop(sender);
    assert_eq!(answer.await.unwrap().unwrap().text(), "piecepiecepiece");
}

#[tokio::test]
async fn a_client_that_goes_away_ends_the_exchange_upstream() {
    let gateway = Gateway::usual();
    let mut wire = gateway.http1().await;
    wire.send(&Ask::get("/play/silent").by_amy().to_http1()).await;
    gateway.upstream.wait(1).await;
    drop(wire);
    let gone = || gateway.audit().into_iter().find(|entry| entry["reason"] == "client_gone");
    let entry = crate::harness::until("the audit entry", gone).await;
    assert_eq!((&entry["user"], &entry["status"]), (&"amy".into(), &serde_json::Value::Null));
}
