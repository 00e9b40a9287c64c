//! The two files that the demo's gateway is run on, as text.
//!
//! Called by `portcullis demo`. The templates stand beside this file; what differs from one demo to the next is put in
//! here, and what they mean is not known.

use std::fmt::Display;
use std::net::SocketAddr;

const ACCESS: &str = include_str!("access.toml");
const SETTINGS: &str = include_str!("portcullis.toml");

/// The demo's users, as [`access`] wants their tokens: name and what the template says of them.
pub const USERS: [(&str, &str); 3] =
    [("amy", "views and edits orders, views products"), ("bob", "views products"), ("carol", "may do everything")];

/// Who of them may sign in to the control panel.
pub const PANEL_USER: &str = "carol";

/// The access document, with one token hash for each of [`USERS`], and the hash of [`PANEL_USER`]'s password.
#[must_use]
pub fn access(hashes: &[impl Display; 3], password: &str) -> String {
    let users = USERS.iter().zip(hashes);
    users.fold(ACCESS.replace("@PASSWORD@", password), |text, ((name, _), hash)| {
        text.replace(&format!("@{}@", name.to_uppercase()), &hash.to_string())
    })
}

/// Where the demo's gateway listens, and where the store is.
#[derive(Clone, Copy, Debug)]
pub struct Places {
    /// For requests.
    pub https: SocketAddr,
    /// For the control panel.
    pub panel: SocketAddr,
    /// For those who run it.
    pub ops: SocketAddr,
    /// The store.
    pub store: SocketAddr,
}

/// The settings.
#[must_use]
pub fn settings(places: &Places) -> String {
    let Places { https, panel, ops, store } = *places;
    let values = [("@HTTPS@", https), ("@PANEL@", panel), ("@OPS@", ops), ("@STORE@", store)];
    values.iter().fold(SETTINGS.to_owned(), |text, (mark, value)| text.replace(mark, &value.to_string()))
}

#[cfg(test)]
mod tests {
    use super::{Places, access, settings};

    #[test]
    fn nothing_is_left_to_fill_in() {
        let hashes = ["sha256:a", "sha256:b", "sha256:c"];
        let document = access(&hashes, "$argon2id$");
        assert!(hashes.iter().all(|hash| document.matches(hash).count() == 1), "{document}");
        let [https, panel, ops, store] = [1, 2, 3, 4].map(|port| ([127, 0, 0, 1], port).into());
        let settings = settings(&Places { https, panel, ops, store });
        assert!(!document.contains('@') && !settings.contains('@'), "{document}{settings}");
    }
}
