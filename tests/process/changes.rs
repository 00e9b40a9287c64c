//! Who changed the access document: found by a gateway that runs in its sandbox, and told in its audit log.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::process::{Command, Stdio};

use nix::unistd::{User, getuid};
use serde_json::{Value, json};

use crate::document::{AMY, BOB, EVE, document};
use crate::kept;
use crate::saves::rename_over;
use crate::scene::{Gateway, Plan, Scene};
use crate::wait::until;

/// Runs a command that changes the document.
fn command(scene: &Scene, arguments: &[&str]) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_portcullis"));
    command.args(arguments).arg("--config").arg(scene.path("portcullis.toml")).stdin(Stdio::null());
    let output = command.env_remove("SUDO_USER").output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    kept::printed("process-log", &said);
    assert!(output.status.success(), "{said}");
    said
}

/// The lines of a file that are whole.
fn lines(scene: &Scene, name: &str) -> Vec<Value> {
    let text = fs::read_to_string(scene.path(name)).unwrap_or_default();
    let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
    whole.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The lines of the audit log, once there are so many.
fn told(scene: &Scene, count: usize) -> Vec<Value> {
    until("the audit line", || Some(lines(scene, "audit.jsonl")).filter(|lines| lines.len() == count))
}

fn reloaded(gateway: &Gateway, generation: f64) {
    until("the reload", || (gateway.generation() == generation).then_some(()));
}

/// The values of these members.
fn members(line: &Value, names: &[&str]) -> Vec<Value> {
    names.iter().map(|name| line[name].clone()).collect()
}

#[test]
fn each_change_is_told_with_who_made_it() {
    let scene = Scene::new();
    let gateway = scene.serve(&Plan { audit: "./audit.jsonl", ..Plan::default() });
    let login = User::from_uid(getuid()).unwrap().map_or_else(|| format!("uid {}", getuid()), |user| user.name);
    let document_file = scene.path("access.toml");
    rename_over(&document_file, &document(&[AMY, EVE]));
    reloaded(&gateway, 2.0);
    command(&scene, &["user", "disable", "eve"]);
    reloaded(&gateway, 3.0);
    // That the same is read again is no change, though it is a generation.
    gateway.signal("HUP");
    reloaded(&gateway, 4.0);
    let disabled = fs::read_to_string(&document_file).unwrap();
    rename_over(&document_file, "[users.amy]\nrols = []\n");
    until("the refusal", || (gateway.refused("access") == 1.0).then_some(()));
    rename_over(&document_file, &disabled);
    gateway.log.wait_for(&["again what is in force"]);
    let told = told(&scene, 3);
    let names = ["event", "way", "who", "from", "changes", "generation"];
    assert_eq!(
        members(&told[0], &names),
        [json!("change"), json!("file"), json!(null), json!(null), json!("-1 user (bob)"), json!(2)]
    );
    assert_eq!(
        members(&told[1], &names),
        [json!("change"), json!("command"), json!(login), json!(null), json!("eve api access off"), json!(3)]
    );
    assert_eq!(members(&told[2], &["event", "generation"]), [json!("change_refused"), json!(4)]);
    let why = told[2]["why"].as_str().unwrap();
    assert!(why.contains("access.toml") && !why.contains('\n'), "{why}");
    let journal = lines(&scene, "access.toml.changes.jsonl");
    let names = ["way", "who", "changes"];
    assert_eq!(
        journal.iter().map(|line| members(line, &names)).collect::<Vec<_>>(),
        [
            vec![json!("file"), json!(null), json!("-1 user (bob)")],
            vec![json!("command"), json!(login), json!("eve api access off")],
        ]
    );
    assert_eq!(journal[0]["after"], journal[1]["before"]);
    assert_eq!(fs::metadata(scene.path("access.toml.changes.jsonl")).unwrap().mode() & 0o777, 0o600);
    assert_eq!(scene.upstream.requests(), 0);
}

#[test]
fn two_gateways_note_a_change_once() {
    let scene = Scene::new();
    let plan = Plan { audit: "./audit.jsonl", ..Plan::default() };
    let gateways = [scene.serve(&plan), scene.serve(&plan)];
    for (generation, users) in [(2.0, &[AMY, EVE][..]), (3.0, &[AMY, BOB, EVE]), (4.0, &[AMY, EVE])] {
        rename_over(&scene.path("access.toml"), &document(users));
        gateways.iter().for_each(|gateway| reloaded(gateway, generation));
    }
    let changes: Vec<_> = told(&scene, 6).iter().map(|line| line["way"].clone()).collect();
    assert_eq!(changes, vec![json!("file"); 6]);
    assert_eq!(lines(&scene, "access.toml.changes.jsonl").len(), 3);
}

/// Where nothing may be written beside the document, what was made by a command elsewhere is still told as that.
#[test]
fn a_journal_that_cannot_be_written_stops_nothing() {
    let scene = Scene::new();
    fs::create_dir(scene.path("access.toml.changes.jsonl")).unwrap();
    let gateway = scene.serve(&Plan { audit: "./audit.jsonl", ..Plan::default() });
    gateway.log.wait_for(&["access.toml.changes.jsonl", "are not noted there"]);
    let said = command(&scene, &["user", "disable", "eve"]);
    assert!(said.contains("not noted who did it") && said.contains("access.toml.changes.jsonl"), "{said}");
    reloaded(&gateway, 2.0);
    assert_eq!(members(&told(&scene, 1)[0], &["way", "changes"]), [json!("file"), json!("eve api access off")]);
    rename_over(&scene.path("access.toml"), &document(&[AMY, BOB, EVE]));
    reloaded(&gateway, 3.0);
    assert_eq!(gateway.log.text().matches("are not noted there").count(), 1);
    assert_eq!(scene.upstream.requests(), 0);
}

#[test]
fn what_was_saved_while_no_gateway_ran_is_noted_at_the_next_start() {
    let scene = Scene::new();
    drop(scene.serve(&Plan::default()));
    let journal = || lines(&scene, "access.toml.changes.jsonl");
    assert!(journal().is_empty(), "there is nothing to compare with yet");
    command(&scene, &["user", "disable", "eve"]);
    drop(scene.serve(&Plan::default()));
    assert_eq!(journal().len(), 1, "a command notes what it does whether or not a gateway runs");
    rename_over(&scene.path("access.toml"), &document(&[AMY]));
    for _ in 0..2 {
        drop(scene.serve(&Plan::default()));
        let journal = journal();
        assert_eq!(journal.len(), 2, "{journal:?}");
        let told = members(&journal[1], &["way", "who", "changes"]);
        assert_eq!(told, [json!("file"), json!(null), json!("changed while no gateway ran")]);
        assert_eq!(journal[1]["before"], journal[0]["after"]);
    }
}
