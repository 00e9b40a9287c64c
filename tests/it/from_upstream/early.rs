//! Answers that come before the request has gone up.

use super::scripted::{Script, Scripted};
use crate::harness::{Ask, Gateway, GatewayOptions, until, within};

/// An upstream that answers at once, and says more than its answer while the body is still on its way: when the body has
/// arrived and the connection seems free, the rest must not be anybody's.
#[tokio::test]
async fn what_follows_an_early_answer_is_nobody_s() {
    let upstream = Scripted::start().await;
    let gateway = Gateway::start(GatewayOptions { server: Some(upstream.address), ..GatewayOptions::default() });
    let stolen = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nstolen";
    let early = [&b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nearly"[..], stolen].concat();
    upstream.say(Script { answer: early, ..Script::default() });
    let mut wire = gateway.http1().await;
    // The body is a head, so that the upstream takes it for a request and all of it is seen to have arrived.
    let body = b"GET /body HTTP/1.1\r\n\r\n";
    let ask = Ask::new("POST", "/play/early").by_amy().field("Content-Length", body.len().to_string());
    wire.send(&ask.to_http1()).await;
    wire.send(&body[..5]).await;
    let answer = wire.answer("POST").await;
    assert_eq!((answer.status(), answer.text().as_str()), (200, "early"));
    upstream.say(Script::default());
    wire.send(&body[5..]).await;
    let arrived = || upstream.asked().into_iter().find(|(_, line)| line.starts_with("GET /body"));
    until("the whole body", arrived).await;
    upstream.say(Script { answer: b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ngood".to_vec(), ..Script::default() });
    for _ in 0..2 {
        wire.send(&Ask::get("/play/next").by_amy().to_http1()).await;
        let answer = wire.answer("GET").await;
        assert_eq!((answer.status(), answer.text().as_str()), (200, "good"));
    }
}

/// A client that has said it wants no more, and sends on: what is read to end its connection in order is not taken out of
/// the middle of the body that still goes up.
#[tokio::test]
async fn a_body_that_still_goes_up_has_one_reader() {
    let gateway = Gateway::usual();
    let mut wire = gateway.http1().await;
    let ask = Ask::new("POST", "/play/early").by_amy().field("Connection", "close").field("Content-Length", "3000");
    wire.send(&ask.to_http1()).await;
    wire.send(&[b'a'; 1000]).await;
    assert_eq!(wire.answer("POST").await.text(), "early");
    for part in [b'b', b'c'] {
        wire.send(&[part; 1000]).await;
        tokio::task::yield_now().await;
    }
    assert!(within("the end", wire.is_ended()).await);
    let body = until("the whole body", || {
        let body = gateway.upstream.only().body;
        body.complete.then_some(body)
    });
    assert!(body.await.kept == [[b'a'; 1000], [b'b'; 1000], [b'c'; 1000]].concat(), "another body");
}
