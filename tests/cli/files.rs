//! Commands about files: `check`, `token`, `cert`, `schema`.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use portcullis::policy::TokenHash;
use portcullis::source::mint::mint;
use serde_json::{Value, json};

use crate::harness::{Place, access, done, has};

#[test]
fn check_counts_what_is_good() {
    let place = Place::new();
    let good = place.run(&["check"]);
    assert_eq!(good.code, 0, "{good:?}");
    has(&good.out, &["config/portcullis.toml", "3 resources, ", "2 roles, 5 users, 1 expectation\n"], &good.err);
    has(&good.err, &["warning: config/access.toml:", "expired"], &"eve");
    let told = place.run(&["check", "--json"]);
    assert_eq!((told.code, told.err.as_str()), (0, ""));
    let value = told.json();
    assert_eq!((&value["good"], &value["faults"]), (&json!(true), &json!([])));
    assert_eq!(value["counts"]["users"], 5);
    assert_eq!(value["warnings"].as_array().map(Vec::len), Some(1), "{value:#}");
}

#[test]
fn check_tells_all_faults_at_once() {
    let place = Place::new();
    fs::remove_file(place.path("certs/server.pem")).unwrap();
    fs::remove_file(place.path("certs/server.key")).unwrap();
    place.access("[users.amy]\nrols = []\napi_access = 1\n");
    let bad = place.run(&["check"]);
    assert_eq!((bad.code, bad.out.as_str()), (2, ""));
    has(&bad.err, &["access.toml:2:1: ", "access.toml:3:", "server.pem: ", "server.key: "], &"all");
    let value = place.run(&["check", "--json"]).json();
    assert_eq!(value["good"], json!(false));
    let lines: Vec<_> = value["faults"].as_array().unwrap().iter().map(|fault| fault["line"].clone()).collect();
    assert_eq!(lines, [json!(2), json!(3), Value::Null, Value::Null], "{value:#}");
}

#[test]
fn check_knows_a_key_that_does_not_fit() {
    let place = Place::new();
    let other = Place::new();
    fs::copy(other.path("certs/server.key"), place.path("certs/server.key")).unwrap();
    let bad = place.run(&["check"]);
    assert_eq!(bad.code, 2, "{bad:?}");
    has(&bad.err, &["server."], &"names the file");
}

#[test]
fn check_takes_a_candidate() {
    let place = Place::new();
    let candidate = place.write("candidate.toml", "[users.amy]\nrols = []\n");
    let candidate = candidate.to_str().unwrap();
    let bad = place.run(&["check", "--access", candidate]);
    assert_eq!(bad.code, 2);
    has(&bad.err, &["candidate.toml:2:1: "], &"in place of the document");
    place.write("candidate.toml", &access());
    place.access("broken");
    assert_eq!(place.run(&["check", "--access", candidate]).code, 0);

    // Without settings there is still the candidate.
    fs::remove_dir_all(place.path("config")).unwrap();
    let alone = place.run(&["check", "--access", candidate]);
    assert_eq!(alone.code, 0, "{alone:?}");
    has(&alone.out, &["candidate.toml: good: 3 resources"], &"alone");
    assert_eq!(place.run(&["check"]).code, 2);
    assert_eq!(place.run(&["check", "--access", "nowhere.toml"]).code, 2);
    assert_eq!(place.run(&["check", "--access", candidate, "--config", "nowhere.toml"]).code, 2, "asked for");
}

#[test]
fn a_token_is_hashed_without_its_line_end() {
    let place = Place::empty();
    let token = mint().unwrap();
    let hash = token.hash().to_string();
    for end in ["", "\n", "\r\n"] {
        let done = place.feed(&["token", "hash"], format!("{}{end}", token.as_str()).as_bytes());
        assert_eq!((done.code, done.out, done.err), (0, format!("{hash}\n"), String::new()), "{end:?}");
    }
    let short = place.feed(&["token", "hash"], b"short");
    assert_eq!((short.code, short.out), (0, format!("{}\n", TokenHash::of(b"short"))));
    has(&short.err, &["warning: ", "generated"], &"short");
    let told = place.feed(&["--json", "token", "hash"], b"short");
    assert_eq!(told.json()["hash"], TokenHash::of(b"short").to_string());
    assert_eq!((told.json()["warnings"].as_array().map(Vec::len), told.err.as_str()), (Some(1), ""));
}

#[test]
fn what_is_no_token_is_refused_and_not_shown() {
    let token = mint().unwrap().as_str().to_owned();
    let cut = &token[..token.len() - 1];
    for input in ["", "\n", "one\ntwo\n", cut] {
        let done = Place::empty().feed(&["token", "hash"], input.as_bytes());
        assert_eq!((done.code, done.out.as_str()), (2, ""), "{input:?}");
        assert!(input.trim().is_empty() || !done.err.contains(input.trim()), "{done:?}");
    }
}

#[test]
fn cert_makes_what_serve_needs_and_keeps_the_authority() {
    let place = Place::new();
    let arguments = ["cert", "--out", "made here", "--host", "localhost", "127.0.0.1", "--host", "::1"];
    let first = place.run(&arguments);
    assert_eq!(first.code, 0, "{first:?}");
    let advice = "curl --cacert 'made here/ca.pem' https://localhost:8443/";
    has(&first.out, &["made here/server.pem", "localhost, 127.0.0.1 and ::1", advice], &first);
    let mode = fs::metadata(place.path("made here/server.key")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let (authority, server) = (read(&place.path("made here/ca.pem")), read(&place.path("made here/server.pem")));

    let again = place.run(&arguments);
    assert_eq!((again.code, again.out.as_str()), (1, ""));
    has(&again.err, &["server.pem", "--force"], &again);
    assert_eq!(read(&place.path("made here/server.pem")), server);

    let forced = place.run(&[&arguments[..], &["--force", "--json"]].concat());
    assert_eq!(forced.code, 0, "{forced:?}");
    assert_eq!(forced.json()["authority_kept"], json!(true));
    assert_eq!(read(&place.path("made here/ca.pem")), authority);
    assert_ne!(read(&place.path("made here/server.pem")), server);

    fs::remove_dir_all(place.path("certs")).unwrap();
    fs::rename(place.path("made here"), place.path("certs")).unwrap();
    assert_eq!(place.run(&["check"]).code, 0);
}

#[test]
fn the_committed_schemas_are_those_of_the_program() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("schema");
    for what in ["settings", "access"] {
        let printed = Place::empty().run(&["schema", what]);
        assert_eq!(printed.code, 0);
        let committed = fs::read_to_string(root.join(format!("{what}.json"))).unwrap();
        assert!(printed.out == committed, "portcullis schema {what} > schema/{what}.json");
        assert!(printed.json().is_object());
    }
}

#[test]
fn the_samples_are_good_but_for_the_certificates() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let dir = root.join("config");
    let settings = dir.join("portcullis.toml");
    let arguments = ["check", "--json", "--config", settings.to_str().unwrap()];
    let value = done(Command::new(crate::harness::PROGRAM).args(arguments)).json();
    assert!(value["counts"]["expectations"].as_u64().is_some_and(|count| count > 0), "{value:#}");
    let faults = value["faults"].as_array().unwrap();
    assert!(faults.iter().all(|fault| fault["message"].as_str().unwrap().contains("certs/server")), "{faults:?}");
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap()
}
