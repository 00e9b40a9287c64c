//! Puts the cases to a running gateway, each on a connection of its own, with a good client beside them.

use super::list::{Case, List};
use crate::harness::{Ask, Gateway, Reply, Seen};

pub(super) async fn run(list: &List) {
    let gateway = Gateway::usual();
    let good = gateway.http2().await;
    for case in &list.cases {
        put(&gateway, case).await;
        assert_eq!(good.ask(&Ask::get("/play/sized/1").by_amy()).await.status(), 200, "beside {:?}", case.name);
        gateway.upstream.forget();
    }
}

async fn put(gateway: &Gateway, case: &Case) {
    let shown = format!("{:?}", case.name);
    let mut frames = gateway.by_hand(&[]).await;
    frames.send(&case.frames(1)).await;
    let reply = frames.reply(1).await;
    match (&reply, case.status) {
        (Reply::Answer(status, _), Some(expected)) => assert_eq!(*status, expected, "{shown}"),
        (Reply::Answer(status, _), None) if case.seen.is_empty() => assert!(*status >= 400, "{status} for {shown}"),
        (Reply::Answer(status, _), None) => assert_eq!(*status, 200, "{shown}"),
        (Reply::Nothing, _) => assert!(case.status.is_none() && case.seen.is_empty(), "no answer for {shown}"),
    }
    let received = gateway.upstream.settled().await;
    if case.late {
        // What came of it before the fault may have gone on, but never as a whole.
        assert!(received.iter().all(|one| !one.body.complete), "{shown}");
    } else {
        Seen::compare(&case.seen, &received, &shown);
    }
}
