//! Strict-Transport-Security: with the gateway's own answers over TLS, and with no others.

use crate::harness::{Ask, Gateway, GatewayOptions, HOST, PLAIN, Protocol};

const NAME: &str = "strict-transport-security";

/// Requests that are not forwarded, and how each is answered.
fn refused() -> [(Ask, u16); 4] {
    [
        (Ask::get("/play/x"), 401),
        (Ask::get("/play/x").by(PLAIN), 403),
        (Ask::get("/play//x").by_amy(), 400),
        (Ask::get("/play/x").by_amy().field("Expect", "the unexpected"), 417),
    ]
}

#[tokio::test]
async fn own_answers_over_tls_have_it() {
    let gateway = Gateway::usual();
    for protocol in Protocol::BOTH {
        for (ask, status) in refused() {
            let answer = gateway.ask(protocol, &ask).await;
            assert_eq!(answer.status(), status, "{ask:?}");
            assert_eq!(answer.head.values(NAME), ["max-age=15552000"], "{status} over {protocol:?}");
        }
    }
    gateway.upstream.assert_nothing_reached().await;
}

#[tokio::test]
async fn own_answers_in_clear_never_have_it() {
    let gateway = Gateway::usual();
    let authorization = "Authorization: Basic YW15Om5vYm9keQ==\r\n";
    for (path, fields, status) in [("/play/x", "", 308), ("/play/x", authorization, 403), ("/play//x", "", 400)] {
        let mut wire = gateway.clear().await;
        wire.send(format!("GET {path} HTTP/1.1\r\nHost: {HOST}\r\n{fields}\r\n").as_bytes()).await;
        let answer = wire.answer("GET").await;
        assert_eq!(answer.status(), status);
        assert_eq!(answer.head.values(NAME), Vec::<String>::new(), "{status}");
    }
    gateway.upstream.assert_nothing_reached().await;
}

#[tokio::test]
async fn what_the_upstream_says_of_it_passes() {
    let gateway = Gateway::usual();
    for protocol in Protocol::BOTH {
        let plain = gateway.ask(protocol, &Ask::get("/play/x").by_amy()).await;
        assert_eq!((plain.status(), plain.head.values(NAME).len()), (200, 0));
        let own = gateway.ask(protocol, &Ask::get("/play/secure").by_amy()).await;
        assert_eq!(own.head.values(NAME), ["max-age=1; preload"], "{protocol:?}");
    }
}

#[tokio::test]
async fn it_may_be_off_or_of_another_length() {
    for (tls, expected) in [("hsts = \"off\"", None), ("hsts = \"1h\"", Some("max-age=3600"))] {
        let gateway = Gateway::start(GatewayOptions { tls, ..GatewayOptions::default() });
        let answer = gateway.ask(Protocol::Http2, &Ask::get("/play/x")).await;
        assert_eq!(answer.head.values(NAME), expected.map(str::to_owned).into_iter().collect::<Vec<_>>(), "{tls}");
        gateway.upstream.assert_nothing_reached().await;
    }
}
