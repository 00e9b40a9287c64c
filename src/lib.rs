//! Portcullis: a reverse-proxy auth gateway.

pub mod policy;
