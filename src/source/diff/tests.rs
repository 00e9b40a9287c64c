//! What is told of changes.

use std::time::SystemTime;

use super::super::document::{Format, read};
use super::diff;
use crate::policy::{Snapshot, TokenHash};

const BASE: &str = r#"
    [[resources]]
    name = "Orders"
    paths = ["/orders"]
    permissions = { GET = "orders.view", PUT = "orders.edit", POST = "coupons.view" }
    [roles]
    warehouse = ["orders.view"]
    [users.amy]
    api_access = true
    permissions = ["orders.edit"]
    [users.x]
"#;

fn snapshot(text: &str) -> Snapshot {
    read("t", text, Format::Toml, SystemTime::UNIX_EPOCH).unwrap_or_else(|faults| panic!("{faults}")).into_snapshot(1)
}

#[test]
fn changes_are_told_by_name() {
    let hash = TokenHash::of(b"x").to_string();
    for (from, to, told) in [
        ("", "", "nothing changed"),
        ("[users.x]", "[users.bob]\n[users.eve]", "+2 users (bob, eve), -1 user (x)"),
        (
            "[users.x]",
            "[users.x]\n[users.bob]\napi_access = true\nroles = [\"warehouse\"]",
            "+1 user (bob), bob +role warehouse api access on",
        ),
        ("\"orders.edit\"]", "\"coupons.view\"]", "amy -orders.edit +coupons.view"),
        ("api_access = true", "api_access = false", "amy api access off"),
        ("[users.x]", "[users.x]\nroles = [\"warehouse\"]", "x +role warehouse"),
        ("[users.x]", &format!("[users.x]\ntokens = [\"{hash}\"]"), "x +token"),
        ("[users.x]", "[users.x]\ntitle = \"X, \\\"Y\\\"\"", "x title none → \"X, 'Y'\""),
        ("[users.x]", "[users.x]\naddresses = [\"::1\"]", "x addresses +::1/128"),
        ("[users.x]", "[users.x]\nrate_limit = \"1/hour\"", "x rate limit none → 1/hour"),
        ("warehouse = [", "warehouse = [\"*\", ", "role warehouse +*"),
        ("warehouse =", "depot =", "+1 role (depot), -1 role (warehouse), role depot +orders.view"),
        ("/orders", "/orders/**", "resource Orders paths -/orders +/orders/**"),
        ("paths = [\"/orders\"]", "paths = [\"/orders\"]\nformats = [\"json\"]", "resource Orders formats +json"),
        (
            "POST = \"coupons.view\"",
            "POST = [\"coupons.view\", \"orders.edit\"]",
            "resource Orders POST coupons.view → coupons.view + orders.edit",
        ),
        ("GET = ", "DELETE = \"orders.edit\", GET = ", "resource Orders DELETE none → orders.edit"),
    ] {
        let changes = diff(&snapshot(BASE), &snapshot(&BASE.replace(from, to)));
        assert_eq!(changes.to_string(), told, "{from} -> {to}");
        assert_eq!(changes.is_empty(), told == "nothing changed");
    }
}

#[test]
fn many_changes_are_summed_up() {
    let users = |of: std::ops::Range<u32>, access: bool| -> String {
        of.map(|n| format!("[users.u{n:04}]\napi_access = {access}\n")).collect()
    };
    let old = snapshot(&format!("{BASE}{}", users(0..2000, true)));
    let new = snapshot(&format!("{BASE}{}", users(1000..4000, false)));
    let told = diff(&old, &new).to_string();
    assert!(
        told.starts_with("+2000 users (u2000, u2001, u2002, u2003, u2004, 1995 more), -1000 users (u0000"),
        "{told}"
    );
    assert!(told.contains("u1000 api access off") && told.ends_with("990 more users changed"), "{told}");
    assert!(told.len() < 1000, "{told}");
}

#[test]
fn what_was_there_is_told_with_what_it_became() {
    let [one, two] = [b"one", b"two"].map(|secret| TokenHash::of(secret).to_string());
    let crypt = "$2y$10$abcdefghijklmnopqrstuuABCDEFGHIJKLMNOPQRSTUVWXYZ01232";
    let other = crypt.replace("ABC", "CBA");
    let argon = "$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHRzYWx0c2FsdA$aGFzaGhhc2hoYXNoaGFzaGhhc2hoYXNoaGFzaGhhc2g";
    let second = argon.replace("aGFzaGhh", "aGFzaGhi");
    let user = |lines: &str| snapshot(&BASE.replace("[users.x]", &format!("[users.x]\n{lines}")));
    let token = |hash: &str, more: &str| format!("tokens = [{{ hash = \"{hash}\"{more} }}]");
    for (from, to, told) in [
        ("title = \"A\"", "title = \"B\"", "x title \"A\" → \"B\""),
        ("title = \"A\"", "", "x title \"A\" → none"),
        ("addresses = [\"10.0.0.0/8\"]", "addresses = [\"10.1.0.0/16\"]", "x addresses -10.0.0.0/8 +10.1.0.0/16"),
        ("rate_limit = \"1/hour\"", "rate_limit = \"2/hour\"", "x rate limit 1/hour → 2/hour"),
        (&token(&one, ", label = \"old\""), &token(&two, ", label = \"new\""), "x -token (old) +token (new)"),
        (&token(&one, ", label = \"a\""), &token(&one, ", label = \"b\""), "x token (a) label \"a\" → \"b\""),
        (
            &token(&one, ""),
            &token(&one, ", expires = 2099-01-01T00:00:00Z"),
            "x token expires none → 2099-01-01T00:00:00Z",
        ),
        (&format!("tokens = [\"{crypt}\"]"), &format!("tokens = [\"{other}\"]"), "x password changed"),
        ("", &format!("panel = \"{argon}\""), "x panel password set"),
        (&format!("panel = \"{argon}\""), &format!("panel = \"{second}\""), "x panel password changed"),
        (&format!("panel = \"{argon}\""), "", "x panel password removed"),
    ] {
        let changes = diff(&user(from), &user(to)).to_string();
        assert_eq!(changes, told, "{from} -> {to}");
        let secret = |hash: &str| hash.trim_start_matches("sha256:").get(..12).unwrap().to_owned();
        assert!([&one, &two, crypt, &other].iter().all(|hash| !changes.contains(&secret(hash))), "{changes}");
    }
}
