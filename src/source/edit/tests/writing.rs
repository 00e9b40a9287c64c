//! The many ways to write the same thing in TOML.

use std::time::Duration;

use super::{Place, grant, now, revoke};
use crate::policy::TokenHash;
use crate::source::edit::Change;

#[test]
fn a_token_that_is_kept_keeps_its_own_end_and_its_moments_without_quotes() {
    let text = "[users.a]\napi_access = false\n\n[[users.a.tokens]]    # of the old client\nhash = \"@1@\"   # one\n\
                label = \"old\"\ncreated = 2025-01-01T00:00:00Z   # long ago\nexpires = 2026-01-02   # tomorrow\n";
    let place = Place::new("access.toml", text);
    let mut draft = place.draft();
    let keep_old = Some(now() + Duration::from_secs(7 * 86_400));
    let hash = TokenHash::of(b"new");
    draft.make("a", &Change::NewToken { hash, label: None, expires: None, keep_old }).unwrap();
    let tokens = &draft.law().users.get("a").unwrap().tokens;
    let tomorrow = now() + Duration::from_secs(86_400);
    assert_eq!((tokens[0].label.as_deref(), tokens[0].expires), (Some("old"), Some(tomorrow)), "{}", draft.text());
    assert_eq!((tokens[1].hash, tokens[1].expires), (hash, None));
}

#[test]
fn the_heading_stays_where_a_user_is_tokens_alone() {
    let text =
        "[users.a]\napi_access = false\n\n# Others\n\n# Of b.\n[[users.b.tokens]]\nhash = \"@1@\"\n\n# The end.\n";
    let place = Place::new("access.toml", text);
    let after = place.after("b", &[Change::Remove]);
    assert_eq!(after, "[users.a]\napi_access = false\n\n# Others\n\n# The end.\n");
}

#[test]
fn lists_without_a_last_comma_keep_their_comments() {
    let head =
        "[[resources]]\nname = 'A'\npaths = ['/a']\npermissions = { GET = 'a.view', PUT = 'a.edit' }\n[users.a]\n";
    let list = |lines: &str| format!("{head}api_access = false\npermissions = [{lines}]\n");
    for (before, change, after) in [
        ("\n  'a.view', # v\n  'a.edit' # e\n", revoke("a.edit"), "\n  'a.view' # v\n"),
        ("\n  'a.view', # v\n  'a.edit'", revoke("a.edit"), "\n  'a.view' # v\n"),
        ("\n  'a.view', # v\n  'a.edit' # e\n", revoke("a.view"), "\n  'a.edit' # e\n"),
        ("\n  'a.view' # v\n", grant("a.edit"), "\n  'a.view', # v\n  \"a.edit\"\n"),
        ("'a.view'", revoke("a.view"), ""),
        ("", grant("a.view"), "\"a.view\""),
    ] {
        let place = Place::new("access.toml", &list(before));
        assert_eq!(place.after("a", std::slice::from_ref(&change)), list(after), "{before:?} {change:?}");
    }
}
