//! The users of a snapshot by name, laid out so that finding one of a million touches little memory: its place in the
//! table, the user, its name and its tokens. Each of them is a wait where it is in no cache.

use std::borrow::Borrow;
use std::collections::HashSet;
use std::hash::{BuildHasher, Hash, Hasher};
use std::sync::Arc;

use super::User;

/// All users, and a way to pick one without knowing any.
#[derive(Debug, Default)]
pub(super) struct Table {
    by_name: HashSet<Named>,
    /// The same users, for standing in where there is none.
    all: Box<[Arc<User>]>,
}

impl Table {
    /// Of two with one name the later counts.
    pub(super) fn new(users: Vec<User>) -> Self {
        let mut by_name = HashSet::with_capacity(users.len());
        users.into_iter().for_each(|user| drop(by_name.replace(Named(Arc::new(user)))));
        let all = by_name.iter().map(|Named(user)| Arc::clone(user)).collect();
        Self { by_name, all }
    }

    pub(super) fn get(&self, name: &str) -> Option<&Arc<User>> {
        self.by_name.get(name).map(|Named(user)| user)
    }

    pub(super) fn len(&self) -> usize {
        self.all.len()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &User> {
        self.all.iter().map(|user| &**user)
    }

    /// Does the work of looking for a name, but for the looking.
    pub(super) fn hash(&self, name: &str) -> u64 {
        self.by_name.hasher().hash_one(name)
    }

    /// Some user, always the same for one name; `None` where there are none at all.
    pub(super) fn stand_in(&self, name: &str) -> Option<&User> {
        let place = usize::try_from(self.hash(name)).unwrap_or_default().checked_rem(self.all.len())?;
        self.all.get(place).map(|user| &**user)
    }
}

/// A user that is its own key.
#[derive(Debug)]
struct Named(Arc<User>);

impl Borrow<str> for Named {
    fn borrow(&self) -> &str {
        &self.0.name
    }
}

impl PartialEq for Named {
    fn eq(&self, other: &Self) -> bool {
        self.0.name == other.0.name
    }
}

impl Eq for Named {}

/// As the name alone is hashed, which [`Borrow`] asks for.
impl Hash for Named {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.name.hash(state);
    }
}
