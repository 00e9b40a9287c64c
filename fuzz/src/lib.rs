//! What the fuzz targets have in common: references to compare the gateway with, and the two ends that they play.

pub mod basic;
pub mod documents;
pub mod names;
pub mod play;
pub mod readers;
pub mod rfc9112;
pub mod routes;

use std::time::{Duration, SystemTime};

use portcullis::source::document::{Format, Law, read};

/// The same moment in every run: the first of December 2026.
pub fn now() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_796_083_200)
}

/// The law of a document that has no fault.
pub fn law(text: &str) -> Law {
    read("access.toml", text, Format::Toml, now()).unwrap_or_else(|faults| panic!("{faults}"))
}
