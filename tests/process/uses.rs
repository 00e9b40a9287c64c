//! When tokens were last used: kept in a file by a gateway in its sandbox, and read by the commands.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime};

use portcullis::policy::TokenHash;
use serde_json::Value;

use crate::client::{Client, Protocol, Trust};
use crate::document::{AMY, BOB, EVE, document};
use crate::kept;
use crate::saves::rename_over;
use crate::scene::{Gateway, Plan, Scene};
use crate::wait::{eventually, until};

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

#[test]
fn tokens_that_end_soon_are_warned_of_and_counted() {
    let scene = Scene::new();
    let in_days = |days: u64| {
        let moment = SystemTime::now() + Duration::from_hours(24 * days);
        jiff::Timestamp::try_from(moment).unwrap().to_string()
    };
    let path = scene.path("access.toml");
    let save = |ends: &[(&str, String)]| {
        let ending = ends.iter().map(|(name, end)| {
            let hash = TokenHash::of(name.as_bytes());
            let token = format!("{{ hash = \"{hash}\", label = \"of {name}\", expires = {end} }}");
            format!("\n[users.{name}]\napi_access = true\ntokens = [{token}]\n")
        });
        rename_over(&path, &format!("{}{}", document(&[AMY]), ending.collect::<String>()));
    };
    let (soon, later, past) = (("zoe", in_days(3)), ("pat", in_days(30)), ("old", "2026-01-01T00:00:00Z".to_owned()));
    save(&[soon.clone(), later, past]);
    let gateway = scene.serve(&Plan::default());
    gateway.log.wait_for(&["WARN a token expires soon", "user=zoe", "of zoe"]);
    let counted = |expiring, expired| {
        let numbers = || ["portcullis_tokens_expiring", "portcullis_tokens_expired"].map(|name| gateway.metric(name));
        until("the tokens to be counted", || (numbers() == [expiring, expired]).then_some(()));
    };
    counted(1.0, 1.0);
    save(&[soon, ("kim", in_days(5))]);
    gateway.log.wait_for(&["WARN a token expires soon", "user=kim"]);
    counted(2.0, 0.0);
    let log = gateway.log.text();
    assert_eq!(log.matches("a token expires soon").count(), 2, "each is told once: {log}");
    let (_, metrics) = gateway.ops("/metrics").unwrap();
    assert!(!metrics.contains("zoe") && !log.contains(&TokenHash::of(b"zoe").to_string()[7..]), "{metrics}");
    assert_eq!(scene.upstream.requests(), 0);
}
