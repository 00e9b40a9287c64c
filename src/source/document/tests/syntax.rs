//! Texts that do not parse.

use super::super::{Fault, Format};
use super::{json, marked, toml};

#[test]
fn every_error_of_toml_is_found() {
    let text =
        "[[resources]]\nname = \"A\npaths = [\"/a\"]\n[users.amy]\napi_access = tru\nrols = []\ntitle = \"x\" \"y\"\n";
    let faults = toml(text).unwrap_err();
    let places: Vec<_> = faults.iter().map(|fault| fault.place.to_string()).collect();
    assert_eq!(places, ["2:10", "5:14", "6:1", "7:13"], "{faults}");
    assert_eq!(faults[2].message, "unknown key \"rols\" in a user");
}

#[test]
fn nothing_is_concluded_from_what_does_not_parse() {
    // Neither "no permissions", nor "unknown role", nor "nothing requires".
    let text = "[[resources]]\nname = \"A\"\npaths = [\"/a\"]\npermissions = {GET \"a.b\"}\n[users.amy]\nroles = [\"r\"]\npermissions = [\"a.b\"]";
    let faults = toml(text).unwrap_err();
    assert!(faults.iter().all(|fault| fault.place.line == 4), "{faults}");
}

#[test]
fn a_broken_header_takes_its_table_along() {
    let faults = toml("[[resources]\nname = \"A\"\nnothing = 1\n[users.amy]\nrols = []").unwrap_err();
    assert_eq!((faults.len(), faults[0].place.line), (1, 1), "{faults}");
}

#[test]
fn json_is_read_strictly() {
    for (text, message) in [
        ("»", "EOF while parsing a value"),
        ("{»// x\n}", "comments are not allowed"),
        ("{\"users\": {}»,}", "trailing commas are not allowed"),
        ("{»users: {}}", "expected string for object property"),
        ("{»'users': {}}", "single-quoted"),
        ("{\"users\": »0x1}", ""),
        ("{\"users\": »+1}", ""),
        ("{\"users\": »NaN}", "unexpected"),
        ("{\"users\": {}» \"roles\": {}}", "expected comma"),
        ("{}\n»{}", "more than one"),
        ("{\"roles\": {\"»a\nb\": []}}", "control character"),
        ("{\"roles\": {\"»\\xb\": []}}", "invalid escape"),
        ("{\"roles\": {\"»\\ud800\": []}}", ""),
        ("{\u{b}\"roles\": {}}", "key must be a string"),
        ("\u{a0}{}", "expected value"),
    ] {
        let faults = json(&text.replace('»', "")).expect_err(text);
        assert_eq!(faults.len(), 1, "{faults}");
        assert!(faults[0].message.contains(message), "{faults}");
        if text.contains('»') {
            assert_eq!(faults[0].place, marked(text).1, "{faults}");
        }
    }
}

#[test]
fn a_document_is_an_object() {
    for text in ["[]", "1", "null", "\"x\""] {
        let faults = json(text).expect_err(text);
        assert!(faults[0].message.starts_with("an access document must be an object"), "{faults}");
    }
}

#[test]
fn nesting_does_not_exhaust_the_stack() {
    for open in ["[", "{\"a\":", "{\"users\":", "[{\"a\":["] {
        assert!(json(&open.repeat(200_000)).is_err());
    }
    for text in [
        format!("a = {}", "[".repeat(200_000)),
        format!("a = {}", "{a=".repeat(200_000)),
        format!("{}a = 1", "a.".repeat(200_000)),
        format!("[{}a]", "a.".repeat(200_000)),
        format!("users = {}", "{ amy = ".repeat(50_000)),
    ] {
        assert!(toml(&text).is_err());
    }
}

#[test]
fn a_byte_order_mark_is_no_part_of_the_text() {
    let faults = toml("\u{feff}x = 1").unwrap_err();
    assert_eq!((faults[0].place.line, faults[0].place.column), (1, 1));
    assert!(json("\u{feff}{}").is_ok());
}

#[test]
fn the_list_of_faults_is_bounded() {
    let text: String = (0..5000).map(|n| format!("[users.u{n}]\nrols = []\nroles = [\"r{n}\"]\n")).collect();
    let faults = toml(&text).unwrap_err();
    assert_eq!((faults.len(), faults.more()), (100, 9900));
    assert!(faults.to_string().ends_with("\n\nand 9900 more"));
}

#[test]
fn names_in_messages_are_bounded_and_harmless() {
    let long = "x".repeat(100_000);
    let faults = toml(&format!("[users.\"\\u001B[31m{long}\"]\n\"\\u202E{long}\" = 1")).unwrap_err();
    assert_eq!(faults.len(), 2, "{faults}");
    for fault in faults.iter() {
        let shown = Fault::to_string(fault);
        assert!(shown.len() < 1000 && !shown.contains(['\u{1b}', '\u{202e}']), "{shown}");
    }
}

#[test]
fn the_format_goes_by_the_ending() {
    for (path, format) in [
        ("access.toml", Format::Toml),
        ("/etc/access.json", Format::Json),
        ("access.JSON", Format::Json),
        ("access", Format::Toml),
        ("json", Format::Toml),
    ] {
        assert_eq!(Format::of(path.as_ref()), format, "{path}");
    }
}
