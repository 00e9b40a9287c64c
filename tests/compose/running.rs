//! What stops and comes back: the upstream, and the gateway itself.

use crate::ask::Gateway;
use crate::load::{Client, Upload};
use crate::scene::Scene;
use crate::tool::eventually;

pub(crate) fn upstream_stops(scene: &Scene) {
    let (gateway, token) = (Gateway::only(scene), scene.token("storefront"));
    let user = Some(("storefront", token.as_str()));
    let started = scene.inspect(&scene.container("gateway"), "{{.State.StartedAt}}");
    assert_eq!(gateway.status(user, "/api/v2/products"), 200);
    scene.compose(&["stop", "store"]).good("stop");
    let store = scene.compose(&["ps", "--all", "--quiet", "store"]).good("ps");
    assert_eq!(scene.inspect(store.trim(), "{{.State.ExitCode}}"), "0", "the store ends when it is told to");
    let answer = gateway.ask(user, "/api/v2/products", "");
    assert!(matches!(answer.status, 502 | 503), "{answer:?}");
    assert_eq!(gateway.status(None, "/api/v2/products"), 401, "what it can answer alone, it does");
    scene.portcullis(&["health"]).good("the gateway is well without its upstream");
    scene.compose(&["start", "store"]).good("start");
    eventually("the upstream to be back", || (gateway.status(user, "/api/v2/products") == 200).then_some(()));
    assert_eq!(scene.inspect(&scene.container("gateway"), "{{.State.StartedAt}}"), started, "without a restart");
}

pub(crate) fn stopped_under_load(scene: &Scene) {
    let container = scene.container("gateway");
    let (gateway, token) = (Gateway::direct(scene, &container), scene.token("catalogue-import"));
    let user = ("catalogue-import", token.as_str());
    let clients = ["http1.1", "http2"].map(|protocol| Client::begin(scene, &gateway, user, protocol));
    let upload = Upload::begin(scene, &gateway, user);
    assert!(upload.is_under_way());
    scene.compose(&["stop", "gateway"]).good("stop");
    assert_eq!(scene.inspect(&container, "{{.State.ExitCode}}"), "0");
    let upload = upload.ended();
    assert_eq!((upload.code, upload.out.as_str()), (0, "200"), "what was under way was finished");
    for client in clients {
        let answers = client.until_refused();
        let lost: Vec<_> = answers.iter().filter(|line| *line != "200 0").collect();
        assert!(lost.is_empty(), "requests were lost: {lost:?}");
    }
    scene.compose(&["start", "gateway"]).good("start");
    scene.healthy("gateway");
    assert_eq!(Gateway::only(scene).status(Some(user), "/api/v2/products/1"), 200);
}

/// Without requests it ends at once, and says so by its exit code: it is the first process of its container, for which
/// the kernel does nothing by itself.
pub(crate) fn ends_when_told(scene: &Scene) {
    let container = scene.container("gateway");
    let first = scene.docker(&["top", &container, "-o", "pid,comm"]).good("top");
    assert_eq!(first.lines().count(), 2, "one process: {first}");
    for signal in ["TERM", "INT"] {
        scene.docker(&["kill", "--signal", signal, &container]).good("kill");
        let code = scene.docker(&["wait", &container]).good("wait");
        assert_eq!(code.trim(), "0", "{signal}");
        scene.compose(&["start", "gateway"]).good("start");
        eventually("it to run", || (scene.portcullis(&["health"]).code == 0).then_some(()));
    }
}
