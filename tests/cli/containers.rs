//! What containers need of the commands: settings from the environment, `health`, a store alone, a certificate kept.

use std::fs;
use std::net::TcpListener;
use std::process::Command;

use crate::harness::{Place, Process, SECRET, done, has};

/// A curl that asks no proxy and says the status alone.
fn status(arguments: &[&str]) -> String {
    let mut command = Command::new("curl");
    command.args(["--silent", "--output", "/dev/null", "--write-out", "%{http_code}", "--noproxy", "*"]);
    done(command.args(arguments)).out
}

#[test]
fn the_environment_counts_more_than_the_file() {
    let place = Place::new();
    let store = Process::start(&mut place.command(&["demo", "--store", "127.0.0.1:0"]));
    let told = store.told("The sample store").pop().unwrap();
    let upstream = told.rsplit(' ').next().unwrap().to_owned();
    assert_eq!(status(&[&format!("{upstream}/api/v2/time")]), "200", "it asks nobody");

    let variables = [("UPSTREAM_SERVERS", &*upstream), ("PANEL_HTTPS", "127.0.0.1:0"), ("OPS_HTTP", "127.0.0.1:0")];
    let set = |command: &mut Command| {
        command.envs(variables.map(|(name, value)| (format!("PORTCULLIS_{name}"), value)));
    };
    let mut serve = place.command(&["serve"]);
    set(&mut serve);
    let gateway = Process::start(&mut serve);
    let address = |line: &str| line.split("address=").nth(1).unwrap().trim().to_owned();
    let https = address(&gateway.logged("listening for https"));
    let panel = address(&gateway.logged("listening for the control panel"));
    let ops = address(&gateway.logged("listening for ops"));
    let (authority, user) = (place.path("certs/ca.pem").display().to_string(), format!("bob:{SECRET}"));
    let by_name = |address: &str, path: &str| {
        let port = address.rsplit(':').next().unwrap();
        let (url, resolve) = (format!("https://localhost:{port}{path}"), format!("localhost:{port}:127.0.0.1"));
        status(&["--cacert", &authority, "--resolve", &resolve, "--user", &user, &url])
    };
    // The store has no such path, so its 404 shows that it was asked and not the server of the file.
    assert_eq!(by_name(&https, "/orders/1"), "404");
    assert_eq!(by_name(&panel, "/sign-in"), "200");

    let health = |address: &str, arguments: &[&str]| {
        done(place.command(&[&["health"], arguments].concat()).env("PORTCULLIS_OPS_HTTP", address))
    };
    let well = health(&ops, &[]);
    assert_eq!((well.code, &*well.out), (0, "ready\n"), "{well:?}");
    assert_eq!(health(&ops, &["--json"]).json()["ready"], true);
    let elsewhere = health(&https, &[]);
    assert_eq!(elsewhere.code, 1, "{elsewhere:?}");
    gateway.signal("TERM");
    assert_eq!(gateway.code(), Some(0));
    let gone = health(&ops, &[]);
    assert_eq!(gone.code, 1, "{gone:?}");
    has(&gone.err, &[&ops, "ops.http"], &"nobody listens");
    store.signal("TERM");
    assert_eq!(store.code(), Some(0));
}

#[test]
fn faults_of_the_environment_are_told_by_every_command() {
    let place = Place::new();
    for arguments in [&["check"][..], &["serve"], &["explain", "bob", "GET", "/orders"], &["health"]] {
        let mut command = place.command(arguments);
        let told = done(command.env("PORTCULLIS_UPSTREAM_SERVERS", "store:9001"));
        assert_eq!((told.code, &*told.out), (2, ""), "{arguments:?} {told:?}");
        has(&told.err, &["PORTCULLIS_UPSTREAM_SERVERS:1:1: ", "write \"http://store:9001\""], &arguments);
    }
    let told = place.run(&["health"]);
    assert_eq!(told.code, 2);
    has(&told.err, &["ops.http is not set"], &"health");
}

#[test]
fn a_store_that_cannot_listen_says_where() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let told = Place::empty().run(&["demo", "--store", &address]);
    assert_eq!(told.code, 1, "{told:?}");
    has(&told.err, &[&address], &"taken");
}

#[test]
fn a_certificate_that_is_there_is_kept() {
    let place = Place::empty();
    let arguments = ["cert", "--out", "certs", "--keep", "--host", "localhost"];
    assert_eq!(place.run(&arguments).code, 0);
    let read = || ["server.pem", "server.key", "ca.pem"].map(|file| fs::read(place.path("certs").join(file)).unwrap());
    let before = read();
    let again = place.run(&arguments);
    assert_eq!(again.code, 0, "{again:?}");
    has(&again.out, &["is kept"], &again);
    assert_eq!(read(), before);
}
