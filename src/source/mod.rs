//! Where the law comes from: the access document, read, watched and published.
//!
//! Files are read in [`mod@file`] and watched in [`watch`]. A document's text becomes a checked law, or every fault in it,
//! in [`document`]; [`schema`] describes it to editors. [`reload`] puts it in force again and again, [`diff`] says what
//! changed, and what is in force is found in [`live`]. The certificates of the gateway are reloaded by the same loop, which
//! therefore knows nothing of what it loads. [`mint`] makes the tokens whose hashes a document holds and [`password`] the
//! hashes of passwords, [`edit`] changes a document in its file, and [`import`] reads what other programs wrote.

pub mod diff;
pub mod document;
pub mod edit;
pub mod file;
pub mod import;
pub mod live;
pub mod mint;
pub mod password;
pub mod reload;
pub mod schema;
pub mod watch;
