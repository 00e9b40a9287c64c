//! `demo`, from the first line to the last: what it prints is run as it is printed.

use std::fs;
use std::process::Command;

use serde_json::Value;

use crate::harness::{Place, Process, done, exists, has};
use crate::kept;

/// Runs a line as somebody would who pasted it, and returns the status of the answer.
fn paste(line: &str) -> String {
    let answer = done(Command::new("sh").args(["-c", line]).env("no_proxy", "*").env("NO_PROXY", "*"));
    assert_eq!(answer.code, 0, "{line}\n{answer:?}");
    answer.out.split_whitespace().nth(1).unwrap_or_default().to_owned()
}

#[test]
fn the_demo_does_what_it_says() {
    let place = Place::empty();
    let first = Process::start(&mut place.command(&["demo"]));
    let told = first.told("Ctrl-C");
    kept::tokens_in(&told.concat());
    kept::secret(told.iter().find_map(|line| line.split("with the password ").nth(1)).unwrap().trim());
    has(&told.join("\n"), &["This is a demo", "loopback", "amy", "bob", "carol", "/metrics", "audit.jsonl"], &"told");
    let statuses: Vec<_> = told.iter().filter(|line| line.starts_with("  curl ")).map(|line| paste(line)).collect();
    assert_eq!(statuses, ["200", "401", "403"], "{told:#?}");
    let dir = told.iter().find_map(|line| line.strip_prefix("  files")).and_then(|rest| rest.split_whitespace().next());
    let dir = dir.unwrap();
    assert!(exists(dir), "{dir}");

    // The usual ports are taken now, at the latest: another demo finds its own.
    let second = Process::start(&mut place.command(&["demo", "--json"]));
    let value: Value = serde_json::from_str(&second.told("}").concat()).unwrap();
    kept::tokens_in(&value.to_string());
    kept::secret(value["panel"]["password"].as_str().unwrap());
    let commands = value["commands"].as_array().unwrap();
    for command in commands {
        assert_eq!(paste(command["line"].as_str().unwrap()), command["status"].to_string());
    }
    assert!(!told.concat().contains(value["gateway"].as_str().unwrap()), "{value:#}");
    let metrics = paste(&format!("curl -i {}", value["metrics"].as_str().unwrap()));
    assert_eq!(metrics, "200");
    assert_eq!(value["panel"]["user"], "carol");
    let panel = format!("{}/sign-in", value["panel"]["address"].as_str().unwrap());
    assert_eq!(paste(&format!("curl -i --cacert {}/ca.pem {panel}", value["directory"].as_str().unwrap())), "200");

    // What the template suggests: one permission more, and what was refused is allowed.
    let other = value["directory"].as_str().unwrap();
    let path = format!("{other}/access.toml");
    let text = fs::read_to_string(&path).unwrap();
    let more =
        text.replace("permissions = [\"products.view\"]", "permissions = [\"products.view\", \"products.delete\"]");
    assert_ne!(text, more);
    fs::write(&path, more).unwrap();
    second.logged("access document: reloaded");
    let refused = commands.iter().find(|command| command["status"] == 403).unwrap();
    assert_eq!(paste(refused["line"].as_str().unwrap()), "204");

    for dir in [dir, other] {
        kept::printed("cli-demo-audit", &fs::read_to_string(format!("{dir}/audit.jsonl")).unwrap());
    }
    for (process, dir, signal) in [(first, dir, "INT"), (second, other, "TERM")] {
        process.signal(signal);
        assert_eq!(process.code(), Some(0), "{signal}");
        assert!(!exists(dir), "{dir}");
    }
}

#[test]
fn a_port_that_was_asked_for_is_not_replaced() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let done = Place::empty().run(&["demo", "--port", &port]);
    assert_eq!((done.code, done.out.as_str()), (1, ""), "{done:?}");
    has(&done.err, &[&port], &"the port");
}
