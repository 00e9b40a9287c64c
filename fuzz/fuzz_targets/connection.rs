//! A whole connection: whatever bytes a client sends, what reaches the upstream is what a strict reader finds in them.
//!
//! Input: three signs that choose how the upstream answers, how the client sends and how it ends, and then its bytes.

#![no_main]

use std::collections::HashSet;

use libfuzzer_sys::fuzz_target;
use portcullis_fuzz::names::{is_claim, is_misspelt};
use portcullis_fuzz::play::{ANSWERING, Answering, Ending, Played, Sending, exchange};
use portcullis_fuzz::rfc9112::{End, Framing, Message, answers, requests};

fuzz_target!(|data: &[u8]| {
    let [answering, sending, ending, input @ ..] = data else { return };
    let answering = ANSWERING[usize::from(*answering) % ANSWERING.len()];
    let sending = Sending {
        step: [1, 2, 3, 7, 16, 61, 1000, usize::MAX][usize::from(*sending % 8)],
        slowly: sending & 8 != 0,
        ending: [Ending::Waits, Ending::Ends, Ending::EndsAtOnce, Ending::Leaves][usize::from(*ending % 4)],
        clear: ending & 4 != 0,
        room: if ending & 8 != 0 { 61 } else { 64 << 10 },
    };
    let played = exchange(input, sending, answering);
    let (asked, _) = requests(input);
    check_upstream(&asked, &played, sending, answering);
    check_client(&asked, &played, sending);
});

/// What reached the upstream is in the input, once and in the same order.
fn check_upstream(asked: &[Message], played: &Played, sending: Sending, answering: Answering) {
    let mut seen = Vec::new();
    for bytes in &played.upstream {
        let (found, end) = requests(bytes);
        assert!(matches!(end, End::Clean | End::CutOff), "{end:?} in what reached the upstream: {}", text(bytes));
        assert!(!bytes.is_empty() || end == End::Clean);
        seen.extend(found);
    }
    assert!(!sending.clear || seen.is_empty(), "something came through the clear-text listener");
    // A request that may be repeated is, where the upstream closes the connection on it.
    let mut ids = HashSet::new();
    seen.retain(|request| {
        let fresh = ids.insert(request.values("x-request-id").concat());
        assert!(fresh || answering == Answering::OnlyOnce && request.body.is_empty(), "sent twice: {request:?}");
        fresh
    });
    assert!(seen.len() <= asked.len(), "{} requests of {}", seen.len(), asked.len());
    let mut waiting = asked.iter();
    for request in &seen {
        check_request(request);
        let same = waiting.find(|asked| is_same(asked, request));
        assert!(same.is_some(), "the client did not ask for this, or not then: {request:?}");
    }
}

/// One request as the upstream sees it, or its beginning.
fn check_request(request: &Message) {
    let [method, target, version] = &request.line;
    let path = target.split('?').next().unwrap_or_default();
    let listed = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
    assert!(
        matches!(path, "/open" | "/open/") && listed.contains(&&method[..]) && version == "HTTP/1.1",
        "{request:?}"
    );
    assert!(!request.after_blank && !request.extended, "{request:?}");
    let once = ["host", "x-request-id", "x-forwarded-for", "x-forwarded-proto"];
    for name in once {
        assert_eq!(request.values(name).len(), 1, "{name} in {request:?}");
    }
    assert_eq!(request.values("x-forwarded-for"), [b"127.0.0.1"]);
    for (name, _) in &request.fields {
        let ours = once.contains(&&name[..]) || name == "x-forwarded-host";
        assert!(!is_claim(name) || ours, "{name} in {request:?}");
        assert!(!is_misspelt(name) && name != "authorization", "{name} in {request:?}");
    }
    for (name, _) in &request.trailers {
        let acts = ["authorization", "content-length", "host", "transfer-encoding"];
        assert!(!is_claim(name) && !acts.contains(&&name[..]), "{name} in {request:?}");
    }
}

fn is_same(asked: &Message, seen: &Message) -> bool {
    let query = |message: &Message| message.line[1].split_once('?').map(|(_, query)| query.to_owned());
    let whole = if seen.whole { asked.whole && asked.body == seen.body } else { asked.body.starts_with(&seen.body) };
    let framed = match (asked.framing, seen.framing) {
        (Framing::Sized(asked), Framing::Sized(seen)) => asked == seen,
        (asked, seen) => asked == seen,
    };
    asked.line[0] == seen.line[0] && query(asked) == query(seen) && whole && framed
}

/// What the client gets are answers, no more than it asked for and one for what is no request.
fn check_client(asked: &[Message], played: &Played, sending: Sending) {
    let methods: Vec<&str> = asked.iter().map(|request| &request.line[0][..]).collect();
    // Of what is no request it may still be plain that the method is HEAD.
    let with_head = [&methods[..], &["HEAD"]].concat();
    let read = [methods, with_head].map(|methods| answers(&played.client, &methods));
    let is_orderly = |(found, end): &(Vec<Message>, End)| match end {
        End::Clean | End::Closed => true,
        End::CutOff => sending.ending != Ending::Waits || breaks_off(found),
        End::Fault(_) => false,
    };
    let Some((found, _)) = read.iter().find(|read| is_orderly(read)) else {
        panic!("{:?} in {}", read[0].1, text(&played.client));
    };
    let finals: Vec<_> = found.iter().filter(|answer| !answer.line[1].starts_with('1')).collect();
    assert!(finals.len() <= asked.len() + 1, "{} answers to {}: {}", finals.len(), asked.len(), text(&played.client));
    for answer in finals {
        assert_eq!(answer.values("x-request-id").len(), 1, "{answer:?}");
    }
}

/// An answer of the upstream's that the client's own body took with it.
fn breaks_off(found: &[Message]) -> bool {
    found.last().is_some_and(|answer| answer.line[1] == "200" && !answer.whole)
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
