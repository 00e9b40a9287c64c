//! The users of a snapshot, and the one way from [`Credentials`] to an [`Identity`].
//!
//! Every path through [`Users::authenticate`] does the same work for every user name: one hash of the secret, a fixed
//! number of comparisons and, where the document holds passwords at all, one password verification. What a client can
//! time depends on what it sent and on the document, never on whether a name exists (CVE-2026-41263, CVE-2026-88010).

mod decoys;
mod name;
mod sign_in;
mod table;

use std::fmt;
use std::hint::black_box;
use std::mem::offset_of;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::SystemTime;

use http::HeaderValue;
use subtle::{Choice, ConditionallySelectable};

use super::permission::{Grant, PermissionSet};
use super::rate::Rate;
use super::token::{PasswordHash, Token, TokenHash, Tokens, VerifyPassword};
use super::{Network, RoleId};
use decoys::Decoys;
pub use name::Name;
pub use sign_in::SignIn;
use table::Table;

/// Comparisons made for every attempt, whatever the user holds: two live tokens are the usual most.
const COMPARISONS: usize = 2;

/// One user of the access document. What a request asks of it is in front, and in this order, for where there are many
/// users each line of memory is a wait: with the two counts of its [`Arc`] before it, all of it lies in two.
#[derive(Debug)]
#[repr(C)]
pub struct User {
    /// The name that credentials carry.
    pub name: Name,
    /// Shared with whoever holds the same by the same role, so that it stays in a cache.
    pub(super) held: Arc<PermissionSet>,
    /// From where this user may come; empty for anywhere.
    pub networks: Box<[Network]>,
    /// The tick box: "Yes, allow this user to use the API".
    pub api_access: bool,
    /// How many requests this user may make; `None` for what the settings say.
    pub rate_limit: Option<Rate>,
    /// The tokens, as hashes.
    pub tokens: Tokens,
    /// A password brought along from elsewhere, accepted in place of a token.
    pub password: Option<PasswordHash>,
    /// The password for the control panel.
    pub panel: Option<PasswordHash>,
    /// What a person calls this user.
    pub title: Option<Box<str>>,
    /// The roles held.
    pub roles: Box<[RoleId]>,
    /// Permissions granted directly.
    pub grants: Box<[Grant]>,
}

/// What each request looks at lies in two lines of memory of 64 bytes. The first begins with the counts of the [`Arc`],
/// for with them a user takes up what jemalloc gives out at multiples of 256.
#[cfg(target_pointer_width = "64")]
const _: () = {
    let counts = 2 * size_of::<usize>();
    assert!(counts + size_of::<User>() > 224 && counts + size_of::<User>() <= 256);
    assert!(counts + offset_of!(User, api_access) == 64 && counts + offset_of!(User, tokens) == 80);
    assert!(offset_of!(Token, expires) + size_of::<Option<SystemTime>>() == 48);
    assert!(size_of::<Tokens>() == size_of::<Token>());
};

impl User {
    /// Whether this user may come from an address.
    #[must_use]
    pub fn may_come_from(&self, address: IpAddr) -> bool {
        self.networks.is_empty() || self.networks.iter().any(|network| network.contains(address))
    }
}

/// What a client claims to be. The secret is wiped from memory when this is dropped by the gate's own type.
pub struct Credentials<'a> {
    /// The user name.
    pub name: &'a str,
    /// The token or password.
    pub secret: &'a [u8],
    /// Where the request came from.
    pub address: IpAddr,
}

impl fmt::Debug for Credentials<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").field("name", &self.name).finish_non_exhaustive()
    }
}

/// Who a request is proved to come from. Only [`Users::authenticate`] makes one, and for the control panel
/// [`Users::sign_in`].
///
/// It cannot be forged:
/// ```compile_fail
/// use portcullis::policy::Identity;
/// fn forge(user: std::sync::Arc<portcullis::policy::User>) -> Identity {
///     Identity { user, proof: todo!(), address: "127.0.0.1".parse().unwrap() }
/// }
/// ```
/// Reading one is free to all:
/// ```
/// use portcullis::policy::Identity;
/// fn name(identity: &Identity) -> &str {
///     &identity.user().name
/// }
/// ```
#[derive(Clone, Debug)]
pub struct Identity {
    user: Arc<User>,
    proof: Proof,
    address: IpAddr,
}

/// What the identity was proved with, so that a later snapshot can be asked whether it still counts.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Proof {
    Token(TokenHash),
    Password(PasswordHash),
    /// The password for the control panel. It opens nothing of the API.
    Panel(PasswordHash),
}

impl Identity {
    /// The user.
    #[must_use]
    pub fn user(&self) -> &User {
        &self.user
    }

    /// Where the request came from.
    #[must_use]
    pub fn address(&self) -> IpAddr {
        self.address
    }

    /// The token that it was proved with; `None` for a password.
    #[must_use]
    pub fn token(&self) -> Option<TokenHash> {
        match self.proof {
            Proof::Token(hash) => Some(hash),
            Proof::Password(_) | Proof::Panel(_) => None,
        }
    }

    /// The user name as a header value for the upstream. There is one, for a user is made of no other name. It is not
    /// kept: the name has just been read, and what is made of it once for all would have to come from memory too.
    #[must_use]
    pub fn header(&self) -> Option<HeaderValue> {
        HeaderValue::from_bytes(self.user.name.as_bytes()).ok()
    }
}

/// Why presented credentials prove nothing. For the log only: the client sees one 401 for all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// No such user.
    UnknownUser,
    /// The secret is none of this user's.
    WrongToken,
    /// The token was right, and has expired.
    ExpiredToken,
    /// The secret was right, and this user's API access is off.
    NoApiAccess,
}

/// What presented credentials come to.
#[derive(Debug)]
pub enum Authentication {
    /// Proved by a token.
    Proven(Identity),
    /// Proved to be nobody.
    Refused(Refusal),
    /// No token matched; a password has yet to be verified, off the request's thread.
    Costly(PasswordCheck),
}

/// A password verification that is still to be done, for a real user or for a decoy of the same cost.
#[derive(Debug)]
pub struct PasswordCheck {
    stored: PasswordHash,
    address: IpAddr,
    /// The user if the stored hash is really theirs.
    user: Result<Arc<User>, Refusal>,
}

impl PasswordCheck {
    /// The hash that is going to be verified.
    #[must_use]
    pub fn stored(&self) -> &PasswordHash {
        &self.stored
    }

    /// Verifies, which takes milliseconds, and says who it proves.
    ///
    /// # Errors
    /// The [`Refusal`], for the log.
    pub fn run(self, verifier: &impl VerifyPassword, secret: &[u8]) -> Result<Identity, Refusal> {
        let matched = verifier.verify(&self.stored, secret);
        let user = self.user?;
        match (matched, user.api_access) {
            (false, _) => Err(Refusal::WrongToken),
            (true, false) => Err(Refusal::NoApiAccess),
            (true, true) => Ok(Identity { user, proof: Proof::Password(self.stored), address: self.address }),
        }
    }
}

/// All users of a snapshot, by name.
#[derive(Debug, Default)]
pub struct Users {
    table: Table,
    /// One password hash for each cost in use, verified in place of those that names without a password do not have.
    decoys: Decoys,
    /// The same for the control panel.
    panel_decoys: Decoys,
}

impl Users {
    /// Gathers users; of two with one name the later counts, so the reader of the document refuses duplicates first.
    #[must_use]
    pub fn new(users: Vec<User>) -> Self {
        let decoys = Decoys::of(users.iter().filter_map(|user| user.password.as_ref()));
        let panel_decoys = Decoys::of(users.iter().filter_map(|user| user.panel.as_ref()));
        Self { table: Table::new(users), decoys, panel_decoys }
    }

    /// Finds a user by name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&User> {
        self.table.get(name).map(|user| &**user)
    }

    /// How many users there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.table.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// All users, in no order.
    pub fn iter(&self) -> impl Iterator<Item = &User> {
        self.table.iter()
    }

    /// Judges presented credentials. `now` decides about expiry.
    #[must_use]
    pub fn authenticate(&self, presented: &Credentials<'_>, now: SystemTime) -> Authentication {
        let digest = TokenHash::of(presented.secret);
        let user = self.table.get(presented.name);
        let tokens = user.map_or(&[][..], |user| &user.tokens);
        let token = matching(tokens, &digest);
        if !(token.is_some_and(|token| !token.expired(now)) && user.is_some_and(|user| user.api_access)) {
            self.even_out(presented.name, &digest, user);
        }
        match (token, user) {
            (Some(token), Some(user)) if token.expired(now) => self.costly(presented, user, Refusal::ExpiredToken),
            (Some(_), Some(user)) if !user.api_access => self.costly(presented, user, Refusal::NoApiAccess),
            (Some(token), Some(user)) => Authentication::Proven(Identity {
                user: Arc::clone(user),
                proof: Proof::Token(token.hash),
                address: presented.address,
            }),
            (None, Some(user)) => self.costly(presented, user, Refusal::WrongToken),
            (_, None) => self.decoy(presented, Refusal::UnknownUser),
        }
    }

    /// Whether the same credentials prove the same users under this snapshot as under another.
    #[must_use]
    pub fn same_credentials(&self, other: &Self) -> bool {
        let same = |user: &User, old: &User| {
            let tokens = user.tokens.iter().map(proof).eq(old.tokens.iter().map(proof));
            let passwords = user.password == old.password && user.panel == old.panel;
            tokens && passwords && user.api_access == old.api_access
        };
        self.len() == other.len() && self.iter().all(|user| other.get(&user.name).is_some_and(|old| same(user, old)))
    }

    /// Whether what proved an identity, under an older snapshot, would prove it under this one.
    #[must_use]
    pub fn still_proves(&self, identity: &Identity, now: SystemTime) -> Option<Identity> {
        let user = self.table.get(&identity.user.name)?;
        let holds = match &identity.proof {
            // See `still_signed_in`.
            Proof::Panel(_) => false,
            _ if !user.api_access => false,
            Proof::Token(hash) => user.tokens.iter().any(|token| token.hash == *hash && !token.expired(now)),
            Proof::Password(stored) => user.password.as_ref() == Some(stored),
        };
        holds.then(|| Identity { user: Arc::clone(user), ..identity.clone() })
    }

    /// What a refusal has yet to do, so that it has done the same for every name. One that is known was found, and its
    /// user was fetched from memory; now one is looked for that nobody has. One that is unknown was looked for, and now
    /// another user is found in its place. That took 70 ns, which can be measured from the same machine, and several times
    /// as long where there are too many users for a cache. There it counts, too, what has to wait for what: either way
    /// each fetch but one says where the next one is.
    fn even_out(&self, name: &str, digest: &TokenHash, known: Option<&Arc<User>>) {
        // The user's own name is the same one.
        let hash = self.table.hash(known.map_or(name.as_bytes(), |user| user.name.as_bytes()));
        let stand_in = self.table.stand_in(name, hash);
        let user = match stand_in.filter(|_| known.is_none()) {
            Some(user) => self.table.find(black_box(user.name.as_bytes())),
            // What nobody is called, and other bytes for each name, so that each is looked for in a place of its own.
            None => {
                let place = stand_in.map_or(0, |user| std::ptr::from_ref(user).addr() as u64);
                self.table.find(black_box(&(hash ^ place).to_ne_bytes()))
            }
        };
        let tokens = user.map_or(&[][..], |user| &user.tokens);
        black_box(matching(tokens, digest));
    }

    /// The secret is no valid token of this user: is it perhaps the password?
    fn costly(&self, presented: &Credentials<'_>, user: &Arc<User>, refusal: Refusal) -> Authentication {
        match (&user.password, refusal) {
            (Some(stored), Refusal::WrongToken) if !is_generated(presented.secret) => {
                Authentication::Costly(PasswordCheck {
                    stored: stored.clone(),
                    address: presented.address,
                    user: Ok(Arc::clone(user)),
                })
            }
            _ => self.decoy(presented, refusal),
        }
    }

    /// Refuses, but where the document holds passwords only after the work of verifying one. A name always gets the
    /// same decoy, so that repeating a question tells no more than asking it once.
    fn decoy(&self, presented: &Credentials<'_>, refusal: Refusal) -> Authentication {
        match self.decoys.pick(presented.name) {
            None => Authentication::Refused(refusal),
            Some(_) if is_generated(presented.secret) => Authentication::Refused(refusal),
            Some(stored) => Authentication::Costly(PasswordCheck {
                stored: stored.clone(),
                address: presented.address,
                user: Err(refusal),
            }),
        }
    }
}

/// What counts of a token.
fn proof(token: &Token) -> (TokenHash, Option<SystemTime>) {
    (token.hash, token.expires)
}

/// Whether a secret has the form of a token that Portcullis made. Nobody's password has it, so no password is verified
/// for one: whoever floods the gateway with wrong tokens does not queue up before those who sign in with a password.
fn is_generated(secret: &[u8]) -> bool {
    secret.starts_with(super::token::PREFIX.as_bytes())
}

/// Finds the token whose hash was presented, comparing with at least [`COMPARISONS`] hashes and with all of them.
fn matching<'t>(tokens: &'t [Token], digest: &TokenHash) -> Option<&'t Token> {
    // Nothing is known that hashes to it, and a match behind the user's own tokens would be none.
    let nobody = TokenHash::NOBODY;
    let mut found = 0u64;
    for place in 0..tokens.len().max(COMPARISONS) {
        let stored = tokens.get(place).map_or(&nobody, |token| &token.hash);
        let equal: Choice = digest.matches(stored);
        found.conditional_assign(&(place as u64 + 1), equal);
    }
    let place = usize::try_from(found.checked_sub(1)?).ok()?;
    tokens.get(place)
}
