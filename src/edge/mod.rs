//! The edge: where bytes become requests.

pub(crate) mod connection;
pub mod devcert;
mod handshake;
pub(crate) mod listen;
pub(crate) mod ops;
pub(crate) mod sites;
pub(crate) mod tls;
mod watched;
pub(crate) mod worker;
