//! The checker itself, on snippets: it finds what is forbidden, and nothing else.

use super::code::{Code, Path};
use super::rules::{check, check_length};

/// What is found in a file of that name, as `line: rule`.
fn found(file: &str, text: &str) -> Vec<String> {
    let crates: Vec<_> = ["http", "hyper", "hyper_util", "rustls", "tokio", "axum", "clap"].map(str::to_owned).into();
    check(file, text, &crates).iter().map(|violation| format!("{}: {}", violation.line, violation.rule)).collect()
}

#[test]
fn a_forbidden_arrow_is_found_however_it_is_written() {
    for (file, text, told) in [
        ("policy/a.rs", "use crate::source::live::Live;", "1: policy must not know source::live::Live"),
        ("policy/a.rs", "\n\nuse super::super::gate;", "3: policy must not know gate"),
        ("policy/a.rs", "fn a(b: crate::record::Entry) {}", "1: policy must not know record::Entry"),
        ("policy/a.rs", "use crate::*;", "1: policy must not know *"),
        ("policy/a.rs", "use ::tokio::time::Instant;", "1: policy names only http, sha2, subtle, and not tokio"),
        ("policy/a.rs", "pub use hyper::Method;", "1: policy names only http, sha2, subtle, and not hyper"),
        ("gate/a.rs", "use crate::source::document;", "1: gate must not know source::document"),
        ("gate/a.rs", "use crate::source::{live::{Live, Publisher}};", "1: gate must not know source::live::Publisher"),
        ("gate/a.rs", "use crate::source;", "1: gate must not know source"),
        ("gate/upstream/a.rs", "use super::super::super::edge::tls;", "1: gate must not know edge::tls"),
        ("edge/mod.rs", "use super::policy::Snapshot as S;", "1: edge must not know policy::Snapshot"),
        ("edge/a/b.rs", "use crate::{gate::Gate,\npolicy::{self, Permit}};", "2: edge must not know policy::self"),
        ("record/a.rs", "use crate::gate::Rejection;", "1: record must not know gate::Rejection"),
        ("wire/a.rs", "use crate::policy::Target;", "1: wire must not know policy::Target"),
        ("server.rs", "use crate::cli;", "1: server must not know cli"),
        ("gate/headers.rs", "use hyper::header;", "1: hyper is for edge/"),
        ("gate/headers.rs", "fn f() { hyper_util::rt::spawn() }", "1: hyper_util is for edge/"),
        ("gate/mod.rs", "use rustls::ClientConfig;", "1: rustls is for edge/, "),
        ("server.rs", "fn main() { axum::serve() }", "1: axum is for demo/"),
        ("gate/mod.rs", "fn f() { println!(\"a\") }", "1: standard output is for cli/"),
        ("server.rs", "use std::io;\nfn f() { io::stderr().lock() }", "2: standard output is for cli/"),
        ("settings.rs", "fn f() { std::env::var(\"A\") }", "1: the environment is for cli/"),
        ("settings.rs", "use std::env::{self, var};", "1: the environment is for cli/"),
        ("gate/a.rs", "fn f() { a\n.unwrap() }", "2: .unwrap() may end the gateway"),
        ("gate/a.rs", "fn f() { a.expect(\"b\") }", "1: .expect() may end the gateway"),
        ("gate/a.rs", "#[cfg(test)]\nmod tests;\nuse crate::source;", "3: gate must not know source"),
        ("gate/a.rs", "#[cfg(test)]\nuse a::{b, c};\nuse crate::source;", "3: gate must not know source"),
        ("gate/a.rs", "#[cfg(test)]\nfn a(b: [u8; 3]) { { } }\nuse crate::source;", "3: gate must not know source"),
        ("gate/a.rs", "/* /* */ */ use crate::source;", "1: gate must not know source"),
        ("gate/a.rs", "const A: &str = r#\"\"\"#; use crate::source;", "1: gate must not know source"),
        ("gate/a.rs", "fn f<'a>(b: &'a str, c: '\"') {} use crate::source;", "1: gate must not know source"),
    ] {
        let all = found(file, text);
        assert!(all.iter().any(|one| one.starts_with(told)), "{file}: {text}\nexpected: {told}\nfound: {all:#?}");
    }
}

#[test]
fn what_is_allowed_is_left_alone() {
    for (file, text) in [
        ("policy/a.rs", "use std::fmt;\nuse http::Method;\nuse super::Target;\nuse crate::policy::Users;"),
        ("policy/a.rs", "/// See [`crate::gate`].\n// crate::gate\n/* hyper::a /* b */ tokio::c */ fn a() {}"),
        (
            "policy/a.rs",
            "const A: &str = \"crate::gate \\\" hyper::a\"; const B: u8 = b'\\''; const C: &[u8] = br#\"a\"b\"#;",
        ),
        ("policy/a.rs", "#[cfg(test)]\n#[expect(clippy::a)]\nmod tests { use tokio::a; fn f() { b.unwrap() } }"),
        ("gate/a.rs", "use crate::source::live::Live;\nuse crate::policy::{Permit, self};"),
        (
            "gate/a.rs",
            "use super::{Gate, headers};\nuse std::env;\nfn f() { env!(\"A\"); a.unwrap_or(b); c.expected() }",
        ),
        ("gate/a.rs", "#[expect(clippy::panic)]\nfn f() { self.policy::<A>(); source::b() }"),
        ("edge/a.rs", "use hyper::server;\nuse crate::wire::Line;"),
        ("cli/a.rs", "use crate::policy::Policy;\nfn f() { println!(\"a\"); std::env::var(\"B\") }"),
        ("record/log.rs", "fn f() { std::io::stdout() }"),
        ("demo/store/mod.rs", "use axum::Router;\nuse self::table::Table;"),
    ] {
        assert_eq!(found(file, text), [""; 0], "{file}: {text}");
    }
}

#[test]
fn a_use_is_taken_apart() {
    let code = Code::read("pub(crate) use a::{self, b::{c as d, *}, e};");
    let paths: Vec<_> = code.paths().iter().map(|Path { parts, .. }| parts.join("::")).collect();
    assert_eq!(paths, ["a::self", "a::b::c", "a::b::*", "a::e"]);
}

#[test]
fn a_test_module_in_a_file_of_its_own_is_known() {
    let text = "mod a;\n#[cfg(test)]\nmod tests;\n#[cfg(test)]\nmod more { fn a() {} }\nmod b;";
    let code = Code::read(text);
    assert_eq!((code.test_modules, code.test_paths), (vec!["tests"], vec![]));
    assert_eq!(Code::read(text).find(&["mod"]), [1, 6]);
    let code = Code::read("#[cfg(test)]\n#[path = \"a_tests.rs\"]\nmod tests;");
    assert_eq!((code.test_modules, code.test_paths), (vec![], vec!["a_tests.rs"]));
}

#[test]
fn a_long_file_is_found() {
    assert!(check_length("a.rs", &"\n".repeat(400)).is_none());
    let told = check_length("a.rs", &"\n".repeat(401)).map(|violation| violation.to_string());
    assert_eq!(told.as_deref(), Some("src/a.rs:401: 401 lines, and 400 are the most"));
}
