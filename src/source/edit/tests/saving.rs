//! What becomes of the file.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

use super::{Place, TOML, both, filled, now, revoke};
use crate::source::edit::journal::{Author, Way};
use crate::source::edit::{Change, Draft, SaveError};

fn carol() -> Author {
    Author { way: Way::Panel, who: "carol".to_owned(), from: Some("192.0.2.7".parse().unwrap()) }
}

#[test]
fn line_ends_and_a_mark_are_kept_and_mixed_ones_are_left_alone() {
    let windows = format!("\u{feff}{}", filled(TOML).replace('\n', "\r\n"));
    let place = Place::new("access.toml", "");
    fs::write(&place.path, &windows).unwrap();
    let after = place.after("amy", &[Change::Access(false)]);
    assert_eq!(after, windows.replace("api_access  = true", "api_access  = false"));
    fs::write(&place.path, windows.replacen("\r\n", "\n", 3)).unwrap();
    let error = Draft::open(&place.path, now()).err().unwrap().to_string();
    assert!(error.contains("line ends of two kinds"), "{error}");
}

#[test]
fn a_save_keeps_mode_and_links_and_leaves_nothing_behind() {
    let place = Place::new("access.toml", TOML);
    fs::set_permissions(&place.path, Permissions::from_mode(0o640)).unwrap();
    let link = place.dir.path().join("link.toml");
    symlink("access.toml", &link).unwrap();
    let before = fs::metadata(&place.path).unwrap();
    let mut draft = Draft::open(&link, now()).unwrap();
    assert!(draft.make("amy", &Change::Access(false)).unwrap() && draft.is_changed());
    let text = draft.text();
    assert!(draft.save(&carol()).unwrap().unwritten.is_none());
    assert_eq!(place.text(), text);
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    let after = fs::metadata(&place.path).unwrap();
    assert_eq!((after.mode(), after.uid(), after.gid()), (before.mode(), before.uid(), before.gid()));
    assert_ne!(after.ino(), before.ino(), "replaced, not overwritten");
    assert_eq!(fs::read_dir(place.dir.path()).unwrap().count(), 3, "document, link and journal");
}

#[test]
fn a_save_in_between_is_not_overwritten() {
    let place = Place::new("access.toml", TOML);
    for rename in [false, true] {
        let mut draft = place.draft();
        draft.make("amy", &Change::Access(false)).unwrap();
        let theirs = format!("{}\n# Somebody else's.{rename}\n", place.text());
        let other = if rename { place.dir.path().join("other") } else { place.path.clone() };
        fs::write(&other, &theirs).unwrap();
        fs::rename(&other, &place.path).unwrap();
        assert!(matches!(draft.save(&carol()), Err(SaveError::Changed { .. })));
        assert_eq!(place.text(), theirs);
    }
    let locked = fs::File::open(&place.path).unwrap();
    locked.lock().unwrap();
    assert!(matches!(place.draft().save(&carol()), Err(SaveError::Busy(_))));
    assert_eq!(fs::read_dir(place.dir.path()).unwrap().count(), 1);
}

#[test]
fn who_saves_second_is_told_what_the_first_changed() {
    for place in both() {
        let text = place.text();
        for (theirs, told) in [
            (text.replace("\"a.delete\"", "\"a.edit\""), "resource A DELETE a.delete → a.edit"),
            (format!("{text}\n"), "only its form or its comments are different"),
            (format!("{text}\n]"), "it has faults now"),
            (place.after("bob", &[Change::Access(false), revoke("a.edit")]), "bob -a.edit api access off"),
        ] {
            let mut draft = place.draft();
            draft.make("amy", &Change::Access(false)).unwrap();
            fs::write(&place.path, &theirs).unwrap();
            let error = draft.save(&carol()).unwrap_err();
            assert!(matches!(&error, SaveError::Changed { changes, .. } if changes == told), "{error}");
            assert!(error.to_string().contains(&format!("({told})")), "{error}");
            assert_eq!(place.text(), theirs);
            fs::write(&place.path, &text).unwrap();
        }
    }
}
