//! Access documents in JSON: see `portcullis_fuzz::documents`.
//!
//! Input: a document, in which some signs stand for secrets.

#![no_main]

use libfuzzer_sys::fuzz_target;
use portcullis_fuzz::documents;

fuzz_target!(|text: &str| documents::json(text));
