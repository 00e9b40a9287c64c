//! The control panel: as a merchant uses it, in a browser, with the API called in between; and as others would misuse it.
//!
//! Pictures of all pages are left in `target/panel/`, for a person to look at.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that panics fails"
)]

#[path = "../kept/mod.rs"]
mod kept;
#[path = "../process/log.rs"]
#[expect(dead_code, reason = "no test uses all of it")]
mod log;
#[path = "../process/wait.rs"]
#[expect(dead_code, reason = "no test uses all of it")]
mod wait;

mod browser;
mod crowded;
mod forged;
mod greedy;
mod hostile;
mod pages;
mod procedures;
mod scene;
mod signing_in;
mod together;
