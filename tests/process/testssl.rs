//! testssl.sh against a gateway: what the public's checker of TLS has to say.

use std::process::Command;

use serde_json::Value;

use crate::scene::{Plan, Scene};

/// What it complains of and is meant to be so.
const EXCUSED: [(&str, &str); 6] = [
    ("cert_chain_of_trust", "the development authority of this test, which nobody else trusts"),
    ("cert_revocation", "the same: a development authority revokes nothing"),
    ("cipher_order", "every suite is sound, so each client takes the one that is fast on it"),
    ("security_headers", "they are for pages; the gateway's own answers are data, and the upstream's are its own"),
    ("engine_problem", "it tells of the openssl that it is run with, which knows no GOST"),
    (
        "sessionresumption_ticket",
        "its client does not wait for the ticket, so on a busy machine it has none; see `sites`",
    ),
];

/// Nothing above this is good.
const PASSED: [&str; 3] = ["OK", "INFO", "LOW"];

#[test]
fn testssl_finds_nothing_to_complain_of() {
    let scene = Scene::new();
    let gateway = scene.serve(&Plan::default());
    let report = scene.path("report.json");
    let port = gateway.https.port();
    // Protocols, preference, certificate, headers and all known weaknesses; no look-ups beyond this machine.
    let mut command = Command::new("testssl");
    command.args(["--quiet", "--color", "0", "--warnings", "off", "--nodns", "none", "-p", "-P", "-S", "-h", "-U"]);
    command.args(["--ip", "127.0.0.1", "--jsonfile"]).arg(&report).arg(format!("https://localhost:{port}"));
    let output = command.output().expect("testssl is installed: Debian has it as testssl.sh");
    let said = String::from_utf8_lossy(&output.stdout);
    let report = std::fs::read_to_string(&report).unwrap_or_else(|error| panic!("no report: {error}\n{said}"));
    let findings: Vec<Value> = serde_json::from_str(&report).unwrap_or_else(|error| panic!("{error}\n{report}"));
    let text = |finding: &Value, key: &str| finding[key].as_str().unwrap_or_default().to_owned();
    let id = |finding: &Value| text(finding, "id");
    for expected in ["TLS1_3", "TLS1_2", "SSLv3", "heartbleed", "HSTS_time", "ROBOT", "LUCKY13"] {
        assert!(findings.iter().any(|finding| id(finding).starts_with(expected)), "{expected} was not tried\n{said}");
    }
    let bad: Vec<_> = findings.iter().filter(|finding| !PASSED.contains(&text(finding, "severity").as_str())).collect();
    let excused = |finding: &Value| EXCUSED.iter().any(|(excused, _)| id(finding) == *excused);
    let faults: Vec<_> = bad.iter().filter(|finding| !excused(finding)).collect();
    assert!(faults.is_empty(), "{faults:#?}");
    // As ever, all of it on credentials that nobody presented.
    assert_eq!(scene.upstream.requests(), 0);
}
