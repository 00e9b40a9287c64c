//! The files a running gateway is made from: the access document, certificates and keys, the upstream's authorities.
//!
//! Loading is the same at start and at a reload. At start a fault ends the start; at a reload the last good stays.

pub(super) mod access;
mod changes;
pub(super) mod tls;
pub(super) mod upstream;

/// Logs what is no fault and yet should be looked at.
fn warn(warnings: impl IntoIterator<Item = String>) {
    for warning in warnings {
        tracing::warn!("{warning}");
    }
}
