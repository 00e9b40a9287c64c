//! What is said over the socket for commands: one line of JSON each way.
//!
//! Spoken by `desk` for the gateway, and by `cli` for those who run it.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

/// What a command asks for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Ask {
    /// What lock-out keeps.
    LockoutList {},
    /// Have it forget: everything, what is kept of an address, or of a user from an address.
    LockoutClear { address: Option<IpAddr>, user: Option<String> },
}

/// What the gateway answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Told {
    Listed(Listed),
    Cleared {
        entries: usize,
    },
    /// It cannot be done; says why.
    Refused(String),
}

/// What lock-out keeps.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Listed {
    /// What matters most.
    pub(crate) entries: Vec<Kept>,
    /// How many there are in all.
    pub(crate) total: usize,
}

/// Wrong tries that are counted together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Kept {
    /// An address, or an IPv6 network of 64 bits.
    pub(crate) address: String,
    pub(crate) scope: Scope,
    /// The user; absent for all names of an address, and for a name that no user has.
    pub(crate) user: Option<String>,
    pub(crate) failures: u64,
    /// Until when nothing is verified, RFC 3339 in UTC.
    pub(crate) locked_until: Option<String>,
}

/// Whose tries they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Scope {
    /// Those of an address, for all names.
    Address,
    /// Those for the name of a user.
    User,
    /// Those for a name that no user has. Which one is not kept.
    UnknownName,
}

/// The longest line that is asked with.
pub(crate) const LONGEST_ASK: u64 = 8 * 1024;
