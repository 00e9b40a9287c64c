//! The gateway from outside: real TLS on one side, an upstream that records every byte on the other.
//!
//! One test binary, so that it is linked once. Every refusal asserts that nothing reached the upstream; every wait has a
//! deadline and no test sleeps to be right.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking; clippy knows that of test functions, not of their helpers"
)]

mod access_matrix;
mod access_table;
mod answers;
mod audit;
mod clear_text;
mod continues;
mod credentials;
mod failures;
mod floods;
mod framing;
mod from_upstream;
mod harness;
mod headers;
mod hsts;
mod http1;
mod http2;
#[path = "../kept/mod.rs"]
mod kept;
mod large;
mod law;
mod limits;
mod lockout;
mod rates;
mod readers;
mod refusals;
mod streams;
mod transparency;
mod vectors;
