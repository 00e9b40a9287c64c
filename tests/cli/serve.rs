//! `serve`: its start, its signals, its end.

use std::io::Read;
use std::net::TcpListener;
use std::process::{Command, Stdio};
use std::sync::mpsc::channel;
use std::thread;

use crate::harness::{Place, Process, SECRET, done, has};

/// The address that a line of the log tells.
fn address(line: &str) -> &str {
    line.split("address=").nth(1).unwrap().trim()
}

fn curl(place: &Place, address: &str, path: &str) -> Command {
    let mut command = Command::new("curl");
    let resolve = format!("localhost:{}:127.0.0.1", address.rsplit(':').next().unwrap());
    command.args(["--silent", "--output", "/dev/null", "--write-out", "%{http_code}", "--noproxy", "*"]);
    command.arg("--cacert").arg(place.path("certs/ca.pem")).args(["--resolve", &resolve]);
    command.args(["--user", &format!("bob:{SECRET}")]);
    command.arg(format!("https://localhost:{}{path}", address.rsplit(':').next().unwrap()));
    command
}

#[test]
fn it_serves_reads_again_on_hangup_and_ends_when_told() {
    let place = Place::new();
    for signal in ["TERM", "INT"] {
        let process = Process::start(&mut place.command(&["serve"]));
        let line = process.logged("listening for https");
        assert_eq!(done(&mut curl(&place, address(&line), "/nothing")).out, "403");
        process.signal("HUP");
        has(&process.logged("access document: reloaded"), &["generation=2"], &"asked for");
        process.signal(signal);
        assert_eq!(process.code(), Some(0), "{signal}");
    }
}

#[test]
fn a_second_signal_ends_it_at_once() {
    let upstream = TcpListener::bind("127.0.0.1:0").unwrap();
    let place = Place::new();
    place.settings("127.0.0.1:0", &upstream.local_addr().unwrap().to_string());
    let process = Process::start(&mut place.command(&["serve"]));
    let line = process.logged("listening for https");
    let mut waiting = curl(&place, address(&line), "/orders").stdout(Stdio::null()).spawn().unwrap();
    // An upstream that reads the request and never answers, so that there is something to wait for.
    let (sender, arrived) = channel();
    thread::spawn(move || {
        let (mut stream, _) = upstream.accept().unwrap();
        let read = stream.read(&mut [0; 1]).unwrap();
        sender.send(read).unwrap();
        stream.read_to_end(&mut Vec::new())
    });
    assert_eq!(arrived.recv().unwrap(), 1);
    process.signal("TERM");
    process.logged("told to end");
    process.signal("TERM");
    assert_eq!(process.code(), Some(1));
    waiting.wait().unwrap();
}

#[test]
fn what_keeps_it_from_starting_is_told() {
    let place = Place::new();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    place.settings(&address, "127.0.0.1:1");
    let bound = place.run(&["serve"]);
    assert_eq!(bound.code, 1, "{bound:?}");
    has(&bound.err, &["error: ", &address], &"a port in use");

    let level = done(place.command(&["serve"]).env("PORTCULLIS_LOG", "portcullis=loud"));
    assert_eq!(level.code, 2, "{level:?}");
    has(&level.err, &["PORTCULLIS_LOG"], &"a level that there is not");

    std::fs::remove_file(place.path("certs/server.key")).unwrap();
    let key = place.run(&["serve"]);
    assert_eq!(key.code, 2, "{key:?}");
    has(&key.err, &["server.key"], &"a missing key");
}
