//! README.md says what is so: every command in it is run as a user would, and its tables are held against what the
//! gateway knows, writes and counts.

#![expect(clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "a test that breaks off has failed")]

#[path = "../kept/mod.rs"]
mod kept;
mod page;
mod shell;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use page::Page;
use serde_json::Value;
use shell::Session;

/// Commands that are not run here, and what does run them.
const ELSEWHERE: [(&str, &str); 3] = [
    ("cargo run --release -- demo", "the tests of the demo"),
    ("tests/run", "whoever runs this test"),
    ("cargo install --path .", "Cargo, which built the portcullis that this test runs"),
];

/// The chapter whose commands need a Docker engine. `tests/compose` runs them.
const CONTAINERS: &str = "In a container";

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn page() -> Page {
    Page::read(&root().join("README.md"))
}

#[test]
fn the_first_screen_has_the_two_commands() {
    let commands: Vec<_> = page().commands();
    for (command, by) in ELSEWHERE {
        let shown = commands.iter().any(|shown| shown.text == command);
        assert!(shown, "{command} is run by {by}, and README.md no longer shows it");
    }
    for (command, line) in commands.iter().take(2).map(|command| (command.text.as_str(), command.line)) {
        assert!(line <= 50, "README.md:{line}: {command} is not on the first screen");
    }
}

/// The figures are those that `benches/compare` wrote down, the bad ones too.
#[test]
fn what_is_shown_of_the_comparison_was_measured() {
    let results = fs::read_to_string(root().join("benches/RESULTS.md")).expect("what was measured");
    let tables = |text: &str, from: &str| {
        let (_, rest) = text.split_once(&format!("\n## {from}\n")).unwrap_or_else(|| panic!("no section {from}"));
        let section = rest.split_once("\n## ").map_or(rest, |(section, _)| section);
        section.lines().filter(|line| line.starts_with('|')).map(str::to_owned).collect::<Vec<_>>()
    };
    let measured = [tables(&results, "CPU microseconds for a request"), tables(&results, "Targets")].concat();
    let shown = tables(&fs::read_to_string(root().join("README.md")).expect("README.md"), "What a request costs");
    assert_eq!(shown, measured, "README.md shows both tables of benches/RESULTS.md, whole");
}

#[test]
fn every_command_does_what_it_says() {
    let (page, mut session) = (page(), Session::new(root()));
    let containers = page.chapter(CONTAINERS);
    let here = |c: &page::Command| !containers.contains(&c.line) && !ELSEWHERE.iter().any(|(e, _)| *e == c.text);
    let commands: Vec<_> = page.commands().into_iter().filter(here).collect();
    assert!(commands.len() > 10, "only {} commands were found", commands.len());
    let outputs = session.run(&commands);
    for (command, output) in commands.iter().zip(&outputs) {
        let told =
            format!("README.md:{}: {}\nended with {:?}\n{}", command.line, command.text, output.exit, output.text);
        assert_eq!(output.exit, Some(command.exit), "{told}");
        if let Some(status) = &command.status {
            assert_eq!(output.text.trim_end().lines().last(), Some(status.as_str()), "{told}");
        }
    }
    let output = |wanted: &str| {
        let found = commands.iter().position(|command| command.text.contains(wanted));
        outputs[found.unwrap_or_else(|| panic!("no command has {wanted}"))].text.as_str()
    };
    the_audit_table_is_right(&page, output("portcullis serve"));
    the_metrics_tables_are_right(&page, output("/metrics"));
}

/// Each line of the record has the fields of the table, in its order.
fn the_audit_table_is_right(page: &Page, written: &str) {
    let entries: Vec<&str> = written.lines().filter(|line| line.starts_with('{')).collect();
    assert!(entries.len() >= 3, "fewer entries than requests\n{written}");
    let described: Vec<String> =
        page.table("The audit line").into_iter().flat_map(|row| page::codes(&row[0])).collect();
    for entry in entries {
        let fields: Value = serde_json::from_str(entry).expect(entry);
        let places: Vec<_> = described.iter().map(|field| entry.find(&format!("\"{field}\":"))).collect();
        assert!(places.is_sorted() && places.iter().all(Option::is_some), "{described:?} in {entry}");
        assert_eq!(fields.as_object().map(serde_json::Map::len), Some(described.len()), "{entry}");
    }
}

fn the_metrics_tables_are_right(page: &Page, exposed: &str) {
    let families = exposed.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split_once(' '));
    let counted: BTreeSet<String> = families
        .map(|(name, kind)| match kind {
            "counter" => format!("{name}_total"),
            "info" => format!("{name}_info"),
            _ => name.to_owned(),
        })
        .collect();
    let described: BTreeSet<String> = page.table("Metrics").into_iter().flat_map(|row| page::codes(&row[0])).collect();
    assert_eq!(described, counted);
    let reason =
        |line: &str| Some(line.strip_prefix("portcullis_rejections_total{reason=\"")?.split_once('"')?.0.to_owned());
    let reasons: BTreeSet<String> = exposed.lines().filter_map(reason).collect();
    let described = page.table("Reasons").into_iter().flat_map(|row| page::codes(&row[0])).collect();
    assert_eq!(reasons, described);
}

/// The schema is tested to be current where it is made.
#[test]
fn the_settings_table_has_every_key_and_its_default() {
    let schema = fs::read_to_string(root().join("schema/settings.json")).expect("schema/settings.json");
    let schema: Value = serde_json::from_str(&schema).expect("JSON");
    let mut known = Vec::new();
    for (name, part) in schema["properties"].as_object().expect("keys") {
        match part["properties"].as_object() {
            None => known.push((name.clone(), default(part, &schema["required"], name))),
            Some(inner) => known.extend(
                inner.iter().map(|(key, leaf)| (format!("{name}.{key}"), default(leaf, &part["required"], key))),
            ),
        }
    }
    let mut described: Vec<_> =
        page().table("Settings").into_iter().map(|row| (page::code(&row[0]), row[1].clone())).collect();
    known.sort();
    described.sort();
    assert_eq!(described, known);
}

/// What the table says of a key's default.
fn default(leaf: &Value, required: &Value, key: &str) -> String {
    let is_required = required.as_array().is_some_and(|all| all.iter().any(|one| one == key));
    match leaf.get("default") {
        Some(default) => format!("`{default}`"),
        None if is_required => "required".to_owned(),
        None => "off".to_owned(),
    }
}

#[test]
fn the_documents_that_are_shown_are_good() {
    let session = Session::new(root());
    let documents = page().blocks("toml");
    assert!(!documents.is_empty(), "README.md shows no access document");
    for document in documents {
        let (exit, text) = session.check(&document.text);
        assert_eq!(exit, Some(0), "README.md:{}: {text}", document.line);
    }
}
