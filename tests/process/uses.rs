//! When tokens were last used: kept in a file by a gateway in its sandbox, and read by the commands.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::process::{Command, Stdio};

use portcullis::policy::TokenHash;
use serde_json::Value;

use crate::client::{Client, Protocol, Trust};
use crate::document::{AMY, BOB, EVE};
use crate::kept;
use crate::scene::{Gateway, Plan, Scene};
use crate::wait::eventually;

const STATE: &str = "state = \"run/state.json\"";

/// What a command says, as JSON.
fn told(scene: &Scene, arguments: &[&str]) -> Value {
    let mut command = Command::new(env!("CARGO_BIN_EXE_portcullis"));
    command.args(arguments).arg("--json").arg("--config").arg(scene.path("portcullis.toml")).stdin(Stdio::null());
    let output = command.output().unwrap();
    let (out, err) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    kept::printed("process-log", &format!("{out}{err}"));
    serde_json::from_str(&out).unwrap_or_else(|error| panic!("{error}: {out}{err}"))
}

fn names(list: &Value) -> Vec<&str> {
    list["users"].as_array().unwrap().iter().map(|user| user["name"].as_str().unwrap()).collect()
}

async fn ended(mut gateway: Gateway) {
    gateway.signal("TERM");
    let status = eventually("the end", || gateway.ended()).await;
    assert!(status.success(), "{status}: {}", gateway.log.text());
}

#[tokio::test]
async fn a_token_that_was_used_is_known_after_the_end_and_at_the_next_start() {
    let scene = Scene::new();
    fs::create_dir(scene.path("run")).unwrap();
    let plan = Plan { top: STATE, ..Plan::default() };
    for (used, never) in [(BOB, vec!["amy", "eve"]), (AMY, vec!["eve"])] {
        let gateway = scene.serve(&plan);
        let mut client = Client::connect(&Trust::of(&scene), &gateway, Protocol::Http1).await;
        assert_eq!(client.view(used).await, 200);
        assert_eq!(client.view(EVE.with_wrong_token()).await, 401, "that is no use of a token");
        drop(client);
        ended(gateway).await;
        assert_eq!(names(&told(&scene, &["user", "list", "--never-used"])), never);
    }
    let listed = told(&scene, &["user", "list"]);
    let last: Vec<_> = listed["users"].as_array().unwrap().iter().map(|user| &user["last_used"]).collect();
    assert!(last[0].as_str() >= last[1].as_str() && last[1].is_string() && last[2].is_null(), "{listed}");
    let shown = told(&scene, &["user", "show", "amy"]);
    assert_eq!(&shown["tokens"][0]["last_used"], last[0]);
    let path = scene.path("run/state.json");
    assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
    let text = fs::read_to_string(path).unwrap();
    let hash = TokenHash::of(AMY.token.as_bytes()).to_string().replace("sha256:", "");
    assert!(text.contains(&hash[..16]) && !text.contains(&hash[..17]), "a mark and no hash: {text}");
    assert_eq!(fs::read_dir(scene.path("run")).unwrap().count(), 1, "nothing is left behind");
}

#[tokio::test]
async fn a_state_that_cannot_be_kept_is_warned_of_and_stops_nothing() {
    for (found, why) in [(Some("[users.amy]\n"), "left as it is"), (None, "cannot be written")] {
        let scene = Scene::new();
        if let Some(text) = found {
            scene.save("run/state.json", text);
        }
        let gateway = scene.serve(&Plan { top: STATE, ..Plan::default() });
        let mut client = Client::connect(&Trust::of(&scene), &gateway, Protocol::Http1).await;
        assert_eq!(client.view(AMY).await, 200);
        drop(client);
        let log = gateway.log.clone();
        ended(gateway).await;
        let log = log.whole();
        assert_eq!(log.matches("WARN state:").count(), 1, "{log}");
        assert!(log.contains(why), "{log}");
        assert_eq!(fs::read_to_string(scene.path("run/state.json")).ok().as_deref(), found);
    }
}
