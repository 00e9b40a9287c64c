//! What the process gives up: another user than root, core dumps, and most of the file system.
//!
//! Started by root these tests see the change of user, and started by anybody else that it is refused.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
use std::path::Path;
use std::process::{Command, Output, Stdio};

use nix::unistd::geteuid;

use crate::client::{Client, Protocol, Trust};
use crate::document::{AMY, BOB, EVE, document};
use crate::kept;
use crate::saves::rename_over;
use crate::scene::{Gateway, Plan, Scene};
use crate::wait::{eventually, until};

/// There on every Debian and nearly every other system.
const NOBODY: (&str, u32) = ("nobody", 65534);
const AS_NOBODY: &str = "user = \"nobody\"";

/// What a status of proc(5) says, field by field.
fn field(status: &str, name: &str) -> String {
    let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    line.unwrap_or_else(|| panic!("no {name} in\n{status}")).split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The status of each of a gateway's threads.
fn threads(gateway: &Gateway) -> Vec<String> {
    let tasks = fs::read_dir(format!("/proc/{}/task", gateway.pid())).unwrap();
    // One may end meanwhile.
    tasks.filter_map(|task| fs::read_to_string(task.ok()?.path().join("status")).ok()).collect()
}

/// Lets nobody in: into the scene, and to its files.
fn hand_over(scene: &Scene) {
    fs::set_permissions(scene.path(""), Permissions::from_mode(0o755)).unwrap();
    for path in ["access.toml", "certs", "certs/server.key", "certs/server.pem", "log"] {
        let path = scene.path(path);
        if path.exists() {
            chown(path, Some(NOBODY.1), None).unwrap();
        }
    }
}

/// A start that has to fail.
fn refused(scene: &Scene, plan: &Plan<'_>) -> Output {
    scene.settle(plan);
    let mut command = Command::new(env!("CARGO_BIN_EXE_portcullis"));
    command.arg("serve").arg("--config").arg(scene.path("portcullis.toml")).stdin(Stdio::null());
    command.output().unwrap()
}

fn said(output: &Output) -> String {
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    kept::printed("process-log", &text);
    text
}

#[tokio::test]
async fn root_becomes_the_user_in_every_thread_and_reloads_as_that_user() {
    let scene = Scene::new();
    fs::create_dir(scene.path("log")).unwrap();
    if !geteuid().is_root() {
        let output = refused(&scene, &Plan { process: "user = \"root\"", ..Plan::default() });
        assert_eq!(output.status.code(), Some(2), "{}", said(&output));
        assert!(said(&output).contains("process.user: only root can become root"), "{}", said(&output));
        assert_eq!(scene.upstream.requests(), 0);
        return;
    }
    let plan = Plan { process: AS_NOBODY, audit: "./log/audit.jsonl", ..Plan::default() };
    hand_over(&scene);
    let gateway = scene.serve(&plan);
    gateway.log.wait_for(&["INFO", "running as user nobody (uid 65534"]);
    assert!(gateway.log.find(&["WARN", "root"]).is_none(), "{}", gateway.log.text());
    let statuses = threads(&gateway);
    assert!(statuses.len() > 3, "main, two workers, control, audit: {statuses:?}");
    for status in &statuses {
        assert_eq!(field(status, "Uid"), "65534 65534 65534 65534", "{status}");
        assert_eq!(field(status, "Groups"), "", "{status}");
        assert_eq!(field(status, "NoNewPrivs"), "1", "{status}");
        assert_eq!(field(status, "CapPrm"), "0000000000000000", "{status}");
    }
    let owner = fs::metadata(format!("/proc/{}/stat", gateway.pid())).unwrap().uid();
    assert_eq!(owner, 0, "what cannot be dumped is root's to look at, whoever runs it");
    let mut client = Client::connect(&Trust::of(&scene), &gateway, Protocol::Http1).await;
    assert_eq!(client.view(AMY).await, 200);
    let audit = scene.path("log/audit.jsonl");
    eventually("the audit entry", || fs::read_to_string(&audit).ok().filter(|text| text.contains("amy"))).await;
    assert_eq!(fs::metadata(&audit).unwrap().uid(), NOBODY.1);
    // A save that the user can read takes effect, and one that it cannot changes nothing.
    let path = scene.path("access.toml");
    save_for(&path, &document(&[AMY, EVE]), NOBODY.1);
    until("the reload", || (gateway.generation() == 2.0).then_some(()));
    assert_eq!((client.view(BOB).await, client.view(AMY).await), (401, 200));
    save_for(&path, &document(&[AMY, BOB, EVE]), 0);
    gateway.log.wait_for(&["access.toml", "may not be read by the user"]);
    assert_eq!((client.view(BOB).await, client.view(AMY).await), (401, 200));
    assert_eq!(scene.upstream.seen(BOB.name).requests, 0);
    // SIGHUP opens the audit file anew, as the user too.
    fs::rename(&audit, scene.path("log/audit.jsonl.1")).unwrap();
    gateway.signal("HUP");
    eventually("the new audit file", || audit.exists().then_some(())).await;
}

/// Renames a file over another, readable by one user alone.
fn save_for(path: &Path, text: &str, uid: u32) {
    let beside = path.with_extension("new");
    fs::write(&beside, text).unwrap();
    fs::set_permissions(&beside, Permissions::from_mode(0o600)).unwrap();
    chown(&beside, Some(uid), None).unwrap();
    fs::rename(&beside, path).unwrap();
}

#[test]
fn what_the_user_could_not_read_again_is_told_at_start() {
    // Root alone can read what the user cannot; for others the first reading fails.
    let closed = if geteuid().is_root() { &["access.toml", "certs/server.key", "certs"][..] } else { &[] };
    for closed in closed.iter().copied() {
        let scene = Scene::new();
        hand_over(&scene);
        chown(scene.path(closed), Some(0), None).unwrap();
        if closed == "certs" {
            fs::set_permissions(scene.path(closed), Permissions::from_mode(0o700)).unwrap();
        }
        let output = refused(&scene, &Plan { process: AS_NOBODY, ..Plan::default() });
        let said = said(&output);
        assert_eq!(output.status.code(), Some(2), "{said}");
        let why = if closed == "certs" { "a directory on the way" } else { "its mode is 0600, and it is of uid 0" };
        for part in [closed, "as user nobody (uid 65534", why] {
            assert!(said.contains(part), "{closed}: no {part:?} in {said}");
        }
        assert_eq!(scene.upstream.requests(), 0);
    }
}

#[test]
fn who_there_is_not_is_told_at_start() {
    let scene = Scene::new();
    let output = refused(&scene, &Plan { process: "user = \"no-such-user\"", ..Plan::default() });
    assert_eq!(output.status.code(), Some(2));
    assert!(said(&output).contains("there is no user \"no-such-user\""), "{}", said(&output));
}

#[test]
fn root_without_a_user_is_warned_of_and_nobody_dumps_core() {
    let scene = Scene::new();
    let gateway = scene.serve(&Plan::default());
    let warned = gateway.log.find(&["WARN", "running as root", "process.user"]).is_some();
    assert_eq!(warned, geteuid().is_root(), "{}", gateway.log.text());
    let limits = fs::read_to_string(format!("/proc/{}/limits", gateway.pid())).unwrap();
    let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
    assert_eq!(core.split_whitespace().skip(4).take(2).collect::<Vec<_>>(), ["0", "0"]);
    assert!(gateway.log.find(&["core dumps cannot"]).is_none());
    assert!(threads(&gateway).iter().all(|status| field(status, "NoNewPrivs") == "1"));
    assert!(gateway.log.find(&["sandbox: complete", "no new privileges"]).is_some(), "{}", gateway.log.text());
}

/// The document becomes a link to one that is elsewhere: with the sandbox it is out of reach, without it is the next one.
#[tokio::test]
async fn the_sandbox_closes_what_is_outside_the_directories() {
    for (process, open) in [("", false), ("sandbox = false", true)] {
        let (scene, elsewhere) = (Scene::new(), tempfile::tempdir().unwrap());
        let gateway = scene.serve(&Plan { process, ..Plan::default() });
        let other = elsewhere.path().join("access.toml");
        fs::write(&other, document(&[AMY, EVE])).unwrap();
        fs::set_permissions(&other, Permissions::from_mode(0o600)).unwrap();
        let link = scene.path("link");
        symlink(&other, &link).unwrap();
        fs::rename(&link, scene.path("access.toml")).unwrap();
        let mut client = Client::connect(&Trust::of(&scene), &gateway, Protocol::Http1).await;
        if open {
            until("the reload", || (gateway.generation() == 2.0).then_some(()));
            assert_eq!(client.view(BOB).await, 401, "the document from elsewhere is in force");
        } else {
            until("the refusal", || (gateway.refused("access") >= 1.0).then_some(()));
            assert_eq!(client.view(BOB).await, 200, "the last good one stays");
            rename_over(&scene.path("access.toml"), &document(&[AMY]));
            until("the next save", || (gateway.generation() == 2.0).then_some(()));
            assert_eq!(client.view(BOB).await, 401);
        }
    }
}

#[tokio::test]
async fn an_upstream_is_found_by_its_name_in_the_sandbox() {
    let scene = Scene::new();
    let upstream = format!("localhost:{}", scene.upstream.address.port());
    let gateway = scene.serve(&Plan { upstream: Some(upstream), ..Plan::default() });
    gateway.log.wait_for(&["sandbox: complete", "looks up names: yes"]);
    let mut client = Client::connect(&Trust::of(&scene), &gateway, Protocol::Http1).await;
    assert_eq!(client.view(AMY).await, 200);
}
