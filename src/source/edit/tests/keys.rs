//! Titles, addresses and passwords.

use super::{Place, TOML, both, changed};
use crate::policy::{PasswordHash, TokenHash};
use crate::source::edit::{Author, Change, Way};

pub(super) fn argon2(which: usize) -> String {
    let salt = ["c2FsdHNhbHRzYWx0", "c2FsdHNhbHRzYWxz"][which];
    format!("$argon2id$v=19$m=19456,t=2,p=1${salt}$aGFzaGhhc2hoYXNoaGFzaA")
}

pub(super) fn bcrypt(which: usize) -> String {
    let prefix = ["$2b$10$", "$2y$11$"][which];
    format!("{prefix}abcdefghijklmnopqrstuuMJ1BGOKS5OAMlsxgvYHpMXlMQPK4Wba")
}

fn title(text: &str) -> Change {
    Change::Title(Some(text.to_owned()))
}

fn addresses(texts: &[&str]) -> Change {
    Change::Addresses(texts.iter().map(|text| (*text).to_owned()).collect())
}

fn panel(which: usize) -> Change {
    Change::Panel(Some(PasswordHash::new(&argon2(which))))
}

#[test]
fn what_is_set_and_taken_out_again_leaves_the_text_as_it_was() {
    for place in both() {
        let before = place.text();
        for (user, changes) in [
            ("amy", vec![addresses(&["10.0.0.0/8", "::1"]), addresses(&[])]),
            ("amy", vec![panel(0), panel(1), Change::Panel(None)]),
            ("two words", vec![Change::Panel(None), Change::Title(None), addresses(&[])]),
        ] {
            assert_eq!(place.after(user, &changes), before, "{user} {changes:?}");
        }
    }
    let inline = Place::new("access.toml", "users.a = { api_access = false } # a\n");
    for change in [title("A"), panel(0), addresses(&["::1"])] {
        let undo = match change {
            Change::Title(_) => Change::Title(None),
            Change::Panel(_) => Change::Panel(None),
            _ => addresses(&[]),
        };
        assert_eq!(inline.after("a", &[change, undo]), inline.text());
    }
}

#[test]
fn a_key_that_is_set_changes_its_own_line() {
    let place = Place::new("access.toml", TOML);
    let before = place.text();
    let mine = &["title       = \"Warehouse\"   # who it is"][..];
    for (change, gone, come) in [
        (title("Depot"), mine, &["title       = \"Depot\"   # who it is"][..]),
        (title("Warehouse"), &[], &[]),
        (Change::Title(None), mine, &[]),
        (addresses(&["10.0.0.0/8", "::1"]), &[], &["addresses = [\"10.0.0.0/8\", \"::1\"]"]),
        (addresses(&["10.0.0.0/8", "10.0.0.0/8"]), &[], &["addresses = [\"10.0.0.0/8\"]"]),
    ] {
        let after = place.after("amy", std::slice::from_ref(&change));
        let lines = |lines: &[&str]| lines.iter().map(|line| (*line).to_owned()).collect::<Vec<_>>();
        assert_eq!(changed(&before, &after), (lines(gone), lines(come)), "{change:?}\n{after}");
    }
    for place in both() {
        let mut draft = place.draft();
        assert!(draft.make("bob", &panel(0)).unwrap());
        assert!(!draft.make("bob", &panel(0)).unwrap(), "it is there already");
        assert_eq!(draft.law().users.get("bob").unwrap().panel, Some(PasswordHash::new(&argon2(0))));
        assert_eq!(draft.changes().to_string(), "bob panel password set");
    }
}

#[test]
fn a_key_goes_with_the_comments_right_above_and_on_its_line() {
    let rest = "api_access = false\n# The end.\n";
    for (before, after) in [
        ("[users.a]\ntitle = 'A'\n", "[users.a]\n"),
        ("[users.a]\n# Who it is,\n  # in words.\n  title = 'A' # so\n", "[users.a]\n"),
        (
            "# Of a.\n[users.a]\n\n# About all of it.\n\n# Who.\ntitle = 'A'\n",
            "# Of a.\n[users.a]\n\n# About all of it.\n\n",
        ),
        ("[users.a]\ntitle = '''\n# no comment\n'''\n", "[users.a]\n"),
        ("[users.a]\npermissions = [\n  # none\n]\n# Who.\ntitle = 'A'\n", "[users.a]\npermissions = [\n  # none\n]\n"),
        ("users.a.title = 'A'\nusers.a.", "users.a."),
        ("[users]\na.roles = []\n# Who.\na.title = 'A'\na.", "[users]\na.roles = []\na."),
    ] {
        let place = Place::new("access.toml", &format!("{before}{rest}"));
        assert_eq!(place.after("a", &[Change::Title(None)]), format!("{after}{rest}"), "{before}");
    }
    let text =
        "[users.a]\napi_access = false\ntokens = ['@1@'] # one\nrate_limit = '1/hour'\ntitle = \"\"\"\n# A\"\"\"\n";
    let place = Place::new("access.toml", &format!("{text}panel = '{}'\n", argon2(0)));
    assert_eq!(place.after("a", &[Change::Panel(None)]), super::filled(text), "a text that ends like a comment stays");
    let last = Place::new("access.toml", "[users.a]\napi_access = false\ntitle = 'A'");
    assert_eq!(last.after("a", &[Change::Title(None)]), "[users.a]\napi_access = false");
}

#[test]
fn a_key_between_braces_goes_with_its_comma() {
    for (before, after) in [
        ("{ title = 'A', api_access = true }", "{ api_access = true }"),
        ("{ api_access = true, title = 'A' }", "{ api_access = true }"),
        ("{api_access=true,title='A',roles=[]}", "{api_access=true,roles=[]}"),
        ("{\n  api_access = true, # on\n  title = 'A', # who\n}", "{\n  api_access = true, # on\n}"),
        ("{\n  title = 'A', # who\n  api_access = true # on\n}", "{\n  api_access = true # on\n}"),
    ] {
        let place = Place::new("access.toml", &format!("[users]\na = {before} # a\n"));
        assert_eq!(place.after("a", &[Change::Title(None)]), format!("[users]\na = {after} # a\n"), "{before}");
    }
}

#[test]
fn addresses_that_stay_keep_their_place_and_comment() {
    let list = |lines: &str| format!("[users.a]\napi_access = false\naddresses = [{lines}] # from\n");
    let before = "\n  \"10.0.0.0/8\", # the office\n  \"192.0.2.7\", # home\n";
    for (wanted, after) in [
        (&["192.0.2.7", "10.0.0.0/8"][..], before),
        (&["192.0.2.7"], "\n  \"192.0.2.7\", # home\n"),
        (&["10.0.0.0/8", "::1"], "\n  \"10.0.0.0/8\", # the office\n  \"::1\",\n"),
        (&["::1"], "\n  \"::1\",\n"),
    ] {
        let place = Place::new("access.toml", &list(before));
        assert_eq!(place.after("a", &[addresses(wanted)]), list(after), "{wanted:?}");
    }
    for place in both() {
        let error = place.draft().make("bob", &addresses(&["10.0.0.1/8"])).unwrap_err().to_string();
        assert!(error.contains("10.0.0.0/8"), "{error}");
    }
}

#[test]
fn a_password_takes_the_place_of_the_one_before_and_tokens_stay() {
    let import = |which| Change::ImportPassword(PasswordHash::new(&bcrypt(which)));
    for place in both() {
        for (user, token) in [("amy", Some("one")), ("two words", Some("two")), ("bob", None)] {
            let mut draft = place.draft();
            for which in [0, 1, 1] {
                let before = draft.text();
                let changed = draft.make(user, &import(which)).unwrap();
                assert_eq!(changed, draft.text() != before, "{user}");
                let stored = draft.law().users.get(user).unwrap();
                assert_eq!(stored.password, Some(PasswordHash::new(&bcrypt(which))));
                let tokens: Vec<_> = stored.tokens.iter().map(|token| token.hash).collect();
                assert_eq!(tokens, token.map(|token: &str| TokenHash::of(token.as_bytes())).as_slice());
            }
            assert!(!draft.make(user, &import(1)).unwrap(), "{user} has it already");
        }
    }
}

#[test]
fn many_changes_are_judged_together() {
    for place in both() {
        let mut draft = place.draft();
        let (add, allow) = (Change::Add { title: None }, Change::Access(true));
        let password = Change::ImportPassword(PasswordHash::new(&bcrypt(0)));
        let names: Vec<_> = (0..50).map(|number| format!("u{number}")).collect();
        let changes: Vec<_> =
            names.iter().flat_map(|name| [&add, &password, &allow].map(|change| (name.as_str(), change))).collect();
        assert!(draft.make_all(&changes).unwrap());
        assert!(names.iter().all(|name| draft.law().users.get(name).unwrap().api_access));
        assert_eq!(draft.law().users.len(), 53);
        // One that may not be, and none is made.
        let before = draft.text();
        for (user, change) in [("u7", &add), ("nobody", &allow)] {
            assert!(draft.make_all(&[("new", &add), (user, change)]).is_err());
            assert_eq!(draft.text(), before);
        }
    }
}

#[test]
fn the_version_is_of_what_was_read() {
    for place in both() {
        let (mut draft, version) = (place.draft(), place.draft().version());
        draft.make("amy", &Change::Access(false)).unwrap();
        assert_eq!((draft.version(), version.len()), (version.clone(), 64));
        assert_eq!(draft.changes().to_string(), "amy api access off");
        let by = Author { way: Way::Command, who: "root".to_owned(), from: None };
        assert_eq!(draft.save(&by).unwrap().unwritten, None);
        assert_ne!(place.draft().version(), version);
    }
}
