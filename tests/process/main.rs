//! The built program, run as a process: `portcullis serve` between real clients and an upstream that counts.
//!
//! [`scene`] starts one gateway with its files in a directory of its own, [`upstream`] is what it forwards to,
//! [`client`] and [`load`] are what it serves. The other modules are the tests. Nothing here depends on how fast the
//! machine is: each wait is for a condition, and its deadline is far beyond what a slow machine takes.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "a test ends by panicking, tells its measurements on stderr, and is told by the environment what to run"
)]

mod body;
mod changes;
mod client;
mod clients;
mod confined;
mod crowd;
mod document;
#[path = "../kept/mod.rs"]
mod kept;
mod load;
mod lockout;
mod log;
mod memory;
mod mutual;
mod openssl;
mod python;
mod reload;
mod saves;
mod scene;
mod signals;
mod sites;
mod streams;
mod testssl;
mod tls;
mod upstream;
mod uses;
mod wait;
