//! Who reaches what.

use std::fs;
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use crate::access::{AUDITOR, FELT_WITHIN};
use crate::ask::{Gateway, journal};
use crate::scene::Scene;
use crate::tool::{Done, eventually, feed, time_until};

/// Curl in a container on a network, with five seconds to connect.
fn beside(scene: &Scene, network: &str, asked: &[&str]) -> Done {
    let (network, image) = (scene.network(network), scene.builder());
    let curl =
        ["curl", "--silent", "--insecure", "--max-time", "5", "--write-out", "%{http_code}", "--output", "/dev/null"];
    scene.docker(&[&["run", "--rm", "--network", &network, &image], &curl[..], asked].concat())
}

pub(crate) fn around(scene: &Scene) {
    let address = format!("{{{{(index .NetworkSettings.Networks \"{}\").IPAddress}}}}", scene.network("behind"));
    let address = scene.inspect(&scene.container("store"), &address);
    // That the way of asking would find it is shown from the store's own network first.
    for store in ["store", &address] {
        let url = format!("http://{store}:9001/api/v2/products");
        assert_eq!(beside(scene, "behind", &[&url]).out, "200", "{url}");
        let around = beside(scene, "front", &[&url]);
        assert_ne!(around.code, 0, "{url}: {around:?}");
        assert_eq!(around.out, "000", "{url}: {around:?}");
    }
    let gateway = ["--connect-to", "localhost:8443:gateway:8443", "https://localhost:8443/api/v2/products"];
    assert_eq!(beside(scene, "front", &gateway).out, "401", "the gateway is there");
    let published = scene.docker(&["port", &scene.container("store")]).good("port");
    assert_eq!(published, "", "and no port of the store is published");
}

pub(crate) fn panel(scene: &Scene) {
    let panel = Gateway::panel(scene);
    let answer = panel.ask(None, "/sign-in", "");
    assert_eq!(answer.status, 200, "{answer:?}");
    assert!(answer.body.contains("<form"), "{answer:?}");
    let published = scene.docker(&["port", &scene.container("gateway"), "8444"]).good("port");
    let loopback = published.lines().all(|line| line.starts_with("127.0.0.1:"));
    assert!(loopback && !published.is_empty(), "{published}");
    let format = format!("{{{{(index .NetworkSettings.Networks \"{}\").Gateway}}}}", scene.network("front"));
    let host = scene.inspect(&scene.container("gateway"), &format);
    let at = |port: u16| {
        let address: SocketAddr = format!("{host}:{port}").parse().unwrap();
        TcpStream::connect_timeout(&address, Duration::from_secs(5))
    };
    at(Gateway::only(scene).port()).expect("the API is published on every address of this machine");
    at(panel.port()).expect_err("the panel is published on the loopback interface alone");
    let api = Gateway::only(scene).ask(None, "/sign-in", "");
    assert!(matches!(api.status, 401 | 403) && !api.body.contains("<form"), "the API's port has no panel: {api:?}");
}

/// Somebody signs in and changes something, and the host's file has it.
pub(crate) fn panel_saves(scene: &Scene) {
    let password = "open sesame, please";
    crate::kept::secret(password);
    let set = ["exec", "-T", "gateway", "portcullis", "user", "password", "olga"];
    feed(&mut scene.compose_command(&set), password).good("password");
    let panel = Gateway::panel(scene);
    let jar = format!("cookie = \"{0}\"\ncookie-jar = \"{0}\"\n", scene.path("cookies").display());
    let form = |path: &str, fields: &[(&str, &str)]| {
        let fields = fields.iter().map(|(name, value)| format!("data-urlencode = \"{name}={value}\"\n"));
        let origin = panel.url("");
        let more = format!("{jar}header = \"Origin: {origin}\"\n{}", fields.collect::<String>());
        panel.ask(None, path, &more)
    };
    let page = panel.ask(None, "/sign-in", &jar);
    let signed_in = form("/sign-in", &[&hidden(&page.body)[..], &[("name", "olga"), ("password", password)]].concat());
    assert_eq!(signed_in.status, 303, "{signed_in:?}");
    let page = panel.ask(None, "/users/new", &jar);
    assert_eq!(page.status, 200, "{page:?}");
    let fields = [("name", "kiosk"), ("title", "Stock display"), ("action", "save")];
    let saved = form("/users/new", &[&hidden(&page.body)[..], &fields].concat());
    assert!(matches!(saved.status, 200 | 303), "{saved:?}");
    let document = fs::read_to_string(scene.path("config/access.toml")).unwrap();
    assert!(document.contains("[users.kiosk]"), "{saved:?}");
    let noted = journal(scene);
    let last = noted.lines().last().unwrap_or_default();
    assert!(last.contains("\"way\":\"panel\"") && last.contains("kiosk") && last.contains("\"olga\""), "{last}");
    scene.portcullis(&["user", "remove", "kiosk"]).good("remove");
}

/// The hidden fields of a page's form.
fn hidden(page: &str) -> Vec<(&str, &str)> {
    let value = |field: &str, name: &str| {
        let from = field.find(&format!("{name}=\"")).map(|at| at + name.len() + 2);
        from.map_or((0, 0), |from| (from, from + field[from..].find('"').unwrap_or_default()))
    };
    let fields = page.split("<input").skip(1).filter(|field| field.contains("type=\"hidden\""));
    fields
        .map(|field| {
            let ((a, b), (c, d)) = (value(field, "name"), value(field, "value"));
            (&field[a..b], &field[c..d])
        })
        .collect()
}

pub(crate) fn two_gateways(scene: &Scene) {
    scene.compose(&["up", "--detach", "--no-recreate", "--scale", "gateway=2"]).good("up");
    assert_eq!(scene.containers("gateway").len(), 2);
    scene.healthy("gateway");
    let gateways = [Gateway::numbered(scene, 1), Gateway::numbered(scene, 2)];
    let statuses = |user, path: &str| gateways.each_ref().map(|gateway| gateway.status(user, path));
    // Made beside one of them, it counts with both.
    let token = scene.token("auditor");
    let user = Some(("auditor", token.as_str()));
    time_until("the token to count with both", || statuses(user, "/api/v2/orders") == [200, 200]);
    let (on, off) = AUDITOR;
    scene.edit(on, off);
    let felt = time_until("both to refuse", || statuses(user, "/api/v2/orders") == [401, 401]);
    assert!(felt < FELT_WITHIN, "{felt:?}");
    scene.edit(off, on);
    time_until("both to permit", || statuses(user, "/api/v2/orders") == [200, 200]);
    scene.compose(&["up", "--detach", "--no-recreate", "--scale", "gateway=1"]).good("up");
    eventually("one to be left", || (scene.containers("gateway").len() == 1).then_some(()));
}
