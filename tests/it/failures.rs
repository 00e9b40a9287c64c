//! An upstream that fails: what the client is told, and what is never sent twice.

use std::net::SocketAddr;

use crate::harness::{Answer, Ask, Gateway, GatewayOptions, Protocol, pattern};

/// An address where nobody listens: the port was free a moment ago.
fn deserted() -> SocketAddr {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

fn impatient() -> Gateway {
    Gateway::start(GatewayOptions { upstream: "response_timeout = \"300ms\"", ..GatewayOptions::default() })
}

/// Asks twice over one client connection, and so of one worker: the second request finds the connection of the first.
async fn reusing(gateway: &Gateway, asks: [&Ask; 2]) -> Answer {
    let mut wire = gateway.http1().await;
    wire.send(&asks[0].to_http1()).await;
    assert_eq!(wire.answer(&asks[0].method).await.status(), 200);
    wire.send(&asks[1].to_http1()).await;
    wire.answer(&asks[1].method).await
}

async fn reason(gateway: &Gateway, answer: &Answer) -> String {
    let entry = gateway.entry(answer).await;
    assert_eq!((&entry["user"], &entry["decision"]), (&"amy".into(), &"permit".into()));
    entry["reason"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn an_upstream_that_is_not_there_is_a_502() {
    let gateway = Gateway::start(GatewayOptions { server: Some(deserted()), ..GatewayOptions::default() });
    for protocol in Protocol::BOTH {
        for ask in [Ask::get("/play/sized/5").by_amy(), Ask::new("POST", "/play/echo").by_amy().sized("body")] {
            let answer = gateway.ask(protocol, &ask).await;
            assert_eq!(answer.status(), 502);
            assert!(!answer.text().contains("127.0.0.1"), "where the upstream is stays inside: {}", answer.text());
            assert_eq!(reason(&gateway, &answer).await, "upstream_connect");
        }
    }
}

#[tokio::test]
async fn an_upstream_that_stays_silent_is_a_504() {
    let gateway = impatient();
    for protocol in Protocol::BOTH {
        for ask in [Ask::get("/play/silent").by_amy(), Ask::new("POST", "/play/silent").by_amy().sized("body")] {
            let answer = gateway.ask(protocol, &ask).await;
            assert_eq!(answer.status(), 504);
            assert_eq!(reason(&gateway, &answer).await, "upstream_timeout");
            gateway.upstream.only();
            gateway.upstream.forget();
        }
    }
}

#[tokio::test]
async fn silence_on_a_used_connection_is_no_reason_to_ask_again() {
    let gateway = impatient();
    let answer =
        reusing(&gateway, [&Ask::get("/play/sized/5").by_amy(), &Ask::get("/play/quiet-later").by_amy()]).await;
    let received = gateway.upstream.received();
    assert_eq!(received[0].connection, received[1].connection, "the connection was used again");
    assert_eq!((answer.status(), received.len()), (504, 2));
}

#[tokio::test]
async fn an_answer_that_is_not_http_is_a_502() {
    let gateway = Gateway::usual();
    for protocol in Protocol::BOTH {
        for path in ["/play/fixed/garbage", "/play/hangup"] {
            let answer = gateway.ask(protocol, &Ask::get(path).by_amy()).await;
            assert_eq!(answer.status(), 502, "{path}");
            assert_eq!(reason(&gateway, &answer).await, "upstream_failed");
            // Over a new connection: it failed, it was not stale.
            gateway.upstream.only();
            gateway.upstream.forget();
        }
    }
}

#[tokio::test]
async fn a_body_that_breaks_off_breaks_off_for_the_client() {
    let gateway = Gateway::usual();
    for protocol in Protocol::BOTH {
        for framing in ["sized", "chunked"] {
            let answer = gateway.ask(protocol, &Ask::get(&format!("/play/cut/{framing}")).by_amy()).await;
            assert_eq!(answer.status(), 200);
            assert!(!answer.body.complete, "{protocol:?} {framing}: half a body must not look whole");
            assert_eq!(answer.body.kept, pattern(1000)[..answer.body.kept.len()]);
            assert_eq!(reason(&gateway, &answer).await, "upstream_failed");
        }
    }
}

#[tokio::test]
async fn a_stale_connection_costs_nobody_an_answer() {
    for method in ["GET", "HEAD", "PUT", "DELETE"] {
        let gateway = Gateway::usual();
        let first = Ask::new(method, "/play/once").by_amy();
        let answer = reusing(&gateway, [&first, &first]).await;
        assert_eq!(answer.status(), 200, "{method}");
        // The first, the one that met the closing connection, and exactly one more, on a connection of its own.
        let received = gateway.upstream.received();
        let connections: Vec<_> = received.iter().map(|one| one.connection).collect();
        assert_eq!(received.len(), 3, "{method}");
        assert!(connections[0] == connections[1] && connections[1] != connections[2], "{connections:?}");
        assert_eq!(received[2].head.line, received[1].head.line);
        assert_eq!(received[2].head.value("x-request-id"), received[1].head.value("x-request-id"));
    }
}

#[tokio::test]
async fn an_order_is_never_placed_twice() {
    for ask in [
        Ask::new("POST", "/play/once").by_amy().sized("order"),
        Ask::new("POST", "/play/once").by_amy().chunked(&[b"order"], &[]),
        Ask::new("POST", "/play/once").by_amy().sized(""),
        Ask::new("POST", "/play/once").by_amy(),
        Ask::new("PATCH", "/play/once").by_amy().sized("order"),
        Ask::new("PUT", "/play/once").by_amy().sized("order"),
    ] {
        let gateway = Gateway::usual();
        let answer = reusing(&gateway, [&Ask::get("/play/once").by_amy(), &ask]).await;
        assert_eq!(answer.status(), 502, "{ask:?}");
        assert_eq!(reason(&gateway, &answer).await, "upstream_failed");
        assert_eq!(gateway.upstream.received().len(), 2, "{ask:?}");
    }
}

#[tokio::test]
async fn a_client_that_breaks_off_its_body_is_not_taken_for_done() {
    let gateway = Gateway::usual();
    for fields in ["Content-Length: 10", "Transfer-Encoding: chunked"] {
        let mut wire = gateway.http1().await;
        let (name, value) = fields.split_once(": ").unwrap();
        wire.send(&Ask::new("POST", "/play/echo").by_amy().field(name, value).to_http1()).await;
        wire.send(b"5\r\nx").await;
        gateway.upstream.wait(1).await;
        wire.end().await.unwrap();
        drop(wire);
        let gone = || gateway.audit().into_iter().find(|entry| entry["reason"] == "client_gone");
        crate::harness::until("the audit entry", gone).await;
        assert!(!gateway.upstream.only().body.complete);
        gateway.upstream.forget();
    }
}

#[tokio::test]
async fn a_body_larger_than_the_limit_is_refused() {
    let gateway = Gateway::start(GatewayOptions { limits: "body_size = \"10KiB\"", ..GatewayOptions::default() });
    for protocol in Protocol::BOTH {
        let within = gateway.ask(protocol, &Ask::new("POST", "/play/echo").by_amy().sized(pattern(10 * 1024))).await;
        assert_eq!((within.status(), within.body.length), (200, 10 * 1024));
        gateway.upstream.forget();
        for ask in [
            Ask::new("POST", "/play/echo").by_amy().sized(pattern(10 * 1024 + 1)),
            Ask::new("POST", "/play/echo").by_amy().chunked(&[&pattern(10 * 1024), b"x"], &[]),
        ] {
            let answer = gateway.ask(protocol, &ask).await;
            assert_eq!(answer.status(), 413, "{protocol:?}");
            assert_eq!(reason(&gateway, &answer).await, "too_large");
            assert!(gateway.upstream.received().iter().all(|received| !received.body.complete));
            gateway.upstream.forget();
        }
    }
}
