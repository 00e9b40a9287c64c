//! What is told about requests and changes: the audit log, one line each, the metrics, and what is kept in memory for the
//! control panel: the latest refusals and changes ([`Recent`]), and when each token was last used ([`LastUse`]).
//!
//! The gate fills an [`Entry`] and hands it to [`AuditLog::record`] and [`Metrics::record_request`]; `edge`, `source` and
//! the gate count on [`Metrics`] what is no request. This room decides nothing and fails no request: when the disk is
//! full or stuck, lines are lost and counted, and requests go on.

mod change;
mod entry;
mod histogram;
mod id;
mod json;
mod last_use;
mod log;
mod metrics;
mod recent;
#[cfg(test)]
mod sample;
mod stamp;
mod words;
mod writer;

pub use change::{Change, Outcome};
pub use entry::{Entry, RequestLine};
pub use id::{RequestId, RequestIds};
pub use last_use::{AsItIs, LastUse, Marks, StateError, StateFile, TokenUses};
pub use log::{AuditHandle, AuditLog, AuditSink, AuditWriter};
pub use metrics::{Metrics, OpenConnection};
pub use recent::{Recent, Refusal};
pub use stamp::Stamps;
pub use words::{Decided, Listener, Reason, Reloaded, Scope, StatusClass, Table};
