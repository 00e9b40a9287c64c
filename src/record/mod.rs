//! What is told about requests: the audit log, one line a request, and the metrics.
//!
//! The gate fills an [`Entry`] and hands it to [`AuditLog::record`] and [`Metrics::record_request`]; `edge`, `source` and
//! the gate count on [`Metrics`] what is no request. This room decides nothing and fails no request: when the disk is
//! full or stuck, lines are lost and counted, and requests go on.

mod entry;
mod histogram;
mod id;
mod json;
mod log;
mod metrics;
#[cfg(test)]
mod sample;
mod words;
mod writer;

pub use entry::{Entry, RequestLine};
pub use id::{RequestId, RequestIds};
pub use log::{AuditHandle, AuditLog, AuditSink, AuditWriter};
pub use metrics::{Metrics, OpenConnection};
pub use words::{Decided, Listener, Reason, Reloaded, Scope, StatusClass, Table};
