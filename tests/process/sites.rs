//! TLS as a stranger tries it: what is spoken, whom a name leads to, and what must not cross from one site to another.

use std::fs;

use http::Method;
use http_body_util::BodyExt;
use rcgen::{CertificateParams, DnType, KeyPair};

use crate::body::empty;
use crate::client::{Client, Protocol, Trust};
use crate::document::AMY;
use crate::openssl::{renegotiate, s_client};
use crate::scene::{Gateway, Plan, Scene};
use crate::wait::{soon, until};

const TWO: &str = "certificates = [{ certificate = \"shop/server.pem\", key = \"shop/server.key\" }]";

/// Two sites: localhost, and shop.example with all below it.
fn two_sites() -> (Scene, Gateway, Trust) {
    let scene = Scene::new();
    scene.issue("shop", &["shop.example", "*.shop.example"]);
    let gateway = scene.serve(&Plan { tls: TWO, ..Plan::default() });
    let trust = Trust::of(&scene).and(&scene.path("shop/ca.pem"));
    (scene, gateway, trust)
}

#[test]
fn only_sound_protocols_and_ciphers_are_spoken() {
    let scene = Scene::new();
    let gateway = scene.serve(&Plan::default());
    let weak =
        "AES128-SHA:AES128-GCM-SHA256:ECDHE-ECDSA-AES128-SHA:ECDHE-ECDSA-AES256-SHA384:ECDHE-ECDSA-AES128-SHA256";
    for refused in [
        &["-tls1", "-cipher", "ALL:@SECLEVEL=0"][..],
        &["-tls1_1", "-cipher", "ALL:@SECLEVEL=0"],
        &["-tls1_2", "-cipher", weak],
        &["-tls1_2", "-cipher", "DHE:@SECLEVEL=0"],
    ] {
        let said = s_client(&gateway, refused);
        assert!(said.contains("Cipher is (NONE)") && said.contains("SSL alert number"), "{refused:?}: {said}");
    }
    for (spoken, cipher) in [
        (&["-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-GCM-SHA256"][..], "Cipher is ECDHE-ECDSA-AES128-GCM-SHA256"),
        (&["-tls1_2", "-cipher", "ECDHE-ECDSA-CHACHA20-POLY1305"], "Cipher is ECDHE-ECDSA-CHACHA20-POLY1305"),
        (&["-tls1_3"], "Cipher is TLS_"),
    ] {
        let said = s_client(&gateway, spoken);
        assert!(said.contains(cipher) && said.contains("401 Unauthorized"), "{spoken:?}: {said}");
    }
    assert_eq!(scene.upstream.requests(), 0);
}

#[test]
fn another_protocol_than_http_is_refused() {
    let scene = Scene::new();
    let gateway = scene.serve(&Plan::default());
    for protocol in ["ftp", "smtp,imap", "http/1.0", "h2c"] {
        let said = s_client(&gateway, &["-alpn", protocol]);
        assert!(said.contains("SSL alert number 120"), "{protocol}: {said}");
    }
    // A client reads the alert before the gateway has counted it.
    until("the fourth failure", || (gateway.metric("portcullis_tls_handshake_failures_total") == 4.0).then_some(()));
    assert_eq!(scene.upstream.requests(), 0);
}

#[test]
fn nothing_is_negotiated_anew() {
    let scene = Scene::new();
    let gateway = scene.serve(&Plan::default());
    let said = renegotiate(&gateway, &["-tls1_2"]);
    assert!(said.contains("RENEGOTIATING") && said.contains("no renegotiation"), "{said}");
    assert_eq!(scene.upstream.requests(), 0);
}

/// One connection that leaves its session in a file, which others try to take up.
#[test]
fn a_session_is_taken_up_with_its_site_alone_and_carries_no_early_data() {
    let (scene, gateway, _) = two_sites();
    let early = scene.path("early");
    fs::write(&early, "GET /api/v2/products HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
    for version in ["-tls1_2", "-tls1_3"] {
        let kept = scene.path("session");
        let kept = kept.to_str().unwrap();
        let first = s_client(&gateway, &[version, "-servername", "localhost", "-sess_out", kept]);
        assert!(first.contains("\nNew, "), "{version}: {first}");
        let again = |name: &str| s_client(&gateway, &[version, "-servername", name, "-sess_in", kept]);
        let (same, other) = (again("localhost"), again("shop.example"));
        assert!(same.contains("\nReused, "), "{version}: {same}");
        assert!(other.contains("\nNew, "), "{version}: {other}");
        if version == "-tls1_3" {
            assert!(first.contains("Max Early Data: 0") && !first.contains("Max Early Data: 1"), "{first}");
            let sent = ["-servername", "localhost", "-sess_in", kept, "-early_data", early.to_str().unwrap()];
            let said = s_client(&gateway, &[&[version], &sent[..]].concat());
            assert!(said.contains("Early data was not sent") && said.contains("\nReused, "), "{said}");
        }
        // A load of the files, changed or not, brings new ticket keys.
        let loads = until("the loads", || Some(loaded(&gateway)));
        gateway.signal("HUP");
        until("the reload", || (loaded(&gateway) > loads).then_some(()));
        let after = again("localhost");
        assert!(after.contains("\nNew, "), "{version}, after a reload: {after}");
    }
    assert_eq!(scene.upstream.requests(), 0);
}

/// How often the certificates were reloaded.
fn loaded(gateway: &Gateway) -> usize {
    gateway.log.text().matches("certificates: reloaded").count()
}

#[tokio::test]
async fn the_hybrid_group_is_what_a_client_that_knows_it_gets() {
    let scene = Scene::new();
    let gateway = scene.serve(&Plan::default());
    let stream = Trust::of(&scene).connect(gateway.https, "localhost", Protocol::Http2).await.unwrap();
    let group = stream.get_ref().1.negotiated_key_exchange_group().unwrap().name();
    assert_eq!(group, rustls::NamedGroup::X25519MLKEM768);
}

#[test]
fn a_name_that_no_certificate_is_for_is_refused() {
    let (scene, gateway, _) = two_sites();
    for name in ["other.example", "a.b.shop.example", "shop.example.other"] {
        for version in ["-tls1_2", "-tls1_3"] {
            let said = s_client(&gateway, &[version, "-servername", name]);
            assert!(said.contains("SSL alert number 112"), "{name}: {said}");
        }
    }
    // A client reads the alert before the gateway has counted it.
    until("the sixth failure", || (gateway.metric("portcullis_tls_handshake_failures_total") == 6.0).then_some(()));
    let alone = scene.serve(&Plan::default());
    let said = s_client(&alone, &["-servername", "shop.example"]);
    assert!(said.contains("SSL alert number 112"), "with one pair too: {said}");
    let unnamed = s_client(&gateway, &["-noservername", "-showcerts"]);
    let first = fs::read_to_string(scene.path("certs/server.pem")).unwrap();
    let first = first.lines().nth(1).unwrap();
    assert!(unnamed.contains(first) && unnamed.contains("401 Unauthorized"), "the first pair: {unnamed}");
    assert_eq!(scene.upstream.requests(), 0);
}

#[test]
fn a_certificate_without_names_is_for_any() {
    let scene = Scene::new();
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, "gateway.internal");
    scene.save("certs/server.pem", &params.self_signed(&key).unwrap().pem());
    scene.save("certs/server.key", &key.serialize_pem());
    let gateway = scene.serve(&Plan::default());
    for name in ["gateway.internal", "any.example"] {
        let said = s_client(&gateway, &["-servername", name]);
        assert!(said.contains("CN = gateway.internal") && said.contains("401 Unauthorized"), "{name}: {said}");
    }
    assert_eq!(scene.upstream.requests(), 0);
}

/// Asks over a connection to one name for a host; the status, and how the body begins.
async fn ask(gateway: &Gateway, trust: &Trust, (name, host): (&str, &str), protocol: Protocol) -> (u16, String) {
    let stream = trust.connect(gateway.https, name, protocol).await.unwrap();
    let mut client = Client::over(stream, host, protocol).await;
    let request = client.request(Method::GET, "/api/v2/products", Some(AMY), empty());
    let response = soon("an answer", client.begin(request)).await.unwrap();
    let status = response.status().as_u16();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8_lossy(&body).into_owned())
}

#[tokio::test]
async fn a_request_for_another_site_than_the_connections_is_misdirected() {
    let (scene, gateway, trust) = two_sites();
    for protocol in [Protocol::Http1, Protocol::Http2] {
        for (name, host) in [
            ("localhost", "shop.example"),
            ("localhost", "SHOP.example:443"),
            ("localhost", "eu.shop.example."),
            ("shop.example", "localhost"),
            ("eu.shop.example", "localhost:8443"),
        ] {
            let (status, body) = ask(&gateway, &trust, (name, host), protocol).await;
            assert_eq!(status, 421, "{host} by {name}, {protocol:?}");
            assert!(body.contains("made to another host"), "{body}");
        }
    }
    assert_eq!(scene.upstream.requests(), 0, "none of them got through");
    let counted = gateway.metric("portcullis_rejections_total{reason=\"misdirected\"}");
    assert_eq!(counted, 10.0);
    let passed = [
        ("localhost", "LOCALHOST:8443"),
        ("shop.example", "shop.example"),
        ("shop.example", "eu.shop.example:1"),
        // An address, and a name that no certificate is for, are no other site's.
        ("localhost", "127.0.0.1:8443"),
        ("shop.example", "internal.example"),
    ];
    for protocol in [Protocol::Http1, Protocol::Http2] {
        for (name, host) in passed {
            let (status, _) = ask(&gateway, &trust, (name, host), protocol).await;
            assert_eq!(status, 200, "{host} by {name}, {protocol:?}");
        }
    }
    assert_eq!(scene.upstream.requests(), 2 * passed.len() as u64);
}

#[tokio::test]
async fn a_connection_is_held_to_its_site_request_by_request() {
    let (scene, gateway, trust) = two_sites();
    let stream = trust.connect(gateway.https, "localhost", Protocol::Http1).await.unwrap();
    let mut client = Client::over(stream, "localhost", Protocol::Http1).await;
    for (host, status) in [("localhost", 200), ("shop.example", 421), ("localhost", 200), ("shop.example", 421)] {
        let mut request = client.request(Method::GET, "/api/v2/products", Some(AMY), empty());
        request.headers_mut().insert(http::header::HOST, host.parse().unwrap());
        let response = soon("an answer", client.begin(request)).await.unwrap();
        assert_eq!(response.status(), status, "{host}");
        response.into_body().collect().await.unwrap();
    }
    assert_eq!(scene.upstream.requests(), 2);
}

#[tokio::test]
async fn with_one_pair_any_host_may_be_asked_for() {
    let scene = Scene::new();
    let gateway = scene.serve(&Plan::default());
    let trust = Trust::of(&scene);
    for protocol in [Protocol::Http1, Protocol::Http2] {
        let (status, _) = ask(&gateway, &trust, ("localhost", "shop.example"), protocol).await;
        assert_eq!(status, 200, "{protocol:?}");
    }
    assert_eq!(scene.upstream.requests(), 2);
}
