//! Who may do what under `config/access.toml`, as a table that a person can read: a change of policy shows as a diff.
//!
//! `BLESS=1 cargo test access_matrix` writes it anew.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::time::SystemTime;

use portcullis::policy::{Policy, Target, User};
use portcullis::source::document::{Format, Law, read};

const METHODS: [&str; 4] = ["GET", "POST", "PUT", "DELETE"];

fn law() -> Law {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/access.toml");
    let text = fs::read_to_string(path).unwrap();
    read("config/access.toml", &text, Format::Toml, SystemTime::now()).unwrap_or_else(|faults| panic!("{faults}"))
}

/// A pattern with something in the place of what is open in it.
fn concrete(pattern: &str) -> String {
    let open = |segment: &str| if segment.starts_with('{') { "7".to_owned() } else { segment.to_owned() };
    pattern.trim_end_matches("/**").split('/').map(open).collect::<Vec<_>>().join("/")
}

fn may(policy: &Policy, user: &User, method: &str, path: &str) -> bool {
    policy.would_allow(user, None, &policy.ask(Target::parse(method, path).unwrap())).is_ok()
}

fn matrix(law: &Law) -> String {
    let mut users: Vec<&User> = law.users.iter().collect();
    users.sort_by(|one, other| one.name.cmp(&other.name));
    let mut out = "x: may.  .: may not.  (x): would, if API access were on.\n\n".to_owned();
    write!(out, "{:<34}{:<8}", "", "").unwrap();
    let width = |user: &User| user.name.chars().count() + 2;
    for user in &users {
        write!(out, "{:<width$}", user.name, width = width(user)).unwrap();
    }
    for resource in law.policy.resources() {
        out = out.trim_end().to_owned() + "\n";
        for (place, method) in METHODS.iter().enumerate() {
            let name = if place == 0 { &*resource.name } else { "" };
            write!(out, "{name:<34}{method:<8}").unwrap();
            for user in &users {
                let path = concrete(&resource.patterns[0].to_string());
                let mark = match (may(&law.policy, user, method, &path), user.api_access) {
                    (false, _) => ".",
                    (true, true) => "x",
                    (true, false) => "(x)",
                };
                write!(out, "{mark:<width$}", width = width(user)).unwrap();
            }
            out = out.trim_end().to_owned() + "\n";
        }
    }
    out
}

#[test]
fn who_may_do_what_is_as_it_was_reviewed() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/access-matrix.txt");
    let current = matrix(&law());
    #[allow(clippy::disallowed_methods, reason = "how a developer says that the change is meant")]
    if std::env::var_os("BLESS").is_some() {
        fs::write(&path, &current).unwrap();
    }
    let reviewed = fs::read_to_string(&path).unwrap_or_default();
    for (reviewed, current) in reviewed.lines().zip(current.lines()) {
        assert_eq!(reviewed, current, "if that is meant: BLESS=1");
    }
    assert!(reviewed == current, "tests/golden/access-matrix.txt: renew it with BLESS=1");
}

#[test]
fn all_paths_of_a_resource_are_judged_alike_and_other_methods_are_denied() {
    let law = law();
    for resource in law.policy.resources() {
        let paths: Vec<String> = resource.patterns.iter().map(|pattern| concrete(&pattern.to_string())).collect();
        for user in law.users.iter() {
            for path in &paths {
                for method in METHODS {
                    let first = may(&law.policy, user, method, &paths[0]);
                    assert_eq!(may(&law.policy, user, method, path), first, "{} {method} {path}", user.name);
                }
                for method in ["PATCH", "OPTIONS", "PROPFIND", "get"] {
                    assert!(!may(&law.policy, user, method, path), "{} {method} {path}", user.name);
                }
            }
        }
    }
}
