//! Permissions: what a resource requires, what a user or role is granted, and sets of them.
//!
//! A required [`Permission`] is one name (`products.edit`). A [`Grant`] may be wider (`products.*`, `*`). Both are
//! compiled at load into a [`PermissionSet`], one bit for each permission that some resource requires, so that deciding
//! costs the same for a user with one grant and with a hundred.

use std::fmt;

/// A permission that a resource requires, such as `products.edit`: two or more words of `a-z 0-9 _ -`, joined by dots.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Permission(Box<str>);

/// Why a text is not a permission or grant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PermissionError {
    /// Something other than words of `a-z 0-9 _ -` joined by dots.
    Form,
    /// `products.*` or `*` where a resource names what it requires.
    Wildcard,
    /// A `*` elsewhere than as the last word.
    InnerWildcard,
    /// `public` and `authenticated` are reserved words.
    Reserved,
}

impl fmt::Display for PermissionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Form => "a permission is words of a-z, 0-9, _ and - joined by dots, such as \"products.edit\"",
            Self::Wildcard => "a wildcard may be granted, never required: name one permission",
            Self::InnerWildcard => "a wildcard stands alone (\"*\") or as the last word (\"products.*\")",
            Self::Reserved => "\"public\" and \"authenticated\" are reserved words, they cannot be granted or combined",
        })
    }
}

impl std::error::Error for PermissionError {}

impl Permission {
    /// Reads the name of a permission.
    ///
    /// # Errors
    /// [`PermissionError`] for wildcards, reserved words and anything else that is not a dotted name.
    pub fn parse(text: &str) -> Result<Self, PermissionError> {
        match text {
            "public" | "authenticated" => Err(PermissionError::Reserved),
            _ if text.contains('*') => Err(PermissionError::Wildcard),
            _ if text.contains('.') && text.split('.').all(is_word) => Ok(Self(text.into())),
            _ => Err(PermissionError::Form),
        }
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a user or role is given: one permission, an area (`products.*`) or everything (`*`).
///
/// ```
/// use portcullis::policy::{Grant, Permission};
///
/// let grant = Grant::parse("products.*").unwrap();
/// assert!(grant.covers(&Permission::parse("products.edit").unwrap()));
/// assert!(!grant.covers(&Permission::parse("products_old.edit").unwrap()));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Grant {
    /// `*`
    All,
    /// `products.*`, kept as `products.` so that it covers whole words only.
    Area(Box<str>),
    /// `products.edit`
    One(Permission),
}

impl Grant {
    /// Reads a grant.
    ///
    /// # Errors
    /// [`PermissionError`] where it is neither a permission nor a wildcard.
    pub fn parse(text: &str) -> Result<Self, PermissionError> {
        if text == "*" {
            return Ok(Self::All);
        }
        if let Some(area) = text.strip_suffix(".*") {
            if area.contains('*') {
                return Err(PermissionError::InnerWildcard);
            }
            if !area.split('.').all(is_word) {
                return Err(PermissionError::Form);
            }
            return Ok(Self::Area(format!("{area}.").into()));
        }
        match Permission::parse(text) {
            Ok(permission) => Ok(Self::One(permission)),
            Err(PermissionError::Wildcard) => Err(PermissionError::InnerWildcard),
            Err(error) => Err(error),
        }
    }

    /// Whether holding this grant satisfies a requirement of `permission`.
    #[must_use]
    pub fn covers(&self, permission: &Permission) -> bool {
        match self {
            Self::All => true,
            Self::Area(prefix) => permission.as_str().starts_with(&**prefix),
            Self::One(one) => one == permission,
        }
    }
}

impl Grant {
    /// Whether whoever holds this grant holds all that the other gives, now and whatever is required one day.
    #[must_use]
    pub fn includes(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::All, _) => true,
            (Self::Area(mine), Self::Area(theirs)) => theirs.starts_with(&**mine),
            (_, Self::One(permission)) => self.covers(permission),
            (Self::Area(_) | Self::One(_), _) => false,
        }
    }
}

impl fmt::Display for Grant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str("*"),
            Self::Area(prefix) => write!(f, "{prefix}*"),
            Self::One(permission) => permission.fmt(f),
        }
    }
}

/// What one method of a resource asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Requirement {
    /// No credentials are asked for.
    Public,
    /// Any user with API access.
    Authenticated,
    /// All of these, by their place in the policy's list of permissions.
    All(Box<[PermissionId]>),
}

/// A permission's place in the policy's list. Only a policy makes one, so it always names a permission of that policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PermissionId(pub(super) u32);

/// A set of the permissions that some resource requires, one bit each.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct PermissionSet(Box<[u64]>);

impl PermissionSet {
    /// The members of `all` that any of `grants` covers. Most grants name one permission, so `find` looks that up: a
    /// large document has more grants than could each be compared with every permission.
    pub(super) fn compile(
        all: &[Permission],
        find: impl Fn(&Permission) -> Option<PermissionId>,
        grants: &[Grant],
    ) -> Self {
        let mut set = Self(vec![0; all.len().div_ceil(64)].into());
        for grant in grants {
            match grant {
                Grant::One(permission) => find(permission).into_iter().for_each(|id| set.insert(id)),
                Grant::All | Grant::Area(_) => {
                    let covered = (0..).zip(all).filter(|(_, permission)| grant.covers(permission));
                    covered.for_each(|(place, _)| set.insert(PermissionId(place)));
                }
            }
        }
        set
    }

    fn insert(&mut self, id: PermissionId) {
        let place = id.0 as usize;
        if let Some(word) = self.0.get_mut(place / 64) {
            *word |= 1 << (place % 64);
        }
    }

    /// The members of either set of one policy.
    pub(super) fn union(&self, other: &Self) -> Self {
        let longer = self.0.len().max(other.0.len());
        let word = |set: &Self, place: usize| set.0.get(place).copied().unwrap_or(0);
        Self((0..longer).map(|place| word(self, place) | word(other, place)).collect())
    }

    pub(super) fn contains(&self, id: PermissionId) -> bool {
        let place = id.0 as usize;
        self.0.get(place / 64).is_some_and(|word| word & (1 << (place % 64)) != 0)
    }
}

fn is_word(word: &str) -> bool {
    !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'_' | b'-'))
}

#[cfg(test)]
mod tests {
    use super::{Grant, Permission, PermissionError, PermissionId, PermissionSet};

    #[test]
    fn names_are_dotted_words() {
        for good in ["products.view", "panel.users.edit", "gift_certificates.view", "a-b.c1"] {
            assert_eq!(Permission::parse(good).unwrap().as_str(), good);
        }
        for bad in ["", "products", ".view", "products.", "Products.view", "products..view", "a b.c", "ä.b"] {
            assert_eq!(Permission::parse(bad), Err(PermissionError::Form), "{bad}");
        }
        for wild in ["*", "products.*"] {
            assert_eq!(Permission::parse(wild), Err(PermissionError::Wildcard), "{wild}");
        }
        assert_eq!(Permission::parse("public"), Err(PermissionError::Reserved));
    }

    #[test]
    fn grants_cover_whole_words() {
        let edit = Permission::parse("products.edit").unwrap();
        for (grant, covers) in [
            ("*", true),
            ("products.*", true),
            ("products.edit", true),
            ("products.view", false),
            ("product.*", false),
            ("products.edit.*", false),
        ] {
            assert_eq!(Grant::parse(grant).unwrap().covers(&edit), covers, "{grant}");
        }
        for bad in ["**", "*.view", "pro*", "products.*.x", ".*"] {
            assert!(Grant::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn who_holds_an_area_holds_what_is_in_it() {
        for (mine, theirs, includes) in [
            ("*", "*", true),
            ("*", "a.*", true),
            ("a.*", "a.b.*", true),
            ("a.*", "a.b", true),
            ("a.b", "a.b", true),
            ("a.*", "*", false),
            ("a.b.*", "a.*", false),
            ("a.*", "ab.*", false),
            ("a.b", "a.*", false),
            ("a.b", "a.c", false),
        ] {
            assert_eq!(
                Grant::parse(mine).unwrap().includes(&Grant::parse(theirs).unwrap()),
                includes,
                "{mine} {theirs}"
            );
        }
    }

    #[test]
    fn sets_hold_more_than_one_word_of_bits() {
        let all: Vec<_> = (0..130).map(|n| Permission::parse(&format!("p.n{n}")).unwrap()).collect();
        let find = |one: &Permission| (0..).zip(&all).find(|(_, other)| *other == one).map(|(n, _)| PermissionId(n));
        for (grants, members) in [
            (vec!["p.n0", "p.n64", "p.n129", "p.n130"], vec![0, 64, 129]),
            (vec!["p.*"], (0..130).collect()),
            (vec!["q.*", "p.n1"], vec![1]),
            (vec!["p.n1", "*"], (0..130).collect()),
            (vec![], vec![]),
        ] {
            let grants: Vec<_> = grants.into_iter().map(|grant| Grant::parse(grant).unwrap()).collect();
            let set = PermissionSet::compile(&all, find, &grants);
            let held: Vec<u32> = (0..140).filter(|n| set.contains(PermissionId(*n))).collect();
            assert_eq!(held, members, "{grants:?}");
        }
    }
}
