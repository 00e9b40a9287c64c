//! Clients that take up what they can.

use std::net::TcpStream;

use crate::forged::Curl;
use crate::scene::Scene;

#[test]
fn one_address_does_not_shut_out_the_others() {
    let scene = Scene::new();
    let held: Vec<_> = (0..200).map(|_| TcpStream::connect(scene.panel).unwrap()).collect();
    let curl = Curl::new(&scene, "jar");
    // In less time than a handshake may take, after which those that are idle would be gone.
    let page = curl.send("/sign-in", &["--interface", "127.0.0.2", "--max-time", "8"]);
    assert_eq!(page.status, 200);
    drop(held);
}
