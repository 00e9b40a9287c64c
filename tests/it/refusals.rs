//! What does not pass, over both protocols: who is nobody (401), who may not (403), what has two readings (400).

use crate::harness::{AMY, Ask, Gateway, Http2, Outgoing, PLAIN, Protocol, Reply, SECRETS, basic, user};

const CHALLENGE: &str = "Basic realm=\"Store API\", charset=\"UTF-8\"";

/// Each way of being nobody, and the reason that only the audit tells.
fn nobodies() -> Vec<(&'static str, Ask)> {
    let [_, _, off, late, _, _, wrong, ..] = SECRETS;
    let ask = || Ask::get("/play/sized/5");
    let mut cases = vec![
        ("no_credentials", ask()),
        ("unknown_user", ask().by(("nobody", wrong))),
        ("unknown_user", ask().by(("AMY", AMY.1))),
        ("unknown_user", ask().by(("", AMY.1))),
        ("wrong_token", ask().by((AMY.0, wrong))),
        ("wrong_token", ask().by((AMY.0, ""))),
        ("wrong_token", ask().by((AMY.0, PLAIN.1))),
        ("wrong_token", ask().by((AMY.0, &format!("{} ", AMY.1)))),
        ("expired_token", ask().by(("late", late))),
        ("no_api_access", ask().by(("off", off))),
    ];
    let good = basic(AMY);
    let encoded = good.trim_start_matches("Basic ");
    for malformed in [
        "Basic".to_owned(),
        format!("Bearer {encoded}"),
        format!("Basic{encoded}"),
        format!("Basic {encoded}="),
        // "amy:toke" without its padding; "amy"; a letter that base64 does not have.
        "Basic YW15OnRva2U".to_owned(),
        "Basic YW15".to_owned(),
        "Basic YW15OnRv!".to_owned(),
        // "amy:" and a NUL; "amy:" and a byte that is no UTF-8.
        "Basic YW15OgA=".to_owned(),
        "Basic YW15Ov8=".to_owned(),
    ] {
        cases.push(("malformed_credentials", ask().field("Authorization", malformed)));
    }
    cases
}

#[tokio::test]
async fn nobody_learns_why_nothing_was_proved() {
    let gateway = Gateway::usual();
    for protocol in Protocol::BOTH {
        let mut first = None;
        for (reason, ask) in nobodies() {
            let answer = gateway.ask(protocol, &ask).await;
            assert_eq!(answer.status(), 401, "{reason} {ask:?}");
            assert_eq!(answer.head.value("www-authenticate").as_deref(), Some(CHALLENGE));
            let entry = gateway.entry(&answer).await;
            assert_eq!(entry["reason"], reason, "{ask:?}");
            assert_eq!(entry["decision"], "unauthenticated", "{ask:?}");
            assert_eq!(entry["user"], serde_json::Value::Null, "{ask:?}");
            // What took looking up is answered on a beat that the look-up does not move.
            if !matches!(reason, "no_credentials" | "malformed_credentials") {
                assert!(entry["own_us"].as_u64() >= Some(250), "{entry}");
            }
            gateway.upstream.assert_nothing_reached().await;
            // To the byte, but for the request id and the second it is sent in.
            let same = (answer.head.line.clone(), answer.head.fields_but(&["x-request-id", "date"]), answer.body.kept);
            assert_eq!(*first.get_or_insert_with(|| same.clone()), same, "{reason}");
        }
    }
}

#[tokio::test]
async fn a_user_without_the_permission_is_told_which_one() {
    let gateway = Gateway::usual();
    let cases = [
        (Ask::get("/play/sized/5").by(PLAIN), "missing_permission", "the permission play.use is missing"),
        (Ask::new("HEAD", "/orders").by(PLAIN), "missing_permission", ""),
        (Ask::get("/orders.json").by(PLAIN), "missing_permission", "the permission orders.view is missing"),
        (
            Ask::new("POST", "/orders").by_amy().sized("{}"),
            "missing_permission",
            "the permission orders.create is missing",
        ),
        (
            Ask::new("POST", "/orders/").by(PLAIN),
            "missing_permission",
            "the permissions orders.view and orders.create are missing",
        ),
        (Ask::new("PUT", "/orders").by_amy(), "method", "the resource does not list this method"),
        (Ask::new("BREW", "/orders").by_amy(), "method", "the resource does not list this method"),
        (Ask::new("get", "/orders").by_amy(), "method", "the resource does not list this method"),
        (Ask::get("/ordersX").by_amy(), "no_resource", "no resource covers this path"),
        (Ask::get("/Orders").by_amy(), "no_resource", "no resource covers this path"),
        (Ask::get("/orders/1/2").by_amy(), "no_resource", "no resource covers this path"),
        (Ask::get("/").by_amy(), "no_resource", "no resource covers this path"),
        (Ask::get("/time.json").by_amy(), "format", "the resource does not list the format \\\"json\\\""),
    ];
    for protocol in Protocol::BOTH {
        for (ask, reason, message) in &cases {
            let answer = gateway.ask(protocol, ask).await;
            assert_eq!(answer.status(), 403, "{ask:?}");
            assert!(!answer.head.has("www-authenticate"), "asking again would not help: {ask:?}");
            if !message.is_empty() {
                let expected =
                    format!("[{{\"status\":403,\"message\":\"You are not allowed to do this: {message}.\"}}]");
                assert_eq!(answer.text(), expected, "{ask:?}");
            }
            let entry = gateway.entry(&answer).await;
            assert_eq!((&entry["reason"], &entry["decision"]), (&(*reason).into(), &"deny".into()), "{ask:?}");
            gateway.upstream.assert_nothing_reached().await;
        }
    }
}

#[tokio::test]
async fn a_path_with_two_readings_is_refused_before_anything_is_looked_up() {
    let gateway = Gateway::usual();
    for protocol in Protocol::BOTH {
        for path in [
            "/play/../orders",
            "/play/%2e%2e/orders",
            "/play/.%2E/orders",
            "/play/..;/orders",
            "/play/..%20/orders",
            "/play/sized;x=1/5",
            "/play/%3b",
            "/play/./sized/5",
            "/play//sized/5",
            "//play/sized/5",
            "/play/sized/5//",
            "/play%2fsized/5",
            "/play%2Fsized/5",
            "/play/%5c..%5corders",
            "/play/%00",
            "/play/%0d%0aX-Injected:%201",
            "/play/%7f",
            "/play/%25%32%65",
            "/play/%252e%252e/orders",
            "/play/%",
            "/play/%2",
            "/play/%zz",
            "/play/%c0%ae%c0%ae/orders",
            "/play/%ff",
            "/play/%3fx",
            "/play/%23x",
            "/play/%C2%85",
        ] {
            let answer = gateway.ask(protocol, &Ask::get(path).by_amy()).await;
            assert_eq!(answer.status(), 400, "{protocol:?} {path}");
            let entry = gateway.entry(&answer).await;
            assert_eq!((&entry["reason"], &entry["decision"]), (&"bad_target".into(), &"reject".into()), "{path}");
            gateway.upstream.assert_nothing_reached().await;
        }
    }
}

#[tokio::test]
async fn some_methods_are_never_forwarded() {
    let gateway = Gateway::usual();
    for protocol in Protocol::BOTH {
        let answer = gateway.ask(protocol, &Ask::new("TRACE", "/play/sized/5").by_amy()).await;
        assert_eq!(answer.status(), 400, "{protocol:?}");
        gateway.upstream.assert_nothing_reached().await;
    }
    // No method is a way in: preflights carry no credentials, and get what all get that carry none.
    let preflight = Ask::new("OPTIONS", "/play/sized/5").field("Origin", "https://evil.example");
    let preflight = preflight.field("Access-Control-Request-Method", "PUT");
    for protocol in Protocol::BOTH {
        assert_eq!(gateway.ask(protocol, &preflight).await.status(), 401, "{protocol:?}");
        gateway.upstream.assert_nothing_reached().await;
    }
}

#[tokio::test]
async fn two_authorizations_are_one_too_many() {
    let gateway = Gateway::usual();
    for protocol in Protocol::BOTH {
        for path in ["/play/sized/5", "/health"] {
            let ask = Ask::get(path).by_amy().by(PLAIN);
            let answer = gateway.ask(protocol, &ask).await;
            assert_eq!(answer.status(), 400, "{protocol:?} {path}");
            assert_eq!(gateway.entry(&answer).await["reason"], "bad_request");
            gateway.upstream.assert_nothing_reached().await;
        }
    }
}

async fn over(http2: &Http2, authority: &str, host: &[&str]) -> u16 {
    let mut request = Ask::get("/play/sized/5").by_amy().to_http2();
    *request.uri_mut() = format!("https://{authority}/play/sized/5").parse().unwrap();
    for host in host {
        request.headers_mut().append("host", host.parse().unwrap());
    }
    http2.try_ask(request).await.map_or(0, |answer| answer.status())
}

#[tokio::test]
async fn over_http2_the_authority_and_the_host_agree() {
    let gateway = Gateway::usual();
    let http2 = gateway.http2().await;
    for (authority, host, status) in [
        ("shop.example", &[][..], 200),
        ("shop.example", &["shop.example"], 200),
        ("shop.example", &["SHOP.example"], 200),
        ("shop.example", &["other.example"], 400),
        ("shop.example", &["shop.example", "shop.example"], 400),
        ("shop.example", &["shop.example@evil.example"], 400),
        ("amy:secret@shop.example", &[], 400),
    ] {
        assert_eq!(over(&http2, authority, host).await, status, "{authority} {host:?}");
        if status == 200 {
            let received = gateway.upstream.only();
            assert_eq!(received.head.value("host").as_deref(), Some("shop.example"));
            gateway.upstream.forget();
        } else {
            gateway.upstream.assert_nothing_reached().await;
        }
    }
}

#[tokio::test]
async fn over_http2_the_scheme_is_one_of_http() {
    let gateway = Gateway::usual();
    let credentials = basic(AMY);
    for (scheme, status) in [("https", 200), ("http", 200), ("ftp", 400), ("javascript", 400)] {
        let fields: [(&[u8], &[u8]); 5] = [
            (b":method", b"GET"),
            (b":scheme", scheme.as_bytes()),
            (b":authority", b"shop.example"),
            (b":path", b"/play/sized/5"),
            (b"authorization", credentials.as_bytes()),
        ];
        let Reply::Answer(answered, _) = gateway.frames(&fields).await else { panic!("no answer for {scheme}") };
        assert_eq!(answered, status, "{scheme}");
        if status == 200 {
            assert_eq!(gateway.upstream.only().head.line, "GET /play/sized/5 HTTP/1.1");
            gateway.upstream.forget();
        } else {
            gateway.upstream.assert_nothing_reached().await;
        }
    }
}

#[tokio::test]
async fn connect_over_http2_opens_no_tunnel() {
    let gateway = Gateway::usual();
    let http2 = gateway.http2().await;
    let (sender, body) = Outgoing::channel();
    let mut request = http::Request::new(body);
    *request.method_mut() = http::Method::CONNECT;
    *request.uri_mut() = "shop.example:443".parse().unwrap();
    request.headers_mut().insert("authorization", basic(AMY).parse().unwrap());
    let answered = http2.try_ask(request).await;
    drop(sender);
    // Refused either way: by an answer, or by resetting the stream.
    assert!(answered.map_or(true, |answer| answer.status() == 400));
    gateway.upstream.assert_nothing_reached().await;
}

#[tokio::test]
async fn what_is_public_asks_nobody() {
    let gateway = Gateway::usual();
    let wrong = SECRETS[6];
    for protocol in Protocol::BOTH {
        for ask in [Ask::get("/health"), Ask::get("/health").by(("nobody", wrong)), Ask::get("/health").by_amy()] {
            let answer = gateway.ask(protocol, &ask).await;
            assert_eq!(answer.status(), 200, "{ask:?}");
            let received = gateway.upstream.only();
            assert!(!received.head.has("x-remote-user") && !received.head.has("authorization"), "{ask:?}");
            gateway.upstream.forget();
        }
        assert_eq!(gateway.ask(protocol, &Ask::new("POST", "/health")).await.status(), 401);
        gateway.upstream.assert_nothing_reached().await;
    }
}

#[tokio::test]
async fn a_body_of_a_refused_request_is_not_the_next_request() {
    let gateway = Gateway::usual();
    let smuggled =
        format!("GET /play/smuggled HTTP/1.1\r\nHost: shop.example\r\nAuthorization: {}\r\n\r\n", basic(AMY));
    let mut wire = gateway.http1().await;
    wire.send(&Ask::new("POST", "/play/echo").sized(smuggled.as_bytes()).to_http1()).await;
    let answer = wire.answer("POST").await;
    assert_eq!(answer.status(), 401);
    // Whatever still comes, if the connection stays open, is not an answer to the body.
    let next = wire.write(&Ask::get("/play/sized/1").by_amy().to_http1()).await;
    if next.is_ok()
        && let Ok(Some(head)) = crate::harness::within("the next answer", wire.head()).await
    {
        assert!(head.starts_with(b"HTTP/1.1 200"));
        assert_eq!(gateway.upstream.only().head.word(), "/play/sized/1");
    } else {
        gateway.upstream.assert_nothing_reached().await;
    }
}

#[tokio::test]
async fn a_user_is_never_somebody_else() {
    // Names that differ in what careless comparing drops.
    let names = ["amy", "amy ", "Amy", "am\u{fd}", "amy\u{301}"];
    let mut document = crate::harness::document();
    for (place, name) in names.iter().enumerate().skip(1).filter(|(_, name)| name.trim() == **name) {
        document.push_str(&user((name, &format!("pcl_other{place}")), "api_access = true"));
    }
    let gateway = Gateway::guarding(document);
    for (place, name) in names.iter().enumerate().skip(1) {
        let answer = gateway.ask(Protocol::Http1, &Ask::get("/play/sized/1").by((name, AMY.1))).await;
        assert_eq!(answer.status(), 401, "{name:?}");
        let own =
            gateway.ask(Protocol::Http1, &Ask::get("/play/sized/1").by((name, &format!("pcl_other{place}")))).await;
        assert_ne!(own.status(), 200, "{name:?}");
        gateway.upstream.assert_nothing_reached().await;
    }
}
