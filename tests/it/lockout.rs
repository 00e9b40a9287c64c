//! Lock-out on the wire: who has to wait, who does not, and how it is ended.

use std::net::Ipv4Addr;
use std::sync::Arc;

use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::harness::{AMY, Ask, Gateway, GatewayOptions, HERE, PLAIN, Protocol, SECRETS, document};

/// Another address of this machine.
const ELSEWHERE: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);
const WRONG: &str = SECRETS[6];

/// Waits that outlast every test, so that none depends on how fast the machine is.
const LONG: &str = "[lockout]\nfailures = 3\naddress_failures = 6\nfirst_wait = \"10m\"\nforget = \"1h\"\n";

fn gateway(tables: &'static str) -> Gateway {
    Gateway::start(GatewayOptions { tables, ..GatewayOptions::default() })
}

fn ask() -> Ask {
    Ask::get("/play/sized/1")
}

/// Asks, and sees that what does not get 200 reaches nobody.
async fn status(gateway: &Gateway, from: Ipv4Addr, protocol: Protocol, ask: Ask) -> u16 {
    let answer = gateway.ask_from(from, protocol, &ask).await;
    if answer.status() == 200 {
        gateway.upstream.only();
        gateway.upstream.forget();
    } else {
        gateway.upstream.assert_nothing_reached().await;
    }
    answer.status()
}

async fn wrong(gateway: &Gateway, from: Ipv4Addr, protocol: Protocol, name: &str, times: usize) {
    for _ in 0..times {
        assert_eq!(status(gateway, from, protocol, ask().by((name, WRONG))).await, 401, "{name}");
    }
}

#[tokio::test]
async fn while_locked_the_right_token_is_answered_as_a_wrong_one() {
    for protocol in Protocol::BOTH {
        let gateway = gateway(LONG);
        wrong(&gateway, HERE, protocol, AMY.0, 3).await;
        let mut first = None;
        for (name, secret) in [AMY, (AMY.0, WRONG), (AMY.0, ""), AMY] {
            let answer = gateway.ask(protocol, &ask().by((name, secret))).await;
            assert_eq!(answer.status(), 429);
            let wait: u64 = answer.head.value("retry-after").unwrap().parse().unwrap();
            assert!((1..=600).contains(&wait), "{wait}");
            assert!(!answer.head.has("www-authenticate"), "asking for others would not help");
            assert_eq!(
                answer.text(),
                "[{\"status\":429,\"message\":\"Too many wrong credentials came from here. Try again later.\"}]"
            );
            let same = answer.head.fields_but(&["x-request-id", "date", "retry-after"]);
            assert_eq!(*first.get_or_insert_with(|| same.clone()), same);
            let entry = gateway.entry(&answer).await;
            let expected = json!({"reason": "locked_out", "decision": "unauthenticated", "detail": "user",
                "claimed": "amy", "user": null, "status": 429});
            for (field, value) in expected.as_object().unwrap() {
                assert_eq!(entry[field], *value, "{field}: {entry}");
            }
            gateway.upstream.assert_nothing_reached().await;
        }
        // What is public and what presents nothing is as ever.
        assert_eq!(status(&gateway, HERE, protocol, Ask::get("/health").by(AMY)).await, 200);
        assert_eq!(status(&gateway, HERE, protocol, ask()).await, 401);
        assert_eq!(status(&gateway, HERE, protocol, ask().by(("near", SECRETS[5]))).await, 200, "another user");
    }
}

#[tokio::test]
async fn an_outsider_does_not_lock_out_the_user() {
    for protocol in Protocol::BOTH {
        let gateway = gateway(LONG);
        wrong(&gateway, ELSEWHERE, protocol, AMY.0, 3).await;
        assert_eq!(status(&gateway, ELSEWHERE, protocol, ask().by_amy()).await, 429);
        assert_eq!(status(&gateway, HERE, protocol, ask().by_amy()).await, 200);
        // Nor does an outsider who tries every name.
        for name in ["near", "nobody", "somebody"] {
            wrong(&gateway, ELSEWHERE, protocol, name, 1).await;
            assert_eq!(status(&gateway, HERE, protocol, ask().by_amy()).await, 200);
        }
        // The sixth that counts for the address was the last that was looked at.
        let answer = gateway.ask_from(ELSEWHERE, protocol, &ask().by(("anybody", SECRETS[6]))).await;
        assert_eq!((answer.status(), &gateway.entry(&answer).await["detail"]), (429, &json!("address")));
        // Who shares the address and has a token is not locked out by whoever guesses there.
        assert_eq!(status(&gateway, ELSEWHERE, protocol, ask().by(("near", SECRETS[5]))).await, 200);
        assert_eq!(status(&gateway, ELSEWHERE, protocol, ask().by_amy()).await, 429, "amy's own name is");
        let malformed = ask().field("Authorization", "Basic YW15");
        assert_eq!(status(&gateway, ELSEWHERE, protocol, malformed).await, 429);
        assert_eq!(status(&gateway, ELSEWHERE, protocol, ask()).await, 401, "nothing is presented");
        assert_eq!(status(&gateway, HERE, protocol, ask().by_amy()).await, 200);
    }
}

#[tokio::test]
async fn only_what_was_presented_and_is_wrong_counts() {
    for protocol in Protocol::BOTH {
        let gateway = gateway(LONG);
        for _ in 0..12 {
            assert_eq!(status(&gateway, HERE, protocol, ask()).await, 401, "a challenge");
            let malformed = ask().field("Authorization", "Bearer YW15");
            assert_eq!(status(&gateway, HERE, protocol, malformed).await, 401);
            // A target that is refused before anybody looks at credentials.
            assert_eq!(status(&gateway, HERE, protocol, Ask::get("/play/../x").by((AMY.0, WRONG))).await, 400);
            assert_eq!(status(&gateway, HERE, protocol, Ask::get("/health").by((AMY.0, WRONG))).await, 200);
            assert_eq!(
                status(&gateway, HERE, protocol, Ask::get("/orders").by(PLAIN)).await,
                403,
                "proved, and denied"
            );
        }
        assert_eq!(status(&gateway, HERE, protocol, ask().by_amy()).await, 200);
        assert_eq!(listed(&gateway).await, json!([]));
    }
}

#[tokio::test]
async fn a_success_clears_the_name_and_every_reason_counts_alike() {
    let [_, _, off, late, ..] = SECRETS;
    let roomy = "[lockout]\nfailures = 3\nfirst_wait = \"10m\"\n";
    for protocol in Protocol::BOTH {
        let gateway = gateway(roomy);
        for _ in 0..4 {
            wrong(&gateway, HERE, protocol, AMY.0, 2).await;
            assert_eq!(status(&gateway, HERE, protocol, ask().by_amy()).await, 200);
        }
        for user in [(AMY.0, WRONG), ("nobody", WRONG), ("late", late), ("off", off)] {
            for expected in [401, 401, 401, 429, 429] {
                assert_eq!(status(&gateway, HERE, protocol, ask().by(user)).await, expected, "{}", user.0);
            }
        }
    }
}

#[tokio::test]
async fn passwords_that_are_tried_at_once_are_counted_one_by_one() {
    let stored = bcrypt::hash("a-right-horse-7", 4).unwrap();
    let user = format!("\n[users.pat]\napi_access = true\npermissions = [\"play.use\"]\ntokens = [\"{stored}\"]\n");
    let gateway = Gateway::start(GatewayOptions {
        access: Some(document() + &user),
        limits: "password_checks = 1",
        tables: LONG,
        ..GatewayOptions::default()
    });
    let connection = Arc::new(gateway.http2().await);
    let mut guesses = JoinSet::new();
    for number in 0..12 {
        let (connection, guess) = (Arc::clone(&connection), ask().by(("pat", &format!("guess {number}"))));
        guesses.spawn(async move { connection.ask(&guess).await.status() });
    }
    // Who comes with a token does not wait for them.
    let amy = gateway.ask_from(ELSEWHERE, Protocol::Http1, &ask().by_amy()).await;
    assert_eq!(amy.status(), 200);
    gateway.upstream.only();
    gateway.upstream.forget();
    let statuses = guesses.join_all().await;
    let unauthorized = statuses.iter().filter(|status| **status == 401).count();
    assert_eq!(unauthorized, 3, "{statuses:?}");
    assert!(statuses.iter().all(|status| [401, 429].contains(status)), "{statuses:?}");
    let right = ask().by(("pat", "a-right-horse-7"));
    assert_eq!(status(&gateway, HERE, Protocol::Http2, right.clone()).await, 429);
    assert_eq!(status(&gateway, ELSEWHERE, Protocol::Http2, right).await, 200);
}

/// What the gateway lists, without the moments.
async fn listed(gateway: &Gateway) -> Value {
    let said: Value = serde_json::from_str(&gateway.command(b"{\"do\":\"lockout_list\"}\n").await).unwrap();
    let mut entries = said["listed"]["entries"].clone();
    for entry in entries.as_array_mut().unwrap() {
        let entry = entry.as_object_mut().unwrap();
        let until = entry.remove("locked_until").unwrap();
        entry.insert("locked".to_owned(), until.as_str().is_some_and(|until| until.ends_with('Z')).into());
    }
    entries
}

async fn clear(gateway: &Gateway, what: Value) -> Value {
    let line = json!({"do": "lockout_clear", "address": what["address"], "user": what["user"]});
    serde_json::from_str(&gateway.command(format!("{line}\n").as_bytes()).await).unwrap()
}

#[tokio::test]
async fn it_is_listed_and_cleared_over_the_socket() {
    for protocol in Protocol::BOTH {
        let gateway = gateway(LONG);
        wrong(&gateway, HERE, protocol, AMY.0, 3).await;
        wrong(&gateway, HERE, protocol, WRONG, 1).await;
        let line = |user: Value, scope, failures, locked| {
            json!({"address": "127.0.0.1", "scope": scope,
            "user": user, "failures": failures, "locked": locked})
        };
        let all = [
            line("amy".into(), "user", 3, true),
            line(Value::Null, "address", 4, false),
            line(Value::Null, "unknown_name", 1, false),
        ];
        assert_eq!(listed(&gateway).await, json!(all));
        assert_eq!(clear(&gateway, json!({"address": "127.0.0.2"})).await, json!({"cleared": {"entries": 0}}));
        assert_eq!(clear(&gateway, json!({"address": "127.0.0.1", "user": "near"})).await["cleared"]["entries"], 0);
        assert_eq!(status(&gateway, HERE, protocol, ask().by_amy()).await, 429);
        assert_eq!(clear(&gateway, json!({"address": "127.0.0.1", "user": "amy"})).await["cleared"]["entries"], 1);
        assert_eq!(status(&gateway, HERE, protocol, ask().by_amy()).await, 200);
        assert_eq!(listed(&gateway).await, json!(all[1..]));
        assert_eq!(clear(&gateway, json!({})).await["cleared"]["entries"], 2);
        assert_eq!(listed(&gateway).await, json!([]));
        let metrics = gateway.tell("/metrics").await.text();
        for line in [
            "portcullis_lockouts_total{scope=\"user\"} 1",
            "portcullis_lockouts_total{scope=\"address\"} 0",
            "portcullis_table_entries{table=\"lockout\"} 0",
        ] {
            assert!(metrics.lines().any(|one| one == line), "{line} is not in {metrics}");
        }
        assert!(!metrics.contains(WRONG));
    }
}

#[tokio::test]
async fn the_socket_stands_what_is_no_command() {
    let gateway = gateway(LONG);
    let long = [b"{\"do\":\"lockout_list\"".as_slice(), &vec![b' '; 1 << 20], b"}\n"].concat();
    for line in [
        &b"{\"do\":\"lockout_list\"}"[..],
        b"\n",
        b"{}\n",
        b"[]\n",
        b"\xff\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"{\"do\":\"lockout_lst\"}\n",
        b"{\"do\":\"lockout_list\",\"more\":1}\n",
        b"{\"do\":\"lockout_clear\",\"address\":\"home\",\"user\":null}\n",
        b"{\"do\":\"lockout_clear\",\"address\":null,\"user\":\"amy\"}\n",
    ] {
        let said = gateway.command(line).await;
        let said: Value = serde_json::from_str(&said).unwrap_or_else(|_| panic!("{said:?}"));
        assert!(said["refused"].is_string(), "{said}");
    }
    assert_eq!(gateway.command(b"").await, "");
    let _ = gateway.command(&long).await;
    assert_eq!(listed(&gateway).await, json!([]));
}

#[tokio::test]
async fn it_can_be_turned_off() {
    let gateway = gateway("[lockout]\nenabled = false\nfailures = 1\naddress_failures = 1\n");
    wrong(&gateway, HERE, Protocol::Http2, AMY.0, 4).await;
    assert_eq!(status(&gateway, HERE, Protocol::Http2, ask().by_amy()).await, 200);
    let said = gateway.command(b"{\"do\":\"lockout_list\"}\n").await;
    assert!(said.contains("lockout.enabled"), "{said}");
}
