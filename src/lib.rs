//! Portcullis: a reverse-proxy auth gateway.
//!
//! It stands in front of an HTTP API that cannot be changed. It ends TLS, asks for HTTP Basic credentials, looks up
//! which permission the request's path and method need, and forwards only what is permitted.

pub mod demo;
pub mod edge;
pub mod fault;
pub mod policy;
pub mod settings;
pub mod source;
