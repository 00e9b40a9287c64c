//! The directories of cases that are published: TOML files, of which each says what it is about.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use serde::de::DeserializeOwned;

fn directory(corpus: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests").join(corpus)
}

/// The files of a corpus, as Rust would name them.
pub(crate) fn names(corpus: &str) -> BTreeSet<String> {
    let entries = fs::read_dir(directory(corpus)).unwrap();
    let files = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    files.filter_map(|file| Some(file.strip_suffix(".toml")?.replace('-', "_"))).collect()
}

/// Reads one of them. `about` is what it says it is about.
pub(crate) fn load<L: DeserializeOwned>(corpus: &str, name: &str, about: impl Fn(&L) -> &str) -> L {
    let path = directory(corpus).join(format!("{}.toml", name.replace('_', "-")));
    let text = fs::read_to_string(&path).unwrap();
    let list: L = toml::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    assert!(about(&list).ends_with('.'), "{name}: about is a sentence");
    list
}

/// Fails where two cases of a file have one name.
pub(crate) fn distinct<'n>(file: &str, names: impl Iterator<Item = &'n str>) {
    let mut seen = BTreeSet::new();
    for name in names {
        assert!(seen.insert(name), "twice in {file}: {name}");
    }
}

/// Fails where what is cited is no CVE and two numbers.
pub(crate) fn cited(what: &str, cves: &[String]) {
    let is_cve = |cve: &String| cve.starts_with("CVE-") && cve.split('-').count() == 3;
    assert!(cves.iter().all(is_cve), "CVE and two numbers: {what} {cves:?}");
}
