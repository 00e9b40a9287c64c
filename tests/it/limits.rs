//! Slow and greedy clients: each limit of the settings, with a client that goes just over it and one that does not.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite};
use tokio::net::{TcpSocket, TcpStream};

use crate::harness::{Ask, Gateway, GatewayOptions, Protocol, Wire, basic, pattern, until, within};

fn limited(limits: &'static str) -> Gateway {
    Gateway::start(GatewayOptions { limits, ..GatewayOptions::default() })
}

/// Between two bytes of a client that dribbles: it bounds the load, and nothing depends on it.
const DRIBBLE: Duration = Duration::from_millis(20);

/// Sends a byte after the other until the gateway has had enough, or all are sent; whether it had enough.
async fn dribble<S: AsyncRead + AsyncWrite + Unpin>(wire: &mut Wire<S>, bytes: &[u8]) -> Option<Vec<u8>> {
    for byte in bytes {
        if wire.write(&[*byte]).await.is_err() {
            return Some(Vec::new());
        }
        if let Ok(head) = tokio::time::timeout(DRIBBLE, wire.head()).await {
            return Some(head.ok().flatten().map(|head| head.to_vec()).unwrap_or_default());
        }
    }
    None
}

async fn reason(gateway: &Gateway, reason: &str) -> serde_json::Value {
    until("the audit entry", || gateway.audit().into_iter().find(|entry| entry["reason"] == reason)).await
}

#[tokio::test]
async fn a_handshake_that_does_not_come_is_not_waited_for() {
    let gateway = limited("handshake_timeout = \"200ms\"");
    let mut silent = TcpStream::connect(gateway.https()).await.unwrap();
    let ended = within("the end", silent.read(&mut [0; 16])).await;
    assert!(matches!(ended, Ok(0) | Err(_)), "{ended:?}");
    // The client may see its end before the gateway has counted it.
    let counted = async {
        while !gateway.tell("/metrics").await.text().contains("portcullis_tls_handshake_failures_total 1\n") {}
    };
    within("the count", counted).await;
    assert_eq!(gateway.ask(Protocol::Http1, &Ask::get("/play/sized/5").by_amy()).await.status(), 200);
}

#[tokio::test]
async fn a_head_that_dribbles_is_answered_408() {
    let gateway = limited("header_timeout = \"300ms\"");
    let head = format!("GET /play/sized/5 HTTP/1.1\r\nHost: shop.example\r\nX-Long: {}", "x".repeat(3000));
    let mut wire = gateway.http1().await;
    let told = dribble(&mut wire, head.as_bytes()).await.expect("patience has an end");
    assert!(told.starts_with(b"HTTP/1.1 408 "), "{}", String::from_utf8_lossy(&told));
    let entry = reason(&gateway, "request_timeout").await;
    assert_eq!((&entry["status"], &entry["decision"]), (&408.into(), &"reject".into()));
    gateway.upstream.assert_nothing_reached().await;
    // The time begins with the head, not with the connection.
    let mut wire = gateway.http1().await;
    for _ in 0..3 {
        wire.send(&Ask::get("/play/sized/5").by_amy().to_http1()).await;
        assert_eq!(wire.answer("GET").await.status(), 200);
    }
}

#[tokio::test]
async fn a_connection_that_idles_is_closed_without_a_word() {
    let gateway = limited("idle_timeout = \"200ms\"");
    let mut wire = gateway.http1().await;
    wire.send(&Ask::get("/play/sized/5").by_amy().to_http1()).await;
    assert_eq!(wire.answer("GET").await.status(), 200);
    assert!(wire.is_ended().await);
    let mut unused = gateway.http1().await;
    assert!(unused.is_ended().await, "one that never asked anything too");
}

/// A connection that rests gives back most of what it takes. It must be as it was when something comes, also in pieces;
/// slow heads and idling must have the same end as ever.
#[tokio::test]
async fn a_connection_that_has_rested_is_what_it_was() {
    let gateway = limited("idle_timeout = \"6s\"\nheader_timeout = \"1s\"");
    let used = async || {
        let mut wire = gateway.http1().await;
        wire.send(&Ask::get("/play/sized/5").by_amy().to_http1()).await;
        assert_eq!(wire.answer("GET").await.status(), 200);
        wire
    };
    let (mut idle, mut slow, mut asking) = (used().await, used().await, used().await);
    gateway.upstream.forget();
    // Longer than they are kept awake. On a machine so slow that they are not at rest after it, less is tried.
    tokio::time::sleep(Duration::from_millis(1500)).await;
    let request = Ask::new("POST", "/play/echo").by_amy().sized("hello").to_http1();
    let (first, rest) = request.split_at(1);
    for piece in [first, rest] {
        asking.send(piece).await;
    }
    let answer = asking.answer("POST").await;
    assert_eq!((answer.status(), answer.text().as_str()), (200, "hello"));
    assert_eq!(gateway.upstream.only().body.kept, b"hello"[..]);
    gateway.upstream.forget();
    slow.send(b"GET /play/sized/5 HTTP/1.1\r\n").await;
    assert_eq!(slow.answer("GET").await.status(), 408);
    assert!(idle.is_ended().await);
    gateway.upstream.assert_nothing_reached().await;
}

#[tokio::test]
async fn a_body_that_dribbles_is_answered_408() {
    let gateway = limited("body_timeout = \"300ms\"\nprogress = \"1KiB\"");
    for fields in ["Content-Length: 5000", "Transfer-Encoding: chunked"] {
        let (name, value) = fields.split_once(": ").unwrap();
        let ask = Ask::new("POST", "/play/echo").by_amy().field(name, value);
        let mut wire = gateway.http1().await;
        wire.send(&ask.to_http1()).await;
        if value == "chunked" {
            wire.send(b"1388\r\n").await;
        }
        let told = dribble(&mut wire, &[b'x'; 5000]).await.expect("patience has an end");
        assert!(told.starts_with(b"HTTP/1.1 408 "), "{}", String::from_utf8_lossy(&told));
        let entry = reason(&gateway, "request_timeout").await;
        assert_eq!((&entry["status"], &entry["user"]), (&408.into(), &"amy".into()));
        assert!(!gateway.upstream.only().body.complete, "half a body does not look whole");
        gateway.upstream.forget();
    }
}

#[tokio::test]
async fn a_body_that_pauses_and_moves_on_passes() {
    let gateway = limited("body_timeout = \"10s\"\nprogress = \"1KiB\"");
    let mut wire = gateway.http1().await;
    wire.send(&Ask::new("POST", "/play/echo").by_amy().field("Content-Length", "3000").to_http1()).await;
    for _ in 0..3 {
        wire.send(&[b'x'; 1000]).await;
        tokio::time::sleep(DRIBBLE).await;
    }
    assert_eq!(wire.answer("POST").await.body.length, 3000);
}

#[tokio::test]
async fn a_client_that_reads_nothing_is_cut() {
    let gateway = limited("send_timeout = \"300ms\"");
    // Held, and not read from.
    let mut wire = gateway.http1().await;
    wire.send(&Ask::get("/play/sized/200000000").by_amy().to_http1()).await;
    let entry = reason(&gateway, "request_timeout").await;
    assert_eq!((&entry["user"], &entry["status"]), (&"amy".into(), &200.into()));
    assert!(entry["bytes_out"].as_u64().unwrap() < 200_000_000, "{entry}");
}

#[tokio::test]
async fn an_answer_that_is_left_unread_over_http2_ends_its_connection() {
    let gateway = limited("send_timeout = \"300ms\"");
    let http2 = gateway.http2().await;
    let ask = Ask::get("/play/sized/200000000").by_amy();
    let _unread = within("the head of the answer", http2.open(ask.to_http2())).await.unwrap();
    let entry = until("the audit entry", || gateway.audit().pop()).await;
    assert!(entry["bytes_out"].as_u64().unwrap() < 200_000_000, "{entry}");
    assert!(http2.try_ask(Ask::get("/play/sized/5").by_amy().to_http2()).await.is_err(), "the connection has ended");
    assert_eq!(gateway.ask(Protocol::Http2, &Ask::get("/play/sized/5").by_amy()).await.status(), 200);
}

#[tokio::test]
async fn an_upstream_that_falls_silent_in_the_middle_is_not_waited_for() {
    for protocol in Protocol::BOTH {
        let upstream = "read_timeout = \"300ms\"";
        let gateway = Gateway::start(GatewayOptions { upstream, ..GatewayOptions::default() });
        gateway.upstream.step();
        let answer = gateway.ask(protocol, &Ask::get("/play/events").by_amy()).await;
        assert_eq!((answer.status(), answer.text().as_str()), (200, "data: 1\n\n"), "{protocol:?}");
        assert!(!answer.body.complete, "{protocol:?}");
        assert_eq!(gateway.entry(&answer).await["reason"], "upstream_timeout");
    }
}

#[tokio::test]
async fn an_upstream_that_takes_no_connection_is_not_waited_for() {
    // Its queue is full, so the system does not even answer.
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = socket.listen(1).unwrap();
    let address = listener.local_addr().unwrap();
    let mut waiting = Vec::new();
    while let Ok(Ok(stream)) = tokio::time::timeout(Duration::from_millis(300), TcpStream::connect(address)).await {
        waiting.push(stream);
        assert!(waiting.len() < 100, "the queue is never full");
    }
    let upstream = "connect_timeout = \"300ms\"";
    let gateway = Gateway::start(GatewayOptions { server: Some(address), upstream, ..GatewayOptions::default() });
    let answer = gateway.ask(Protocol::Http1, &Ask::get("/play/sized/5").by_amy()).await;
    assert_eq!(answer.status(), 502);
    let entry = gateway.entry(&answer).await;
    assert_eq!(entry["reason"], "upstream_connect");
    assert!(entry["detail"].as_str().unwrap().contains("in time"), "{entry}");
}

#[tokio::test]
async fn an_unused_upstream_connection_is_let_go() {
    let gateway = Gateway::start(GatewayOptions { upstream: "idle_timeout = \"50ms\"", ..GatewayOptions::default() });
    let mut wire = gateway.http1().await;
    let mut connections = Vec::new();
    // A request may come in time for the connection of the one before; in the end one does not.
    while connections.len() < 2 {
        wire.send(&Ask::get("/play/sized/5").by_amy().to_http1()).await;
        assert_eq!(wire.answer("GET").await.status(), 200);
        connections.push(gateway.upstream.received().last().unwrap().connection);
        connections.dedup();
        tokio::time::sleep(Duration::from_millis(60)).await;
    }
}

#[tokio::test]
async fn heads_are_as_large_as_the_settings_say() {
    let gateway = limited("head_size = \"8KiB\"\nhead_fields = 16\ntarget_size = \"1KiB\"");
    let credentials = basic(crate::harness::AMY);
    // Host, Authorization and these.
    let head = |target: &str, fields: &str| {
        format!("GET {target} HTTP/1.1\r\nHost: shop.example\r\nAuthorization: {credentials}\r\n{fields}\r\n")
    };
    let filled = |size: usize| {
        let rest = size - head("/play/sized/5", "X: \r\n").len();
        head("/play/sized/5", &format!("X: {}\r\n", "x".repeat(rest)))
    };
    let target = |length: usize| format!("/play/sized/5?{}", "x".repeat(length - "/play/sized/5?".len()));
    for (within_limits, over, status) in [
        (filled(8192), filled(8193), 431),
        (head("/play/sized/5", &"X: y\r\n".repeat(14)), head("/play/sized/5", &"X: y\r\n".repeat(15)), 431),
        (head(&target(1024), ""), head(&target(1025), ""), 414),
    ] {
        assert_eq!(gateway.send(&within_limits).await.status(), 200, "{status}");
        gateway.upstream.forget();
        let mut wire = gateway.http1().await;
        wire.send(over.as_bytes()).await;
        let answer = wire.answer("GET").await;
        assert_eq!(answer.status(), status);
        assert!(wire.is_ended().await);
        let entry = gateway.entry(&answer).await;
        assert_eq!((&entry["reason"], &entry["status"]), (&"too_large".into(), &status.into()));
        gateway.upstream.assert_nothing_reached().await;
    }
    let long = gateway.ask(Protocol::Http2, &Ask::get(&target(1025)).by_amy()).await;
    assert_eq!(long.status(), 414);
    gateway.upstream.assert_nothing_reached().await;
    assert_eq!(gateway.ask(Protocol::Http2, &Ask::get(&target(1024)).by_amy()).await.status(), 200);
}

/// Whether a connection is served, and not closed as it comes.
async fn is_served(stream: io::Result<TcpStream>) -> Option<Wire<TcpStream>> {
    let mut wire = Wire::new(stream.ok()?);
    wire.write(b"GET /orders HTTP/1.1\r\nHost: shop.example\r\n\r\n").await.ok()?;
    let head = within("an answer or the end", wire.head()).await.ok()??;
    assert!(head.starts_with(b"HTTP/1.1 308 "));
    Some(wire)
}

async fn from(gateway: &Gateway, address: &str) -> io::Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    socket.bind(format!("{address}:0").parse().unwrap())?;
    within("connecting", socket.connect(gateway.http())).await
}

#[tokio::test]
async fn there_are_as_many_connections_as_the_settings_say() {
    let gateway = limited("connections = 4\naddress_connections = 2");
    let mut held = Vec::new();
    for (address, served) in [
        ("127.0.0.1", true),
        ("127.0.0.1", true),
        ("127.0.0.1", false),
        ("127.0.0.2", true),
        ("127.0.0.3", true),
        ("127.0.0.4", false),
    ] {
        let wire = is_served(from(&gateway, address).await).await;
        assert_eq!(wire.is_some(), served, "{address}, with {} open", held.len());
        held.extend(wire);
    }
    drop(held.remove(0));
    // Its place is free once the gateway has seen it go.
    let mut again = None;
    while again.is_none() {
        again = is_served(from(&gateway, "127.0.0.1").await).await;
    }
}

#[tokio::test]
async fn a_connection_has_as_many_requests_as_the_settings_say() {
    let gateway = limited("connection_requests = 3");
    let mut wire = gateway.http1().await;
    for number in 1..=3 {
        wire.send(&Ask::get("/play/sized/5").by_amy().to_http1()).await;
        let answer = wire.answer("GET").await;
        assert_eq!((answer.status(), answer.head.value("connection").is_some()), (200, number == 3));
    }
    assert!(wire.is_ended().await);
    let http2 = gateway.http2().await;
    let mut answered = 0;
    while let Ok(answer) = http2.try_ask(Ask::get("/play/sized/5").by_amy().to_http2()).await {
        assert_eq!(answer.status(), 200);
        answered += 1;
        assert!(answered < 100, "the connection has no end");
    }
    assert!(answered >= 3, "{answered}");
}

#[tokio::test]
async fn a_tunnel_that_falls_silent_is_closed() {
    let gateway = limited("tunnel_timeout = \"300ms\"");
    let mut wire = gateway.http1().await;
    let ask = Ask::get("/play/upgrade").by_amy().field("Connection", "upgrade").field("Upgrade", "chat");
    wire.send(&ask.to_http1()).await;
    assert_eq!(wire.answer_head().await.word(), "101");
    wire.send(b"hello").await;
    assert_eq!(wire.some(5).await.unwrap().unwrap(), "hello");
    assert!(wire.is_ended().await);
    let entry = reason(&gateway, "request_timeout").await;
    assert_eq!((&entry["status"], &entry["bytes_in"]), (&101.into(), &5.into()));
}

#[tokio::test]
async fn refused_bodies_are_read_on_within_bounds() {
    let gateway = Gateway::usual();
    // Nobody's upload: the answer comes at once, the body is read on, and the connection serves the next request.
    let mut wire = gateway.http1().await;
    wire.send(&Ask::new("POST", "/play/echo").field("Content-Length", "1000000").to_http1()).await;
    assert_eq!(wire.answer("POST").await.status(), 401);
    wire.send(&pattern(1_000_000)).await;
    wire.send(&Ask::get("/play/sized/5").by_amy().to_http1()).await;
    assert_eq!(wire.answer("GET").await.status(), 200);
    assert_eq!(gateway.upstream.only().head.word(), "/play/sized/5");
    gateway.upstream.forget();
    // One without end is cut off.
    let mut wire = gateway.http1().await;
    wire.send(&Ask::new("POST", "/play/echo").field("Content-Length", "100000000000").to_http1()).await;
    assert_eq!(wire.answer("POST").await.status(), 401);
    let block = pattern(1 << 20);
    let mut sent = 0;
    while within("the end", wire.write(&block)).await.is_ok() {
        sent += block.len();
        assert!(sent < 200 << 20, "a body that nobody wants is read without end");
    }
    gateway.upstream.assert_nothing_reached().await;
}

/// A client that looks for an answer only when all of its body is sent has to get it, and not a broken stream.
#[tokio::test]
async fn over_http2_a_refused_body_is_read_on_whatever_it_is_refused_for() {
    let gateway = limited("body_size = \"10KiB\"");
    let upload = || Ask::new("POST", "/play/echo").sized(pattern(4 << 20));
    for (ask, status) in [
        (upload(), 401),
        (upload().by_amy().field("x-http-method-override", "DELETE"), 400),
        (upload().by_amy().field("content-length", (4 << 20).to_string()), 413),
    ] {
        let answer = gateway.ask(Protocol::Http2, &ask).await;
        assert_eq!((answer.status(), answer.body.complete), (status, true));
        gateway.upstream.assert_nothing_reached().await;
    }
}
