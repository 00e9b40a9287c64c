//! Has an upstream say each answer, and looks at what the client gets, and at what its next request gets.

use tokio::sync::{mpsc, oneshot};

use super::list::{Case, List};
use super::scripted::{Script, Scripted};
use crate::harness::{Answer, Ask, Gateway, GatewayOptions, Head, Http2, Protocol, Wire, within};

const GOOD: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ngood";

/// One client, on one connection, so that one worker serves all of its requests.
enum Client {
    Http1(Box<Wire<tokio_rustls::client::TlsStream<tokio::net::TcpStream>>>),
    Http2(Http2),
}

impl Client {
    async fn new(gateway: &Gateway, protocol: Protocol) -> Self {
        match protocol {
            Protocol::Http1 => Self::Http1(Box::new(gateway.http1().await)),
            Protocol::Http2 => Self::Http2(gateway.http2().await),
        }
    }

    async fn ask(&mut self, method: &str, path: &str) -> Answer {
        let ask = Ask::new(method, path).by_amy();
        match self {
            Self::Http1(wire) => {
                wire.send(&ask.to_http1()).await;
                wire.answer(method).await
            }
            Self::Http2(http2) => http2.ask(&ask).await,
        }
    }
}

pub(super) async fn run(list: &List, protocol: Protocol) {
    let upstream = Scripted::start().await;
    let options = GatewayOptions {
        server: Some(upstream.address),
        upstream: "response_timeout = \"20s\"",
        ..GatewayOptions::default()
    };
    let gateway = Gateway::start(options);
    for case in &list.cases {
        let shown = format!("{:?}, {protocol:?}", case.name);
        let mut client = Client::new(&gateway, protocol).await;
        let (sender, receiver) = mpsc::channel(1);
        let later = case.later().map(|_| receiver);
        upstream.say(Script { answer: case.said(), closes: case.closes, later });
        let answer = client.ask(&case.method, "/play/case").await;
        compare(case, &answer, protocol, &shown);
        let first = upstream.asked().last().expect("a request").0;
        if let Some(more) = case.later() {
            let (said, heard) = oneshot::channel();
            sender.send((more, said)).await.unwrap();
            within("more from the upstream", heard).await.unwrap();
        }
        next(&upstream, &mut client, case, first, &shown).await;
    }
}

/// What follows is nobody's but the one's who asks.
async fn next(upstream: &Scripted, client: &mut Client, case: &Case, first: usize, shown: &str) {
    upstream.say(Script { answer: GOOD.to_vec(), ..Script::default() });
    if let (Client::Http1(wire), true) = (&mut *client, case.breaks) {
        assert!(within("the end", wire.is_ended()).await, "half an answer goes on as another: {shown}");
        return;
    }
    let answer = client.ask("GET", "/play/next").await;
    assert_eq!((answer.status(), answer.text().as_str()), (200, "good"), "the next answer, after {shown}");
    let asked = upstream.asked();
    assert_eq!(asked.len(), 1, "{asked:?} after {shown}");
    assert_eq!(asked[0].0 == first, case.reused, "whether the connection is used again, after {shown}");
}

fn compare(case: &Case, answer: &Answer, protocol: Protocol, shown: &str) {
    let head = &answer.head;
    assert_eq!(answer.status(), case.status, "{} for {shown}", answer.text());
    answer.id();
    assert_eq!(answer.body.complete, !case.breaks, "whether the body breaks off, for {shown}");
    if case.status != 502 && !case.breaks {
        assert_eq!(answer.body.kept, case.body(), "{shown}");
    }
    for (name, values) in &case.fields {
        assert_eq!(&head.values(name), values, "{name} for {shown}");
    }
    for name in &case.lacks {
        assert!(!head.has(name), "{name} for {shown}: {}", head.text());
    }
    let interim: Vec<u16> = answer.interim.iter().map(|head| head.word().parse().unwrap()).collect();
    if protocol == Protocol::Http1 {
        assert_eq!(interim, case.interim, "{shown}");
    }
    one_reading(head, shown);
}

/// Whoever reads it.
fn one_reading(head: &Head, shown: &str) {
    let (lengths, codings) = (head.values("content-length"), head.values("transfer-encoding"));
    assert!(lengths.len() + codings.len() < 2, "{shown}: {}", head.text());
    assert!(lengths.iter().all(|length| length.bytes().all(|byte| byte.is_ascii_digit())), "{shown}");
    assert_eq!(head.values("date").len(), 1, "{shown}");
    let text = head.text().replace("\r\n", "");
    assert!(!text.contains(|c: char| c.is_control() && c != '\t'), "{shown}: {text:?}");
    assert_eq!(
        head.text().matches("\r\n").count(),
        head.fields.len() + if head.raw.ends_with(b"\r\n\r\n") { 2 } else { 1 }
    );
}
