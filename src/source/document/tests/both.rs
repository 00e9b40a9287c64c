//! One law in two formats: the example of the contract decides alike in TOML and JSON.

use super::super::{Format, Law};
use super::{json, now, read, toml};
use crate::policy::Target;

pub(super) const EXAMPLE_TOML: &str = r#"
[[resources]]
name        = "Products"
paths       = ["/api/v2/products/**"]
formats     = ["json", "xml"]
permissions = { GET = "products.view", POST = "products.create", PUT = "products.edit", DELETE = "products.delete" }

[[resources]]
name        = "Orders"
paths       = ["/api/v2/orders/{id}"]
permissions = { GET = ["orders.view", "coupons.view"], PUT = "orders.edit", OPTIONS = "public", PATCH = "authenticated" }

[roles]
warehouse = ["orders.view", "orders.edit", "products.view"]

[users.amy]
title       = "Warehouse ERP"
api_access  = true
tokens      = ["sha256:2fa4daecc516ad439a339fffed896de2e3ee1b8173e6f71e682cf37bea19fde9"]
roles       = ["warehouse"]
permissions = ["coupons.view"]
addresses   = ["10.0.0.0/8"]
rate_limit  = "600/minute"

[users.bob]
api_access  = true
permissions = ["products.*"]

[[expect]]
user = "amy"
request = "DELETE /api/v2/products/7"
decision = "deny"
"#;

pub(super) const EXAMPLE_JSON: &str = r#"{
  "$schema": "../schema/access.json",
  "resources": [
    {
      "name": "Products",
      "paths": ["/api/v2/products/**"],
      "formats": ["json", "xml"],
      "permissions": {
        "GET": "products.view", "POST": "products.create", "PUT": "products.edit", "DELETE": "products.delete"
      }
    },
    {
      "name": "Orders",
      "paths": ["/api/v2/orders/{id}"],
      "permissions": {
        "GET": ["orders.view", "coupons.view"], "PUT": "orders.edit", "OPTIONS": "public", "PATCH": "authenticated"
      }
    }
  ],
  "roles": { "warehouse": ["orders.view", "orders.edit", "products.view"] },
  "users": {
    "amy": {
      "title": "Warehouse ERP",
      "api_access": true,
      "tokens": ["sha256:2fa4daecc516ad439a339fffed896de2e3ee1b8173e6f71e682cf37bea19fde9"],
      "roles": ["warehouse"],
      "permissions": ["coupons.view"],
      "addresses": ["10.0.0.0/8"],
      "rate_limit": "600/minute"
    },
    "bob": { "api_access": true, "permissions": ["products.*"] }
  },
  "expect": [{ "user": "amy", "request": "DELETE /api/v2/products/7", "decision": "deny" }]
}"#;

/// What each user may do, one line each.
fn matrix(law: &Law) -> Vec<String> {
    let mut lines = Vec::new();
    for path in ["/api/v2/products", "/api/v2/products/7.json", "/api/v2/orders/1", "/api/v2/orders", "/"] {
        for method in ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"] {
            let asked = law.policy.ask(Target::parse(method, path).unwrap());
            for name in ["amy", "bob"] {
                let user = law.users.get(name).unwrap();
                lines.push(format!("{method} {path} {name}: {:?}", law.policy.would_allow(user, None, &asked)));
            }
        }
    }
    lines
}

#[test]
fn the_example_decides_alike_in_both_formats() {
    let (one, other) = (toml(EXAMPLE_TOML).unwrap(), json(EXAMPLE_JSON).unwrap());
    let matrix_ = matrix(&one);
    assert_eq!(matrix_, matrix(&other));
    for (line, allowed) in [
        ("GET /api/v2/products amy", true),
        ("HEAD /api/v2/products/7.json amy", true),
        ("PUT /api/v2/products amy", false),
        ("PUT /api/v2/products/7.json bob", true),
        ("GET /api/v2/orders/1 amy", true),
        ("GET /api/v2/orders/1 bob", false),
        ("PATCH /api/v2/orders/1 bob", true),
        ("OPTIONS /api/v2/orders/1 bob", true),
        ("DELETE /api/v2/orders/1 amy", false),
        ("GET /api/v2/orders amy", false),
    ] {
        let found = matrix_.iter().find(|found| found.starts_with(&format!("{line}: "))).expect(line);
        assert_eq!(found.ends_with("Ok(())"), allowed, "{found}");
    }
}

#[test]
fn everything_of_a_user_is_read() {
    for law in [toml(EXAMPLE_TOML).unwrap(), json(EXAMPLE_JSON).unwrap()] {
        let amy = law.users.get("amy").unwrap();
        assert_eq!(amy.title.as_deref(), Some("Warehouse ERP"));
        assert!(amy.api_access && amy.password.is_none() && amy.panel.is_none());
        assert_eq!((amy.tokens.len(), amy.roles.len(), amy.grants.len(), amy.networks.len()), (1, 1, 1, 1));
        assert_eq!(amy.rate_limit.map(|rate| rate.to_string()).as_deref(), Some("600/minute"));
        assert_eq!(law.policy.role(amy.roles[0]).map(|role| &*role.name), Some("warehouse"));
        assert_eq!(law.users.len(), 2);
        assert!(!law.allow_no_users && law.warnings.is_empty());
    }
}

#[test]
fn a_user_has_no_access_unless_the_document_says_so() {
    assert!(!toml("[users.amy]").unwrap().users.get("amy").unwrap().api_access);
}

#[test]
fn no_users_may_be_meant() {
    for (text, meant) in [("", false), ("allow_no_users = true", true), ("allow_no_users = false", false)] {
        let law = toml(text).unwrap();
        assert_eq!((law.allow_no_users, law.users.is_empty()), (meant, true));
    }
}

#[test]
fn the_sample_is_sound() {
    let law = read("config/access.toml", include_str!("../../../../config/access.toml"), Format::Toml, now());
    let law = law.unwrap_or_else(|faults| panic!("{faults}"));
    assert!(law.users.len() > 3 && law.policy.resources().count() > 10);
}
