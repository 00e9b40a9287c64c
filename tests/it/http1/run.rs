//! Puts the cases to a running gateway, in one piece and in many.

use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

use super::list::{Case, List, Then};
use crate::harness::{Ask, Gateway, Seen, Wire, within};

type Stream = Wire<TlsStream<TcpStream>>;

/// How the bytes come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pieces {
    /// At once.
    One,
    /// The head and what follows it.
    Two,
    /// Byte by byte.
    All,
}

/// More than this is not sent byte by byte.
const SHORT: usize = 2000;

/// A request that must never be read out of a body, or after what is refused.
fn smuggled() -> Vec<u8> {
    Ask::get("/play/smuggled").by_amy().to_http1()
}

pub(super) async fn run(list: &List, pieces: Pieces) {
    let gateway = Gateway::usual();
    for case in &list.cases {
        let bytes = list.bytes(case);
        if pieces == Pieces::All && bytes.len() > SHORT {
            continue;
        }
        put(&gateway, case, bytes, pieces).await;
    }
}

async fn put(gateway: &Gateway, case: &Case, bytes: Vec<u8>, pieces: Pieces) {
    let shown = format!("{:?}, {pieces:?}: {}", case.name, String::from_utf8_lossy(&bytes).escape_debug());
    let head = bytes.starts_with(b"HEAD ");
    let mut wire = gateway.http1().await;
    let mut sent = bytes;
    if case.then() == Then::Close {
        sent.extend(smuggled());
    }
    send(&mut wire, &sent, pieces).await;
    answered(case, &mut wire, head, &shown).await;
    let then = case.then();
    match then {
        Then::Close => assert!(is_over(&mut wire, head).await, "the connection goes on for {shown}"),
        Then::Open => goes_on(&mut wire, &shown).await,
    }
    let mut seen = gateway.upstream.settled().await;
    if then == Then::Open {
        let last = seen.pop().expect("the next request");
        assert_eq!(last.head.line, NEXT, "{shown}");
    }
    if case.late && pieces != Pieces::One {
        // What came of it before the fault may have gone on, but never as a whole.
        assert!(seen.iter().all(|one| !one.body.complete && !one.head.line.contains("smuggled")), "{shown}");
    } else {
        Seen::compare(&case.seen, &seen, &shown);
    }
}

async fn answered(case: &Case, wire: &mut Stream, head: bool, shown: &str) {
    for (place, status) in case.answers().iter().enumerate() {
        let method = case.seen.get(place).map_or(if head { "HEAD" } else { "GET" }, |seen| method(&seen.line));
        let Ok(answered) = within("an answer", wire.try_answer(method)).await else { panic!("no answer for {shown}") };
        assert_eq!(answered.status(), *status, "{} for {shown}", answered.text());
        answered.id();
        assert!(answered.body.complete, "half an answer for {shown}");
    }
}

const NEXT: &str = "GET /play/sized/1 HTTP/1.1";

/// The connection carries another request, which is read where it begins.
async fn goes_on(wire: &mut Stream, shown: &str) {
    wire.send(&Ask::get("/play/sized/1").by_amy().to_http1()).await;
    let next = within("the next answer", wire.try_answer("GET")).await;
    let next = next.unwrap_or_else(|error| panic!("the connection ends ({error}) for {shown}"));
    assert_eq!((next.status(), next.body.length), (200, 1), "what follows is read otherwise: {shown}");
}

async fn send(wire: &mut Stream, bytes: &[u8], pieces: Pieces) {
    let head = bytes.windows(4).position(|window| window == b"\r\n\r\n").map_or(bytes.len(), |place| place + 4);
    let parts: Vec<&[u8]> = match pieces {
        Pieces::One => vec![bytes],
        Pieces::Two => vec![&bytes[..head], &bytes[head..]],
        Pieces::All => bytes.chunks(1).collect(),
    };
    for part in parts {
        // A gateway that has answered need not take the rest.
        if within("sending", wire.write(part)).await.is_err() {
            return;
        }
        tokio::task::yield_now().await;
    }
}

/// Whether nothing more comes. What is refused before its method is known has a body, also where that is HEAD.
async fn is_over(wire: &mut Stream, head: bool) -> bool {
    if !head {
        return wire.is_ended().await;
    }
    let mut more = Vec::new();
    while let Ok(Some(some)) = within("the end of the connection", wire.some(usize::MAX)).await {
        more.extend_from_slice(&some);
    }
    !String::from_utf8_lossy(&more).contains("HTTP/1.1")
}

fn method(line: &str) -> &str {
    line.split(' ').next().unwrap_or_default()
}
