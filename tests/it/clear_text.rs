//! The clear-text listener: it sends on to https, and nothing gets past it.

use crate::harness::{Ask, Gateway, HOST};

#[tokio::test]
async fn a_clear_request_is_sent_on_to_the_same_path() {
    let gateway = Gateway::usual();
    let port = gateway.https().port();
    for (path, location) in [
        ("/orders?page=2", format!("https://{HOST}:{port}/orders?page=2")),
        ("/%6frders/", format!("https://{HOST}:{port}/orders/")),
        ("/", format!("https://{HOST}:{port}/")),
    ] {
        for method in ["GET", "POST", "HEAD"] {
            let mut wire = gateway.clear().await;
            wire.send(&Ask::new(method, path).to_http1()).await;
            let answer = wire.answer(method).await;
            assert_eq!(answer.status(), 308, "{method} {path}");
            assert_eq!(answer.head.value("location"), Some(location.clone()), "{method} {path}");
            let entry = gateway.entry(&answer).await;
            assert_eq!((&entry["reason"], &entry["status"]), (&"redirected".into(), &308.into()));
            gateway.upstream.assert_nothing_reached().await;
        }
    }
}

#[tokio::test]
async fn credentials_in_clear_are_refused_and_recorded() {
    let gateway = Gateway::usual();
    for path in ["/play/sized/5", "/health", "/nowhere.xml"] {
        let mut wire = gateway.clear().await;
        wire.send(&Ask::get(path).by_amy().to_http1()).await;
        let answer = wire.answer("GET").await;
        assert_eq!(answer.status(), 403, "{path}");
        assert!(answer.text().contains("without encryption"), "{}", answer.text());
        assert!(wire.is_ended().await, "{path}");
        let entry = gateway.entry(&answer).await;
        assert_eq!((&entry["reason"], &entry["decision"]), (&"clear_text".into(), &"deny".into()));
        gateway.upstream.assert_nothing_reached().await;
    }
}

#[tokio::test]
async fn what_has_two_readings_is_not_sent_on() {
    let gateway = Gateway::usual();
    for bytes in [
        format!("GET /a/../b HTTP/1.1\r\nHost: {HOST}\r\n\r\n"),
        format!("GET //evil.example/ HTTP/1.1\r\nHost: {HOST}\r\n\r\n"),
        "GET / HTTP/1.1\r\nHost: amy@evil.example\r\n\r\n".to_owned(),
        "GET / HTTP/1.1\r\n\r\n".to_owned(),
        "GET / HTTP/1.0\r\n\r\n".to_owned(),
        format!("GET / HTTP/1.1\r\nHost: {HOST}\r\nHost: evil.example\r\n\r\n"),
        "GET http://evil.example/ HTTP/1.1\r\nHost: shop.example\r\n\r\n".to_owned(),
    ] {
        let mut wire = gateway.clear().await;
        wire.send(bytes.as_bytes()).await;
        let answer = wire.answer("GET").await;
        assert_eq!(answer.status(), 400, "{bytes}");
        assert!(!answer.head.has("location"), "{bytes}");
        gateway.upstream.assert_nothing_reached().await;
    }
}
