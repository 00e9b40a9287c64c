//! The edge: where bytes become requests.

mod aside;
pub(crate) mod connection;
pub(crate) mod crowd;
pub mod devcert;
#[cfg(feature = "fuzzing")]
pub(crate) mod fuzzing;
mod handshake;
pub(crate) mod health;
mod http1;
mod http2;
mod idle;
mod key_exchange;
pub(crate) mod listen;
pub(crate) mod ops;
pub(crate) mod panel;
mod shared;
pub(crate) mod sites;
mod socket;
pub(crate) mod tls;
pub(crate) mod worker;
