//! Portcullis: a reverse-proxy auth gateway.

pub mod demo;
pub mod edge;
pub mod policy;
