//! `user`: who there is, and changing it.

use std::fs;
use std::io::ErrorKind;
use std::net::TcpListener;
use std::os::unix::fs::MetadataExt as _;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use portcullis::policy::TokenHash;
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::harness::{Place, Process, SECRET, access, done, has};

fn document(place: &Place) -> String {
    fs::read_to_string(place.path("config/access.toml")).unwrap()
}

#[test]
fn users_are_listed_with_what_hinders_them() {
    let place = Place::new();
    let listed = place.run(&["user", "list"]);
    assert_eq!((listed.code, listed.err.as_str()), (0, ""));
    let lines: Vec<Vec<_>> = listed.out.lines().map(|line| line.split("  ").map(str::trim).collect()).collect();
    let cells =
        |line: &[&str]| line.iter().filter(|cell| !cell.is_empty()).map(|cell| (*cell).to_owned()).collect::<Vec<_>>();
    assert_eq!(cells(&lines[0]), ["USER", "TITLE", "API ACCESS", "LAST USED", "ROLES"]);
    // The settings name no file that would say when tokens were used.
    assert_eq!(cells(&lines[1]), ["amy", "Warehouse", "may use the API", "-", "reader"]);
    assert_eq!(cells(&lines[3]), ["carol", "API access is off", "-", "chief"]);
    let told = place.run(&["user", "list", "--json"]).json();
    assert!(told["users"][0].get("last_used").is_none());
    let never = place.run(&["user", "list", "--never-used"]);
    assert_eq!((never.code, never.out.as_str()), (2, ""));
    has(&never.err, &["state is not set in the settings"], &"never used");
    let hindered: Vec<_> = told["users"].as_array().unwrap().iter().map(|user| user["hindrance"].clone()).collect();
    assert_eq!(
        hindered,
        [
            Value::Null,
            Value::Null,
            json!("API access is off"),
            json!("there is no token"),
            json!("every token has expired")
        ]
    );
}

#[test]
fn it_is_told_who_never_used_a_token() {
    let place = Place::new();
    place.write("config/portcullis.toml", &format!("state = \"state.json\"\n{}", settings(&place)));
    let mark = TokenHash::of(SECRET.as_bytes()).mark();
    let used = format!(r#"{{"version":1,"tokens":{{"{mark:016x}":"2026-07-01T12:00:00Z"}}}}"#);
    for (state, note, column) in [(used.as_str(), "", "2026-07-01"), ("[users]", "holds no last uses of tokens", "-")] {
        place.write("config/state.json", state);
        let listed = place.run(&["user", "list"]);
        assert_eq!(listed.code, 0, "{listed:?}");
        has(&listed.err, &[note], &"note");
        let bob = listed.out.lines().find(|line| line.starts_with("bob")).unwrap();
        has(bob, &[column], &listed);
    }
    assert_eq!(place.run(&["user", "list", "--never-used"]).code, 2, "nothing is known");
    place.write("config/state.json", &used);
    let never = place.run(&["user", "list", "--never-used"]);
    let names: Vec<_> = never.out.lines().skip(1).map(|line| line.split(' ').next().unwrap()).collect();
    // Carol's access is off, dan has no token and eve's has expired: it is no wonder that they used none.
    assert_eq!(names, ["amy"], "{never:?}");
    has(&place.run(&["user", "show", "bob"]).out, &["last used 2026-07-01T12:00:00Z"], &"bob");
    has(&place.run(&["user", "show", "amy"]).out, &["never used"], &"amy");
}

fn settings(place: &Place) -> String {
    fs::read_to_string(place.path("config/portcullis.toml")).unwrap()
}

#[test]
fn who_ran_a_command_is_noted_beside_the_document() {
    let place = Place::new();
    let journal = place.path("config/access.toml.changes.jsonl");
    assert_eq!(place.run(&["user", "disable", "amy", "--dry-run"]).code, 0);
    assert!(!journal.exists(), "nothing was changed");
    let mut command = place.command(&["user", "disable", "amy"]);
    assert_eq!(done(command.env("SUDO_USER", "somebody")).code, 0);
    let line: Value = serde_json::from_str(fs::read_to_string(&journal).unwrap().trim()).unwrap();
    let root = fs::metadata("/proc/self").unwrap().uid() == 0;
    // What sudo says is believed of root, and of nobody else.
    assert_eq!(line["who"] == "somebody", root, "{line}");
    assert_eq!((&line["way"], &line["changes"]), (&json!("command"), &json!("amy api access off")));
}

#[test]
fn a_user_is_shown_with_every_permission_and_never_a_hash() {
    let place = Place::new();
    for (name, parts) in [
        ("amy", &["Warehouse", "API access  on", "orders.view by role reader", "only from   10.0.0.0/8"][..]),
        ("bob", &["granted     orders.*", "orders.edit by a grant of their own, orders.*"]),
        ("carol", &["API access  off", "orders.edit by role chief, which grants *"]),
        ("eve", &["but         every token has expired", "expired 2020-01-01T00:00:00Z"]),
    ] {
        let shown = place.run(&["user", "show", name]);
        assert_eq!((shown.code, shown.err.as_str()), (0, ""), "{name}");
        has(&shown.out, parts, &name);
        let told = place.run(&["--json", "user", "show", name]);
        assert_eq!(told.json()["name"], name);
        assert!(!shown.out.contains("sha256") && !told.out.contains("sha256"));
    }
    let nobody = place.run(&["user", "show", "amx"]);
    assert_eq!((nobody.code, nobody.out.as_str()), (1, ""));
    has(&nobody.err, &["there is no user \"amx\"; did you mean \"amy\"?"], &"near");
}

#[test]
fn changes_are_saved_and_said() {
    let place = Place::new();
    for (arguments, said) in [
        (&["user", "disable", "amy"][..], "saved: amy may not use the API any more"),
        (&["user", "disable", "amy"], "nothing to change"),
        (&["user", "enable", "amy"], "saved: amy may use the API"),
        (&["user", "add", "zoe", "--title", "An app"], "saved: zoe is a user, without API access"),
        (
            &["user", "grant", "zoe", "orders.view", "orders.edit", "--role", "reader"],
            "saved: zoe has orders.view, orders.edit and reader",
        ),
        (&["user", "revoke", "zoe", "orders.edit"], "saved: zoe was granted orders.edit, and is no more"),
    ] {
        let done = place.run(arguments);
        assert_eq!((done.code, done.out.trim()), (0, said), "{arguments:?} {done:?}");
        assert_eq!(place.run(&["check"]).code, 0, "{arguments:?}");
    }
    let shown = place.run(&["user", "show", "zoe", "--json"]).json();
    assert_eq!(
        (&shown["title"], &shown["roles"], &shown["grants"]),
        (&json!("An app"), &json!(["reader"]), &json!(["orders.view"]))
    );
    assert_eq!(place.run(&["user", "remove", "zoe"]).code, 0);
    assert_eq!(place.run(&["user", "show", "zoe"]).code, 1);
}

#[test]
fn a_dry_run_shows_the_difference_and_leaves_the_document() {
    let place = Place::new();
    let before = document(&place);
    let done = place.run(&["user", "disable", "amy", "--dry-run"]);
    assert_eq!(done.code, 0, "{done:?}");
    has(&done.out, &["@@", "-api_access = true", "+api_access = false", " [users.amy]"], &"diff");
    let done = place.run(&["user", "regenerate", "amy", "--dry-run"]);
    assert!(done.code == 0 && !done.out.contains("pcl_"), "a token that opens nothing is not shown: {done:?}");
    assert_eq!(document(&place), before);
}

#[test]
fn a_new_token_is_printed_once_and_stored_as_a_hash() {
    let place = Place::new();
    let done = place.run_for_a_token(&["user", "regenerate", "dan", "--label", "ERP", "--expires", "2099-12-31"]);
    assert_eq!(done.code, 0, "{done:?}");
    let token = done.out.trim().to_owned();
    assert!(token.starts_with("pcl_"), "{done:?}");
    has(&done.err, &["the only time that the token is shown"], &"note");
    let stored = document(&place);
    assert!(!stored.contains(&token) && stored.contains(&TokenHash::of(token.as_bytes()).to_string()));
    has(&place.run(&["user", "show", "dan"]).out, &["ERP, created ", "expires 2099-12-31T00:00:00Z"], &"dan");
    let again = place.run_for_a_token(&["user", "regenerate", "dan", "--keep-old", "24h", "--json"]);
    assert!(again.json()["token"].as_str().unwrap().starts_with("pcl_"));
    let shown = place.run(&["user", "show", "dan", "--json"]).json();
    let labels: Vec<_> = shown["tokens"].as_array().unwrap().iter().map(|token| token["label"].clone()).collect();
    assert_eq!(labels, [json!("ERP"), Value::Null]);
}

/// What a gateway answers to bob with a token, for something that he may not do: 403 where the token counts.
fn status(place: &Place, port: &str, token: &str) -> String {
    let mut command = Command::new("curl");
    command.args(["--silent", "--output", "/dev/null", "--write-out", "%{http_code}", "--noproxy", "*"]);
    command.arg("--cacert").arg(place.path("certs/ca.pem")).args(["--resolve", &format!("localhost:{port}:127.0.0.1")]);
    command.args(["--user", &format!("bob:{token}")]).arg(format!("https://localhost:{port}/nothing"));
    done(&mut command).out
}

#[test]
fn a_gateway_that_runs_takes_the_new_token_and_no_longer_the_old_one() {
    let place = Place::new();
    // Without what is expected of bob, or he could not be shut out.
    place.access(access().split("[[expect]]").next().unwrap());
    let upstream = TcpListener::bind("127.0.0.1:0").unwrap();
    upstream.set_nonblocking(true).unwrap();
    place.settings("127.0.0.1:0", &upstream.local_addr().unwrap().to_string());
    let process = Process::start(&mut place.command(&["serve"]));
    let line = process.logged("listening for https");
    let port = line.rsplit(':').next().unwrap().trim();
    assert_eq!(status(&place, port, SECRET), "403");
    let made = place.run_for_a_token(&["user", "regenerate", "bob"]);
    let (token, saved) = (made.out.trim(), Instant::now());
    while status(&place, port, SECRET) != "401" {
        assert!(saved.elapsed() < Duration::from_secs(30), "the old token still counts");
    }
    assert_eq!(status(&place, port, token), "403");
    assert_eq!(place.run(&["user", "disable", "bob"]).code, 0);
    let saved = Instant::now();
    while status(&place, port, token) != "401" {
        assert!(saved.elapsed() < Duration::from_secs(30), "API access is still on");
    }
    assert_eq!(upstream.accept().unwrap_err().kind(), ErrorKind::WouldBlock, "nothing reached the upstream");
}

#[test]
fn a_change_that_is_killed_leaves_one_document_or_the_other() {
    let place = Place::new();
    let (on, off) = (document(&place), document(&place).replacen("api_access = true", "api_access = false", 1));
    let mut killed = 0;
    for round in 0..1000_u64 {
        let verb = if document(&place) == on { "disable" } else { "enable" };
        let mut command = place.command(&["user", verb, "amy"]);
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        // At moments that are spread over the time that it takes.
        thread::sleep(Duration::from_micros(round * 130 % 40_000));
        child.kill().unwrap();
        match child.wait().unwrap().code() {
            None => killed += 1,
            Some(code) => assert_eq!(code, 0),
        }
        let now = document(&place);
        assert!(now == on || now == off, "{now}");
    }
    assert!(killed > 0);
    assert_eq!(place.run(&["user", "enable", "amy"]).code, 0, "nothing is left locked");
}

#[test]
fn what_may_not_be_is_refused_and_nothing_is_saved() {
    let place = Place::new();
    let before = document(&place);
    for (arguments, code, said) in [
        (&["user", "enable", "amx"][..], 1, "did you mean \"amy\"?"),
        (&["user", "add", "amy"], 1, "there is a user \"amy\" already"),
        (&["user", "add", "a:b"], 2, "access.toml:"),
        (&["user", "grant", "amy", "orders.eidt"], 2, "did you mean \"orders.edit\"?"),
        (&["user", "revoke", "amy", "orders.view"], 1, "by the role reader"),
        (&["user", "revoke", "bob", "orders.view"], 1, "by the grant orders.*"),
        // An expectation of the document says that he may.
        (&["user", "remove", "bob"], 2, "access.toml:"),
        (&["user", "revoke", "bob", "orders.*"], 2, "expected \"allow\""),
        (&["user", "regenerate", "amy", "--expires", "soon"], 2, "no point in time"),
        (&["user", "grant", "amy"], 2, "required"),
    ] {
        let done = place.run(arguments);
        assert_eq!((done.code, done.out.as_str()), (code, ""), "{arguments:?} {done:?}");
        has(&done.err, &[said], &arguments);
    }
    assert_eq!(document(&place), before);
}
