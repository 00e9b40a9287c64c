//! Lock-out and a document that changes: whoever is let in again does not wait for what was wrong before.

use crate::client::{Client, Protocol, Trust};
use crate::document::{AMY, BOB, EVE, document};
use crate::saves::rename_over;
use crate::scene::{Plan, Scene};
use crate::wait::holds;

#[tokio::test]
async fn a_user_who_is_enabled_again_need_not_wait() {
    let scene = Scene::new();
    rename_over(&scene.path("access.toml"), &document(&[AMY, EVE]));
    let gateway = scene.serve(&Plan { lockout: "first_wait = \"10m\"", ..Plan::default() });
    let mut client = Client::connect(&Trust::of(&scene), &gateway, Protocol::Http1).await;
    // Bob has been taken out, and his program does not know.
    let mut statuses = Vec::new();
    for _ in 0..12 {
        statuses.push(client.view(BOB).await);
    }
    assert_eq!(statuses, [[401; 10].as_slice(), &[429; 2]].concat());
    assert_eq!(client.view(AMY).await, 200, "at the same address");
    rename_over(&scene.path("access.toml"), &document(&[AMY, BOB, EVE]));
    holds("bob to be let in", async || client.view(BOB).await == 200).await;
}
