//! `lockout`: what it says of a gateway that runs, and of one that does not.

use std::fs;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::os::unix::net::UnixListener;
use std::process::Command;

use serde_json::json;

use crate::harness::{Place, Process, SECRET, done, has};

/// Settings with a socket, and a wait that outlasts every test.
fn place() -> Place {
    let place = Place::new();
    place.settings("127.0.0.1:0", "127.0.0.1:1");
    let text = fs::read_to_string(place.path("config/portcullis.toml")).unwrap();
    let more = "[ops]\nsocket = \"ops.sock\"\n[lockout]\nfailures = 2\nfirst_wait = \"10m\"\n";
    place.write("config/portcullis.toml", &(text + more));
    place
}

/// A gateway, and how a client asks it.
fn serve(place: &Place) -> (Process, impl Fn(&str) -> Command) {
    let process = Process::start(&mut place.command(&["serve"]));
    let line = process.logged("listening for https");
    let port = line.rsplit(':').next().unwrap().trim().to_owned();
    let authority = place.path("certs/ca.pem");
    let curl = move |user: &str| {
        let mut command = Command::new("curl");
        command.args(["--silent", "--output", "/dev/null", "--write-out", "%{http_code}", "--noproxy", "*"]);
        command.arg("--cacert").arg(&authority).args(["--resolve", &format!("localhost:{port}:127.0.0.1")]);
        command.args(["--user", user]).arg(format!("https://localhost:{port}/nothing"));
        command
    };
    (process, curl)
}

#[test]
fn it_lists_and_clears() {
    let place = place();
    let (process, curl) = serve(&place);
    assert_eq!(place.run(&["lockout", "list"]).out, "no wrong tries are remembered\n");
    for user in ["bob:wrong", "bob:wrong", "stranger:wrong"] {
        assert_eq!(done(&mut curl(user)).out, "401");
    }
    let right = format!("bob:{SECRET}");
    assert_eq!(done(&mut curl(&right)).out, "429");
    has(&process.logged("locked out"), &["WARN", "127.0.0.1", "bob", "failures=2"], &"the log");

    the_list_names_users_alone(&place);
    assert_eq!(place.run(&["lockout", "clear", "127.0.0.2"]).out, "cleared 0 entries\n");
    assert_eq!(place.run(&["lockout", "clear", "127.0.0.1/32", "bob"]).out, "cleared 1 entry\n");
    assert_eq!(done(&mut curl(&right)).out, "403");
    assert_eq!(place.run(&["lockout", "clear", "--json"]).json(), json!({"cleared": 2}));
}

fn the_list_names_users_alone(place: &Place) {
    let listed = place.run(&["lockout", "list"]);
    let rows: Vec<Vec<_>> = listed.out.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(rows[0], ["ADDRESS", "USER", "FAILURES", "LOCKED", "UNTIL"], "{listed:?}");
    assert_eq!(rows[1][..3], ["127.0.0.1", "bob", "2"], "{listed:?}");
    has(&listed.out, &["(all names)", "(unknown name)"], &listed);
    assert!(!listed.out.contains("stranger"), "{listed:?}");
    let value = place.run(&["--json", "lockout", "list"]).json();
    assert_eq!((&value["total"], value["entries"].as_array().unwrap().len()), (&json!(3), 3));
    assert_eq!((&value["entries"][0]["user"], &value["entries"][0]["scope"]), (&json!("bob"), &json!("user")));
    assert!(value["entries"][0]["locked_until"].as_str().unwrap().ends_with('Z'), "{value}");
}

#[test]
fn the_socket_is_its_owners_alone_and_goes_with_the_gateway() {
    let place = place();
    let (process, _) = serve(&place);
    let socket = fs::symlink_metadata(place.path("config/ops.sock")).unwrap();
    assert!(socket.file_type().is_socket());
    assert_eq!(socket.permissions().mode() & 0o777, 0o600);
    process.signal("TERM");
    assert_eq!(process.code(), Some(0));
    assert!(fs::symlink_metadata(place.path("config/ops.sock")).is_err(), "it is cleared away");
}

#[test]
fn without_a_gateway_it_says_so() {
    let place = place();
    for verb in ["list", "clear"] {
        let nobody = place.run(&["lockout", verb]);
        assert_eq!(nobody.code, 1, "{nobody:?}");
        has(&nobody.err, &["config/ops.sock: nobody listens"], &verb);
    }
    place.settings("127.0.0.1:0", "127.0.0.1:1");
    let unset = place.run(&["lockout", "list"]);
    assert_eq!(unset.code, 2, "{unset:?}");
    has(&unset.err, &["ops.socket is not set"], &"no socket");
    for arguments in [&["lockout"][..], &["lockout", "clear", "home"], &["lockout", "clear", "10.0.0.0/8"]] {
        assert_eq!(place.run(arguments).code, 2, "{arguments:?}");
    }
}

#[test]
fn a_socket_that_was_left_is_replaced_and_nothing_else() {
    let place = place();
    let socket = place.path("config/ops.sock");
    // What is dropped is no longer listened on, and its file stays.
    drop(UnixListener::bind(&socket).unwrap());
    let (process, _) = serve(&place);
    assert_eq!(place.run(&["lockout", "list"]).code, 0);
    let second = place.run(&["serve"]);
    assert_ne!(second.code, 0);
    has(&second.err, &["ops.sock: another gateway listens on it"], &"a second gateway");
    assert_eq!(place.run(&["lockout", "list"]).code, 0, "the first still has it");
    process.signal("TERM");
    assert_eq!(process.code(), Some(0));

    place.write("config/ops.sock", "precious");
    let refused = place.run(&["serve"]);
    assert_ne!(refused.code, 0);
    has(&refused.err, &["ops.sock: there is something else than a socket"], &"a file");
    assert_eq!(fs::read_to_string(&socket).unwrap(), "precious");
}
