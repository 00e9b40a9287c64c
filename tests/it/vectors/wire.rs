//! What the gateway does with each vector: what is accepted reaches the upstream as the list says and no differently,
//! and of what is not, nothing does.

use super::list::{Expect, HOST, List, Over, Vector};
use crate::harness::{AMY, Gateway, Reply, basic};

pub(super) async fn http1(list: &List) {
    let gateway = Gateway::guarding(list.document());
    for vector in list.over(Over::Http1) {
        let mut head = format!("{} ", vector.method()).into_bytes();
        head.extend(vector.target());
        head.extend(format!(" HTTP/1.1\r\nHost: {HOST}\r\nAuthorization: {}\r\n\r\n", basic(AMY)).into_bytes());
        let mut wire = gateway.http1().await;
        wire.send(&head).await;
        let answer = wire.answer(vector.method()).await;
        let shown = answer.head.line.clone();
        assert_eq!(answer.status(), status(vector), "{shown} for {vector:?}");
        if vector.expect == Expect::Refuse && answer.body.length == 0 && !vector.is_http() {
            assert!(wire.is_ended().await, "what is no HTTP is the last of its connection: {vector:?}");
        } else {
            answer.id();
            judge_body(vector, &answer.body.kept);
        }
        at_the_upstream(&gateway, vector).await;
    }
}

pub(super) async fn http2(list: &List) {
    let gateway = Gateway::guarding(list.document());
    let credentials = basic(AMY);
    for vector in list.over(Over::Http2) {
        let target = vector.target();
        let fields: [(&[u8], &[u8]); 5] = [
            (b":method", vector.method().as_bytes()),
            (b":scheme", b"https"),
            (b":authority", HOST.as_bytes()),
            (b":path", &target),
            (b"authorization", credentials.as_bytes()),
        ];
        match gateway.frames(&fields).await {
            reply if target.contains(&b'#') && target.starts_with(b"/") => {
                without_its_fragment(&gateway, vector, &reply).await;
                continue;
            }
            Reply::Answer(answered, body) => {
                assert_eq!(answered, status(vector), "{vector:?}");
                judge_body(vector, &body);
            }
            // A server may also reset the stream of a malformed request (RFC 9113 section 8.1.1).
            Reply::Nothing => assert!(vector.expect == Expect::Refuse && !vector.is_http(), "no answer: {vector:?}"),
        }
        at_the_upstream(&gateway, vector).await;
    }
}

/// In HTTP/2 a fragment is cut off by the crate that reads frames, before anything of the gateway's can see it. Then it
/// must be neither judged nor sent.
async fn without_its_fragment(gateway: &Gateway, vector: &Vector, reply: &Reply) {
    let target = String::from_utf8(vector.target()).unwrap();
    let (cut, _) = target.split_once('#').unwrap();
    match reply {
        Reply::Answer(200, _) => {
            let line = gateway.upstream.only().head.line;
            assert_eq!(line, format!("{} {cut} HTTP/1.1", vector.method()), "{vector:?}");
            gateway.upstream.forget();
        }
        Reply::Answer(..) | Reply::Nothing => gateway.upstream.assert_nothing_reached().await,
    }
}

fn status(vector: &Vector) -> u16 {
    match vector.expect {
        Expect::Accept => 200,
        Expect::Deny => 403,
        Expect::Refuse => 400,
    }
}

/// The gateway's own answers say what they are; the upstream's says "ok".
fn judge_body(vector: &Vector, body: &[u8]) {
    let text = String::from_utf8_lossy(body);
    let said = match vector.expect {
        Expect::Accept => text == "ok",
        Expect::Deny | Expect::Refuse => text.contains(&status(vector).to_string()),
    };
    assert!(said || vector.method() == "HEAD", "{text} for {vector:?}");
}

async fn at_the_upstream(gateway: &Gateway, vector: &Vector) {
    if vector.expect != Expect::Accept {
        gateway.upstream.assert_nothing_reached().await;
        return;
    }
    let line = format!("{} {} HTTP/1.1", vector.method(), vector.sent());
    assert_eq!(gateway.upstream.only().head.line, line, "{vector:?}");
    gateway.upstream.forget();
}
