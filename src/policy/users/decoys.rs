//! Stand-ins for passwords that a name does not have, so that it is not known by its time which do.

use sha2::{Digest, Sha256};

use crate::policy::token::PasswordHash;

/// One password hash for each cost in use.
#[derive(Debug, Default)]
pub(super) struct Decoys(Vec<PasswordHash>);

impl Decoys {
    pub(super) fn of<'u>(stored: impl Iterator<Item = &'u PasswordHash>) -> Self {
        let mut decoys: Vec<PasswordHash> = Vec::new();
        for stored in stored {
            if decoys.iter().all(|decoy| decoy.cost() != stored.cost()) {
                decoys.push(stored.clone());
            }
        }
        Self(decoys)
    }

    /// The one for a name, always the same, so that repeating a question tells no more than asking it once. `None` where
    /// nobody has a password, and then without any work.
    pub(super) fn pick(&self, name: &str) -> Option<&PasswordHash> {
        if self.0.is_empty() {
            return None;
        }
        let number = Sha256::digest(name.as_bytes()).iter().fold(0usize, |sum, byte| sum + usize::from(*byte));
        self.0.get(number.checked_rem(self.0.len())?)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{Decoys, PasswordHash};

    #[test]
    fn there_is_one_of_each_cost_and_each_name_keeps_its_own() {
        let stored: Vec<_> = ["$2y$10$aaa", "$2y$10$bbb", "$2y$12$ccc"].into_iter().map(PasswordHash::new).collect();
        let decoys = Decoys::of(stored.iter());
        let names: Vec<_> = (0..100).map(|number| format!("user{number}")).collect();
        let picked: BTreeSet<_> = names.iter().map(|name| decoys.pick(name).unwrap().as_str()).collect();
        assert_eq!(picked, BTreeSet::from(["$2y$10$aaa", "$2y$12$ccc"]));
        assert!(names.iter().all(|name| decoys.pick(name) == decoys.pick(name)));
        assert_eq!(Decoys::default().pick("amy"), None);
    }
}
