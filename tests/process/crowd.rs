//! More clients than there are file descriptors: new ones are turned away, and nothing else happens.

use std::fs;
use std::net::TcpStream as Plain;

use crate::client::{Client, Protocol, Trust};
use crate::document::AMY;
use crate::scene::{Gateway, Plan, Scene};
use crate::wait::holds;

/// Descriptors that the gateway may have: enough to run, and not many more.
const DESCRIPTORS: u32 = 64;
const CLIENTS: usize = 200;

/// Processor time of a process so far, in ticks of a hundredth of a second (proc(5)).
fn ticks(gateway: &Gateway) -> u64 {
    let stat = fs::read_to_string(format!("/proc/{}/stat", gateway.pid())).unwrap();
    let fields: Vec<&str> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
    fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()
}

#[tokio::test]
async fn without_descriptors_new_clients_are_turned_away() {
    let scene = Scene::new();
    let gateway = scene.serve_with(&Plan::default(), Some(DESCRIPTORS));
    let trust = Trust::of(&scene);
    let mut early = Client::connect(&trust, &gateway, Protocol::Http2).await;
    assert_eq!(early.view(AMY).await, 200);
    let crowd: Vec<_> = (0..CLIENTS).filter_map(|_| Plain::connect(gateway.https).ok()).collect();
    gateway.log.wait_for(&["no connection can be accepted", "turned away"]);
    // The one that was there before has what it needs.
    assert_eq!(early.view(AMY).await, 200);
    // Those that were let in hold their descriptors for as long as a handshake may take, and nothing turns meanwhile.
    let before = ticks(&gateway);
    for _ in 0..20 {
        assert_eq!(early.view(AMY).await, 200);
    }
    assert!(ticks(&gateway) - before < 200, "two seconds of work for twenty requests");
    let told = gateway.log.text().matches("no connection can be accepted").count();
    assert!(told <= 4, "told {told} times");
    drop(crowd);
    // Their descriptors come back as the gateway sees them go.
    holds("new clients to be served again", async || {
        let stream = trust.connect(gateway.https, "localhost", Protocol::Http1).await;
        let Ok(stream) = stream else { return false };
        Client::over(stream, &gateway.https.to_string(), Protocol::Http1).await.view(AMY).await == 200
    })
    .await;
}
