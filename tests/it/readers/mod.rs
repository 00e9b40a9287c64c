//! Other servers' readings of a path, each lenient in its own way: what is accepted means the same to all of them.

mod models;

use std::time::SystemTime;

use portcullis::policy::Target;
use portcullis::source::document::{Format, read};
use proptest::prelude::*;

use crate::harness::{AMY, user};

use models::{READERS, STEPS, compatible, judged, segments, walk};

/// Says what is wrong where a reader takes an accepted path for another one.
fn agreed(path: &str) -> Result<bool, String> {
    let Ok(target) = Target::parse("GET", path) else { return Ok(false) };
    let ours = judged(target.path());
    let renamed: Vec<_> = ours.iter().map(|name| compatible(name)).collect();
    for (who, steps) in READERS {
        for asked in [path, target.path()] {
            let theirs = segments(&walk(asked, steps));
            // Whoever normalises calls some names something else, and nothing more.
            let same = theirs == ours || theirs == renamed;
            if !same {
                return Err(format!("{path} is {target} here, and something else for {who}"));
            }
        }
    }
    Ok(true)
}

/// Pieces that paths are confused with, and some that they are made of.
const PIECES: [&str; 48] = [
    "/",
    "/",
    "/",
    "a",
    "b",
    "7",
    "orders",
    ".",
    "..",
    "...",
    "%2e",
    "%2E%2e",
    ";",
    ";x=1",
    "%3b",
    "\\",
    "%5c",
    "%2f",
    "%2F",
    "%",
    "%25",
    "%252e",
    "%25%32%65",
    "%00",
    "%0a",
    "%20",
    " ",
    "%61",
    "%c0%ae",
    "%c0%af",
    "%e2%80%a5",
    "%C3%A9",
    "é",
    "%EF%BC%8F",
    "%EF%BC%8E",
    "%EF%BC%852e",
    "%CD%BE",
    "%3f",
    "%23",
    "#",
    ".json",
    "+",
    "*",
    "~",
    "%7E",
    "%3A",
    "//",
    "%ff",
];

/// Pieces of which no path with two readings can be made by putting them together, but for dots.
const HARMLESS: [&str; 14] =
    ["a", "7", "orders", ".json", "-", "%61", "%20x", "%C3%A9", "%3A", "*", "~", "+", "x..y", "..z"];

fn confusing() -> impl Strategy<Value = String> {
    prop::collection::vec(prop::sample::select(&PIECES[..]), 0..10).prop_map(|pieces| format!("/{}", pieces.concat()))
}

fn harmless() -> impl Strategy<Value = String> {
    let name = prop::collection::vec(prop::sample::select(&HARMLESS[..]), 1..4).prop_map(|pieces| pieces.concat());
    (prop::collection::vec(name, 0..5), any::<bool>()).prop_map(|(names, slash)| {
        let slash = if slash && !names.is_empty() { "/" } else { "" };
        format!("/{}{slash}", names.join("/"))
    })
}

/// Most of the paths have two readings; the harmless ones are there to be accepted, and one piece is put into some.
fn paths() -> impl Strategy<Value = String> {
    let spoilt = (harmless(), prop::sample::select(&PIECES[..]), any::<prop::sample::Index>()).prop_map(
        |(mut path, piece, place)| {
            let places: Vec<usize> = path.char_indices().map(|(place, _)| place).skip(1).chain([path.len()]).collect();
            path.insert_str(places[place.index(places.len())], piece);
            path
        },
    );
    prop_oneof![confusing(), harmless(), spoilt]
}

fn cases(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(cases(30_000))]

    #[test]
    fn every_reader_of_what_is_accepted_reads_the_same(path in paths()) {
        if let Err(fault) = agreed(&path) {
            prop_assert!(false, "{}", fault);
        }
    }

    #[test]
    fn nothing_that_servers_do_to_what_is_accepted_changes_it(
        path in paths(),
        steps in prop::collection::vec(prop::sample::select(&STEPS[..]), 1..=14),
    ) {
        if let Ok(target) = Target::parse("GET", &path) {
            let ours = judged(target.path());
            for start in [path.as_str(), target.path()] {
                let theirs = walk(start, steps.iter().map(|(_, step)| step));
                let taken: Vec<_> = steps.iter().map(|(name, _)| *name).collect();
                prop_assert_eq!(segments(&theirs), ours.clone(), "{} is {}; {:?}", path, target, taken);
            }
        }
    }
}

proptest! {
    #![proptest_config(cases(4_000))]

    #[test]
    fn what_is_sent_is_read_as_itself(path in paths(), query in "(\\?[!$-;=?-Z_a-z~]{0,8})?") {
        if let Ok(target) = Target::parse("GET", &format!("{path}{query}")) {
            let sent = target.path_and_query().as_str();
            prop_assert_eq!(sent, format!("{}{query}", target.path()));
            let again = Target::parse("GET", sent).unwrap();
            prop_assert_eq!(again.path_and_query().as_str(), sent);
        }
    }

    #[test]
    fn what_is_harmless_is_accepted(path in harmless()) {
        let accepted = agreed(&path);
        prop_assert!(accepted == Ok(true), "{}: {:?}", path, accepted);
    }
}

/// What the properties draw at random is tried in full where it is short.
#[test]
fn every_short_path_is_read_the_same_by_all_or_refused() {
    const SHORT: [&str; 18] = [
        "/", "a", ".", "..", "%2e", ";", "%3b", "\\", "%5c", "%2f", "%25", "2e", "%00", "%20", "%c0%ae", "%CD%BE",
        "%61", "*",
    ];
    let (mut tried, mut accepted) = (0, 0);
    for length in 0..=4 {
        for mut number in 0..SHORT.len().pow(length) {
            let mut path = "/".to_owned();
            for _ in 0..length {
                path.push_str(SHORT[number % SHORT.len()]);
                number /= SHORT.len();
            }
            accepted += usize::from(agreed(&path).unwrap_or_else(|fault| panic!("{fault}")));
            tried += 1;
        }
    }
    assert!(tried > 100_000 && accepted > 1_000 && accepted < tried / 2, "{accepted} of {tried}");
}

#[test]
fn every_reader_is_lenient_about_something() {
    for ((who, steps), (path, read)) in READERS.iter().zip([
        ("/a/%2e%2e//b", "/b"),
        ("/a/..;x/b", "/b"),
        ("/a/..%3bx/b", "/b"),
        ("/a/..%20%5cb", "/b"),
        ("/a%00/b", "/a"),
        ("/a/%252e%252e/b", "/b"),
        ("/a/../%2e%2e/b", "/../b"),
        ("/a%3fb", "/a"),
        ("/a/%EF%BC%8E%E2%80%A4%EF%BC%8Fb", "/b"),
    ]) {
        let theirs = walk(path, *steps);
        assert_eq!(String::from_utf8_lossy(&theirs), read, "{who}");
        assert!(Target::parse("GET", path).is_err(), "{path}");
    }
}

/// The same for permissions: whoever may use one part of the API gets at no other, whatever the upstream does to the path.
#[test]
fn no_reading_of_a_permitted_path_leads_elsewhere() {
    let text = user(AMY, "api_access = true\npermissions = [\"a.view\"]")
        + "[[resources]]\nname = \"open\"\npaths = [\"/a/**\"]\npermissions = { GET = \"a.view\" }\n\
           [[resources]]\nname = \"shut\"\npaths = [\"/b/**\", \"/a/b\"]\npermissions = { GET = \"b.view\" }\n";
    let law = read("access.toml", &text, Format::Toml, SystemTime::now()).unwrap_or_else(|faults| panic!("{faults}"));
    let amy = law.users.get(AMY.0).unwrap();
    let pieces = ["/", "b", "..", ".", ";", "%2e", "%2f", "%5c", "\\", "%00", "%62", "%25", "2f", "%20"];
    let mut permitted = 0;
    for mut number in 0..pieces.len().pow(5) {
        let mut path = "/a".to_owned();
        for _ in 0..5 {
            path.push_str(pieces[number % pieces.len()]);
            number /= pieces.len();
        }
        let Ok(target) = Target::parse("GET", &path) else { continue };
        if law.policy.would_allow(amy, None, &law.policy.ask(target)).is_err() {
            continue;
        }
        permitted += 1;
        for (who, steps) in READERS {
            let theirs = String::from_utf8(walk(&path, steps)).unwrap();
            let shut = theirs == "/b" || theirs.starts_with("/b/") || matches!(theirs.as_str(), "/a/b" | "/a/b/");
            assert!(!shut, "{path} is {theirs} for {who}");
        }
    }
    assert!(permitted > 100, "{permitted}");
}
