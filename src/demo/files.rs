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

/// The access document, with one token hash for each of [`USERS`].
#[must_use]
pub fn access(hashes: &[impl Display; 3]) -> String {
    let users = USERS.iter().zip(hashes);
    users.fold(ACCESS.to_owned(), |text, ((name, _), hash)| {
        text.replace(&format!("@{}@", name.to_uppercase()), &hash.to_string())
    })
}

/// The settings: where the gateway listens for requests and for those who run it, and where the store is.
#[must_use]
pub fn settings(https: SocketAddr, ops: SocketAddr, store: SocketAddr) -> String {
    let values = [("@HTTPS@", https), ("@OPS@", ops), ("@STORE@", store)];
    values.iter().fold(SETTINGS.to_owned(), |text, (mark, value)| text.replace(mark, &value.to_string()))
}

#[cfg(test)]
mod tests {
    use super::{access, settings};

    #[test]
    fn nothing_is_left_to_fill_in() {
        let hashes = ["sha256:a", "sha256:b", "sha256:c"];
        let document = access(&hashes);
        assert!(hashes.iter().all(|hash| document.matches(hash).count() == 1), "{document}");
        let [https, ops, store] = ["127.0.0.1:1", "127.0.0.1:2", "127.0.0.1:3"].map(|text| text.parse().unwrap());
        let settings = settings(https, ops, store);
        assert!(!document.contains('@') && !settings.contains('@'), "{document}{settings}");
    }
}
