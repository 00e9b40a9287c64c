//! Mutual TLS on top of Basic: without a certificate that the client authority signed, nobody gets as far as HTTP.

use http::Method;
use rcgen::{BasicConstraints, CertificateParams, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose};

use crate::client::{Client, Protocol, Trust};
use crate::document::AMY;
use crate::saves::rename_over;
use crate::scene::{Gateway, Plan, Scene};
use crate::wait::{holds, soon};

/// An authority for clients.
struct Authority {
    issuer: Issuer<'static, KeyPair>,
    certificate: String,
}

impl Authority {
    fn new() -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        let certificate = params.self_signed(&key).unwrap().pem();
        Self { issuer: Issuer::new(params, key), certificate }
    }

    /// Has a client show a certificate that this authority signed.
    fn introduce(&self, trust: &Trust) -> Trust {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec!["erp.example".to_owned()]).unwrap();
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        let certificate = params.signed_by(&key, &self.issuer).unwrap().pem();
        trust.clone().showing(&certificate, &key.serialize_pem())
    }
}

/// The status that amy's request gets; `None` where there is no HTTP to be had.
async fn view(trust: &Trust, gateway: &Gateway, protocol: Protocol) -> Option<u16> {
    // In TLS 1.3 a client learns only when it reads that its certificate was refused.
    let stream = trust.connect(gateway.https, "localhost", protocol).await.ok()?;
    let mut client = Client::over(stream, &gateway.https.to_string(), protocol).await;
    let asked = soon("an answer or none", client.ask(Method::GET, "/api/v2/products", Some(AMY))).await;
    asked.ok().map(|answer| answer.status)
}

#[tokio::test]
async fn only_clients_with_a_certificate_are_heard() {
    let scene = Scene::new();
    let (ours, theirs) = (Authority::new(), Authority::new());
    scene.save("clients.pem", &ours.certificate);
    let gateway = scene.serve(&Plan { tls: "client_ca = \"clients.pem\"", ..Plan::default() });
    let nobody = Trust::of(&scene);
    let (known, stranger) = (ours.introduce(&nobody), theirs.introduce(&nobody));
    for protocol in [Protocol::Http1, Protocol::Http2] {
        assert_eq!(view(&nobody, &gateway, protocol).await, None, "no certificate, {protocol:?}");
        assert_eq!(view(&stranger, &gateway, protocol).await, None, "another authority's, {protocol:?}");
    }
    assert_eq!(scene.upstream.requests(), 0);
    // A client may hear of its refusal before the gateway has counted it.
    holds("four refusals", async || gateway.metric("portcullis_tls_handshake_failures_total") == 4.0).await;
    for protocol in [Protocol::Http1, Protocol::Http2] {
        let mut client = Client::connect(&known, &gateway, protocol).await;
        let unnamed = client.ask(Method::GET, "/api/v2/products", None).await.unwrap();
        assert_eq!(unnamed.status, 401, "a certificate is not a user, {protocol:?}");
        assert_eq!(client.view(AMY.with_wrong_token()).await, 401);
        assert_eq!(client.view(AMY).await, 200, "{protocol:?}");
    }
    assert_eq!(scene.upstream.requests(), 2);
}

#[tokio::test]
async fn the_client_authority_is_reloaded_too() {
    let scene = Scene::new();
    let (old, new) = (Authority::new(), Authority::new());
    scene.save("clients.pem", &old.certificate);
    let gateway = scene.serve(&Plan { tls: "client_ca = \"clients.pem\"", ..Plan::default() });
    let of_old = old.introduce(&Trust::of(&scene));
    let of_new = new.introduce(&Trust::of(&scene));
    let mut before = Client::connect(&of_old, &gateway, Protocol::Http1).await;
    assert_eq!(before.view(AMY).await, 200);
    rename_over(&scene.path("clients.pem"), &new.certificate);
    holds("the new authority", async || view(&of_new, &gateway, Protocol::Http2).await == Some(200)).await;
    assert_eq!(view(&of_old, &gateway, Protocol::Http2).await, None);
    assert_eq!(before.view(AMY).await, 200, "a connection from before");
}
