//! How commands are called: help, wrong use, where settings are found, where results go.

use std::fs::OpenOptions;
use std::io::pipe;

use crate::harness::{Place, done, has};

const COMMANDS: [&[&str]; 19] = [
    &["demo"],
    &["serve"],
    &["health"],
    &["check"],
    &["explain"],
    &["who-can"],
    &["permissions"],
    &["user"],
    &["user", "password"],
    &["import"],
    &["import", "htpasswd"],
    &["import", "openapi"],
    &["token"],
    &["token", "hash"],
    &["lockout"],
    &["lockout", "list"],
    &["lockout", "clear"],
    &["cert"],
    &["schema"],
];

#[test]
fn every_command_explains_itself() {
    let place = Place::empty();
    let all = place.run(&["--help"]);
    assert_eq!(all.code, 0);
    for command in COMMANDS {
        has(&all.out, &[command[0]], &command);
        let help = place.run(&[command, &["--help"]].concat());
        assert_eq!(help.code, 0, "{help:?}");
        has(&help.out, &[&command.join(" "), "Usage:", "--config", "--json"], &command);
    }
}

#[test]
fn wrong_use_is_2() {
    let place = Place::new();
    for arguments in [
        &[][..],
        &["serv"],
        &["serve", "now"],
        &["serve", "--json"],
        &["explain", "amy", "GET"],
        &["explain", "--from", "home", "amy", "GET", "/"],
        &["permissions", "--format", "pdf"],
        &["schema"],
        &["cert", "--out", "x"],
        &["cert", "--out", "x", "--host", "localhost", "--force", "--keep"],
        &["demo", "--store", "9001"],
        &["health"],
        &["cert", "--out", "x", "--host", "not a host"],
        &["demo", "--config", "config/portcullis.toml"],
    ] {
        let done = place.run(arguments);
        assert_eq!(done.code, 2, "{arguments:?} {done:?}");
        assert!(done.out.is_empty() && !done.err.is_empty(), "{arguments:?} {done:?}");
    }
}

#[test]
fn settings_are_found_where_they_are_said_to_be() {
    let place = Place::new();
    let question = ["explain", "bob", "GET", "/orders"];
    assert_eq!(place.run(&question).code, 0, "the default");
    std::fs::rename(place.path("config"), place.path("elsewhere")).unwrap();
    let missing = place.run(&question);
    assert_eq!(missing.code, 2);
    has(&missing.err, &["config/portcullis.toml", "--config", "PORTCULLIS_CONFIG"], &"no settings");

    let option = ["--config", "elsewhere/portcullis.toml"];
    assert_eq!(place.run(&[&option[..], &question].concat()).code, 0, "before the verb");
    assert_eq!(place.run(&[&question[..], &option].concat()).code, 0, "behind the verb");
    let variable = |value: &str, arguments: &[&str]| done(place.command(arguments).env("PORTCULLIS_CONFIG", value));
    assert_eq!(variable("elsewhere/portcullis.toml", &question).code, 0, "the environment");
    assert_eq!(variable("nowhere.toml", &[&question[..], &option].concat()).code, 0, "the option counts more");
    assert_eq!(variable("nowhere.toml", &question).code, 2);
    assert_eq!(variable("", &question).err, missing.err, "empty counts as not set");
}

#[test]
fn faulty_files_are_2_for_every_command_that_needs_them() {
    let place = Place::new();
    place.access("[users.amy]\nrols = []\n");
    let commands: [&[&str]; 5] =
        [&["explain", "amy", "GET", "/"], &["who-can", "GET", "/"], &["permissions"], &["check"], &["serve"]];
    for arguments in commands {
        let done = place.run(arguments);
        assert_eq!(done.code, 2, "{arguments:?} {done:?}");
        has(&done.err, &["access.toml:2:1: ", "did you mean \"roles\"?"], &arguments);
    }
    place.write("config/portcullis.toml", "acess = \"access.toml\"\n");
    for arguments in commands {
        let done = place.run(arguments);
        assert_eq!(done.code, 2, "{arguments:?} {done:?}");
        has(&done.err, &["portcullis.toml:1:1: ", "write \"access\"", "listen: the table is missing"], &arguments);
    }
}

#[test]
fn a_reader_that_has_gone_is_no_failure() {
    let place = Place::new();
    for (arguments, code) in [(&["permissions"][..], 0), (&["explain", "-", "GET", "/orders"], 1), (&["--help"], 0)] {
        let (reader, writer) = pipe().unwrap();
        drop(reader);
        let output = place.command(arguments).stdout(writer).output().unwrap();
        assert_eq!(output.status.code(), Some(code), "{arguments:?}");
        assert!(output.stderr.is_empty(), "{arguments:?} {output:?}");
    }
}

#[test]
fn a_result_that_cannot_be_written_is_a_failure() {
    let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
    let output = Place::new().command(&["permissions"]).stdout(full).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    has(&String::from_utf8(output.stderr).unwrap(), &["error: standard output: "], &"full");
}
