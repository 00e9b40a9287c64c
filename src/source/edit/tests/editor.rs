//! Somebody is left who can edit users in the control panel.

use super::{Place, grant, keys, revoke};
use crate::policy::PasswordHash;
use crate::source::edit::{Change, EditError};

const HEAD: &str = "[roles]\nchief = [\"panel.*\"]\n";

fn user(name: &str, panel: bool, rest: &str) -> String {
    let panel = if panel { format!("panel = '{}'\n", keys::argon2(0)) } else { String::new() };
    format!("[users.{name}]\napi_access = false\n{panel}{rest}\n")
}

#[test]
fn the_last_who_can_edit_users_in_the_panel_stays_one() {
    let others =
        user("viewer", true, "permissions = ['panel.users.view']") + &user("chief2", false, "roles = ['chief']");
    for (rest, changes) in [
        ("permissions = ['panel.users.edit']", vec![Change::Remove, Change::Panel(None), revoke("panel.users.edit")]),
        ("permissions = ['*']", vec![Change::Remove, Change::Panel(None), revoke("*")]),
        ("roles = ['chief']", vec![Change::Remove, Change::Panel(None), Change::TakeRole("chief".to_owned())]),
    ] {
        let place = Place::new("access.toml", &format!("{HEAD}{}{others}", user("root", true, rest)));
        for change in changes {
            let mut draft = place.draft();
            let error = draft.make("root", &change).unwrap_err();
            assert!(matches!(&error, EditError::LastEditor(name) if name == "root"), "{change:?} {error}");
            assert!(error.to_string().contains("give somebody else a panel password, panel.users.view and"));
            assert!(!draft.is_changed());
            // With another one it may be.
            draft.make("chief2", &Change::Panel(Some(PasswordHash::new(&keys::argon2(1))))).unwrap();
            draft.make("root", &change).unwrap_or_else(|error| panic!("{change:?} {error}"));
        }
        // What takes nothing from anybody.
        let mut draft = place.draft();
        for (name, change) in [
            ("root", Change::Panel(Some(PasswordHash::new(&keys::argon2(1))))),
            ("root", Change::Access(true)),
            ("viewer", Change::Remove),
            ("chief2", Change::Remove),
        ] {
            draft.make(name, &change).unwrap_or_else(|error| panic!("{name} {change:?} {error}"));
        }
    }
}

#[test]
fn where_nobody_could_edit_users_nobody_has_to() {
    let place =
        Place::new("access.toml", &(user("a", false, "permissions = ['panel.users.edit']") + &user("b", true, "")));
    let mut draft = place.draft();
    draft.make("a", &revoke("panel.users.edit")).unwrap();
    draft.make("b", &Change::Panel(None)).unwrap();
    draft.make("b", &grant("panel.users.edit")).unwrap();
    draft.make("b", &Change::Remove).unwrap();
}

#[test]
fn an_editor_who_would_see_no_users_is_none() {
    let rest = "permissions = ['panel.users.edit', 'panel.users.view']";
    let blind = user("blind", true, "permissions = ['panel.users.edit']");
    let place = Place::new("access.toml", &(user("root", true, rest) + &blind));
    for change in [revoke("panel.users.view"), revoke("panel.users.edit"), Change::Remove] {
        let mut draft = place.draft();
        let error = draft.make("root", &change).unwrap_err();
        assert!(matches!(&error, EditError::LastEditor(name) if name == "root"), "{change:?} {error}");
        draft.make("blind", &grant("panel.users.view")).unwrap();
        draft.make("root", &change).unwrap_or_else(|error| panic!("{change:?} {error}"));
    }
}
