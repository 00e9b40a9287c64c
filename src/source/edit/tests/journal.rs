//! What is written down of changes, and what is found there.

use std::fs::{self, Permissions};
use std::io::Write as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::time::SystemTime;

use serde_json::{Value, json};

use super::{Place, TOML, now};
use crate::policy::TokenHash;
use crate::source::edit::journal::{Journal, Step, beside};
use crate::source::edit::{Author, Change, Draft, Way};
use crate::source::file::ContentHash;

fn amy() -> Author {
    Author { way: Way::Command, who: "amy\n".to_owned(), from: None }
}

fn lines(place: &Place) -> Vec<Value> {
    let text = fs::read_to_string(beside(&place.path)).unwrap();
    assert!(text.ends_with('\n'), "{text}");
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn hash(text: &str) -> ContentHash {
    ContentHash::of(text.as_bytes())
}

#[test]
fn a_save_says_who_changed_what() {
    let place = Place::new("access.toml", TOML);
    fs::set_permissions(&place.path, Permissions::from_mode(0o644)).unwrap();
    let before = place.text();
    let mut draft = place.draft();
    draft.make("amy", &Change::Access(false)).unwrap();
    draft.make("amy", &Change::Revoke("a.edit".to_owned())).unwrap();
    assert!(draft.save(&amy()).unwrap().unwritten.is_none());
    let between = place.text();
    let mut draft = place.draft();
    let token = TokenHash::of(b"new");
    let new = Change::NewToken { hash: token, label: Some("till".to_owned()), expires: None, keep_old: None };
    draft.make("bob", &new).unwrap();
    let panel = Author { way: Way::Panel, who: "carol".to_owned(), from: Some("192.0.2.7".parse().unwrap()) };
    assert!(draft.save(&panel).unwrap().unwritten.is_none());
    let told = lines(&place);
    let time = told[0]["time"].clone();
    assert!(time.as_str().is_some_and(|time| time.ends_with('Z')), "{time}");
    let steps = [before, between, place.text()].map(|text| hash(&text).to_string());
    assert_eq!(
        told,
        [
            json!({"time": time, "way": "command", "who": "amy\n", "from": null, "before": steps[0], "after": steps[1],
                "changes": "amy -a.edit api access off"}),
            json!({"time": time, "way": "panel", "who": "carol", "from": "192.0.2.7", "before": steps[1],
                "after": steps[2], "changes": "bob +token (till)"}),
        ]
    );
    let path = beside(&place.path);
    assert_eq!(path.file_name().unwrap(), "access.toml.changes.jsonl");
    assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o640, "as the document, and nobody else");
    let text = fs::read_to_string(path).unwrap();
    assert!(!text.contains("sha256") && !text.contains(&token.to_string()[7..23]), "{text}");
}

#[test]
fn a_change_is_made_also_where_the_journal_cannot_be_written() {
    let place = Place::new("access.toml", TOML);
    fs::create_dir(beside(&place.path)).unwrap();
    let mut draft = place.draft();
    draft.make("amy", &Change::Access(false)).unwrap();
    let text = draft.text();
    let why = draft.save(&amy()).unwrap().unwritten.unwrap();
    assert!(why.starts_with(&beside(&place.path).canonicalize().unwrap().display().to_string()), "{why}");
    assert_eq!(place.text(), text);
}

#[test]
fn the_journal_of_a_link_is_beside_what_it_leads_to() {
    let place = Place::new("access.toml", TOML);
    let other = tempfile::tempdir().unwrap();
    let link = other.path().join("link.toml");
    symlink(&place.path, &link).unwrap();
    let mut draft = Draft::open(&link, now()).unwrap();
    draft.make("amy", &Change::Access(false)).unwrap();
    assert!(draft.save(&amy()).unwrap().unwritten.is_none());
    assert_eq!((beside(&link), lines(&place).len()), (beside(&place.path), 1));
    assert_eq!(fs::read_dir(other.path()).unwrap().count(), 1);
}

fn found(before: &str, after: &str) -> Step {
    Step::found(SystemTime::now(), [hash(before), hash(after)], "by hand")
}

#[test]
fn who_made_a_change_is_found_and_what_nobody_made_is_noted_once() {
    let place = Place::new("access.toml", TOML);
    let journal = Journal::open(&place.path).unwrap();
    let made = |before: &str, after: &str| {
        let step = journal.complete(found(before, after)).unwrap();
        (step.way, lines(&place).len())
    };
    let command = Step::by(&amy(), now(), [hash("a"), hash("b")], "amy".to_owned());
    journal.append(&command).unwrap();
    assert_eq!(journal.complete(found("a", "b")).unwrap(), command);
    assert_eq!(made("b", "c"), (Way::File, 2));
    assert_eq!(made("b", "c"), (Way::File, 2), "another gateway has noted it already");
    // Back by hand, and forth by hand: it was not the command this time.
    assert_eq!(made("c", "a"), (Way::File, 3));
    assert_eq!(made("a", "b"), (Way::File, 4));
    // A gateway that was late finds several steps at once.
    journal.append(&Step::by(&amy(), now(), [hash("b"), hash("d")], String::new())).unwrap();
    journal.append(&Step::by(&amy(), now(), [hash("d"), hash("e")], String::new())).unwrap();
    assert_eq!(made("b", "e"), (Way::Command, 6));
    assert_eq!(made("b", "d"), (Way::Command, 6));
}

#[test]
fn a_line_that_broke_off_spoils_no_other() {
    let place = Place::new("access.toml", TOML);
    let journal = Journal::open(&place.path).unwrap();
    journal.append(&found("a", "b")).unwrap();
    fs::OpenOptions::new().append(true).open(beside(&place.path)).unwrap().write_all(b"{\"time\":").unwrap();
    journal.append(&found("b", "c")).unwrap();
    let steps = journal.steps().unwrap();
    assert_eq!(
        steps.iter().map(|step| step.after.clone()).collect::<Vec<_>>(),
        ["b", "c"].map(|t| hash(t).to_string())
    );
}

#[test]
fn what_is_no_file_of_its_own_is_not_written() {
    let place = Place::new("access.toml", TOML);
    let (path, other) = (beside(&place.path), place.dir.path().join("other"));
    fs::write(&other, "theirs").unwrap();
    symlink(&other, &path).unwrap();
    assert!(Journal::open(&place.path).is_err() && Journal::look(&place.path).is_err(), "a link");
    fs::remove_file(&path).unwrap();
    fs::hard_link(&other, &path).unwrap();
    assert!(Journal::open(&place.path).is_err(), "another name of somebody's file");
    fs::remove_file(&path).unwrap();
    symlink(place.dir.path().join("none"), &path).unwrap();
    assert!(
        Journal::open(&place.path).is_err() && !place.dir.path().join("none").exists(),
        "nothing is made elsewhere"
    );
    assert_eq!(fs::read_to_string(&other).unwrap(), "theirs");
}

#[test]
fn a_journal_that_was_moved_away_is_no_longer_it() {
    let place = Place::new("access.toml", TOML);
    let journal = Journal::open(&place.path).unwrap();
    assert!(journal.is_of(&place.path) && journal.path() == beside(&place.path));
    fs::rename(beside(&place.path), place.dir.path().join("old")).unwrap();
    assert!(!journal.is_of(&place.path));
    assert!(Journal::look(&place.path).is_err());
    Journal::open(&place.path).unwrap();
    assert!(!journal.is_of(&place.path) && Journal::look(&place.path).is_ok());
}
