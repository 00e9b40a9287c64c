//! `Expect: 100-continue`, and answers that come before the body.

use crate::harness::{Ask, Gateway, Protocol, pattern};

/// The head of a request that waits for permission to send five bytes.
fn head(how: &str) -> Vec<u8> {
    let ask = Ask::new("POST", &format!("/play/continue/{how}")).by_amy();
    ask.field("Expect", "100-continue").field("Content-Length", "5").to_http1()
}

#[tokio::test]
async fn the_client_is_asked_when_the_upstream_asks() {
    let gateway = Gateway::usual();
    let mut wire = gateway.http1().await;
    wire.send(&head("asks")).await;
    let received = gateway.upstream.wait(1).await;
    assert_eq!(received[0].head.value("expect").as_deref(), Some("100-continue"));
    gateway.upstream.step();
    assert_eq!(wire.answer_head().await.word(), "100");
    wire.send(b"hello").await;
    let answer = wire.answer("POST").await;
    assert_eq!((answer.status(), answer.text().as_str()), (200, "asked"));
    let received = gateway.upstream.only();
    assert_eq!(received.body.kept, b"hello");
    // The connection goes on.
    wire.send(&Ask::get("/play/sized/5").by_amy().to_http1()).await;
    assert_eq!(wire.answer("GET").await.status(), 200);
}

#[tokio::test]
async fn a_refusal_by_the_upstream_comes_in_place_of_asking() {
    let gateway = Gateway::usual();
    let mut wire = gateway.http1().await;
    wire.send(&head("refuses")).await;
    let answer = wire.answer("POST").await;
    assert_eq!((answer.status(), answer.text().as_str()), (413, "refused"));
    assert!(answer.interim.is_empty(), "the body was not wanted");
    assert_eq!(gateway.upstream.only().body.length, 0);
}

#[tokio::test]
async fn an_upstream_that_knows_nothing_of_it_gets_the_body() {
    let gateway = Gateway::usual();
    let mut wire = gateway.http1().await;
    wire.send(&head("ignores")).await;
    assert_eq!(wire.answer_head().await.word(), "100");
    wire.send(b"hello").await;
    let answer = wire.answer("POST").await;
    assert_eq!((answer.status(), answer.text().as_str()), (200, "ignored"));
    assert_eq!(gateway.upstream.only().body.kept, b"hello");
}

#[tokio::test]
async fn nobody_is_asked_for_a_body_that_is_refused() {
    let gateway = Gateway::usual();
    for (fields, status) in [("Expect: 100-continue\r\n", 401), ("Expect: 200-ok\r\n", 417)] {
        let mut wire = gateway.http1().await;
        let line = "POST /play/echo HTTP/1.1\r\nHost: shop.example\r\n";
        wire.send(format!("{line}{fields}Content-Length: 5\r\n\r\n").as_bytes()).await;
        let answer = wire.answer("POST").await;
        assert_eq!(answer.status(), status);
        assert!(answer.interim.is_empty());
        gateway.upstream.assert_nothing_reached().await;
    }
}

#[tokio::test]
async fn an_expectation_without_a_body_is_met_at_once() {
    let gateway = Gateway::usual();
    let answer =
        gateway.ask(Protocol::Http1, &Ask::get("/play/sized/5").by_amy().field("Expect", "100-continue")).await;
    assert_eq!((answer.status(), answer.interim.len()), (200, 0));
    assert!(!gateway.upstream.only().head.has("expect"));
}

#[tokio::test]
async fn over_http2_the_body_comes_without_asking() {
    let gateway = Gateway::usual();
    gateway.upstream.step();
    for how in ["asks", "ignores"] {
        let ask = Ask::new("POST", &format!("/play/continue/{how}")).by_amy().field("expect", "100-continue");
        let answer = gateway.ask(Protocol::Http2, &ask.sized("hello")).await;
        assert_eq!(answer.status(), 200, "{how}");
        assert_eq!(gateway.upstream.only().body.kept, b"hello");
        gateway.upstream.forget();
    }
}

#[tokio::test]
async fn an_answer_that_comes_before_the_body_reaches_the_client() {
    let gateway = Gateway::usual();
    let mut wire = gateway.http1().await;
    wire.send(&Ask::new("POST", "/play/early").by_amy().field("Content-Length", "70000").to_http1()).await;
    let answer = wire.answer("POST").await;
    assert_eq!((answer.status(), answer.text().as_str()), (409, "early"));
    // A client may send the rest all the same; whether the connection lives on is the gateway's choice, and the
    // upstream is never given a part of the body for a whole.
    if wire.write(&pattern(70_000)).await.is_ok()
        && wire.write(&Ask::get("/play/sized/5").by_amy().to_http1()).await.is_ok()
        && let Ok(Some(next)) = crate::harness::within("the next answer", wire.head()).await
    {
        assert!(next.starts_with(b"HTTP/1.1 200"));
    }
    let first = gateway.upstream.received().remove(0);
    assert!(!first.body.complete || first.body.length == 70_000);
}
