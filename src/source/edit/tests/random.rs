//! Any sequence of changes.

use std::time::Duration;

use super::{Place, both, grant, now, revoke};
use crate::policy::{PasswordHash, TokenHash};
use crate::source::edit::{Change, EditError};

const PERMISSIONS: [&str; 5] = ["a.view", "a.edit", "a.delete", "a.*", "*"];
const ADDRESSES: [&str; 3] = ["10.0.0.0/8", "192.0.2.7", "2001:db8::/32"];

/// A text without what it says of a user.
fn outside(text: &str, user: &str) -> String {
    if let Some(start) = text.find(&format!("\"{user}\": {{")) {
        let mut depth = 0;
        let end = text[start..].find(|c| {
            depth += i32::from(c == '{') - i32::from(c == '}');
            c == '}' && depth == 0
        });
        return format!("{}{}", &text[..start], &text[start + end.unwrap()..]);
    }
    let (mut inside, mut kept) = (false, String::new());
    for line in text.lines() {
        if line == format!("[users.{user}]") {
            inside = true;
        } else if line.is_empty() || line.starts_with('[') {
            inside = false;
        }
        if !inside {
            kept += line;
            kept.push('\n');
        }
    }
    kept
}

/// Numbers that are the same in each run.
struct Dice(u64);

impl Dice {
    fn next(&mut self, most: usize) -> usize {
        // Knuth's MMIX: good enough to mix.
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % most
    }

    fn change(&mut self) -> Change {
        let hash = TokenHash::of(&self.next(usize::MAX).to_le_bytes());
        let kept = Some(now() + Duration::from_secs(60));
        match self.next(14) {
            0 => Change::Access(false),
            1 => Change::Access(true),
            2 => Change::GiveRole("reader".to_owned()),
            3 => Change::TakeRole("reader".to_owned()),
            4 => grant(PERMISSIONS[self.next(5)]),
            5 => revoke(PERMISSIONS[self.next(5)]),
            6 => Change::NewToken { hash, label: None, expires: None, keep_old: None },
            7 => Change::NewToken { hash, label: Some("l".to_owned()), expires: None, keep_old: kept },
            8 => Change::Title(Some(["One", "\"Two\" \\ #2"][self.next(2)].to_owned())),
            9 => Change::Title(None),
            10 => {
                let count = self.next(4);
                Change::Addresses((0..count).map(|_| ADDRESSES[self.next(3)].to_owned()).collect())
            }
            11 => Change::Panel(Some(PasswordHash::new(&super::keys::argon2(self.next(2))))),
            12 => Change::Panel(None),
            _ => Change::ImportPassword(PasswordHash::new(&super::keys::bcrypt(self.next(2)))),
        }
    }
}

fn try_on(place: &Place, dice: &mut Dice) {
    let user = ["amy", "bob"][dice.next(2)];
    let mut draft = place.draft();
    for _ in 0..=dice.next(12) {
        let change = dice.change();
        match draft.make(user, &change) {
            Ok(_) | Err(EditError::NotHeld(_) | EditError::LastEditor(_)) => {}
            Err(error) => panic!("{user} {change:?}: {error}\n{}", draft.text()),
        }
    }
    assert_eq!(outside(&draft.text(), user), outside(&place.text(), user), "{}", draft.text());
}

#[test]
fn any_sequence_of_changes_leaves_what_it_does_not_concern() {
    for place in both() {
        let mut dice = Dice(7);
        (0..100).for_each(|_| try_on(&place, &mut dice));
    }
}
