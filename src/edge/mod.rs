//! The edge: where bytes become requests.

pub mod devcert;
