//! The forbidden arrows: reads `src/` and finds what names something that it must not know.
//!
//! The rules are tables in `rules`; `code` reads just enough Rust for them. This is no compiler: it sees paths as they are
//! written, so what a macro makes, or a name that was let through elsewhere, it does not see.

#![expect(clippy::expect_used, clippy::indexing_slicing, reason = "a test that breaks off has failed, as it should")]

mod code;
mod rules;
mod secrets;
mod selftest;

use std::fs;
use std::path::{Path, PathBuf};

use code::Code;
use rules::{Room, Violation};

/// A file under `src/`.
struct File {
    /// Relative to `src/`, such as `gate/mod.rs`.
    name: String,
    text: String,
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every Rust file below `src/`, in the order of its names.
fn files() -> Vec<File> {
    let src = root().join("src");
    let (mut waiting, mut paths) = (vec![src.clone()], Vec::<PathBuf>::new());
    while let Some(dir) = waiting.pop() {
        for entry in fs::read_dir(&dir).expect("a directory").flatten() {
            let path = entry.path();
            if path.is_dir() {
                waiting.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                paths.push(path);
            }
        }
    }
    paths.sort();
    let read = |path: PathBuf| File {
        name: path.strip_prefix(&src).expect("it is below src").to_str().expect("an ASCII name").to_owned(),
        text: fs::read_to_string(&path).expect("a readable file"),
    };
    paths.into_iter().map(read).collect()
}

/// The crates of `[dependencies]`, spelled as code spells them.
fn dependencies() -> Vec<String> {
    let manifest = fs::read_to_string(root().join("Cargo.toml")).expect("Cargo.toml");
    let manifest: toml::Table = manifest.parse().expect("a TOML file");
    let dependencies = manifest["dependencies"].as_table().expect("[dependencies]");
    dependencies.keys().map(|name| name.replace('-', "_")).collect()
}

/// The files that are compiled for tests only: those that some `#[cfg(test)] mod name;` names.
fn test_files(files: &[File]) -> Vec<&str> {
    let mut found = Vec::new();
    for file in files {
        let code = Code::read(&file.text);
        let (beside, below) = (file.name.rsplit_once('/').map_or("", |(dir, _)| dir), code::module_dir(&file.name));
        let mut places: Vec<_> = code.test_paths.iter().map(|path| format!("{beside}/{path}")).collect();
        places
            .extend(code.test_modules.iter().flat_map(|name| [format!("{below}{name}.rs"), format!("{below}{name}/")]));
        found.extend(files.iter().map(|f| f.name.as_str()).filter(|name| places.iter().any(|p| name.starts_with(p))));
    }
    found
}

fn assert_none(violations: &[Violation]) {
    let told: Vec<_> = violations.iter().map(ToString::to_string).collect();
    assert!(told.is_empty(), "{} forbidden\n{}", told.len(), told.join("\n"));
}

#[test]
fn no_file_names_what_it_must_not_know() {
    let (files, crates) = (files(), dependencies());
    assert!(files.len() > 50, "only {} files were found", files.len());
    let tests = test_files(&files);
    let checked = files.iter().filter(|file| !tests.contains(&file.name.as_str()));
    let found: Vec<_> = checked.flat_map(|file| rules::check(&file.name, &file.text, &crates)).collect();
    assert_none(&found);
}

#[test]
fn no_type_shows_what_it_wipes() {
    let files = files();
    let found: Vec<_> = files.iter().map(|file| (&file.name, secrets::shown(&file.text))).collect();
    let found: Vec<_> = found.iter().filter(|(_, types)| !types.is_empty()).collect();
    assert!(found.is_empty(), "derive no Debug, write it by hand: {found:#?}");
}

#[test]
fn no_file_is_long() {
    let found: Vec<_> = files().iter().filter_map(|file| rules::check_length(&file.name, &file.text)).collect();
    assert_none(&found);
}

#[test]
fn every_room_is_known() {
    let files = files();
    let unknown: Vec<_> = files.iter().map(|f| Room::of(&f.name)).filter(|room| !room.is_known()).collect();
    assert!(unknown.is_empty(), "no row in rules::ROOMS for {unknown:?}");
}

/// A place that is allowed something and does not use it is a door left open.
#[test]
fn every_allowance_is_used() {
    let (files, crates) = (files(), dependencies());
    let mut unused = Vec::new();
    for (what, places) in rules::allowances() {
        for place in places {
            let inside = files.iter().filter(|file| file.name.starts_with(place));
            if !inside.clone().any(|file| rules::uses(&file.name, &file.text, &crates, what)) {
                unused.push(format!("{place} is allowed {what}"));
            }
        }
    }
    assert!(unused.is_empty(), "and does not use it: {unused:#?}");
}
