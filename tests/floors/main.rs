//! Crates that had a hole are in `Cargo.lock` only in versions without it.
//!
//! A database of advisories has to be fetched, and says something else tomorrow; this table is what must never come back.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail")]

use std::fs;
use std::path::Path;

/// A crate, the least version of it, and why. Some of them are not in use, and are not to come in older.
const FLOORS: [(&str, &str, &str); 11] = [
    ("bcrypt", "0.19.2", "RUSTSEC-2026-0199: a hash that is not ASCII ends the process"),
    ("bytes", "1.11.1", "RUSTSEC-2026-0007: overflow when memory is reserved"),
    ("h2", "0.4.16", "RUSTSEC-2026-0258: empty DATA frames; RUSTSEC-2024-0332, RUSTSEC-2024-0003 before it"),
    ("hyper", "1.11.0", "hyper #4123, #4124: Content-Length kept beside Transfer-Encoding"),
    ("rustls", "0.23.45", "RUSTSEC-2026-0285: handshake messages at the wrong level; RUSTSEC-2024-0399 before it"),
    ("rustls-webpki", "0.103.13", "RUSTSEC-2026-0098, -0099, -0104: names and revocation in certificates"),
    ("rustls-pemfile", "99.0.0", "RUSTSEC-2025-0134: unmaintained; rustls-pki-types reads PEM"),
    ("time", "0.3.47", "RUSTSEC-2026-0009: a date in the form of RFC 2822 can exhaust the stack"),
    ("tls-listener", "0.10.0", "RUSTSEC-2024-0341: one slow handshake blocks all others"),
    ("tokio", "1.44.2", "RUSTSEC-2025-0023: broadcast channels clone in parallel"),
    ("tracing-subscriber", "0.3.20", "RUSTSEC-2025-0055: escape sequences of clients reach the terminal"),
];

/// What must be found, so that a lock file that could not be read does not pass.
const IN_USE: [&str; 8] = ["bcrypt", "bytes", "h2", "hyper", "rustls", "rustls-webpki", "tokio", "tracing-subscriber"];

/// A version, to be compared; what stands behind a `-` or a `+` counts as nothing.
fn version(text: &str) -> [u64; 3] {
    let numbers = text.split(['-', '+']).next().unwrap().split('.').map(|part| part.parse().unwrap());
    numbers.collect::<Vec<_>>().try_into().unwrap_or_else(|_| panic!("{text} is no version"))
}

/// The versions of a crate that are too old, in the packages of a lock file.
fn too_old(packages: &[(String, String)], name: &str, floor: &str) -> Vec<String> {
    let versions = packages.iter().filter(|(package, _)| package == name).map(|(_, version)| version);
    versions.filter(|found| version(found) < version(floor)).cloned().collect()
}

fn packages() -> Vec<(String, String)> {
    let lock = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.lock")).unwrap();
    let lock: toml::Table = lock.parse().unwrap();
    let text = |package: &toml::Value, key: &str| package[key].as_str().unwrap().to_owned();
    let packages = lock["package"].as_array().unwrap();
    packages.iter().map(|package| (text(package, "name"), text(package, "version"))).collect()
}

#[test]
fn no_crate_is_older_than_its_floor() {
    let packages = packages();
    for name in IN_USE {
        assert!(packages.iter().any(|(package, _)| package == name), "{name} is not in Cargo.lock");
        assert!(FLOORS.iter().any(|(floor, ..)| *floor == name), "{name} has no floor");
    }
    let told = |(name, floor, why): &(&str, &str, &str)| {
        let old = too_old(&packages, name, floor);
        (!old.is_empty()).then(|| format!("{name} {} is below {floor}: {why}", old.join(", ")))
    };
    let faults: Vec<_> = FLOORS.iter().filter_map(told).collect();
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn one_old_version_among_others_is_found() {
    let packages = [("h2", "0.4.20"), ("h2", "0.3.26"), ("h3", "0.0.1"), ("rustls", "0.24.0-dev.2")];
    let packages = packages.map(|(name, version)| (name.to_owned(), version.to_owned()));
    assert_eq!(too_old(&packages, "h2", "0.4.16"), ["0.3.26"]);
    assert_eq!(too_old(&packages, "rustls", "0.23.45"), Vec::<String>::new());
    assert!(version("0.103.9") < version("0.103.13"), "by number and not by text");
}
