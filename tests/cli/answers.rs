//! Questions about the access document: `explain`, `who-can`, `permissions`.

use serde_json::{Value, json};

use crate::harness::{Place, has};

#[test]
fn explain_says_what_decides() {
    let place = Place::new();
    for (arguments, code, parts) in [
        (
            &["amy", "GET", "/orders/1.json"][..],
            0,
            &["allowed: amy may GET", "Orders <&> returns", "/orders/**", "orders.view by role reader", "10.0.0.0/8"][..],
        ),
        (
            &["bob", "PUT", "/returns"],
            0,
            &["orders.view and orders.edit", "orders.edit by a grant of their own, orders.*"],
        ),
        (&["bob", "HEAD", "/orders/"], 0, &["allowed"]),
        (&["amy", "PUT", "/orders/1"], 1, &["the permission orders.edit is missing", "role chief", "403"]),
        (&["--from", "10.1.2.3", "amy", "GET", "/orders"], 0, &["allowed"]),
        (
            &["amy", "PUT", "/orders", "--from", "192.0.2.1"],
            1,
            &["denied: this user may not use the API from this address", "also", "orders.edit is missing"],
        ),
        (
            &["carol", "GET", "/orders"],
            1,
            &["denied: API access is off", "orders.view by role chief, which grants *", "401"],
        ),
        (&["dan", "GET", "/time"], 1, &["denied: there is no token", "401"]),
        (&["eve", "GET", "/time"], 1, &["denied: every token has expired", "401"]),
        (&["emy", "GET", "/orders"], 1, &["denied: no such user", "did you mean \"amy\"?", "401"]),
        (&["-", "GET", "/orders"], 1, &["denied: credentials are required", "401"]),
        (&["-", "GET", "/health"], 0, &["allowed: anybody may GET /health", "public"]),
        (&["bob", "GET", "/ordersX"], 1, &["denied: no resource covers this path", "403"]),
        (&["bob", "DELETE", "/orders"], 1, &["denied: the resource does not list this method", "403"]),
        (&["bob", "get", "/orders"], 1, &["methods are written in capitals: GET"]),
        (&["bob", "GET", "/%6frders/a%3ab?x"], 0, &["allowed", "read as", "/orders/a%3Ab?x"]),
        (&["bob", "TRACE", "/orders"], 1, &["denied: this method is never forwarded", "400"]),
        (&["bob", "GET", "/orders/..%2ftime"], 1, &["denied: the path has an encoded slash", "400"]),
        (&["bob", "GET", "orders"], 1, &["denied: the request target is not a path", "400"]),
    ] {
        let arguments = [&["explain"], arguments].concat();
        let done = place.run(&arguments);
        assert_eq!(done.code, code, "{arguments:?} {done:?}");
        assert_eq!(done.err, "", "{arguments:?}");
        has(&done.out, parts, &arguments);
        let told = place.run(&[&["--json"], &arguments[..]].concat());
        assert_eq!((told.code, told.json()["allowed"].clone()), (code, json!(code == 0)), "{told:?}");
    }
}

#[test]
fn explain_tells_a_program_the_same() {
    let told = Place::new().run(&["explain", "amy", "PUT", "/orders/1?x=y", "--json"]);
    let expected = json!({
        "allowed": false,
        "status": 403,
        "reasons": ["the permission orders.edit is missing"],
        "help": null,
        "user": "amy",
        "request": "PUT /orders/1?x=y",
        "sent": "/orders/1?x=y",
        "resource": "Orders <&> returns",
        "pattern": "/orders/**",
        "requires": ["orders.view", "orders.edit"],
        "held": [{ "permission": "orders.view", "role": "reader", "grant": "orders.view" }],
        "lacking": [{ "permission": "orders.edit", "roles": ["chief"] }],
        "addresses": ["10.0.0.0/8"],
    });
    assert_eq!(told.json(), expected);
}

#[test]
fn who_can_names_everybody_who_may() {
    let place = Place::new();
    for (method, path, code, users, hindered) in [
        ("GET", "/orders", 0, &["amy", "bob"][..], &["carol", "dan", "eve"][..]),
        ("PUT", "/orders/1", 0, &["bob"], &["carol"]),
        ("GET", "/time", 0, &["amy", "bob"], &["carol", "dan", "eve"]),
        ("GET", "/health", 0, &[], &[]),
        ("DELETE", "/orders", 1, &[], &[]),
        ("GET", "/nothing", 1, &[], &[]),
        ("GET", "/orders/../x", 1, &[], &[]),
    ] {
        let told = place.run(&["who-can", method, path, "--json"]);
        let value = told.json();
        let names = |key: &str| -> Vec<Value> {
            value[key].as_array().unwrap().iter().map(|user| user["name"].clone()).collect()
        };
        assert_eq!(told.code, code, "{method} {path}");
        assert_eq!(names("users"), users, "{method} {path}");
        assert_eq!(names("hindered"), hindered, "{method} {path}");
        assert_eq!(value["public"], json!(path == "/health"));
        assert_eq!(place.run(&["who-can", method, path]).code, code, "{method} {path}");
    }
    for (method, path, parts) in [
        ("GET", "/orders", &["amy", "Warehouse", "by role reader", "only from 10.0.0.0/8", "dan", "no token"][..]),
        ("GET", "/health", &["everybody: no credentials"]),
        ("GET", "/time", &["every user with API access"]),
        ("GET", "/orders/../x", &["nobody: the path has a dot segment (400)"]),
    ] {
        has(&place.run(&["who-can", method, path]).out, parts, &path);
    }
}

#[test]
fn the_reference_is_whole_in_every_form() {
    let place = Place::new();
    let all =
        ["/orders/**", "/returns", "orders.view", "orders.edit", "reader, chief", "carol (API access off)", "public"];
    for (format, name) in [
        ("text", "Orders <&> returns"),
        ("markdown", r"## Orders \<\&\> returns"),
        ("html", "<h2>Orders &lt;&amp;&gt; returns</h2>"),
    ] {
        let done = place.run(&["permissions", "--format", format]);
        assert_eq!((done.code, done.err.as_str()), (0, ""));
        has(&done.out, &all, &format);
        has(&done.out, &[name, "every user with API access"], &format);
    }
    let html = place.run(&["permissions", "--format", "html"]).out;
    assert!(html.starts_with("<!doctype html>") && !html.contains("<&>") && !html.contains("src="), "{html}");
    let json = place.run(&["permissions", "--format", "json"]);
    assert_eq!(json.json(), place.run(&["permissions", "--json"]).json());
    let value = json.json();
    let put = &value["resources"][0]["methods"][1];
    assert_eq!(put["method"], "PUT");
    assert_eq!(put["requires"], json!(["orders.view", "orders.edit"]));
    assert_eq!(put["roles"], json!(["chief"]));
    assert_eq!(put["users"], json!([{ "name": "bob", "api_access": true }, { "name": "carol", "api_access": false }]));
}
