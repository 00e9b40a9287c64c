//! Portcullis: a reverse-proxy auth gateway.

pub mod demo;
pub mod edge;
pub mod fault;
pub mod policy;
pub mod record;
pub mod settings;
pub mod source;
