//! Answers, and what saving the access document on the host does in the container.

use std::fs;
use std::time::Duration;

use serde_json::Value;

use crate::ask::{Answer, Gateway, forwarded, journal};
use crate::scene::Scene;
use crate::tool::{eventually, time_until};

/// How soon a save must be felt. On a machine that is not busy with other things it is some milliseconds.
pub(crate) const FELT_WITHIN: Duration = Duration::from_secs(2);

/// A user with API access, and without: what is exchanged for it in the document.
pub(crate) const AUDITOR: (&str, &str) = (
    "title       = \"Auditor, first half of 2026\"\napi_access  = true",
    "title       = \"Auditor, first half of 2026\"\napi_access  = false",
);

fn is(answer: &Answer, status: u16, form: &str) {
    assert_eq!((answer.exit, answer.status), (0, status), "{answer:?}");
    assert!(answer.content.starts_with(&format!("application/{form}")), "{answer:?}");
    let refused = status >= 400;
    if form == "json" {
        let value: Value = serde_json::from_str(&answer.body).unwrap_or_else(|error| panic!("{error}: {answer:?}"));
        assert_eq!(value[0]["status"] == status, refused, "{answer:?}");
    } else {
        assert!(answer.body.contains('<'), "{answer:?}");
        let error = answer.body.contains(&format!("<errors><error><status>{status}</status>"));
        assert_eq!(error, refused, "{answer:?}");
    }
}

pub(crate) fn forms(scene: &Scene) {
    let (gateway, token) = (Gateway::only(scene), scene.token("storefront"));
    let user = Some(("storefront", token.as_str()));
    let wrong = Some(("storefront", "not her token"));
    for (form, suffix, accept) in [
        ("json", "", ""),
        ("json", ".json", ""),
        ("xml", ".xml", ""),
        ("xml", "", "header = \"Accept: application/xml\""),
    ] {
        let products = format!("/api/v2/products{suffix}");
        let before = forwarded(scene);
        is(&gateway.ask(user, &products, accept), 200, form);
        assert_eq!(forwarded(scene), before + 1);
        is(&gateway.ask(None, &products, accept), 401, form);
        is(&gateway.ask(wrong, &products, accept), 401, form);
        is(&gateway.ask(user, &format!("/api/v2/orders{suffix}"), accept), 403, form);
        is(&gateway.ask(user, &products, &format!("request = \"DELETE\"\n{accept}")), 403, form);
        assert_eq!(forwarded(scene), before + 1, "nothing of what was refused reached the upstream");
    }
}

pub(crate) fn revoked(scene: &Scene) {
    // Nothing that the document expects depends on this user.
    let (gateway, token) = (Gateway::only(scene), scene.token("auditor"));
    let user = Some(("auditor", token.as_str()));
    eventually("the token to count", || (gateway.status(user, "/api/v2/orders") == 200).then_some(()));
    let (on, off) = AUDITOR;
    scene.edit(on, off);
    let felt = time_until("the refusal", || gateway.status(user, "/api/v2/orders") == 401);
    assert!(felt < FELT_WITHIN, "{felt:?}");
    let before = forwarded(scene);
    assert_eq!(gateway.status(user, "/api/v2/orders"), 401);
    assert_eq!(forwarded(scene), before, "nothing reached the upstream");
    scene.edit(off, on);
    let felt = time_until("the permission", || gateway.status(user, "/api/v2/orders") == 200);
    assert!(felt < FELT_WITHIN, "{felt:?}");
    let noted = eventually("both changes in the journal beside it", || {
        let journal = journal(scene);
        (journal.matches("\"file\"").count() >= 2).then_some(journal)
    });
    assert!(!noted.contains(&token), "no token is noted");
}

pub(crate) fn broken(scene: &Scene) {
    let (gateway, token) = (Gateway::only(scene), scene.token("storefront"));
    let user = Some(("storefront", token.as_str()));
    let path = scene.path("config/access.toml");
    let good = fs::read_to_string(&path).unwrap();
    fs::write(&path, "[users.storefront]\napi_acess = false\n").unwrap();
    eventually("the refusal to be logged", || scene.logs().contains("did you mean \"api_access\"?").then_some(()));
    assert_eq!(gateway.status(user, "/api/v2/products"), 200, "the last good one stays in force");
    assert_eq!(gateway.status(user, "/api/v2/orders"), 403);
    // Ready, and says why not all is well.
    let health = scene.portcullis(&["health"]).good("health");
    assert!(health.starts_with("ready\n") && health.contains("refused"), "{health}");
    fs::write(&path, good).unwrap();
    eventually("the good one to be read", || (scene.portcullis(&["health"]).good("health") == "ready\n").then_some(()));
    assert_eq!(gateway.status(user, "/api/v2/products"), 200);
}
