//! Tables of targets: the edges of each rule. The long list, with reasons, is `tests/vectors`.

use super::{Method, PathAndQuery, Target, TargetError};

#[test]
fn one_reading_is_accepted() {
    for (path, sent, matched) in [
        ("/", "/", ""),
        ("/api", "/api", "api"),
        ("/api/", "/api/", "api"),
        ("/api/v2/products.json", "/api/v2/products.json", "api/v2/products.json"),
        ("/%61pi", "/api", "api"),
        ("/%7Eamy/%2D", "/~amy/-", "~amy/-"),
        ("/a%20b", "/a%20b", "a b"),
        ("/a%3ab/c:d", "/a%3Ab/c:d", "a:b/c:d"),
        ("/caf%C3%A9", "/caf%C3%A9", "café"),
        ("/a/..b/c..", "/a/..b/c..", "a/..b/c.."),
        ("/a?x=%2e%2e/;\\&y=%zz", "/a?x=%2e%2e/;\\&y=%zz", "a"),
    ] {
        let target = Target::parse("GET", path).unwrap_or_else(|e| panic!("{path}: {e}"));
        assert_eq!(target.path_and_query().as_str(), sent, "{path}");
        assert_eq!(target.matched(), matched, "{path}");
    }
}

fn refused(cases: &[(&str, TargetError)]) {
    for (path, expected) in cases {
        assert_eq!(Target::parse("GET", path).expect_err(path), *expected, "{path}");
    }
}

#[test]
fn two_readings_of_the_segments_are_refused() {
    use TargetError as E;
    refused(&[
        ("", E::Form),
        ("*", E::Form),
        ("api", E::Form),
        ("http://store/api", E::Form),
        ("//api", E::EmptySegment),
        ("/api//products", E::EmptySegment),
        ("/api//", E::EmptySegment),
        ("/.", E::DotSegment),
        ("/..", E::DotSegment),
        ("/api/../admin", E::DotSegment),
        ("/api/./admin", E::DotSegment),
        ("/api/%2e%2e/admin", E::DotSegment),
        ("/api/.%2E/", E::DotSegment),
        ("/api/..%20/admin", E::DotSegment),
        ("/api/...", E::DotSegment),
        ("/api/.%20.", E::DotSegment),
        ("/api/%20", E::DotSegment),
        ("/api/%E2%80%A5/admin", E::DotSegment),
        ("/api/..%E2%80%8B/admin", E::DotSegment),
        ("/api/..;/admin", E::Parameter),
        ("/api/a;x=1", E::Parameter),
        ("/api/a%3bx", E::Parameter),
    ]);
}

#[test]
fn two_readings_of_a_character_are_refused() {
    use TargetError as E;
    refused(&[
        ("/api/a%EF%BC%8Fb", E::LookAlike),
        ("/api/a%CD%BEb", E::LookAlike),
        ("/api\\admin", E::Backslash),
        ("/api/%5c..", E::Backslash),
        ("/api%2fadmin", E::EncodedSlash),
        ("/api%2Fadmin", E::EncodedSlash),
        ("/api/%00", E::Control),
        ("/api/%0d%0a", E::Control),
        ("/api/%7f", E::Control),
        ("/api/%C2%85", E::Control),
        ("/api/%", E::BrokenEscape),
        ("/api/%4", E::BrokenEscape),
        ("/api/%zz", E::BrokenEscape),
        ("/api/%252e", E::DoubleEscape),
        ("/api/%25", E::DoubleEscape),
        ("/api/%3fx", E::EncodedDelimiter),
        ("/api/%23x", E::EncodedDelimiter),
        ("/api/%c0%af", E::NotUtf8),
        ("/api/%e0%80%af", E::NotUtf8),
        ("/api/%ff", E::NotUtf8),
        ("/api/é", E::Character),
        ("/api/a b", E::Character),
        ("/api/a|b", E::Character),
        ("/api#x", E::Fragment),
        ("/api?x#y", E::Fragment),
    ]);
}

#[test]
fn a_method_is_a_token() {
    assert_eq!(Target::parse("GE T", "/").expect_err("space"), TargetError::Method);
    assert_eq!(Target::parse("", "/").expect_err("empty"), TargetError::Method);
    assert_eq!(Target::parse("TRACE", "/").expect_err("TRACE"), TargetError::NeverForwarded);
    assert_eq!(Target::parse("CONNECT", "/").expect_err("CONNECT"), TargetError::NeverForwarded);
}

#[test]
fn a_query_alone_is_no_path() {
    // What the http crate makes of `http://store?x`, and takes from an HTTP/2 client.
    let asked = PathAndQuery::from_static("?x");
    assert_eq!(asked.path(), "/");
    assert_eq!(Target::read(&Method::GET, &asked).expect_err("?x"), TargetError::Form);
    // What it makes of `http://store#x`, and takes from an HTTP/2 client as `#x`.
    let asked: PathAndQuery = "#x".parse().unwrap();
    assert_eq!((asked.path(), asked.as_str()), ("/", "/"));
    assert_eq!(Target::read(&Method::GET, &asked).expect_err("#x"), TargetError::Fragment);
    assert!(Target::read(&Method::GET, &PathAndQuery::from_static("/")).is_ok());
}
