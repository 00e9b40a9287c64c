//! How a report of many faults looks, in full. `BLESS=1` writes the file anew.

use super::{json, toml};

const FAULTY: &str = include_str!("faulty.toml");
const REPORT: &str = include_str!("faulty.txt");

#[test]
#[allow(clippy::disallowed_methods, reason = "a test may be asked to write its golden file")]
fn a_report_is_what_it_was() {
    let shown = format!("{}\n", toml(FAULTY).unwrap_err());
    if std::env::var_os("BLESS").is_some() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/src/source/document/tests/faulty.txt");
        std::fs::write(path, &shown).unwrap();
    } else {
        assert_eq!(shown, REPORT);
    }
}

#[test]
fn faults_are_data_too() {
    let faults = json("{\n  \"users\": {\"amy\": {\"rols\": []}}\n}").unwrap_err();
    assert_eq!(
        serde_json::to_string(&faults).unwrap(),
        r#"[{"file":"access.json","line":2,"column":21,"message":"unknown key \"rols\" in a user","help":"did you mean \"roles\"?"}]"#
    );
    let help = json("{\"users\": 1}").unwrap_err();
    assert!(serde_json::to_string(&help).unwrap().ends_with(r#""help":null}]"#));
}
