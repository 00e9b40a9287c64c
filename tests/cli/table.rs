//! What `explain` says of every endpoint of the store API, in every spelling.

use std::process::Command;
use std::thread;

use serde_json::Value;

use crate::harness::PROGRAM;

const TABLE: &str = include_str!("../data/store-api-v2.tsv");

/// The permission that `explain` names for a request, and whether nobody in particular is let through.
fn explained(method: &str, path: &str) -> (String, bool) {
    let config = concat!(env!("CARGO_MANIFEST_DIR"), "/config/portcullis.toml");
    let output = Command::new(PROGRAM).args(["--json", "--config", config, "explain", "-", method, path]).output();
    let told: Value = serde_json::from_slice(&output.unwrap().stdout).unwrap();
    let required = told["requires"].as_array().unwrap();
    let names: Vec<_> = required.iter().map(|name| name.as_str().unwrap()).collect();
    (names.join(" + "), told["allowed"].as_bool().unwrap())
}

/// A path of the table with a number for each name, in the spellings that the store knows.
fn spellings(path: &str) -> [String; 5] {
    let segments = path.split('/').map(|segment| if segment.starts_with('{') { "7" } else { segment });
    let path = segments.collect::<Vec<_>>().join("/");
    ["", "/", ".json", ".xml", ".json/"].map(|end| format!("{path}{end}"))
}

#[test]
fn explain_names_the_permission_of_every_row() {
    let rows = TABLE.lines().filter(|line| !line.starts_with('#'));
    let rows: Vec<Vec<&str>> = rows.map(|line| line.split('\t').collect()).collect();
    assert_eq!(rows.len(), 299);
    thread::scope(|scope| {
        for part in rows.chunks(rows.len().div_ceil(4)) {
            scope.spawn(move || {
                for row in part {
                    let (method, path, permission) = (row[0], row[1], row[4]);
                    for path in spellings(path) {
                        assert_eq!(explained(method, &path), (permission.to_owned(), false), "{method} {path}");
                    }
                }
            });
        }
    });
}
