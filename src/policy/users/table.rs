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

    /// Some user whose name is short or long as this one is, always the same for one hash. `None` where nobody has such a
    /// name, and so nobody can be told from a name that is unknown. Where the user lies is fetched, and what lies there
    /// is not.
    pub(super) fn stand_in(&self, name: &str, hash: u64) -> Option<&User> {
        let alike = if Name::is_short(name) { &self.short } else { &self.long };
        let place = usize::try_from(hash).unwrap_or_default().checked_rem(alike.len())?;
        alike.get(place).map(|user| &**user)
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
    use super::{Name, Table};
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
        for name in ["nobody", "somebody with a name that is long"] {
            let stand_ins = (0..200).filter_map(|hash| table.stand_in(name, hash));
            let alike = stand_ins.filter(|user| Name::is_short(&user.name) == Name::is_short(name));
            assert_eq!(alike.count(), 200, "{name}");
        }
    }
}
