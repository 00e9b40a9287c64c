//! The form of the answers that the gateway gives by itself.

use crate::harness::{Ask, Gateway, GatewayOptions, PLAIN, Protocol};

#[tokio::test]
async fn an_answer_has_the_form_the_client_asks_for() {
    let gateway = Gateway::usual();
    let json = (
        "application/json",
        "[{\"status\":403,\"message\":\"You are not allowed to do this: the permission orders.view is missing.\"}]",
    );
    let xml = (
        "application/xml",
        "<errors><error><status>403</status><message>You are not allowed to do this: the permission orders.view is missing.</message></error></errors>",
    );
    for (path, accept, (kind, body)) in [
        ("/orders", None, json),
        ("/orders", Some("*/*"), json),
        ("/orders", Some("text/html"), json),
        ("/orders", Some("application/xml"), xml),
        ("/orders", Some("text/xml"), xml),
        ("/orders", Some("application/json;q=0.5, application/xml"), xml),
        ("/orders", Some("application/json, application/xml"), json),
        ("/orders", Some("application/xml;q=0"), json),
        ("/orders.xml", None, xml),
        ("/orders.xml/", None, xml),
        ("/orders.xml?a=b", Some("application/json"), xml),
        ("/orders.json", Some("application/xml"), json),
        ("/orders/7.xml", None, xml),
    ] {
        for protocol in Protocol::BOTH {
            let ask = Ask::get(path).by(PLAIN);
            let ask = if let Some(accept) = accept { ask.field("Accept", accept) } else { ask };
            let answer = gateway.ask(protocol, &ask).await;
            assert_eq!(answer.status(), 403);
            assert_eq!(answer.head.value("content-type").as_deref(), Some(kind), "{path} {accept:?}");
            assert_eq!(answer.text(), body, "{path} {accept:?}");
            assert_eq!(answer.head.value("content-length"), Some(body.len().to_string()));
            answer.id();
            gateway.upstream.assert_nothing_reached().await;
        }
    }
}

#[tokio::test]
async fn problem_details_where_the_settings_say_so() {
    let options = GatewayOptions { top: "answers = \"problem\"\nrealm = \"Shop\"", ..GatewayOptions::default() };
    let gateway = Gateway::start(options);
    for protocol in Protocol::BOTH {
        let answer = gateway.ask(protocol, &Ask::get("/orders")).await;
        assert_eq!(answer.status(), 401);
        assert_eq!(answer.head.value("www-authenticate").as_deref(), Some("Basic realm=\"Shop\", charset=\"UTF-8\""));
        assert_eq!(answer.head.value("content-type").as_deref(), Some("application/problem+json"));
        let body: serde_json::Value = serde_json::from_str(&answer.text()).unwrap();
        assert_eq!(body["status"], 401);
        assert_eq!(body["title"], "Unauthorized");
        assert_eq!(body["type"], "about:blank");
        assert_eq!(body["detail"], "A user name and that user's API token are required.");

        let answer = gateway.ask(protocol, &Ask::get("/orders.xml").by(PLAIN)).await;
        assert_eq!(answer.status(), 403);
        assert_eq!(answer.head.value("content-type").as_deref(), Some("application/problem+xml"));
        assert!(answer.text().contains("<status>403</status>"), "{}", answer.text());
        gateway.upstream.assert_nothing_reached().await;
    }
}

#[tokio::test]
async fn every_answer_has_a_request_id_of_its_own() {
    let gateway = Gateway::usual();
    let mut ids = Vec::new();
    for protocol in Protocol::BOTH {
        for ask in [
            Ask::get("/play/sized/5").by_amy().field("X-Request-Id", "mine"),
            Ask::get("/play/fixed/odd").by_amy(),
            Ask::new("HEAD", "/play/sized/5").by_amy(),
            Ask::get("/play/sized/5"),
            Ask::get("/orders").by(PLAIN),
            Ask::get("/play/../x").by_amy(),
            Ask::get("/play/hangup").by_amy(),
        ] {
            ids.push(gateway.ask(protocol, &ask).await.id());
        }
    }
    let count = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), count);
}

#[tokio::test]
async fn the_upstream_is_told_the_request_id_of_the_answer() {
    let gateway = Gateway::usual();
    for protocol in Protocol::BOTH {
        let answer = gateway.ask(protocol, &Ask::get("/play/sized/5").by_amy().field("X-Request-Id", "mine")).await;
        assert_eq!(gateway.upstream.only().head.value("x-request-id"), Some(answer.id()));
        gateway.upstream.forget();
    }
}

#[tokio::test]
async fn a_refused_head_request_is_answered_without_a_body() {
    let gateway = Gateway::usual();
    let mut wire = gateway.http1().await;
    wire.send(&Ask::new("HEAD", "/orders").by(PLAIN).to_http1()).await;
    wire.send(&Ask::get("/play/sized/5").by_amy().to_http1()).await;
    assert_eq!(wire.answer("HEAD").await.status(), 403);
    assert_eq!(wire.answer("GET").await.status(), 200);
    assert_eq!(gateway.upstream.only().head.word(), "/play/sized/5");
}
