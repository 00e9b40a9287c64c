//! Saving the access document while the gateway runs under load: however it is saved, the user it revokes is refused
//! soon, and nobody else's request or connection is hurt.

use std::fmt::Write;
use std::fs;
use std::time::Duration;

use http::Method;
use portcullis::policy::TokenHash;
use tokio::time::Instant;

use crate::client::{Client, Protocol, Trust};
use crate::document::{AMY, BOB, EVE, RESOURCES, User, document};
use crate::load::{CONNECTIONS, Load};
use crate::saves::{Half, Volume, rename_over, replace_directory, unnoticeably};
use crate::scene::{Gateway, Plan, Scene};
use crate::wait::{REVOKED_WITHIN, until};

const PRODUCTS: &str = "/api/v2/products";

/// A gateway under load, and a connection for the users who are about to lose their access.
struct Trial {
    gateway: Gateway,
    load: Load,
    client: Client,
    /// How often that connection was made.
    connected: u32,
    scene: Scene,
}

impl Trial {
    async fn begin(scene: Scene, access: &str) -> Self {
        Self::planned(scene, &Plan { access, ..Plan::default() }).await
    }

    async fn planned(scene: Scene, plan: &Plan<'_>) -> Self {
        let gateway = scene.serve(plan);
        let load = Load::start(&scene, &gateway).await;
        let mut client = Client::connect(&Trust::of(&scene), &gateway, Protocol::Http1).await;
        assert_eq!(client.view(BOB).await, 200, "bob, before");
        Self { gateway, load, client, connected: 1, scene }
    }

    /// Waits until a user is refused, over the connection that was there before the save. A request that is half
    /// answered when its user loses access is cut, and on HTTP/1.1 the connection with it; at most one can be.
    async fn refused(&mut self, user: User, how: &str, saved: Instant) {
        loop {
            match self.client.ask(Method::GET, PRODUCTS, Some(user)).await.map(|answer| answer.status) {
                Ok(200) => assert!(saved.elapsed() < REVOKED_WITHIN, "{how}: {user:?} is not refused"),
                Ok(status) => {
                    assert_eq!(status, 401, "{how}");
                    break;
                }
                Err(cut) => {
                    eprintln!("{how}: {cut:?}");
                    self.client = Client::connect(&Trust::of(&self.scene), &self.gateway, Protocol::Http1).await;
                    self.connected += 1;
                    assert_eq!(self.client.view(user).await, 401, "{how}: what is cut has no more access");
                    break;
                }
            }
        }
        eprintln!("{how}: {} refused after {:?}", user.name, saved.elapsed());
        for _ in 0..10 {
            assert_eq!(self.client.view_late(user).await, 401, "{how}, later");
        }
        assert_eq!(self.scene.upstream.seen(user.name).late, 0, "{how}: what reached the upstream");
    }

    /// Nobody lost access by what was saved.
    async fn untouched(&mut self) {
        self.load.goes_on().await;
        assert_eq!(self.client.view(BOB).await, 200, "the last good document");
        assert_eq!(self.client.view(EVE).await, 200, "the last good document");
    }

    /// Waits until the document has been refused this often.
    fn refusals(&self, count: u32) {
        until("the document to be refused", || (self.gateway.refused("access") >= f64::from(count)).then_some(()));
        assert_eq!(self.gateway.refused("access"), f64::from(count), "refusals");
        assert_eq!(self.gateway.metric("portcullis_reload_last_ok{what=\"access\"}"), 0.0);
    }

    async fn end(self) {
        let Self { gateway, load, scene, client, connected } = self;
        load.judge(&scene).await;
        let opened = gateway.metric("portcullis_connections_opened_total{listener=\"https\"}");
        assert_eq!(opened, f64::from(CONNECTIONS + connected), "each client has the connection that it began with");
        assert_eq!(gateway.metric("portcullis_reload_last_ok{what=\"access\"}"), 1.0);
        drop(client);
    }
}

#[tokio::test]
async fn renamed_over() {
    let mut trial = Trial::begin(Scene::new(), "access.toml").await;
    rename_over(&trial.scene.path("access.toml"), &document(&[AMY, EVE]));
    trial.refused(BOB, "renamed over", Instant::now()).await;
    // And again: a watch on the file alone would have gone with the first one.
    rename_over(&trial.scene.path("access.toml"), &document(&[AMY]));
    trial.refused(EVE, "renamed over again", Instant::now()).await;
    trial.gateway.log.wait_for(&["generation=3", "eve"]);
    trial.end().await;
}

#[tokio::test]
async fn written_in_place_in_two_halves() {
    let mut trial = Trial::begin(Scene::new(), "access.toml").await;
    let path = trial.scene.path("access.toml");
    let text = document(&[EVE, AMY]);
    // What is there meanwhile ends within amy's entry.
    let half = Half::write(&path, &text, "[users.amy]");
    trial.untouched().await;
    half.finish();
    trial.refused(BOB, "written in two halves", Instant::now()).await;
    trial.end().await;
}

#[tokio::test]
async fn swapped_as_kubernetes_does() {
    let scene = Scene::new();
    let mut volume = Volume::mount(scene.path("volume"), &document(&[AMY, BOB, EVE]));
    let mut trial = Trial::begin(scene, "volume/access.toml").await;
    volume.update(&document(&[AMY, EVE]));
    trial.refused(BOB, "swapped by ..data", Instant::now()).await;
    volume.update(&document(&[AMY]));
    trial.refused(EVE, "swapped by ..data again", Instant::now()).await;
    trial.end().await;
}

#[tokio::test]
async fn deleted_and_made_anew() {
    let mut trial = Trial::begin(Scene::new(), "access.toml").await;
    let path = trial.scene.path("access.toml");
    fs::remove_file(&path).unwrap();
    trial.refusals(1);
    trial.untouched().await;
    fs::write(&path, document(&[AMY, EVE])).unwrap();
    trial.refused(BOB, "deleted and made anew", Instant::now()).await;
    trial.end().await;
}

#[tokio::test]
async fn saved_twice_in_a_row() {
    let mut trial = Trial::begin(Scene::new(), "access.toml").await;
    let path = trial.scene.path("access.toml");
    rename_over(&path, &document(&[AMY, BOB]));
    rename_over(&path, &document(&[AMY, EVE]));
    trial.refused(BOB, "saved twice in a row", Instant::now()).await;
    assert_eq!(trial.client.view(EVE).await, 200, "the second save counts");
    // Of the same length, and with the same time as the one before.
    unnoticeably(&path, &document(&[AMY, BOB]));
    trial.refused(EVE, "saved again within one tick", Instant::now()).await;
    assert_eq!(trial.client.view(BOB).await, 200, "the last save counts");
    trial.end().await;
}

#[tokio::test]
async fn broken_and_repaired() {
    let mut trial = Trial::begin(Scene::new(), "access.toml").await;
    let path = trial.scene.path("access.toml");
    let good = document(&[AMY, EVE]);
    let unclosed = good.replacen("[users.eve]", "[users.eve", 1);
    let mistyped = good.replacen("permissions = [\"products.view\"", "permissions = [\"prodcts.view\"", 1);
    for (count, broken) in (1..).zip([unclosed.as_str(), &mistyped, ""]) {
        rename_over(&path, broken);
        trial.refusals(count);
        trial.untouched().await;
    }
    trial.gateway.log.wait_for(&["prodcts.view"]);
    let place = trial.gateway.log.wait_for(&["access.toml:"]);
    assert!(place.contains("access.toml:"), "{place}");
    assert_eq!(trial.gateway.generation(), 1.0, "nothing that is broken is a generation");
    rename_over(&path, &good);
    trial.refused(BOB, "repaired", Instant::now()).await;
    assert_eq!(trial.gateway.generation(), 2.0);
    trial.end().await;
}

#[tokio::test]
async fn read_again_on_sighup() {
    let mut trial = Trial::begin(Scene::new(), "access.toml").await;
    // Nothing has changed, so only the signal can have brought a new generation about.
    trial.gateway.signal("HUP");
    until("a generation", || (trial.gateway.generation() == 2.0).then_some(()));
    trial.untouched().await;
    rename_over(&trial.scene.path("access.toml"), &document(&[AMY, EVE]));
    trial.gateway.signal("HUP");
    trial.refused(BOB, "SIGHUP", Instant::now()).await;
    trial.end().await;
}

/// In the sandbox, as everything here.
#[tokio::test]
async fn its_directory_replaced() {
    let scene = Scene::new();
    scene.save("conf/access.toml", &document(&[AMY, BOB, EVE]));
    let mut trial = Trial::begin(scene, "conf/access.toml").await;
    let directory = trial.scene.path("conf");
    replace_directory(&directory, &document(&[AMY, EVE]));
    trial.refused(BOB, "directory replaced", Instant::now()).await;
    // The new directory is the one that is watched now.
    rename_over(&directory.join("access.toml"), &document(&[AMY]));
    trial.refused(EVE, "renamed over in the new directory", Instant::now()).await;
    trial.end().await;
}

#[tokio::test]
async fn without_users_it_is_refused() {
    let mut trial = Trial::begin(Scene::new(), "access.toml").await;
    let path = trial.scene.path("access.toml");
    rename_over(&path, RESOURCES);
    trial.refusals(1);
    trial.gateway.log.wait_for(&["no users", "allow_no_users"]);
    trial.untouched().await;
    rename_over(&path, &document(&[AMY, EVE]));
    trial.refused(BOB, "with users again", Instant::now()).await;
    trial.end().await;
}

#[tokio::test]
async fn without_users_on_purpose() {
    let scene = Scene::new();
    let gateway = scene.serve(&Plan::default());
    let mut client = Client::connect(&Trust::of(&scene), &gateway, Protocol::Http2).await;
    assert_eq!(client.view(AMY).await, 200);
    rename_over(&scene.path("access.toml"), &format!("allow_no_users = true\n{RESOURCES}"));
    let saved = Instant::now();
    // A request that is half answered at that moment is cut, and on HTTP/2 nothing else with it.
    while client.ask(Method::GET, PRODUCTS, Some(AMY)).await.map_or(true, |answer| answer.status == 200) {
        assert!(saved.elapsed() < REVOKED_WITHIN, "amy is not refused");
    }
    for user in [AMY, BOB, EVE] {
        assert_eq!(client.view_late(user).await, 401, "{user:?}");
    }
    assert_eq!(scene.upstream.late(), 0);
    assert_eq!(gateway.metric("portcullis_users"), 0.0);
}

/// Who looks after the gateway must not take it for dead because it reads a large document.
#[test]
fn monitoring_is_answered_while_many_users_are_read() {
    let scene = Scene::new();
    let mut text = document(&[AMY]);
    for number in 0..15_000 {
        let hash = TokenHash::of(format!("token {number}").as_bytes());
        writeln!(text, "[users.user-{number}]\napi_access = true\ntokens = [\"{hash}\"]").unwrap();
    }
    scene.save("access.toml", &text);
    let gateway = scene.serve(&Plan::default());
    gateway.signal("HUP");
    let begun = Instant::now();
    let (mut answered, mut longest) = (begun, Duration::ZERO);
    let took = until("the document to be read again", || {
        let (status, body) = gateway.ops("/readyz").unwrap();
        assert_eq!(status, 200, "{body}");
        longest = longest.max(answered.elapsed());
        answered = Instant::now();
        body.contains("\"generation\":2").then(|| begun.elapsed())
    });
    eprintln!("read in {took:?}, and the longest wait was {longest:?}");
    assert!(longest < took / 2, "an answer took {longest:?} of {took:?}");
}
