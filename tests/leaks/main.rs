//! Nothing that the program printed in a whole test run has a secret in it that the tests used.
//!
//! The other tests keep both (`tests/kept`), and `tests/run` runs this when they are done. By itself it tests that a
//! leak would be found.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail")]

mod forms;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs;
use std::path::{Path, PathBuf};

use forms::{SHORTEST, forms};
use portcullis::policy::TokenHash;

/// What prints secrets because that is what it is for. Nothing else may.
const MEANT: [(&str, &str); 1] =
    [("cli-demo-out", "the demo makes up users, and tells their tokens on its standard output for commands to paste")];

/// What must have been kept at least, so that silence is not taken for secrecy: each harness is there.
const EXPECTED: [&str; 15] = [
    "it-log",
    "it-audit",
    "it-metrics",
    "process-log",
    "process-audit",
    "process-journal",
    "process-state",
    "process-metrics",
    "cli-command",
    "cli-serve-log",
    "cli-demo-audit",
    "panel-gateway",
    "panel-audit",
    "readme-",
    "compose-log",
];

/// What is kept for good of changes and uses, and so must not even have hashes of secrets in it.
const WITHOUT_HASHES: [&str; 3] = ["process-journal", "process-state", "compose-journal"];

/// A secret in something that was printed.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Leak {
    file: String,
    /// Only how it begins: this report is printed, too.
    secret: String,
    form: &'static str,
}

/// A secret, what a form of it is called, and how that is written.
type Wanted<'s> = (&'s str, &'static str, String);

/// Finds every secret in every text, in any form. All are looked for at once, by how they begin.
fn leaks(printed: &BTreeMap<String, String>, secrets: &BTreeSet<String>) -> BTreeSet<Leak> {
    let mut wanted: HashMap<[u8; SHORTEST], Vec<Wanted<'_>>> = HashMap::new();
    for secret in secrets {
        for (form, written) in forms(secret) {
            let begin = *written.as_bytes().first_chunk().unwrap();
            wanted.entry(begin).or_default().push((secret, form, written));
        }
    }
    let mut found = BTreeSet::new();
    for (file, text) in printed {
        for (place, begin) in text.as_bytes().windows(SHORTEST).enumerate() {
            let candidates = wanted.get(begin).into_iter().flatten();
            let here = |written: &String| text.as_bytes()[place..].starts_with(written.as_bytes());
            found.extend(candidates.filter(|(.., written)| here(written)).map(|(secret, form, _)| {
                let secret = format!("{}…", secret.chars().take(6).collect::<String>());
                Leak { file: file.clone(), secret, form }
            }));
        }
    }
    found
}

/// The hashes of secrets, as the access document has those of tokens.
fn hashes(secrets: &BTreeSet<String>) -> BTreeSet<String> {
    let hash = |secret: &String| TokenHash::of(secret.as_bytes()).to_string().replace("sha256:", "");
    secrets.iter().map(hash).collect()
}

fn read(dir: &Path) -> Vec<(String, String)> {
    let entries = fs::read_dir(dir).unwrap_or_else(|error| panic!("{}: {error}", dir.display()));
    let paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    let name = |path: &Path| path.file_name().unwrap().to_string_lossy().into_owned();
    let text = |path: &Path| String::from_utf8_lossy(&fs::read(path).unwrap()).into_owned();
    paths.iter().map(|path| (name(path), text(path))).collect()
}

#[test]
#[expect(clippy::disallowed_methods, reason = "it is told where the whole run was kept")]
fn nothing_that_was_printed_has_a_secret_in_it() {
    // Set when all other tests have ended, so that none of them is half checked.
    let Some(kept) = std::env::var_os("PORTCULLIS_TEST_CHECK").map(PathBuf::from) else { return };
    let secrets: BTreeSet<String> = read(&kept.join("secrets")).into_iter().map(|(_, text)| text).collect();
    let all: BTreeMap<String, String> = read(&kept.join("printed")).into_iter().collect();
    assert!(secrets.len() >= 20, "only {} secrets were kept", secrets.len());
    for expected in EXPECTED {
        let bytes: usize = all.iter().filter(|(by, _)| by.starts_with(expected)).map(|(_, text)| text.len()).sum();
        assert!(bytes > 100, "{bytes} bytes were kept of {expected}");
    }
    let meant = |by: &str| MEANT.iter().any(|(place, _)| by.starts_with(&format!("{place}.")));
    let (excepted, checked): (BTreeMap<_, _>, BTreeMap<_, _>) = all.into_iter().partition(|(by, _)| meant(by));
    for (place, why) in MEANT {
        let here = excepted.iter().filter(|(by, _)| by.starts_with(place)).map(|(by, text)| (by.clone(), text.clone()));
        assert!(!leaks(&here.collect(), &secrets).is_empty(), "{place} no longer tells a secret ({why}): take it out");
    }
    let lasting = |by: &str| WITHOUT_HASHES.iter().any(|place| by.starts_with(place));
    let lasting = checked.iter().filter(|(by, _)| lasting(by)).map(|(by, text)| (by.clone(), text.clone())).collect();
    let hashed = leaks(&lasting, &hashes(&secrets));
    assert!(hashed.is_empty(), "{} hashes of secrets: {hashed:#?}", hashed.len());
    let found = leaks(&checked, &secrets);
    let bytes: usize = checked.values().map(String::len).sum();
    assert!(found.is_empty(), "{} leaks in {}: {found:#?}", found.len(), kept.display());
    tell(secrets.len(), checked.len(), bytes);
}

#[expect(clippy::print_stderr, reason = "how much was checked")]
fn tell(secrets: usize, files: usize, bytes: usize) {
    eprintln!("{secrets} secrets are nowhere in {files} files with {bytes} bytes");
}

#[test]
fn a_leak_is_found_in_every_form() {
    let secret = "amy's token, \"quoted\" & long";
    let secrets = BTreeSet::from([secret.to_owned()]);
    for (form, written) in forms(secret) {
        let around = format!("2026 INFO something=before{written}after \n");
        let printed = BTreeMap::from([("log".to_owned(), around), ("other".to_owned(), "nothing here".to_owned())]);
        let found = leaks(&printed, &secrets);
        assert!(found.iter().any(|leak| leak.form == form && leak.file == "log"), "{form}: {found:?}");
        assert!(found.iter().all(|leak| leak.file == "log" && leak.secret == "amy's …"), "{found:?}");
    }
    assert!(leaks(&BTreeMap::from([("log".to_owned(), "amy's token".to_owned())]), &secrets).is_empty());
}
