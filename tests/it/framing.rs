//! Heads that two servers could read in two ways, byte by byte over HTTP/1.

use crate::harness::{AMY, Ask, Gateway, HOST, basic};

/// A request head from its first line and its fields, with Amy's credentials and a Host.
fn head(line: &str, fields: &str) -> String {
    format!("{line}\r\nHost: {HOST}\r\nAuthorization: {}\r\n{fields}\r\n", basic(AMY))
}

fn post(fields: &str, body: &str) -> String {
    head("POST /play/echo HTTP/1.1", fields) + body
}

async fn refused(gateway: &Gateway, bytes: impl AsRef<[u8]>) {
    let shown = String::from_utf8_lossy(bytes.as_ref()).replace(&basic(AMY), "(Amy)");
    let mut wire = gateway.http1().await;
    wire.send(bytes.as_ref()).await;
    let answer = wire.answer("GET").await;
    assert!(matches!(answer.status(), 400 | 431 | 505), "{} for {shown}", answer.head.line);
    assert!(wire.is_ended().await, "where a message ends is in doubt, so none may follow: {shown}");
    gateway.upstream.assert_nothing_reached().await;
}

#[tokio::test]
async fn the_end_of_a_body_is_never_in_doubt() {
    let gateway = Gateway::usual();
    for (fields, body) in [
        ("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"),
        ("Transfer-Encoding: chunked, chunked\r\n", "0\r\n\r\n"),
        ("Transfer-Encoding: gzip, chunked\r\n", "0\r\n\r\n"),
        ("Transfer-Encoding: gzip\r\n", "0\r\n\r\n"),
        ("Transfer-Encoding: identity\r\n", ""),
        ("Transfer-Encoding: cow\r\n", "0\r\n\r\n"),
        ("Transfer-Encoding: xchunked\r\n", "0\r\n\r\n"),
        ("Transfer-Encoding: \"chunked\"\r\n", "0\r\n\r\n"),
        ("Transfer-Encoding: chunked\u{b}\r\n", "0\r\n\r\n"),
        ("Transfer-Encoding: chunked;x=1\r\n", "0\r\n\r\n"),
        ("Transfer-Encoding: chunked, identity\r\n", "0\r\n\r\n"),
        ("Transfer-Encoding:\r\n", ""),
        ("Content-Length: 1\r\nContent-Length: 2\r\n", "ab"),
        ("Content-Length: 1, 2\r\n", "ab"),
        ("Content-Length: +1\r\n", "a"),
        ("Content-Length: -1\r\n", "a"),
        ("Content-Length: 0x1\r\n", "a"),
        ("Content-Length: 1 1\r\n", "a"),
        ("Content-Length: one\r\n", "a"),
        ("Content-Length:\r\n", ""),
        ("Content-Length: 18446744073709551617\r\n", "a"),
    ] {
        refused(&gateway, post(fields, body)).await;
    }
    refused(&gateway, head("POST /play/echo HTTP/1.0", "Transfer-Encoding: chunked\r\n") + "0\r\n\r\n").await;
}

#[tokio::test]
async fn a_length_beside_chunks_is_refused() {
    // RFC 9112 section 6.3 lets a server go by the chunks; the next one might go by the length.
    let gateway = Gateway::usual();
    for fields in
        ["Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n"]
    {
        let smuggled = head("GET /play/smuggled HTTP/1.1", "");
        refused(&gateway, post(fields, &format!("2\r\nab\r\n0\r\n\r\n{smuggled}"))).await;
    }
}

#[tokio::test]
async fn a_fragment_is_refused() {
    let gateway = Gateway::usual();
    for target in
        ["/play/sized/5#x", "/play/sized/5#/../../orders", "/play/sized/5?#x", "/orders/1/2#/../../play/sized/5"]
    {
        refused(&gateway, head(&format!("GET {target} HTTP/1.1"), "")).await;
    }
}

#[tokio::test]
async fn fields_have_one_reading() {
    let gateway = Gateway::usual();
    for fields in [
        "X-Folded: a\r\n b\r\n",
        "X-Spaced : a\r\n",
        ": nameless\r\n",
        "X-Nul: a\0b\r\n",
        "X-Return: a\rb\r\n",
        "Nothing\r\n",
        "X(Name): a\r\n",
        "Authorization: Basic eA==\r\n",
        "Host: shop.example\r\n",
        "Host: other.example\r\n",
    ] {
        refused(&gateway, head("GET /play/sized/5 HTTP/1.1", fields)).await;
    }
}

/// What is skipped here for being unreadable might be read by the upstream: `h2c` would pass, a nominated field stay.
#[tokio::test]
async fn connection_options_are_readable() {
    let gateway = Gateway::usual();
    for fields in ["Connection: upgrade\r\nUpgrade: h2c, ?\r\n", "Connection: X-Secret, ?\r\nX-Secret: 1\r\n"] {
        let request = head("GET /play/sized/5 HTTP/1.1", fields).into_bytes();
        let request: Vec<u8> = request.into_iter().map(|byte| if byte == b'?' { 0xff } else { byte }).collect();
        refused(&gateway, request).await;
    }
}

#[tokio::test]
async fn the_host_is_one_and_is_a_host() {
    let gateway = Gateway::usual();
    let credentials = basic(AMY);
    for host in [
        "",
        "Host:\r\n",
        "Host: amy@shop.example\r\n",
        "Host: shop.example/path\r\n",
        "Host: shop.example?x\r\n",
        "Host: shop.example#x\r\n",
        "Host: shop example\r\n",
        "Host: shop.example:port\r\n",
        "Host: shop.example\\evil\r\n",
        "Host: shop.example, other.example\r\n",
        "Host: http://shop.example\r\n",
    ] {
        refused(&gateway, format!("GET /play/sized/5 HTTP/1.1\r\n{host}Authorization: {credentials}\r\n\r\n")).await;
    }
}

#[tokio::test]
async fn the_request_line_has_one_reading() {
    let gateway = Gateway::usual();
    for line in [
        "OPTIONS * HTTP/1.1",
        "CONNECT shop.example:443 HTTP/1.1",
        "TRACE /play/sized/5 HTTP/1.1",
        "GET http://other.example/play/sized/5 HTTP/1.1",
        "GET http://amy@shop.example/play/sized/5 HTTP/1.1",
        "GET play/sized/5 HTTP/1.1",
        "GET shop.example:443 HTTP/1.1",
        "GET /play\\sized\\5 HTTP/1.1",
        "GET /play/caf\u{e9} HTTP/1.1",
        "GET /play/a|b HTTP/1.1",
        "GET /play/sized/5 HTTP/1.2",
        "GET /play/sized/5 HTTP/3.0",
        "GET /play/sized/5",
        "GET  /play/sized/5 HTTP/1.1",
        "GET /play/sized/5 x HTTP/1.1",
        "GE(T /play/sized/5 HTTP/1.1",
    ] {
        let bytes: Vec<u8> = head(line, "").chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect();
        let answer = gateway.send(&bytes).await;
        assert!(matches!(answer.status(), 400 | 505), "{} for {line}", answer.head.line);
        gateway.upstream.assert_nothing_reached().await;
    }
}

/// A body in an answer to HEAD would be the next answer to its client (RFC 9110 section 9.3.2).
#[tokio::test]
async fn a_refusal_of_head_has_no_body() {
    let gateway = Gateway::usual();
    for target in ["play/sized/5", "/play/sized/5#x", "/play/caf%e9"] {
        let mut wire = gateway.http1().await;
        wire.send(head(&format!("HEAD {target} HTTP/1.1"), "Connection: close\r\n").as_bytes()).await;
        assert_eq!(wire.answer("HEAD").await.status(), 400, "{target}");
        assert!(wire.is_ended().await, "something follows the head of the answer: {target}");
        gateway.upstream.assert_nothing_reached().await;
    }
}

#[tokio::test]
async fn the_absolute_form_is_a_spelling() {
    let gateway = Gateway::usual();
    let answer = gateway.send(head(&format!("GET http://{HOST}/play/sized/5?a=b HTTP/1.1"), "")).await;
    assert_eq!(answer.status(), 200);
    let received = gateway.upstream.only();
    assert_eq!(received.head.line, "GET /play/sized/5?a=b HTTP/1.1");
    assert_eq!(received.head.value("host").as_deref(), Some(HOST));
}

#[tokio::test]
async fn a_head_too_large_is_refused() {
    let gateway = Gateway::usual();
    refused(&gateway, head("GET /play/sized/5 HTTP/1.1", &format!("X-Large: {}\r\n", "x".repeat(40_000)))).await;
    refused(&gateway, head("GET /play/sized/5 HTTP/1.1", &"X-Many: x\r\n".repeat(150))).await;
}

#[tokio::test]
async fn equal_lengths_are_two_and_chunks_are_read_strictly() {
    let gateway = Gateway::usual();
    refused(&gateway, post("Content-Length: 2\r\nContent-Length: 2\r\n", "ab")).await;
    for chunks in [
        "0x1\r\na\r\n0\r\n\r\n",
        "+1\r\na\r\n0\r\n\r\n",
        "1_\r\na\r\n0\r\n\r\n",
        "1\r\nab\r\n0\r\n\r\n",
        "11111111111111111\r\na",
    ] {
        refused(&gateway, post("Transfer-Encoding: chunked\r\n", chunks)).await;
    }
}

#[tokio::test]
async fn other_protocols_inside_tls_come_to_nothing() {
    let gateway = Gateway::usual();
    for bytes in ["EHLO mail.example\r\n\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "\0\0\0\0\r\n\r\n"] {
        let mut wire = gateway.http1().await;
        wire.send(bytes.as_bytes()).await;
        let head = crate::harness::within("an answer or the end", wire.head()).await;
        assert!(head.is_err() || head.unwrap().is_none_or(|head| !head.starts_with(b"HTTP/1.1 2")), "{bytes:?}");
        gateway.upstream.assert_nothing_reached().await;
    }
    // And the gateway goes on.
    assert_eq!(gateway.send(Ask::get("/play/sized/5").by_amy().to_http1()).await.status(), 200);
}
