//! Rate limits on the wire. The rates are by the hour, so that no test depends on how fast the machine is.

use std::net::Ipv4Addr;

use serde_json::json;

use crate::harness::{AMY, Ask, Gateway, GatewayOptions, HERE, PLAIN, Protocol, SECRETS, document};

const ELSEWHERE: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);

fn ask() -> Ask {
    Ask::get("/play/sized/1")
}

/// Asks so often, and sees that every answer is this one.
async fn expect(gateway: &Gateway, from: Ipv4Addr, ask: &Ask, times: usize, status: u16) {
    for protocol in Protocol::BOTH.into_iter().cycle().take(times) {
        let answer = gateway.ask_from(from, protocol, ask).await;
        assert_eq!(answer.status(), status, "{protocol:?} {ask:?}");
        if status == 200 {
            gateway.upstream.only();
            gateway.upstream.forget();
        } else {
            gateway.upstream.assert_nothing_reached().await;
        }
    }
}

#[tokio::test]
async fn a_user_has_a_rate_wherever_they_come_from() {
    let access = document().replace("[users.\"amy\"]", "[users.\"amy\"]\nrate_limit = \"3/hour\"");
    let tables = "[rate_limit]\nuser = \"2/hour\"\n";
    let gateway = Gateway::start(GatewayOptions { access: Some(access), tables, ..GatewayOptions::default() });
    expect(&gateway, HERE, &ask().by(AMY), 2, 200).await;
    expect(&gateway, ELSEWHERE, &ask().by(AMY), 1, 200).await;
    for protocol in Protocol::BOTH {
        let answer = gateway.ask_from(ELSEWHERE, protocol, &ask().by(AMY)).await;
        assert_eq!((answer.status(), answer.text().as_str()), (429, TOO_MANY));
        let wait: u64 = answer.head.value("retry-after").unwrap().parse().unwrap();
        assert!((1..=1200).contains(&wait), "{wait}");
        let entry = gateway.entry(&answer).await;
        let expected = json!({"reason": "rate_limited", "decision": "reject", "detail": "user", "user": "amy"});
        for (field, value) in expected.as_object().unwrap() {
            assert_eq!(entry[field], *value, "{field}: {entry}");
        }
        gateway.upstream.assert_nothing_reached().await;
    }
    // The rate for all users, and what is denied takes of it too.
    let plain = Ask::get("/time").by(PLAIN);
    expect(&gateway, HERE, &plain, 1, 200).await;
    expect(&gateway, HERE, &Ask::get("/orders").by(PLAIN), 1, 403).await;
    expect(&gateway, HERE, &plain, 2, 429).await;
    // What nobody is proved to ask takes of nobody's.
    expect(&gateway, HERE, &ask().by(("near", SECRETS[6])), 3, 401).await;
    expect(&gateway, HERE, &Ask::get("/health"), 3, 200).await;
    expect(&gateway, HERE, &ask().by(("near", SECRETS[5])), 2, 200).await;
    let metrics = gateway.tell("/metrics").await.text();
    for line in [
        "portcullis_rejections_total{reason=\"rate_limited\"} 4",
        "portcullis_table_entries{table=\"user_rate\"} 3",
        "portcullis_table_entries{table=\"address_rate\"} 0",
    ] {
        assert!(metrics.lines().any(|one| one == line), "{line} is not in {metrics}");
    }
}

const TOO_MANY: &str = "[{\"status\":429,\"message\":\"Too many requests. Try again later.\"}]";

#[tokio::test]
async fn an_address_has_a_rate_whoever_asks() {
    let tables = "[rate_limit]\naddress = \"5/hour\"\n";
    let gateway = Gateway::start(GatewayOptions { tables, top: "answers = \"problem\"", ..GatewayOptions::default() });
    expect(&gateway, HERE, &ask().by(AMY), 1, 200).await;
    expect(&gateway, HERE, &Ask::get("/health"), 1, 200).await;
    expect(&gateway, HERE, &ask(), 1, 401).await;
    expect(&gateway, HERE, &ask().by((AMY.0, SECRETS[6])), 1, 401).await;
    expect(&gateway, HERE, &Ask::get("/nowhere").by(AMY), 1, 403).await;
    for asked in [ask().by(AMY), ask(), Ask::get("/health"), ask().by((AMY.0, SECRETS[6]))] {
        expect(&gateway, HERE, &asked, 2, 429).await;
    }
    expect(&gateway, ELSEWHERE, &ask().by(AMY), 5, 200).await;
    for protocol in Protocol::BOTH {
        let answer = gateway.ask(protocol, &ask().by(AMY).field("Accept", "application/json")).await;
        assert_eq!(answer.head.value("content-type").as_deref(), Some("application/problem+json"));
        let body: serde_json::Value = serde_json::from_str(&answer.text()).unwrap();
        assert_eq!((&body["status"], &body["title"]), (&json!(429), &json!("Too Many Requests")));
        let entry = gateway.entry(&answer).await;
        assert_eq!((&entry["detail"], &entry["claimed"]), (&json!("address"), &json!(null)));
        let answer = gateway.ask(protocol, &Ask::get("/orders.xml").by(AMY)).await;
        assert_eq!((answer.status(), answer.text().contains("<status>429</status>")), (429, true));
        gateway.upstream.assert_nothing_reached().await;
    }
}

#[tokio::test]
async fn there_is_no_rate_unless_one_is_set() {
    let gateway = Gateway::usual();
    expect(&gateway, HERE, &ask().by(AMY), 50, 200).await;
}
