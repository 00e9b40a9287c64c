//! Faults: each with its place and its help, all of them at once, none with a secret, and no panic whatever is written.

use std::fmt::Write;

use proptest::prelude::{ProptestConfig, any, prop, prop_oneof, proptest};
use proptest::strategy::Strategy;

use super::{LEAST, SAMPLE, faults, leaves, parse, with};

/// Snippets, the place and message of the one fault that each has, and the help.
const FAULTS: &str = include_str!("faults.txt");

/// A snippet made whole: a line for `access` above it unless it begins with one, and the tables it lacks below.
fn whole(snippet: &str) -> String {
    let mut whole = if snippet.starts_with("access") { String::new() } else { "access = \"a\"\n".to_owned() };
    whole.push_str(snippet);
    let mut lacks = false;
    for line in LEAST.lines() {
        if line.starts_with('[') {
            lacks = !snippet.contains(line);
        }
        if lacks {
            write!(whole, "\n{line}").unwrap();
        }
    }
    whole
}

#[test]
fn each_fault_has_its_place_and_its_help() {
    for case in FAULTS.trim_end().split("\n\n") {
        let (snippet, expected) = case.split_once("\n=> ").unwrap_or_else(|| panic!("{case}"));
        let told = faults(&whole(snippet)).into_iter().map(|fault| {
            let help = fault.help.map(|help| format!("\n   {help}")).unwrap_or_default();
            format!("{}:{} {}{help}", fault.line, fault.column, fault.message)
        });
        assert_eq!(told.collect::<Vec<_>>(), [expected], "{snippet}");
    }
}

#[test]
fn all_faults_are_told_at_once() {
    let told = faults(
        r#"
realm = 'a"b'
relam = 1
[tls]
certificate = 1
minimum = "2"
[upstream]
servers = ["a", "ftp://b", "http://c"]
authorization = { usr = "x", pasword_file = "y" }
[limits]
head_size = "1KB"
header_timeout = true
idle_timeout = "5"
[audit]
to = "std"
[unknown]
a = 1
"#,
    );
    let places: Vec<_> = told.iter().map(|fault| (fault.line, fault.column)).collect();
    let expected = [
        (1, 1), // access is missing
        (1, 1), // and so is [listen]
        (2, 9),
        (3, 1),
        (4, 1), // tls.key is missing
        (5, 15),
        (6, 11),
        (8, 12),
        (8, 17),
        (9, 19),
        (9, 30),
        (11, 13),
        (12, 18),
        (13, 16),
        (15, 6),
        (16, 2),
    ];
    assert_eq!(places, expected, "{told:#?}");
}

#[test]
fn what_is_not_closed_is_told_once() {
    let told = faults("access = \"a\"\n[listen]\nhttps = [\"x\"\nhttp = 1\nworkers = 2\n[tls]\nkey = 3\n");
    let found: Vec<_> = told.iter().map(|fault| (fault.line, fault.column, fault.message.as_str())).collect();
    assert_eq!(found, [(4, 1, "missing comma between array elements, expected `,`")]);
}

#[test]
fn no_fault_shows_a_secret() {
    for text in [
        "[upstream]\nservers = [\"http://u:hidden@a/\"]",
        "[upstream]\nservers = [\"u:hidden@a\"]",
        "[upstream]\nservers = [\"http://a\"]\npasword = \"hidden\"",
        "[upstream]\nservers = [\"http://a\"]\nauthorization = { user = \"u\", password = \"hidden\" }",
    ] {
        let told = parse(&whole(text)).expect_err(text);
        assert!(!told.to_string().contains("hidden") && !format!("{told:?}").contains("hidden"), "{told}");
    }
}

/// Text that is nearly settings: the sample's own lines, values of every kind, and noise.
fn nearly() -> impl Strategy<Value = String> {
    let lines: Vec<String> = SAMPLE.lines().map(|line| line.trim_start_matches("# ").to_owned()).collect();
    let named = leaves().into_iter().map(|(_, key, _)| key).collect::<Vec<_>>();
    let values =
        ["1", "-1", "\"\"", "\"é:1\"", "[]", "{}", "[\"\"]", "[[1]]", "{user='a'}", "1979-05-27", "nan", "true"];
    let odd = (prop::sample::select(named), prop::sample::select(values.to_vec()))
        .prop_map(|(key, value)| format!("{key} = {value}"));
    let line = prop_oneof![4 => prop::sample::select(lines), 3 => odd, 1 => any::<String>()];
    prop::collection::vec(line, 0..40).prop_map(|lines| lines.join("\n"))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_text_panics(text in nearly()) {
        if let Err(told) = parse(&text) {
            assert!(!told.as_slice().is_empty() && !told.to_string().is_empty());
        }
    }

    #[test]
    fn no_value_panics(text in "\\PC*", number in any::<i64>()) {
        for (table, key, _) in leaves() {
            for value in [toml::Value::from(text.as_str()), number.into(), vec![text.as_str()].into()] {
                let _ = parse(&with(&table, &format!("{key} = {value}")));
            }
        }
    }
}
