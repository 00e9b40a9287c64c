//! The law as a whole: from a target and credentials to a decision.

use std::net::IpAddr;
use std::time::{Duration, SystemTime};

use http::Method;

use super::{
    Authentication, Credentials, Decision, DenialReason, Grant, Network, PasswordHash, Pattern, Permission, Policy,
    PolicyBuilder, Refusal, Requirement, Resource, Rule, Snapshot, Target, Token, TokenHash, UserEntry, Users,
    VerifyPassword,
};

const HOME: &str = "10.0.0.7";
const NOON: Duration = Duration::from_secs(1_000_000);

fn rule(builder: &mut PolicyBuilder, method: Method, needs: &str) -> Rule {
    let requirement = match needs {
        "public" => Requirement::Public,
        "authenticated" => Requirement::Authenticated,
        names => {
            let ids = names.split('+').map(|name| builder.require(&Permission::parse(name).unwrap()));
            Requirement::All(ids.collect())
        }
    };
    Rule { method, requirement, label: needs.into() }
}

fn resource(builder: &mut PolicyBuilder, paths: &[&str], formats: &[&str], rules: &[(Method, &str)]) {
    let rules = rules.iter().map(|(method, needs)| rule(builder, method.clone(), needs)).collect();
    builder.resource(Resource {
        name: paths[0].into(),
        patterns: paths.iter().map(|path| Pattern::parse(path).unwrap()).collect(),
        formats: formats.iter().map(|format| (*format).into()).collect(),
        rules,
    });
}

fn token(secret: &str, expires: Option<Duration>) -> Token {
    let expires = expires.map(|after| SystemTime::UNIX_EPOCH + after);
    Token { hash: TokenHash::of(secret.as_bytes()), label: None, created: None, expires }
}

/// A store with a product part of two formats, orders without, and four users.
fn snapshot() -> Snapshot {
    let mut builder = PolicyBuilder::default();
    let b = &mut builder;
    let edits = [(Method::GET, "products.view"), (Method::PUT, "products.edit+stock.edit")];
    resource(b, &["/products/**"], &["json", "xml"], &edits);
    resource(b, &["/products/secret"], &[], &[(Method::GET, "secret.view")]);
    resource(
        b,
        &["/orders", "/orders/{id}"],
        &["json"],
        &[(Method::GET, "orders.view"), (Method::DELETE, "orders.delete")],
    );
    resource(b, &["/files/{name}", "/files/list.json"], &[], &[(Method::GET, "files.view")]);
    resource(b, &["/time"], &[], &[(Method::GET, "public"), (Method::POST, "authenticated")]);
    let role = builder.role("stock", vec![Grant::parse("products.*").unwrap(), Grant::parse("stock.edit").unwrap()]);
    let amy = UserEntry {
        name: "amy".into(),
        api_access: true,
        tokens: vec![token("old", Some(NOON)), token("new", None)],
        roles: vec![role],
        grants: vec![Grant::parse("orders.view").unwrap(), Grant::parse("files.view").unwrap()],
        ..UserEntry::default()
    };
    let off = UserEntry { name: "off".into(), tokens: vec![token("right", None)], ..UserEntry::default() };
    let inside = UserEntry {
        name: "inside".into(),
        api_access: true,
        tokens: vec![token("right", None)],
        grants: vec![Grant::All],
        networks: vec![Network::parse("10.0.0.0/8").unwrap()],
        ..UserEntry::default()
    };
    let users = [amy, off, inside].into_iter().map(|entry| builder.user(entry).unwrap()).collect();
    Snapshot { generation: 1, users: Users::new(users), policy: builder.finish().unwrap() }
}

fn at(after: Duration) -> SystemTime {
    SystemTime::UNIX_EPOCH + after
}

fn authenticate(snapshot: &Snapshot, name: &str, secret: &str, from: &str) -> Authentication {
    let address: IpAddr = from.parse().unwrap();
    let presented = Credentials { name, secret: secret.as_bytes(), address };
    snapshot.users.authenticate(&presented, at(NOON))
}

/// What a user may, as one word or the reason.
fn decide(snapshot: &Snapshot, user: Option<(&str, &str)>, request: &str) -> String {
    let (method, path) = request.split_once(' ').unwrap();
    let asked = snapshot.policy.ask(Target::parse(method, path).unwrap());
    let identity = user.map(|(name, from)| {
        let secret = if name == "amy" { "new" } else { "right" };
        match authenticate(snapshot, name, secret, from) {
            Authentication::Proven(identity) => identity,
            other => panic!("{name}: {other:?}"),
        }
    });
    match snapshot.policy.decide(identity, asked) {
        Decision::Permit(_) => "permit".to_owned(),
        Decision::Denial(denial) => denial.reason().to_string(),
    }
}

#[test]
fn decisions() {
    let snapshot = snapshot();
    let no_resource = DenialReason::NoResource.to_string();
    let no_method = DenialReason::Method.to_string();
    let format = |format: &str| DenialReason::Format(format.into()).to_string();
    for (request, expected) in [
        ("GET /products", "permit"),
        ("HEAD /products/7", "permit"),
        ("GET /products/", "permit"),
        ("GET /products.json", "permit"),
        ("GET /products/7/images.xml", "permit"),
        ("PUT /products/7", "permit"),
        ("POST /products", &no_method),
        ("PATCH /products/7", &no_method),
        ("OPTIONS /products", &no_method),
        ("GET /products/secret", "the permission secret.view is missing"),
        // What an upstream that knows the format would read as the secret one is not let through as a product.
        ("GET /products/secret.json", &format("json")),
        ("GET /products/secret.JSON", &format("JSON")),
        ("GET /products/.json", &format("json")),
        ("GET /orders.json", "permit"),
        ("GET /orders/7.json", "permit"),
        ("GET /orders.xml", &format("xml")),
        ("DELETE /orders/7", "the permission orders.delete is missing"),
        ("GET /orders/7/lines", &no_resource),
        ("GET /ordersX", &no_resource),
        ("GET /files/report.json", "permit"),
        ("GET /files/list.json", "permit"),
        ("GET /", &no_resource),
        ("GET /time", "permit"),
        ("POST /time", "permit"),
    ] {
        assert_eq!(decide(&snapshot, Some(("amy", HOME)), request), expected, "{request}");
    }
}

#[test]
fn without_credentials_only_what_is_public() {
    let snapshot = snapshot();
    let unauthenticated = DenialReason::Unauthenticated.to_string();
    assert_eq!(decide(&snapshot, None, "GET /time"), "permit");
    for request in ["POST /time", "GET /products", "GET /nowhere", "DELETE /time"] {
        assert_eq!(decide(&snapshot, None, request), unauthenticated, "{request}");
    }
}

#[test]
fn an_empty_policy_denies_everything() {
    let policy = Policy::default();
    let asked = policy.ask(Target::parse("GET", "/").unwrap());
    assert!(matches!(policy.decide(None, asked), Decision::Denial(_)));
}

#[test]
fn addresses_bind_a_user() {
    let snapshot = snapshot();
    assert_eq!(decide(&snapshot, Some(("inside", HOME)), "GET /products"), "permit");
    assert_eq!(decide(&snapshot, Some(("inside", "11.0.0.1")), "GET /products"), DenialReason::Address.to_string());
    assert_eq!(decide(&snapshot, Some(("inside", "11.0.0.1")), "GET /time"), "permit");
}

#[test]
fn credentials_prove_a_user_or_nobody() {
    let snapshot = snapshot();
    let refusal = |name: &str, secret: &str| match authenticate(&snapshot, name, secret, HOME) {
        Authentication::Refused(refusal) => refusal,
        other => panic!("{other:?}"),
    };
    assert_eq!(refusal("eve", "new"), Refusal::UnknownUser);
    assert_eq!(refusal("amy", "neW"), Refusal::WrongToken);
    assert_eq!(refusal("amy", ""), Refusal::WrongToken);
    assert_eq!(refusal("Amy", "new"), Refusal::UnknownUser);
    assert_eq!(refusal("amy", "old"), Refusal::ExpiredToken);
    assert_eq!(refusal("off", "right"), Refusal::NoApiAccess);
    let presented = Credentials { name: "amy", secret: b"old", address: HOME.parse().unwrap() };
    let before = snapshot.users.authenticate(&presented, at(NOON - Duration::from_nanos(1)));
    assert!(matches!(before, Authentication::Proven(_)), "a token counts until the moment it expires");
}

/// Says yes to everything, so that what is denied is denied for another reason.
struct Gullible;

impl VerifyPassword for Gullible {
    fn verify(&self, _: &PasswordHash, _: &[u8]) -> bool {
        true
    }
}

#[test]
fn names_without_a_password_cost_what_names_with_one_cost_and_prove_nothing() {
    let builder = PolicyBuilder::default();
    let user = |name: &str, password: Option<&str>, api_access| {
        let password = password.map(PasswordHash::new);
        let entry = UserEntry { name: name.into(), api_access, password, ..UserEntry::default() };
        builder.user(entry).unwrap()
    };
    let users =
        vec![user("pat", Some("$2y$04$x"), true), user("off", Some("$2y$04$y"), false), user("tim", None, true)];
    let snapshot = Snapshot { generation: 1, users: Users::new(users), policy: Policy::default() };
    for (name, expected) in [
        ("pat", None),
        ("off", Some(Refusal::NoApiAccess)),
        ("tim", Some(Refusal::WrongToken)),
        ("nobody", Some(Refusal::UnknownUser)),
    ] {
        match authenticate(&snapshot, name, "word", HOME) {
            Authentication::Costly(check) => assert_eq!(check.run(&Gullible, b"word").err(), expected, "{name}"),
            other => panic!("{name}: {other:?}"),
        }
        // Whatever looks like a generated token is nobody's password, and so costs nobody anything.
        assert!(matches!(authenticate(&snapshot, name, "pcl_x", HOME), Authentication::Refused(_)), "{name}");
    }
}

#[test]
fn a_later_snapshot_may_end_what_an_earlier_one_permitted() {
    let first = snapshot();
    let Authentication::Proven(identity) = authenticate(&first, "amy", "new", HOME) else { panic!("amy") };
    let asked = first.policy.ask(Target::parse("GET", "/products").unwrap());
    let Decision::Permit(permit) = first.policy.decide(Some(identity), asked) else { panic!("permit") };
    assert!(snapshot().still_permits(&permit, at(NOON)));
    let mut without_users = snapshot();
    without_users.users = Users::default();
    assert!(!without_users.still_permits(&permit, at(NOON)));
    let mut without_rules = snapshot();
    without_rules.policy = Policy::default();
    assert!(!without_rules.still_permits(&permit, at(NOON)));
}

#[test]
fn a_format_and_a_literal_of_the_same_spelling_tie() {
    let mut builder = PolicyBuilder::default();
    resource(&mut builder, &["/a"], &["json"], &[(Method::GET, "a.view")]);
    resource(&mut builder, &["/a.json"], &[], &[(Method::GET, "b.view")]);
    let ties = builder.finish().unwrap_err();
    assert_eq!(ties.len(), 1);
    assert_eq!(ties[0].format.as_deref(), Some("json"));
}

#[test]
fn credentials_are_the_same_or_not_whatever_else_a_document_says() {
    let users = |entries: &[UserEntry]| {
        Users::new(entries.iter().map(|entry| PolicyBuilder::default().user(entry.clone()).unwrap()).collect())
    };
    let amy = UserEntry {
        name: "amy".into(),
        api_access: true,
        tokens: vec![token("a", None), token("b", Some(NOON))],
        ..UserEntry::default()
    };
    let before = users(std::slice::from_ref(&amy));
    let titled = UserEntry { title: Some("Amy".into()), grants: vec![Grant::All], ..amy.clone() };
    let labelled = Token { label: Some("old".into()), ..token("a", None) };
    let labelled = UserEntry { tokens: vec![labelled, token("b", Some(NOON))], ..amy.clone() };
    for same in [amy.clone(), titled, labelled] {
        assert!(before.same_credentials(&users(&[same])));
    }
    let password = Some(PasswordHash::new("$2y$04$x"));
    for other in [
        UserEntry { api_access: false, ..amy.clone() },
        UserEntry { tokens: vec![token("a", None)], ..amy.clone() },
        UserEntry { tokens: vec![token("a", None), token("b", None)], ..amy.clone() },
        UserEntry { tokens: vec![token("a", None), token("c", Some(NOON))], ..amy.clone() },
        UserEntry { password: password.clone(), ..amy.clone() },
        UserEntry { panel: password, ..amy.clone() },
        UserEntry { name: "bob".into(), ..amy.clone() },
    ] {
        assert!(!before.same_credentials(&users(std::slice::from_ref(&other))), "{other:?}");
    }
    assert!(!before.same_credentials(&users(&[amy.clone(), UserEntry { name: "bob".into(), ..amy }])));
    assert!(!before.same_credentials(&users(&[])));
}
