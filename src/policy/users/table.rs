//! The users of a snapshot by name, laid out so that finding one of a million touches little memory: its place in the
//! table and the user. Each of them is a wait where it is in no cache.

use std::borrow::Borrow;
use std::collections::HashSet;
use std::hash::{BuildHasher, Hash, Hasher};
use std::sync::Arc;

use super::{Name, User};

/// All users, and a way to pick one without knowing any.
#[derive(Debug, Default)]
pub(super) struct Table {
    by_name: HashSet<Named>,
    /// The same users, for standing in where there is none: those with short names and those with long ones, since the
    /// long ones are a wait more.
    short: Box<[Arc<User>]>,
    long: Box<[Arc<User>]>,
}

impl Table {
    /// Of two with one name the later counts.
    pub(super) fn new(users: Vec<User>) -> Self {
        let mut by_name = HashSet::with_capacity(users.len());
        users.into_iter().for_each(|user| drop(by_name.replace(Named(Arc::new(user)))));
        let all = by_name.iter().map(|Named(user)| Arc::clone(user));
        let (short, long): (Vec<_>, Vec<_>) = all.partition(|user| Name::is_short(&user.name));
        Self { by_name, short: short.into(), long: long.into() }
    }

    pub(super) fn get(&self, name: &str) -> Option<&Arc<User>> {
        self.find(name.as_bytes())
    }

    /// Looks for any bytes.
    pub(super) fn find(&self, name: &[u8]) -> Option<&Arc<User>> {
        self.by_name.get(name).map(|Named(user)| user)
    }

    pub(super) fn len(&self) -> usize {
        self.by_name.len()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &User> {
        self.short.iter().chain(&self.long).map(|user| &**user)
    }

    /// Where a name is looked for.
    pub(super) fn hash(&self, name: &[u8]) -> u64 {
        self.by_name.hasher().hash_one(name)
    }

    /// Some user, always the same for one name and its hash, whose name is short or long as this one is, if there is one;
    /// `None` where there are no users at all. Where the user lies is fetched, and what lies there is not.
    pub(super) fn stand_in(&self, name: &str, hash: u64) -> Option<&User> {
        let (alike, others) = if Name::is_short(name) { (&self.short, &self.long) } else { (&self.long, &self.short) };
        let users = if alike.is_empty() { others } else { alike };
        let place = usize::try_from(hash).unwrap_or_default().checked_rem(users.len())?;
        users.get(place).map(|user| &**user)
    }
}

/// A user that is its own key.
#[derive(Debug)]
struct Named(Arc<User>);

impl Borrow<[u8]> for Named {
    fn borrow(&self) -> &[u8] {
        self.0.name.as_bytes()
    }
}

impl PartialEq for Named {
    fn eq(&self, other: &Self) -> bool {
        self.0.name.as_bytes() == other.0.name.as_bytes()
    }
}

impl Eq for Named {}

/// As the name alone is hashed, which [`Borrow`] asks for.
impl Hash for Named {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.name.as_bytes().hash(state);
    }
}

#[cfg(test)]
mod tests {
    use super::Table;
    use crate::policy::{PolicyBuilder, UserEntry};

    #[test]
    fn names_of_every_length_are_found() {
        let builder = PolicyBuilder::default();
        let names: Vec<_> = (0..60).map(|length| "é".repeat(length)).chain((0..60).map(|n| "x".repeat(n))).collect();
        let user = |name: &String| builder.user(UserEntry { name: name.as_str().into(), ..UserEntry::default() });
        let table = Table::new(names.iter().filter_map(user).collect());
        for name in &names {
            assert_eq!(table.get(name).map(|user| &*user.name), Some(name.as_str()));
            assert!(table.get(&format!("{name}y")).is_none());
        }
        // The empty one is there twice.
        assert_eq!((table.len(), table.iter().count(), names.len()), (119, 119, 120));
    }

    #[test]
    fn who_stands_in_has_a_name_like_it() {
        const SHORT: &str = "nobody";
        const LONG: &str = "somebody with a name that is long";
        let builder = PolicyBuilder::default();
        let table = |names: &[&str]| {
            let user = |name: &&str| builder.user(UserEntry { name: (*name).into(), ..UserEntry::default() });
            Table::new(names.iter().filter_map(user).collect())
        };
        for (names, name, found) in [
            (&[SHORT, LONG][..], "another", Some(SHORT)),
            (&[SHORT, LONG], "another name that is a long one", Some(LONG)),
            // How long it takes must not tell that nobody has a name of that kind.
            (&[SHORT], LONG, Some(SHORT)),
            (&[LONG], SHORT, Some(LONG)),
            (&[], SHORT, None),
        ] {
            let table = table(names);
            for hash in [0, 1, 2, u64::MAX] {
                assert_eq!(table.stand_in(name, hash).map(|user| &*user.name), found, "{name} of {names:?}");
            }
        }
    }
}
