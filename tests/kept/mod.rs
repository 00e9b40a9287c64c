//! What the program printed while the tests ran, and the secrets that they used, kept for `tests/leaks` to compare.
//!
//! Shared by all tests that run a gateway or a command. They go below the directory that `PORTCULLIS_TEST_KEPT` names,
//! which `tests/run` sets; without it nothing is kept.

#![allow(dead_code, reason = "no test uses all of it")]

use std::collections::BTreeSet;
use std::fs::{File, create_dir_all};
use std::io::Write;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Shorter ones stand in ordinary text by chance.
const SHORTEST: usize = 8;

/// The secrets that this process has kept.
static KNOWN: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

/// Keeps what was printed. `by` says what printed it, such as `cli-demo-out`; exceptions are made for it.
pub(crate) fn printed(by: &str, text: &str) {
    if let Some(mut file) = (!text.is_empty()).then(|| place("printed", by)).flatten() {
        file.write_all(text.as_bytes()).expect("what is printed can be kept");
    }
}

/// A file for what is going to be printed.
pub(crate) fn printing(by: &str) -> Option<File> {
    place("printed", by)
}

/// Keeps a token, a password or the like, once.
pub(crate) fn secret(text: &str) {
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    let new = text.len() >= SHORTEST && known.insert(text.to_owned());
    drop(known);
    if let Some(mut file) = new.then(|| place("secrets", "test")).flatten() {
        file.write_all(text.as_bytes()).expect("a secret can be kept");
    }
}

/// Keeps a user's secret, alone and with the name as Basic credentials have them.
pub(crate) fn credentials(name: &str, text: &str) {
    secret(text);
    secret(&STANDARD.encode(format!("{name}:{text}")));
}

/// Keeps what stands in an Authorization header: behind the scheme, and what that says.
pub(crate) fn authorization(value: &[u8]) {
    let value = String::from_utf8_lossy(value);
    let encoded = value.split_whitespace().last().unwrap_or_default();
    secret(encoded);
    let decoded = STANDARD.decode(encoded).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    if let Some((_, text)) = decoded.as_deref().and_then(|text| text.split_once(':')) {
        secret(text);
    }
}

/// Keeps what stands in the Authorization headers of a request as it is sent.
pub(crate) fn request(bytes: &[u8]) {
    let head = bytes.split(|byte| *byte == b'\n').take(64);
    for line in head {
        if let Some((name, value)) = line.split_at_checked("authorization:".len())
            && name.eq_ignore_ascii_case(b"authorization:")
        {
            authorization(value);
        }
    }
}

/// Keeps the generated tokens in a text.
pub(crate) fn tokens_in(text: &str) {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    words.filter(|word| word.starts_with("pcl_") && word.len() > 40).for_each(secret);
}

/// A new file of a kind, which no other test of this run writes. Its name is by chance: a process number comes again within
/// one run, where browsers and containers start thousands.
#[expect(clippy::disallowed_methods, reason = "how the tests are told where to keep things")]
fn place(kind: &str, by: &str) -> Option<File> {
    let dir = PathBuf::from(std::env::var_os("PORTCULLIS_TEST_KEPT")?).join(kind);
    create_dir_all(&dir).expect("a directory to keep things in");
    let file = tempfile::Builder::new().prefix(&format!("{by}.")).tempfile_in(dir);
    let (file, _) = file.expect("a file to keep things in").keep().expect("and to stay");
    Some(file)
}
