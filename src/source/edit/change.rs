//! What can be changed, and why it may not be.

use std::fmt;
use std::time::SystemTime;

use crate::fault::nearest;
use crate::policy::{PasswordHash, TokenHash};
use crate::source::document::{Faults, Law};
use crate::source::file::ReadError;

/// A change of the users, in the words of the document.
#[derive(Clone, Debug)]
pub enum Change {
    /// A new user, without API access.
    Add {
        /// What a person calls them.
        title: Option<String>,
    },
    /// No user of this name any more.
    Remove,
    /// The tick box: "Yes, allow this user to use the API".
    Access(bool),
    /// Grants a permission, or an area of them.
    Grant(String),
    /// Takes back what was granted to the user.
    Revoke(String),
    /// Gives a role.
    GiveRole(String),
    /// Takes a role away.
    TakeRole(String),
    /// A new token, and the old ones out.
    NewToken {
        /// What is stored of it.
        hash: TokenHash,
        /// What a person calls it.
        label: Option<String>,
        /// When it ends, as the document writes it.
        expires: Option<String>,
        /// Until when the latest of the old ones goes on to count.
        keep_old: Option<SystemTime>,
    },
    /// What a person calls them, or no title any more.
    Title(Option<String>),
    /// From where the user may come, as networks; from anywhere where there are none.
    Addresses(Vec<String>),
    /// The password for the control panel, an argon2id hash, or none any more.
    Panel(Option<PasswordHash>),
    /// A password brought along from elsewhere, accepted in place of a token and in place of the one before.
    ImportPassword(PasswordHash),
}

/// Why a document cannot be changed like this.
#[derive(Debug)]
pub enum EditError {
    /// It cannot be read.
    Read(ReadError),
    /// It has faults already; these have to go first.
    Faulty(Faults),
    /// The change would give it these.
    Refused(Faults),
    /// It is written in a way that could not be kept; says how.
    Form(String),
    /// There is no such user; with a name that is near.
    NoUser(String, Option<String>),
    /// There is one already.
    UserExists(String),
    /// The gateway would take a document without users for a mistake.
    LastUser(String),
    /// Nobody could change users in the control panel any more.
    LastEditor(String),
    /// The user does not have it; says what.
    NotHeld(String),
}

impl EditError {
    /// That a document does not have a user.
    #[must_use]
    pub fn no_user(law: &Law, name: &str) -> Self {
        let near = nearest(name, law.users.iter().map(|user| &*user.name));
        Self::NoUser(name.to_owned(), near.map(str::to_owned))
    }
}

impl fmt::Display for EditError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Read(error) => error.fmt(f),
            Self::Faulty(faults) | Self::Refused(faults) => faults.fmt(f),
            Self::Form(how) => f.write_str(how),
            Self::NoUser(name, None) => write!(f, "there is no user {name:?}"),
            Self::NoUser(name, Some(near)) => write!(f, "there is no user {name:?}; did you mean {near:?}?"),
            Self::UserExists(name) => write!(f, "there is a user {name:?} already"),
            Self::LastUser(name) => {
                write!(f, "{name:?} is the last user, and a document without users is refused; see allow_no_users")
            }
            Self::LastEditor(name) => write!(
                f,
                "{name:?} is the last who can edit users in the control panel: give somebody else a panel password, \
                 panel.users.view and panel.users.edit first, or edit the document by hand"
            ),
            Self::NotHeld(what) => f.write_str(what),
        }
    }
}

impl std::error::Error for EditError {}
