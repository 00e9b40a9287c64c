//! The references that the fuzz targets compare the gateway with, on inputs whose reading is plain. A reference that is
//! wrong finds faults where there are none, or none where there are.

#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "a test that breaks off has failed, as it should")]
#![expect(unreachable_pub, reason = "they are public where the fuzz targets use them")]

#[path = "../../fuzz/src/basic.rs"]
mod basic;
#[path = "../../fuzz/src/names.rs"]
mod names;
#[path = "../../fuzz/src/rfc9112.rs"]
mod rfc9112;
#[path = "../../fuzz/src/routes.rs"]
mod routes;

use rfc9112::{End, Framing, answers, requests};

/// What a strict reader finds: a line for each request, and how it ends.
fn read(text: &str) -> (Vec<String>, End) {
    let (found, end) = requests(text.as_bytes());
    let told = |one: &rfc9112::Message| {
        let half = if one.whole { "" } else { ".." };
        format!("{} {} {}{half}", one.line[0], one.line[1], String::from_utf8_lossy(&one.body))
    };
    (found.iter().map(told).collect(), end)
}

#[test]
fn requests_are_found_one_behind_the_other() {
    for (text, found, end) in [
        ("", &[][..], End::Clean),
        ("GET / HTTP/1.1\r\n\r\n", &["GET / "], End::Clean),
        (
            "GET / HTTP/1.1\r\nA: b\r\n\r\nPOST /x?y HTTP/1.1\r\ncontent-LENGTH: 2\r\n\r\nab",
            &["GET / ", "POST /x?y ab"],
            End::Clean,
        ),
        ("\r\nGET / HTTP/1.1\r\n\r\n\r\nGET / HTTP/1.1\r\n\r\n", &["GET / ", "GET / "], End::Clean),
        (
            "POST / HTTP/1.1\r\nTransfer-Encoding: Chunked\r\n\r\n2;a=\"b\"\r\nab\r\n01\r\nc\r\n0\r\nX: y\r\n\r\nGET",
            &["POST / abc"],
            End::CutOff,
        ),
        ("POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nab", &["POST / ab.."], End::CutOff),
        ("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab", &["POST / ab.."], End::CutOff),
        ("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5", &["POST / .."], End::CutOff),
        ("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nX: y\r\n", &["POST / a.."], End::CutOff),
        ("GET / HTTP/1.1\r\nConnection: x, Close\r\n\r\nGET / HTTP/1.1\r\n\r\n", &["GET / "], End::Closed),
        ("GET / HTTP/1.0\r\n\r\nGET / HTTP/1.1\r\n\r\n", &["GET / "], End::Closed),
        ("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\nGET / HTTP/1.1\r\n\r\n", &["GET / ", "GET / "], End::Clean),
        ("GET / HTTP/1.1\r\nHost", &[], End::CutOff),
    ] {
        let found: Vec<_> = found.iter().map(|one| (*one).to_owned()).collect();
        assert_eq!(read(text), (found, end), "{text:?}");
    }
}

#[test]
fn of_two_readings_the_strict_reader_takes_none() {
    for head in [
        "GET / HTTP/1.1\n\n",
        "GET / HTTP/1.1\r\nA: b\n\r\n",
        "GET / HTTP/1.1\r\nA: b\rc\r\n\r\n",
        "GET  / HTTP/1.1\r\n\r\n",
        "GET / HTTP/1.1 \r\n\r\n",
        "GET /\t HTTP/1.1\r\n\r\n",
        "GET /#a HTTP/1.1\r\n\r\n",
        "GET / HTTP/2.0\r\n\r\n",
        "G(T / HTTP/1.1\r\n\r\n",
        "GET / HTTP/1.1\r\n A: b\r\n\r\n",
        "GET / HTTP/1.1\r\nA : b\r\n\r\n",
        "GET / HTTP/1.1\r\nA: b\r\n c\r\n\r\n",
        "GET / HTTP/1.1\r\nA: b\0\r\n\r\n",
        "GET / HTTP/1.1\r\nA\r\n\r\n",
        "GET / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n",
        "GET / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        "GET / HTTP/1.1\r\nContent-Length: +1\r\n\r\n",
        "GET / HTTP/1.1\r\nContent-Length: 01\r\n\r\n",
        "GET / HTTP/1.1\r\nContent-Length:\r\n\r\n",
        "GET / HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n",
        "GET / HTTP/1.1\r\nTransfer-Encoding: chunked, chunked\r\n\r\n",
        "GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n",
    ] {
        let (found, end) = read(head);
        assert!(found.is_empty() && matches!(end, End::Fault(_)), "{head:?}: {found:?}, {end:?}");
    }
    for body in [
        "x\r\n",
        "\r\n",
        "1\na\r\n",
        "1\r\nab\r\n",
        "1\r\na\n0\r\n\r\n",
        "1 a\r\n",
        "1 \r\n",
        "1;\0\r\n",
        "11111111111111111\r\n",
        "-1\r\n",
        "0\r\nA : b\r\n\r\n",
        "0\r\n\n",
    ] {
        let (found, end) = read(&format!("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n{body}"));
        assert!(found.len() == 1 && matches!(end, End::Fault(_)), "{body:?}: {found:?}, {end:?}");
    }
}

#[test]
fn answers_end_as_their_requests_have_it() {
    for (text, methods, framings, end) in [
        ("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nab", &["GET"][..], &[Framing::Sized(2)][..], End::Clean),
        ("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n", &["HEAD"], &[Framing::Nothing], End::Clean),
        ("HTTP/1.1 200 \r\n\r\nuntil the end", &[], &[Framing::UntilClose], End::Closed),
        ("HTTP/1.1 103 A\r\n\r\nHTTP/1.1 304 B\r\nContent-Length: 5\r\n\r\n", &[], &[Framing::Nothing; 2], End::Clean),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na", &[], &[Framing::Chunked], End::CutOff),
        ("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n", &[], &[Framing::Sized(0)], End::Closed),
    ] {
        let (found, ended) = answers(text.as_bytes(), methods);
        assert_eq!(
            (found.iter().map(|one| one.framing).collect::<Vec<_>>(), ended),
            (framings.to_vec(), end),
            "{text:?}"
        );
    }
    for text in [
        "HTTP/1.1 200\r\n\r\n",
        "HTTP/1.1 20x OK\r\n\r\n",
        "HTTP/1.1 200 O\x01\r\n\r\n",
        "HTTP/1.1 204 No\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\nHTTP/1.1 200 OK\r\n\r\n",
    ] {
        let (found, end) = answers(text.as_bytes(), &[]);
        assert!(found.iter().all(|one| one.says("connection", "close")) && matches!(end, End::Fault(_)), "{text:?}");
    }
}

#[test]
fn the_best_of_all_patterns_wins() {
    let patterns =
        ["/**", "/a/**", "/a", "/a/{x}", "/a/b", "/a/{x}/c", "/a/{x}/**", "/a/b/d", "/{y}/b/**"].map(str::to_owned);
    for (path, winner) in [
        ("/", "/**"),
        ("/z/b/1", "/{y}/b/**"),
        ("/a", "/a"),
        ("/a/", "/a"),
        ("/a/b", "/a/b"),
        ("/a/1", "/a/{x}"),
        ("/a/b/c", "/a/{x}/c"),
        ("/a/b/d", "/a/b/d"),
        ("/a/1/c/9", "/a/{x}/**"),
    ] {
        assert_eq!(routes::winner(&patterns, path).map(|place| &patterns[place][..]), Some(winner), "{path}");
    }
    assert_eq!(routes::winner(&patterns[1..3], "/ab"), None);
    assert!(routes::tie("/a/{x}/**", "/a/{y}/**") && !routes::tie("/a", "/a/**") && !routes::tie("/a/{x}", "/a/b"));
    assert!(["/", "/**", "/a/{b_1}/**", "/.a"].into_iter().all(routes::is_pattern));
    assert!(
        !["", "a", "/a/", "//", "/..", "/**/a", "/a**", "/{}", "/a{b}", "/a%20"].into_iter().any(routes::is_pattern)
    );
}

#[test]
fn credentials_and_names_are_read_plainly() {
    for text in ["", "a", "ab", "abc", "amy:secret", "\u{ff}"] {
        let value = format!("Basic {}", basic::encode(text.as_bytes()));
        let expected = text.split_once(':').map(|(name, secret)| (name.to_owned(), secret.as_bytes().to_vec()));
        assert_eq!(basic::read(value.as_bytes()), expected, "{value}");
    }
    assert_eq!(basic::encode(b"amy:x"), "YW15Ong=");
    for value in ["Basic YW15Ong", "Basic YW15Onh=", "Basic YW1=Ong=", "Basic YW15Ong===", "Bearer YW15Ong=", "Basic"] {
        assert_eq!(basic::read(value.as_bytes()), None, "{value}");
    }
    assert!(names::is_claim("X_Remote.User") && names::is_claim("x-forwarded-by") && !names::is_claim("x-forwarded"));
    assert!(names::is_misspelt("content_length") && !names::is_misspelt("content-length"));
    assert!(names::is_hop_by_hop("te") && !names::is_hop_by_hop("host"));
}
