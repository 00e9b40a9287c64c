mod editor;
mod journal;
mod keys;
mod random;
mod saving;
mod writing;

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use tempfile::TempDir;

use super::{Change, Draft, EditError};
use crate::policy::TokenHash;

/// All the ways in which users, keys and lists can be written, and comments wherever there can be some.
const TOML: &str = r#"# The head.
allow_no_users = false   # odd spacing is kept

[[resources]]
name = 'A'
paths = ["/a"]
permissions = { GET = "a.view", PUT = "a.edit", DELETE = "a.delete" }

[roles]
reader = ["a.view"]  # reads

# ------------------------------------------------
# Users

# Amy is the warehouse.
[users.amy]
title       = "Warehouse"   # who it is
api_access  = true          # the tick box
tokens      = ["@1@"]       # one
permissions = [
    "a.view",     # why she views
    "a.edit",     # why she edits
    # the rest is for the chief
]

# ------------------------------------------------
# Others

# Bob has little.
[users.bob]
api_access = true
permissions = ["a.view", "a.edit"]
roles = [ "reader" ]

[users.'two words']
api_access = false
[[users.'two words'.tokens]]
hash = "@2@"
label = "old"

[[expect]]
request = "GET /a"
decision = "deny"
# The end."#;

const JSON: &str = r#"{
  "resources": [
    { "name": "A", "paths": ["/a"],
      "permissions": { "GET": "a.view", "PUT": "a.edit", "DELETE": "a.delete" } }
  ],
  "roles": { "reader": ["a.view"] },
  "users": {
    "amy": {
      "api_access": true,
      "tokens": ["@1@"],
      "permissions": [
        "a.view",
        "a.edit"
      ]
    },
    "bob": { "api_access": true, "permissions": ["a.view", "a.edit"], "roles": ["reader"] },
    "two words": { "api_access": false, "tokens": [{ "hash": "@2@", "label": "old" }] }
  }
}
"#;

struct Place {
    dir: TempDir,
    path: PathBuf,
}

impl Place {
    fn new(name: &str, text: &str) -> Self {
        let dir = TempDir::new().unwrap();
        let path = dir.path().join(name);
        fs::write(&path, filled(text)).unwrap();
        Self { dir, path }
    }

    fn text(&self) -> String {
        fs::read_to_string(&self.path).unwrap()
    }

    fn draft(&self) -> Draft {
        Draft::open(&self.path, now()).unwrap_or_else(|error| panic!("{error}"))
    }

    /// The text after some changes.
    fn after(&self, user: &str, changes: &[Change]) -> String {
        let mut draft = self.draft();
        for change in changes {
            draft.make(user, change).unwrap_or_else(|error| panic!("{user} {change:?}: {error}"));
        }
        draft.text()
    }
}

fn filled(text: &str) -> String {
    let hash = |secret: &str| TokenHash::of(secret.as_bytes()).to_string();
    text.replace("@1@", &hash("one")).replace("@2@", &hash("two"))
}

/// The first moment of 2026.
fn now() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_767_225_600)
}

fn both() -> [Place; 2] {
    [Place::new("access.toml", TOML), Place::new("access.json", JSON)]
}

fn grant(permission: &str) -> Change {
    Change::Grant(permission.to_owned())
}

fn revoke(permission: &str) -> Change {
    Change::Revoke(permission.to_owned())
}

/// The lines that one text has and the other does not.
fn changed(before: &str, after: &str) -> (Vec<String>, Vec<String>) {
    let missing = |one: &str, other: &str| {
        let there: Vec<_> = other.lines().collect();
        one.lines().filter(|line| !there.contains(line)).map(str::to_owned).collect()
    };
    (missing(before, after), missing(after, before))
}

#[test]
fn what_is_done_and_undone_leaves_the_text_as_it_was() {
    for place in both() {
        let before = place.text();
        for (user, changes) in [
            ("amy", vec![Change::Access(false), Change::Access(true)]),
            ("amy", vec![grant("a.delete"), revoke("a.delete")]),
            ("bob", vec![grant("a.*"), grant("*"), revoke("a.*"), revoke("*")]),
            ("bob", vec![grant("a.edit"), Change::GiveRole("reader".to_owned())]),
            ("two words", vec![Change::Access(true), Change::Access(false)]),
            ("new \"one\"", vec![Change::Add { title: None }, Change::Access(true), Change::Remove]),
        ] {
            assert_eq!(place.after(user, &changes), before, "{user} {changes:?}");
        }
    }
}

#[test]
fn a_change_touches_its_own_line_and_keeps_the_comment_on_it() {
    let place = Place::new("access.toml", TOML);
    let before = place.text();
    for (user, change, gone, come) in [
        (
            "amy",
            Change::Access(false),
            &["api_access  = true          # the tick box"][..],
            &["api_access  = false          # the tick box"][..],
        ),
        ("amy", grant("a.delete"), &[], &["    \"a.delete\","]),
        ("amy", revoke("a.view"), &["    \"a.view\",     # why she views"], &[]),
        ("amy", revoke("a.edit"), &["    \"a.edit\",     # why she edits"], &[]),
        ("bob", revoke("a.view"), &["permissions = [\"a.view\", \"a.edit\"]"], &["permissions = [\"a.edit\"]"]),
        (
            "bob",
            grant("a.delete"),
            &["permissions = [\"a.view\", \"a.edit\"]"],
            &["permissions = [\"a.view\", \"a.edit\", \"a.delete\"]"],
        ),
        ("two words", Change::GiveRole("reader".to_owned()), &[], &["roles = [\"reader\"]"]),
    ] {
        let after = place.after(user, std::slice::from_ref(&change));
        let expected: (Vec<String>, Vec<String>) = (
            gone.iter().map(|line| (*line).to_owned()).collect(),
            come.iter().map(|line| (*line).to_owned()).collect(),
        );
        assert_eq!(changed(&before, &after), expected, "{user} {change:?}\n{after}");
    }
}

#[test]
fn a_user_goes_with_the_comment_above_and_the_heading_stays() {
    let place = Place::new("access.toml", TOML);
    let before = place.text();
    let amy = "# Amy is the warehouse.\n[users.amy]\n";
    let start = before.find(amy).unwrap();
    let end = before.find("\n# ------------------------------------------------\n# Others").unwrap();
    // Her lines, and the empty line above them.
    let without = format!("{}{}", &before[..start - 1], &before[end..]);
    assert_eq!(place.after("amy", &[Change::Remove]), without);
    let (gone, come) = changed(&before, &place.after("two words", &[Change::Remove]));
    assert_eq!((gone.len(), come.len()), (5, 0), "{gone:?}");
    let last =
        Place::new("access.toml", "[users.a]\napi_access = false\n\n# About none.\n\n[users.b]\napi_access = false\n");
    assert_eq!(last.after("b", &[Change::Remove]), "[users.a]\napi_access = false\n\n# About none.\n");
}

#[test]
fn a_new_user_stands_behind_the_others_without_access() {
    let place = Place::new("access.toml", TOML);
    let after = place.after("eve", &[Change::Add { title: Some("An \"app\"".to_owned()) }]);
    let added = "label = \"old\"\n\n[users.eve]\ntitle = 'An \"app\"'\napi_access = false\n\n[[expect]]";
    assert!(after.contains(added), "{after}");
    let empty = Place::new("access.toml", "allow_no_users = true\n");
    assert_eq!(
        empty.after("eve", &[Change::Add { title: None }]),
        "allow_no_users = true\n\n[users.eve]\napi_access = false\n"
    );
    let inline = Place::new("access.toml", "users = { a = { api_access = false } }\n");
    let after = inline.after("b", &[Change::Add { title: None }]);
    assert_eq!(after, "users = { a = { api_access = false }, b = { api_access = false } }\n");
}

#[test]
fn a_new_token_puts_the_old_ones_out_at_once_or_later() {
    let hash = TokenHash::of(b"new");
    let new = |keep_old| Change::NewToken { hash, label: Some("ERP".to_owned()), expires: None, keep_old };
    for place in both() {
        for user in ["amy", "two words"] {
            let mut draft = place.draft();
            draft.make(user, &new(None)).unwrap();
            let tokens = &draft.law().users.get(user).unwrap().tokens;
            assert_eq!(tokens.iter().map(|token| token.hash).collect::<Vec<_>>(), [hash], "{}", draft.text());
            assert_eq!((tokens[0].label.as_deref(), tokens[0].created), (Some("ERP"), Some(now())));

            let until = now() + Duration::from_secs(3600);
            let mut draft = place.draft();
            draft.make(user, &new(Some(until))).unwrap();
            let tokens = &draft.law().users.get(user).unwrap().tokens;
            let kept: Vec<_> = tokens.iter().map(|token| (token.hash == hash, token.expires)).collect();
            assert_eq!(kept, [(false, Some(until)), (true, None)], "{}", draft.text());
            // Of three there are never more than two that count.
            draft
                .make(
                    user,
                    &Change::NewToken { hash: TokenHash::of(b"3"), label: None, expires: None, keep_old: Some(until) },
                )
                .unwrap();
            let tokens = &draft.law().users.get(user).unwrap().tokens;
            assert_eq!(tokens.iter().map(|token| token.hash == hash).collect::<Vec<_>>(), [true, false]);
        }
    }
}

#[test]
fn what_may_not_be_is_not_written() {
    for place in both() {
        let before = place.text();
        for (user, change, said) in [
            ("amx", Change::Access(true), "did you mean \"amy\"?"),
            ("amy", Change::Add { title: None }, "already"),
            ("amy", grant("a.veiw"), "did you mean \"a.view\"?"),
            ("amy", Change::GiveRole("raeder".to_owned()), "did you mean \"reader\"?"),
            ("amy", revoke("a.delete"), "amy is not granted a.delete"),
            ("amy", Change::TakeRole("reader".to_owned()), "does not have the role"),
        ] {
            let error = place.draft().make(user, &change).unwrap_err().to_string();
            assert!(error.contains(said), "{user} {change:?}: {error}");
        }
        let mut draft = place.draft();
        draft.make("bob", &revoke("a.view")).unwrap();
        let error = draft.make("bob", &revoke("a.view")).unwrap_err().to_string();
        assert!(error.contains("by the role reader"), "{error}");
        assert_eq!(place.text(), before);
    }
    let one = Place::new("access.toml", "[users.a]\napi_access = false\n");
    assert!(matches!(one.draft().make("a", &Change::Remove), Err(EditError::LastUser(_))));
}

#[test]
fn what_was_refused_is_not_there_to_be_saved() {
    for place in both() {
        let mut draft = place.draft();
        draft.make("amy", &grant("a.veiw")).unwrap_err();
        assert!(!draft.is_changed());
        draft.make("amy", &Change::Access(false)).unwrap();
        draft.make("amy", &Change::GiveRole("raeder".to_owned())).unwrap_err();
        let expected = place.after("amy", &[Change::Access(false)]);
        assert_eq!(draft.text(), expected);
        assert!(!draft.law().users.get("amy").unwrap().api_access);
    }
}

#[test]
fn users_are_made_in_json_that_has_none() {
    let place = Place::new("access.json", "{\n  \"allow_no_users\": true\n}\n");
    let added = Change::Add { title: Some("An \"app\"".to_owned()) };
    let hash = TokenHash::of(b"new");
    let token = Change::NewToken { hash, label: None, expires: None, keep_old: None };
    let mut draft = place.draft();
    for change in [added, token, Change::Access(true)] {
        draft.make("a \"b\"", &change).unwrap_or_else(|error| panic!("{error}\n{}", draft.text()));
    }
    let user = draft.law().users.get("a \"b\"").unwrap();
    assert_eq!((user.title.as_deref(), user.api_access, user.tokens[0].hash), (Some("An \"app\""), true, hash));
    draft.make("a \"b\"", &Change::Remove).unwrap();
    assert!(draft.law().users.is_empty());
}
