//! Replacing certificates while the gateway runs.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use http::Method;
use rustls_pki_types::CertificateDer;

use crate::client::{Client, Protocol, Trust, certificate};
use crate::document::AMY;
use crate::saves::rename_over;
use crate::scene::{Gateway, Plan, Scene};
use crate::wait::{holds, until};

/// The certificate that a new connection is shown.
async fn shown(trust: &Trust, gateway: &Gateway, name: &str) -> CertificateDer<'static> {
    let stream = trust.connect(gateway.https, name, Protocol::Http1).await.unwrap();
    stream.get_ref().1.peer_certificates().unwrap()[0].clone().into_owned()
}

/// Waits until new connections are shown a certificate.
async fn shows(trust: &Trust, gateway: &Gateway, name: &str, expected: &CertificateDer<'_>) {
    holds("the new certificate", async || shown(trust, gateway, name).await == *expected).await;
}

#[tokio::test]
async fn a_new_pair_is_for_new_connections_and_old_ones_live_on() {
    let scene = Scene::new();
    let gateway = scene.serve(&Plan::default());
    let trust = Trust::of(&scene);
    let file = scene.path("certs/server.pem");
    let old = certificate(&file);
    assert_eq!(shown(&trust, &gateway, "localhost").await, old);
    let mut before = [
        Client::connect(&trust, &gateway, Protocol::Http1).await,
        Client::connect(&trust, &gateway, Protocol::Http2).await,
    ];
    for client in &mut before {
        assert_eq!(client.view(AMY).await, 200);
    }
    scene.issue("certs", &["localhost", "127.0.0.1"]);
    let new = certificate(&file);
    assert_ne!(new, old);
    shows(&trust, &gateway, "localhost", &new).await;
    for client in &mut before {
        assert_eq!(client.view(AMY).await, 200, "a connection from before");
    }
    assert_eq!(Client::connect(&trust, &gateway, Protocol::Http2).await.view(AMY).await, 200);
}

#[tokio::test]
async fn a_broken_pair_keeps_the_last_good_one() {
    let scene = Scene::new();
    scene.issue("other", &["localhost"]);
    let gateway = scene.serve(&Plan::default());
    let trust = Trust::of(&scene);
    let (file, key) = (scene.path("certs/server.pem"), scene.path("certs/server.key"));
    let (old, good_key) = (certificate(&file), fs::read_to_string(&key).unwrap());
    let stray_key = fs::read_to_string(scene.path("other/server.key")).unwrap();
    for (refusals, broken) in (1..).zip(["", "not a key", &stray_key]) {
        rename_over(&key, broken);
        until("the pair to be refused", || (gateway.refused("tls") == f64::from(refusals)).then_some(()));
        assert_eq!(shown(&trust, &gateway, "localhost").await, old, "with the key {broken:.12}");
        assert_eq!(gateway.metric("portcullis_reload_last_ok{what=\"tls\"}"), 0.0);
    }
    gateway.log.wait_for(&["server.key", "does not belong to"]);
    rename_over(&key, &good_key);
    until("the repair", || (gateway.metric("portcullis_reload_last_ok{what=\"tls\"}") == 1.0).then_some(()));
    assert_eq!(shown(&trust, &gateway, "localhost").await, old);
    scene.issue("certs", &["localhost"]);
    shows(&trust, &gateway, "localhost", &certificate(&file)).await;
}

#[tokio::test]
async fn the_name_a_client_asks_for_chooses_the_certificate() {
    let scene = Scene::new();
    scene.issue("shop", &["shop.example", "*.shop.example"]);
    let pair = "certificates = [{ certificate = \"shop/server.pem\", key = \"shop/server.key\" }]";
    let gateway = scene.serve(&Plan { tls: pair, ..Plan::default() });
    let trust = Trust::of(&scene).and(&scene.path("shop/ca.pem"));
    let (first, shop) = (certificate(&scene.path("certs/server.pem")), certificate(&scene.path("shop/server.pem")));
    for (name, expected) in [("localhost", &first), ("shop.example", &shop), ("eu.shop.example", &shop)] {
        assert_eq!(shown(&trust, &gateway, name).await, *expected, "{name}");
    }
    let other = trust.connect(gateway.https, "other.example", Protocol::Http1).await.map(|_| ());
    assert!(other.is_err(), "the first one is shown, and it is not for other.example");
    scene.issue("shop", &["shop.example", "*.shop.example"]);
    shows(&trust, &gateway, "shop.example", &certificate(&scene.path("shop/server.pem"))).await;
    assert_eq!(shown(&trust, &gateway, "localhost").await, first, "the other pair was not touched");
}

#[tokio::test]
async fn files_that_others_can_read_are_warned_of() {
    let scene = Scene::new();
    for file in ["access.toml", "certs/server.key"] {
        fs::set_permissions(scene.path(file), fs::Permissions::from_mode(0o644)).unwrap();
    }
    let gateway = scene.serve(&Plan::default());
    gateway.log.wait_for(&["WARN", "access.toml", "can be read by every user", "0644"]);
    gateway.log.wait_for(&["WARN", "server.key", "can be read by every user", "0644"]);
    assert!(gateway.log.find(&["server.pem", "can be read by"]).is_none(), "certificates are for all to see");
    let mut client = Client::connect(&Trust::of(&scene), &gateway, Protocol::Http1).await;
    assert_eq!(client.ask(Method::GET, "/api/v2/products", Some(AMY)).await.unwrap().status, 200);
}

#[tokio::test]
async fn files_as_they_should_be_are_not_warned_of() {
    let scene = Scene::new();
    let gateway = scene.serve(&Plan::default());
    // That root runs it has nothing to do with files.
    let warned = gateway.log.text().lines().any(|line| line.contains("WARN") && !line.contains("running as root"));
    assert!(!warned, "{}", gateway.log.text());
}
