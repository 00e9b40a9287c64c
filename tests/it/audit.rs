//! What the gateway tells of what it did: one audit line a request, metrics, health.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::harness::{AMY, Ask, Gateway, PLAIN, Protocol, SECRETS, basic, until};

/// Requests that pass, and what their entries have to say.
fn permitted() -> Vec<(Ask, Value)> {
    vec![
        (
            Ask::new("POST", "/play/echo?secret=1").by_amy().sized("hello"),
            json!({"user": "amy", "claimed": "amy", "method": "POST", "path": "/play/echo", "resource": "Play",
                "permission": "play.use", "decision": "permit", "reason": "ok", "status": 200, "bytes_in": 5, "bytes_out": 5}),
        ),
        (
            Ask::get("/play/fixed/failed").by_amy(),
            json!({"user": "amy", "decision": "permit", "reason": "ok", "status": 500, "bytes_out": 6}),
        ),
        (
            Ask::get("/play/fixed/trailers").by_amy(),
            json!({"user": "amy", "decision": "permit", "reason": "ok", "status": 200, "bytes_out": 4}),
        ),
        (
            Ask::get("/play/%73ized/5").by_amy(),
            json!({"path": "/play/sized/5", "decision": "permit", "status": 200, "bytes_in": 0, "bytes_out": 5}),
        ),
        (
            Ask::get("/time").by(PLAIN),
            json!({"user": "plain", "resource": "Time", "permission": "authenticated", "decision": "permit", "status": 200}),
        ),
        (
            Ask::get("/health"),
            json!({"user": null, "claimed": null, "permission": "public", "decision": "permit", "status": 200}),
        ),
        (
            Ask::get("/play/hangup").by_amy(),
            json!({"user": "amy", "decision": "permit", "reason": "upstream_failed", "status": 502}),
        ),
        (
            Ask::get("/play/cut/sized").by_amy(),
            json!({"user": "amy", "decision": "permit", "reason": "upstream_failed", "status": 200, "bytes_out": 1000}),
        ),
    ]
}

/// Requests that do not pass.
fn refused() -> Vec<(Ask, Value)> {
    let wrong = SECRETS[6];
    vec![
        (
            Ask::get("/orders/7").by(PLAIN),
            json!({"user": "plain", "resource": "Orders", "permission": "orders.view", "decision": "deny",
                "reason": "missing_permission", "status": 403}),
        ),
        (
            Ask::new("PUT", "/orders/7").by(PLAIN),
            json!({"user": "plain", "resource": "Orders", "permission": null, "decision": "deny", "reason": "method"}),
        ),
        (
            Ask::get("/nowhere").by_amy(),
            json!({"user": "amy", "resource": null, "permission": null, "decision": "deny", "reason": "no_resource"}),
        ),
        (
            Ask::get("/orders").by((AMY.0, wrong)),
            json!({"user": null, "claimed": "amy", "resource": "Orders", "decision": "unauthenticated",
                "reason": "wrong_token", "status": 401}),
        ),
        (
            Ask::get("/orders").by(("eve\"\\", wrong)),
            json!({"user": null, "claimed": "eve\"\\", "reason": "unknown_user", "status": 401}),
        ),
        (Ask::get("/orders"), json!({"user": null, "claimed": null, "reason": "no_credentials", "status": 401})),
        (
            Ask::get("/orders/../x").by_amy(),
            json!({"user": null, "path": "/orders/../x", "resource": null, "decision": "reject",
                "reason": "bad_target", "status": 400}),
        ),
    ]
}

#[tokio::test]
async fn every_request_has_one_line_that_says_what_it_was() {
    let gateway = Gateway::usual();
    let mut count = 0;
    for protocol in Protocol::BOTH {
        for (ask, expected) in permitted().into_iter().chain(refused()) {
            let entry = gateway.entry(&gateway.ask(protocol, &ask).await).await;
            count += 1;
            for (name, value) in expected.as_object().unwrap() {
                assert_eq!(entry[name], *value, "{name} of {ask:?}: {entry}");
            }
            assert_eq!(entry["address"], "127.0.0.1");
            assert_eq!(entry["generation"], 1);
            assert_eq!(entry["protocol"], if protocol == Protocol::Http1 { "HTTP/1.1" } else { "HTTP/2.0" });
            assert!(entry["time"].as_str().unwrap().ends_with('Z'), "{entry}");
            assert!(entry["total_us"].as_u64() >= entry["own_us"].as_u64(), "{entry}");
            let forwarded = expected["decision"] == "permit";
            assert_eq!(entry["upstream_us"].is_u64(), forwarded, "{entry}");
        }
    }
    assert_eq!(gateway.audit().len(), count, "one line each");
}

#[tokio::test]
async fn no_credential_is_ever_written_down() {
    let gateway = Gateway::usual();
    let mut written: Vec<String> = SECRETS.iter().map(|secret| (*secret).to_owned()).collect();
    written.extend(SECRETS.iter().map(|secret| STANDARD.encode(secret)));
    let mut last = None;
    for protocol in Protocol::BOTH {
        for user in [AMY, PLAIN, ("off", SECRETS[2]), ("nobody", SECRETS[6]), ("", SECRETS[6]), ("amy", SECRETS[6])] {
            written.push(basic(user).trim_start_matches("Basic ").to_owned());
            for path in ["/play/sized/5", "/play/hangup", "/orders/../x", "/nowhere", "/health"] {
                let ask = Ask::get(path).by(user).field("cookie", format!("session={}", user.1));
                last = Some(gateway.ask(protocol, &ask).await);
                // A scheme that is not known, with the token behind it.
                gateway.ask(protocol, &Ask::get(path).field("authorization", format!("Bearer {}", user.1))).await;
            }
        }
    }
    let mut clear = gateway.clear().await;
    clear.send(&Ask::get("/orders").by_amy().to_http1()).await;
    gateway.entry(&clear.answer("GET").await).await;
    gateway.entry(&last.unwrap()).await;
    until("all lines", || (gateway.audit().len() == 2 * 6 * 5 * 2 + 1).then_some(())).await;
    let metrics = gateway.tell("/metrics").await.text();
    let log = gateway.audit_text();
    for secret in written {
        assert!(!log.contains(&secret), "{secret} stands in the audit");
        assert!(!metrics.contains(&secret), "{secret} stands in the metrics");
    }
}

#[tokio::test]
async fn requests_of_an_upgraded_connection_are_recorded_at_its_end() {
    let gateway = Gateway::usual();
    let mut wire = gateway.http1().await;
    let ask = Ask::get("/play/upgrade").by_amy().field("Connection", "upgrade").field("Upgrade", "chat");
    wire.send(&ask.to_http1()).await;
    assert_eq!(wire.answer_head().await.word(), "101");
    wire.send(b"hello").await;
    assert_eq!(wire.some(5).await.unwrap().unwrap(), "hello");
    assert!(gateway.audit().is_empty());
    wire.end().await.unwrap();
    assert!(wire.is_ended().await);
    let entry = until("the audit entry", || gateway.audit().pop()).await;
    assert_eq!((&entry["status"], &entry["reason"]), (&101.into(), &"ok".into()));
    assert_eq!((&entry["bytes_in"], &entry["bytes_out"]), (&5.into(), &5.into()));
}

/// The value of a metric's line.
fn metric(text: &str, line: &str) -> u64 {
    let found = text.lines().find_map(|one| one.strip_prefix(line)?.strip_prefix(' '));
    found.unwrap_or_else(|| panic!("{line} is not in {text}")).parse().unwrap()
}

#[tokio::test]
async fn metrics_count_what_happened() {
    let gateway = Gateway::usual();
    for ask in [
        Ask::get("/play/sized/5").by_amy(),
        Ask::get("/play/sized/5").by_amy(),
        Ask::get("/play/fixed/failed").by_amy(),
        Ask::get("/orders").by(PLAIN),
        Ask::get("/orders"),
        Ask::get("/orders/../x"),
    ] {
        gateway.entry(&gateway.ask(Protocol::Http1, &ask).await).await;
    }
    let answer = gateway.tell("/metrics").await;
    assert_eq!(answer.status(), 200);
    let text = answer.text();
    for (line, value) in [
        ("portcullis_requests_total{decision=\"permit\",status_class=\"2xx\"}", 2),
        ("portcullis_requests_total{decision=\"permit\",status_class=\"5xx\"}", 1),
        ("portcullis_requests_total{decision=\"deny\",status_class=\"4xx\"}", 1),
        ("portcullis_requests_total{decision=\"unauthenticated\",status_class=\"4xx\"}", 1),
        ("portcullis_requests_total{decision=\"reject\",status_class=\"4xx\"}", 1),
        ("portcullis_reload_generation", 1),
    ] {
        assert_eq!(metric(&text, line), value, "{line}");
    }
    assert!(text.ends_with("# EOF\n"), "OpenMetrics says where it ends");
    for name in ["portcullis_certificate_expiry_timestamp_seconds", "portcullis_request_duration_seconds_bucket"] {
        assert!(text.contains(name), "{name} is not in {text}");
    }
}

#[tokio::test]
async fn health_and_readiness_are_told_on_the_ops_listener_alone() {
    let gateway = Gateway::usual();
    assert_eq!(gateway.tell("/healthz").await.text(), "ok\n");
    let ready = gateway.tell("/readyz").await;
    let body: Value = serde_json::from_str(&ready.text()).unwrap();
    assert_eq!((ready.status(), &body["ready"], &body["generation"]), (200, &true.into(), &1.into()));
    assert_eq!(gateway.tell("/orders").await.status(), 404);
    for path in ["/metrics", "/healthz", "/readyz"] {
        assert_eq!(gateway.ask(Protocol::Http1, &Ask::get(path)).await.status(), 401, "{path}");
        assert_eq!(gateway.ask(Protocol::Http1, &Ask::get(path).by_amy()).await.status(), 403, "{path}");
    }
    gateway.upstream.assert_nothing_reached().await;
}
