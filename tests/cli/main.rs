//! The commands, as a shell sees them: arguments, standard streams, exit codes, signals.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail")]

mod answers;
mod containers;
mod demo;
mod files;
mod harness;
mod imports;
#[path = "../kept/mod.rs"]
mod kept;
mod lockout;
mod serve;
mod table;
mod usage;
mod users;
