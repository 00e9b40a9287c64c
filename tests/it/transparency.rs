//! A permitted exchange equals the direct one, both ways, but for what the contract lists.

use crate::harness::{Answer, Ask, Gateway, Protocol, Received, pattern};

/// What the gateway says to the upstream, and the client's credentials, which it keeps to itself.
const ADDED: [&str; 9] = [
    "authorization",
    "connection",
    "te",
    "transfer-encoding",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-proto",
    "x-remote-user",
    "x-request-id",
];
/// What belongs to one connection, and the request id.
const HOP: [&str; 5] = ["connection", "keep-alive", "proxy-connection", "transfer-encoding", "x-request-id"];

/// One exchange: what the upstream saw, and what it answered.
async fn direct(gateway: &Gateway, ask: &Ask) -> (Received, Answer) {
    let answer = gateway.upstream.ask(ask).await;
    let received = gateway.upstream.only();
    gateway.upstream.forget();
    (received, answer)
}

async fn through(gateway: &Gateway, protocol: Protocol, ask: &Ask) -> (Received, Answer) {
    let answer = gateway.ask(protocol, &ask.clone().by_amy()).await;
    let received = gateway.upstream.only();
    gateway.upstream.forget();
    (received, answer)
}

/// Fails where an exchange through the gateway differs from the direct one.
async fn equal(gateway: &Gateway, protocol: Protocol, ask: &Ask) {
    let (here, answer) = direct(gateway, ask).await;
    let (there, passed) = through(gateway, protocol, ask).await;
    let case = format!("{protocol:?} {ask:?}");
    assert_eq!(there.head.line, here.head.line, "{case}");
    assert_eq!(there.head.fields_but(&ADDED), here.head.fields_but(&ADDED), "{case}");
    assert_eq!(there.head.has("transfer-encoding"), here.head.has("transfer-encoding"), "{case}");
    assert_eq!((there.body.length, &there.body.kept), (here.body.length, &here.body.kept), "{case}");
    assert_eq!(there.body.trailers, here.body.trailers, "{case}");
    assert!(there.body.complete, "{case}");

    assert_eq!(passed.status(), answer.status(), "{case}");
    assert_eq!(passed.head.fields_but(&HOP), answer.head.fields_but(&HOP), "{case}");
    assert_eq!((passed.body.length, &passed.body.kept), (answer.body.length, &answer.body.kept), "{case}");
    assert!(passed.body.complete, "{case}");
}

#[tokio::test]
async fn answers_of_all_shapes_pass_as_they_are() {
    let gateway = Gateway::usual();
    for protocol in Protocol::BOTH {
        for path in [
            "sized/0",
            "sized/1",
            "sized/70000",
            "chunked/0",
            "chunked/1",
            "chunked/70000",
            "closing/0",
            "closing/70000",
            "fixed/204",
            "fixed/304",
            "fixed/empty",
            "fixed/hints",
            "fixed/continued",
            "fixed/failed",
            "fixed/http10",
            "location/relative",
            "location/other",
            "anything?a=b&c=%20d;e",
        ] {
            for method in ["GET", "DELETE", "OPTIONS", "POST"] {
                equal(&gateway, protocol, &Ask::new(method, &format!("/play/{path}"))).await;
            }
        }
        for path in ["sized/0", "sized/70000", "chunked/70000", "fixed/304", "location/other"] {
            equal(&gateway, protocol, &Ask::new("HEAD", &format!("/play/{path}"))).await;
        }
    }
}

#[tokio::test]
async fn odd_headers_pass_as_they_are() {
    let gateway = Gateway::usual();
    for protocol in Protocol::BOTH {
        equal(&gateway, protocol, &Ask::get("/play/fixed/odd")).await;
        let (_, answer) = through(&gateway, protocol, &Ask::get("/play/fixed/odd")).await;
        assert_ne!(answer.id(), "theirs");
        assert_eq!(answer.head.values("set-cookie"), ["a=1", "b=2; Path=/"]);
    }
}

#[tokio::test]
async fn what_belongs_to_one_connection_stays_on_it() {
    let gateway = Gateway::usual();
    for protocol in Protocol::BOTH {
        let (_, answer) = through(&gateway, protocol, &Ask::get("/play/fixed/hop")).await;
        assert_eq!((answer.status(), answer.text().as_str()), (200, "hop"));
        for gone in ["x-hop", "keep-alive", "proxy-connection", "connection"] {
            assert!(!answer.head.has(gone), "{protocol:?} {}", answer.head.text());
        }
    }
}

#[tokio::test]
async fn an_answer_without_a_date_gets_one() {
    // RFC 9110 section 6.6.1 asks it of who passes such an answer on.
    let gateway = Gateway::usual();
    for protocol in Protocol::BOTH {
        let (_, answer) = through(&gateway, protocol, &Ask::get("/play/fixed/undated")).await;
        assert_eq!(answer.text(), "undated");
        assert!(answer.head.value("date").is_some());
    }
}

#[tokio::test]
async fn requests_of_all_shapes_pass_as_they_are() {
    let gateway = Gateway::usual();
    for protocol in Protocol::BOTH {
        for method in ["POST", "PUT", "PATCH", "DELETE"] {
            let ask = Ask::new(method, "/play/echo");
            equal(&gateway, protocol, &ask).await;
            equal(&gateway, protocol, &ask.clone().sized("")).await;
            equal(&gateway, protocol, &ask.clone().sized("body")).await;
            equal(&gateway, protocol, &ask.clone().sized(pattern(70_000))).await;
            equal(&gateway, protocol, &ask.clone().chunked(&[b"a", b"bc", &pattern(70_000)], &[])).await;
        }
        equal(&gateway, protocol, &Ask::get("/play/echo").sized("a body where one is rare")).await;
        let odd = Ask::new("POST", "/play/echo").field("content-type", "application/json").field("x-empty", "");
        equal(&gateway, protocol, &odd.field("content-encoding", "gzip").field("range", "bytes=0-5").sized("{}")).await;
    }
}

#[tokio::test]
async fn trailers_pass_both_ways() {
    let gateway = Gateway::usual();
    for protocol in Protocol::BOTH {
        let ask = Ask::new("POST", "/play/echo").field("trailer", "x-checksum");
        equal(&gateway, protocol, &ask.chunked(&[b"body"], &[("x-checksum", "41c2")])).await;

        let ask = Ask::get("/play/fixed/trailers").field("te", "trailers");
        let ask = if protocol == Protocol::Http1 { ask.field("connection", "te") } else { ask };
        let (_, answer) = through(&gateway, protocol, &ask).await;
        assert_eq!(answer.text(), "body");
        let checksum = ("x-checksum".to_owned(), "41c2".to_owned());
        assert!(answer.body.trailers.contains(&checksum), "{protocol:?} {:?}", answer.body.trailers);
        assert!(answer.body.complete);
    }
}

#[tokio::test]
async fn an_upstream_that_speaks_http_1_0_is_answered_for_in_1_1() {
    let gateway = Gateway::usual();
    let (_, answer) = through(&gateway, Protocol::Http1, &Ask::get("/play/fixed/http10")).await;
    assert_eq!(answer.head.line, "HTTP/1.1 200 OK");
    assert_eq!((answer.text(), answer.body.complete), ("old".to_owned(), true));
}

#[tokio::test]
async fn early_hints_come_before_the_answer() {
    let gateway = Gateway::usual();
    let (_, answer) = through(&gateway, Protocol::Http1, &Ask::get("/play/fixed/hints")).await;
    assert_eq!((answer.interim.len(), answer.text().as_str()), (1, "hints"));
    assert_eq!(answer.interim[0].line, "HTTP/1.1 103 Early Hints");
    assert_eq!(answer.interim[0].value("link").as_deref(), Some("</a.css>; rel=preload"));
    // `100 Continue` is for those who wait for it.
    let (_, answer) = through(&gateway, Protocol::Http1, &Ask::get("/play/fixed/continued")).await;
    assert_eq!((answer.interim.len(), answer.text().as_str()), (0, "continued"));
    // hyper's server has no way to send them on over HTTP/2: they end here, and the final answer is whole.
    for path in ["hints", "continued"] {
        let (_, answer) = through(&gateway, Protocol::Http2, &Ask::get(&format!("/play/fixed/{path}"))).await;
        assert_eq!((answer.interim.len(), answer.text().as_str()), (0, path));
    }
    let mut wire = gateway.http1().await;
    let credentials = crate::harness::basic(crate::harness::AMY);
    let old = format!("GET /play/fixed/hints HTTP/1.0\r\nHost: shop.example\r\nAuthorization: {credentials}\r\n\r\n");
    wire.send(old.as_bytes()).await;
    assert!(wire.answer("GET").await.interim.is_empty(), "HTTP/1.0 knows none");
}

#[tokio::test]
async fn an_old_client_is_served() {
    let gateway = Gateway::usual();
    let credentials = crate::harness::basic(crate::harness::AMY);
    for (fields, path) in [("", "sized/70000"), ("Host: shop.example\r\n", "chunked/70000"), ("", "closing/70000")] {
        let mut wire = gateway.http1().await;
        let request = format!("GET /play/{path} HTTP/1.0\r\n{fields}Authorization: {credentials}\r\n\r\n");
        wire.send(request.as_bytes()).await;
        let answer = wire.answer("GET").await;
        assert_eq!((answer.status(), answer.body.length), (200, 70_000), "{path}");
        assert!(!answer.head.has("transfer-encoding"), "HTTP/1.0 knows no chunks: {}", answer.head.text());
        assert_eq!(answer.body.kept, pattern(70_000), "{path}");
        assert!(answer.body.complete && wire.is_ended().await, "{path}");
        let received = gateway.upstream.only();
        assert_eq!(received.head.line, format!("GET /play/{path} HTTP/1.1"));
        let host = if fields.is_empty() { gateway.upstream.address.to_string() } else { "shop.example".to_owned() };
        assert_eq!(received.head.value("host"), Some(host));
        gateway.upstream.forget();
    }
}

#[tokio::test]
async fn a_connection_closes_when_the_client_says_so_and_stays_open_when_not() {
    let gateway = Gateway::usual();
    let mut wire = gateway.http1().await;
    for _ in 0..3 {
        wire.send(&Ask::get("/play/sized/5").by_amy().to_http1()).await;
        let answer = wire.answer("GET").await;
        assert_eq!(answer.text().len(), 5);
        assert!(!answer.head.has("connection"));
    }
    wire.send(&Ask::get("/play/sized/5").by_amy().field("Connection", "close").to_http1()).await;
    let answer = wire.answer("GET").await;
    assert_eq!(answer.head.value("connection").as_deref(), Some("close"));
    assert!(wire.is_ended().await);
    // An upstream that closes its own connection says nothing about the client's.
    let mut wire = gateway.http1().await;
    for _ in 0..2 {
        wire.send(&Ask::get("/play/closing/5").by_amy().to_http1()).await;
        assert_eq!(wire.answer("GET").await.body.length, 5);
    }
}

#[tokio::test]
async fn pipelined_requests_are_answered_in_order() {
    let gateway = Gateway::usual();
    let mut wire = gateway.http1().await;
    let mut bytes = Vec::new();
    for length in 1..=8 {
        bytes.extend(Ask::get(&format!("/play/sized/{length}")).by_amy().to_http1());
        bytes.extend(Ask::new("POST", "/play/echo").by_amy().sized("x".repeat(length)).to_http1());
        bytes.extend(Ask::get("/orders").to_http1());
    }
    wire.send(&bytes).await;
    for length in 1..=8 {
        assert_eq!(wire.answer("GET").await.body.length, length);
        assert_eq!(wire.answer("POST").await.text(), "x".repeat(usize::try_from(length).unwrap()));
        assert_eq!(wire.answer("GET").await.status(), 401);
    }
    assert_eq!(gateway.upstream.received().len(), 16);
}

#[tokio::test]
async fn many_requests_share_one_http2_connection() {
    let gateway = Gateway::usual();
    let http2 = gateway.http2().await;
    let asks: Vec<Ask> = (0..50).map(|length| Ask::get(&format!("/play/sized/{length}")).by_amy()).collect();
    // All are sent before the first answer is looked at.
    let mut waiting = tokio::task::JoinSet::new();
    let http2 = std::sync::Arc::new(http2);
    for (length, ask) in asks.into_iter().enumerate() {
        let http2 = std::sync::Arc::clone(&http2);
        waiting.spawn(async move { (length, http2.ask(&ask).await) });
    }
    while let Some(done) = waiting.join_next().await {
        let (length, answer) = done.unwrap();
        assert_eq!(answer.body.length, length as u64);
    }
    assert_eq!(gateway.upstream.received().len(), 50);
}
