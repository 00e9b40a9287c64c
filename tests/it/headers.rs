//! What the upstream is told, and what no client can make it believe.

use crate::harness::{AMY, Ask, Gateway, GatewayOptions, HOST, Head, Protocol, SECRETS, basic};

/// Sends a permitted request and shows the head that the upstream saw.
async fn seen(gateway: &Gateway, protocol: Protocol, ask: &Ask) -> Head {
    let answer = gateway.ask(protocol, ask).await;
    assert_eq!(answer.status(), 200, "{}", answer.text());
    let received = gateway.upstream.only();
    gateway.upstream.forget();
    received.head
}

fn ask() -> Ask {
    Ask::get("/play/sized/1").by_amy()
}

#[tokio::test]
async fn nobody_says_who_they_are_but_the_gateway() {
    let gateway = Gateway::usual();
    let spellings = [
        "X-Remote-User",
        "x-remote-user",
        "X_Remote_User",
        "X-Remote_User",
        "X.Remote.User",
        "x!remote~user",
        "Remote-User",
        "REMOTE_USER",
        "X-Forwarded-User",
        "X_Forwarded_User",
        "X-Forwarded-For",
        "X-Forwarded-Host",
        "X-Forwarded-Proto",
        "X-Forwarded-Prefix",
        "Forwarded",
        "X-Real-IP",
        "Proxy-Authorization",
        "X-Request-Id",
        // What frames, spelled as only the upstream may read it.
        "Content_Length",
        "Transfer.Encoding",
    ];
    for protocol in Protocol::BOTH {
        let mut all = ask();
        for name in spellings {
            let name = if protocol == Protocol::Http2 { name.to_ascii_lowercase() } else { name.to_owned() };
            all = all.field(&name, "spoofed");
        }
        let head = seen(&gateway, protocol, &all).await;
        assert!(!head.text().contains("spoofed"), "{}", head.text());
        assert_eq!(head.value("x-remote-user").as_deref(), Some(AMY.0));
        assert_eq!(head.value("x-forwarded-for").as_deref(), Some("127.0.0.1"));
        assert_eq!(head.value("x-forwarded-proto").as_deref(), Some("https"));
        assert_eq!(head.value("x-forwarded-host").as_deref(), Some(HOST));
        assert_eq!(head.value("host").as_deref(), Some(HOST));
    }
}

#[tokio::test]
async fn another_method_or_path_is_refused() {
    let gateway = Gateway::usual();
    for protocol in Protocol::BOTH {
        for name in [
            "X-HTTP-Method-Override",
            "X-HTTP-Method",
            "X-Method-Override",
            "X_HTTP_Method_Override",
            "X-Original-URL",
            "X-Rewrite-URL",
        ] {
            let name = if protocol == Protocol::Http2 { name.to_ascii_lowercase() } else { name.to_owned() };
            let answer = gateway.ask(protocol, &ask().field(&name, "DELETE")).await;
            assert_eq!(answer.status(), 400, "{name}");
            assert_eq!(gateway.entry(&answer).await["reason"], "bad_request");
            gateway.upstream.assert_nothing_reached().await;
        }
    }
}

#[tokio::test]
async fn connection_names_what_goes_but_not_what_the_gateway_says() {
    let gateway = Gateway::usual();
    let nominated = "close, X-Hop, X-Remote-User, X-Forwarded-For, Host, X-Request-Id, Authorization, Content-Length";
    let ask = Ask::new("POST", "/play/sized/1").by_amy().field("Connection", nominated);
    let ask = ask.field("X-Hop", "1").field("Keep-Alive", "timeout=5").field("Proxy-Connection", "keep-alive");
    let head = seen(&gateway, Protocol::Http1, &ask.field("X-Kept", "1").sized("body")).await;
    assert_eq!(head.value("x-remote-user").as_deref(), Some(AMY.0));
    assert_eq!(head.value("x-forwarded-for").as_deref(), Some("127.0.0.1"));
    assert_eq!(head.value("host").as_deref(), Some(HOST));
    assert_eq!(head.value("content-length").as_deref(), Some("4"));
    assert_eq!(head.value("x-kept").as_deref(), Some("1"));
    for gone in ["x-hop", "keep-alive", "proxy-connection", "connection"] {
        assert!(!head.has(gone), "{}", head.text());
    }
}

#[tokio::test]
async fn the_authorization_is_stripped_kept_or_replaced() {
    let replaced = basic(("gateway", SECRETS[7]));
    for (upstream, expected) in [
        ("", None),
        ("authorization = \"strip\"", None),
        ("authorization = \"keep\"", Some(basic(AMY))),
        ("authorization = { user = \"gateway\", password_file = \"upstream-password\" }", Some(replaced)),
    ] {
        let gateway = Gateway::start(GatewayOptions { upstream, ..GatewayOptions::default() });
        for protocol in Protocol::BOTH {
            let head = seen(&gateway, protocol, &ask()).await;
            assert_eq!(head.value("authorization"), expected, "{upstream}");
            // What is decided is decided from the client's own, whatever the upstream is told.
            let answer = gateway.ask(protocol, &Ask::get("/play/sized/1")).await;
            assert_eq!(answer.status(), 401, "{upstream}");
            gateway.upstream.assert_nothing_reached().await;
        }
    }
}

#[tokio::test]
async fn the_client_s_own_headers_pass_as_they_are() {
    let gateway = Gateway::usual();
    for protocol in Protocol::BOTH {
        let ask = ask().field("accept", "a/b;q=0.5").field("x-twice", "1").field("x-twice", "2");
        let ask = ask.field("x-latin", b"caf\xe9").field("x-empty", "").field("user-agent", "test/1");
        let head = seen(&gateway, protocol, &ask.field("x-long", "x".repeat(8000))).await;
        let own = head.fields_but(&[
            "host",
            "x-remote-user",
            "x-request-id",
            "x-forwarded-for",
            "x-forwarded-proto",
            "x-forwarded-host",
        ]);
        let expected: Vec<(String, Vec<u8>)> = [
            ("accept", b"a/b;q=0.5".to_vec()),
            ("user-agent", b"test/1".to_vec()),
            ("x-empty", Vec::new()),
            ("x-latin", b"caf\xe9".to_vec()),
            ("x-long", vec![b'x'; 8000]),
            ("x-twice", b"1".to_vec()),
            ("x-twice", b"2".to_vec()),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into();
        assert_eq!(own, expected, "{protocol:?}");
    }
}

#[tokio::test]
async fn cookies_are_one_line_upstream() {
    let gateway = Gateway::usual();
    let ask = ask().field("cookie", "a=1").field("cookie", "b=2").field("cookie", "c=3; d=4");
    for protocol in Protocol::BOTH {
        let head = seen(&gateway, protocol, &ask).await;
        assert_eq!(head.values("cookie"), ["a=1; b=2; c=3; d=4"], "{protocol:?}");
    }
}

#[tokio::test]
async fn only_trailers_are_asked_of_the_upstream() {
    let gateway = Gateway::usual();
    for (te, passed) in [("trailers", true), ("gzip, trailers", true), ("gzip", false)] {
        let head = seen(&gateway, Protocol::Http1, &ask().field("Connection", "TE").field("TE", te)).await;
        assert_eq!(head.value("te").as_deref(), passed.then_some("trailers"), "{te}");
        assert_eq!(head.value("connection").map(|value| value.to_ascii_lowercase()).as_deref(), passed.then_some("te"));
    }
    let head = seen(&gateway, Protocol::Http2, &ask().field("te", "trailers")).await;
    assert_eq!(head.value("te").as_deref(), Some("trailers"));
}

#[tokio::test]
async fn a_request_cannot_switch_to_http2_past_the_gateway() {
    let gateway = Gateway::usual();
    for (protocol, also) in [("h2c", ""), ("H2C", ""), ("websocket, h2c", ""), ("h2c", ", HTTP2-Settings")] {
        let ask = Ask::get("/play/upgrade").by_amy().field("Connection", format!("Upgrade{also}"));
        let ask = ask.field("Upgrade", protocol).field("HTTP2-Settings", "AAMAAABkAARAAAAAAAIAAAAA");
        let answer = gateway.ask(Protocol::Http1, &ask).await;
        assert_eq!(answer.status(), 426, "{protocol}");
        let head = gateway.upstream.only().head;
        assert!(!head.has("upgrade") && !head.has("connection") && !head.has("http2-settings"), "{}", head.text());
        gateway.upstream.forget();
    }
    // Nor is anything upgraded that did not say so in Connection.
    let answer = gateway.ask(Protocol::Http1, &Ask::get("/play/upgrade").by_amy().field("Upgrade", "websocket")).await;
    assert_eq!(answer.status(), 426);
}

#[tokio::test]
async fn the_path_that_was_judged_is_the_path_that_is_sent() {
    let gateway = Gateway::usual();
    for protocol in Protocol::BOTH {
        for (asked, sent) in [
            ("/play/sized/1?x=%2e%2e/%00&y=a+b", "/play/sized/1?x=%2e%2e/%00&y=a+b"),
            ("/%70lay/s%69zed/1", "/play/sized/1"),
            ("/play/a%20b", "/play/a%20b"),
            ("/play/a%3ab", "/play/a%3Ab"),
            ("/play/caf%c3%a9/", "/play/caf%C3%A9/"),
            ("/play/%7Euser", "/play/~user"),
            ("/play?", "/play?"),
        ] {
            let head = seen(&gateway, protocol, &Ask::get(asked).by_amy()).await;
            assert_eq!(head.word(), sent, "{protocol:?} {asked}");
        }
    }
}

#[tokio::test]
async fn identity_in_trailers_is_dropped() {
    let gateway = Gateway::usual();
    for protocol in Protocol::BOTH {
        let trailers = [
            ("x-checksum", "41c2"),
            ("x-remote-user", "root"),
            ("authorization", "Basic eA=="),
            ("x_remote_user", "root"),
        ];
        let ask = Ask::new("POST", "/play/echo")
            .by_amy()
            .field("trailer", "x-checksum, x-remote-user, authorization, x_remote_user");
        let answer = gateway.ask(protocol, &ask.chunked(&[b"body"], &trailers)).await;
        assert_eq!((answer.status(), answer.text().as_str()), (200, "body"));
        let received = gateway.upstream.only();
        assert_eq!(received.head.value("x-remote-user").as_deref(), Some(AMY.0));
        assert_eq!(received.body.trailers, [("x-checksum".to_owned(), "41c2".to_owned())], "{protocol:?}");
        gateway.upstream.forget();
    }
}

#[tokio::test]
async fn a_location_of_the_upstream_s_own_is_the_client_s() {
    let gateway = Gateway::usual();
    for protocol in Protocol::BOTH {
        for (whose, location) in [
            ("own", "https://shop.example/elsewhere?a=b"),
            ("relative", "/elsewhere"),
            ("other", "http://other.example/elsewhere"),
        ] {
            let answer = gateway.ask(protocol, &Ask::get(&format!("/play/location/{whose}")).by_amy()).await;
            assert_eq!(answer.status(), 303);
            assert_eq!(answer.head.value("location").as_deref(), Some(location), "{protocol:?}");
        }
    }
}
