//! How the containers are confined, and certificates.

use crate::ask::Gateway;
use crate::scene::Scene;
use crate::tool::{eventually, feed, program};

pub(crate) fn confined(scene: &Scene) {
    for service in ["gateway", "store"] {
        let container = scene.container(service);
        let is = |format: &str| scene.inspect(&container, format);
        assert_eq!(is("{{.HostConfig.ReadonlyRootfs}}"), "true", "{service}");
        assert_eq!(is("{{.HostConfig.CapDrop}}").to_uppercase(), "[ALL]", "{service}");
        assert_eq!(is("{{.HostConfig.CapAdd}} {{.HostConfig.Privileged}}"), "[] false", "{service}");
        assert!(is("{{.HostConfig.SecurityOpt}}").contains("no-new-privileges:true"), "{service}");
        let user = is("{{.Config.User}}");
        assert!(!user.is_empty() && !user.starts_with("0:") && user != "0", "{service}: {user}");
        assert_eq!(is("{{.State.Running}} {{.RestartCount}}"), "true 0", "{service}");
    }
    // For whoever runs the image without Compose.
    let user = scene.inspect(&scene.container("gateway"), "{{.Image}}");
    let user = scene.docker(&["image", "inspect", "--format", "{{.Config.User}}", &user]).good("inspect");
    assert_eq!(user.trim(), "10001:10001");
    let refused = scene.compose(&["run", "--rm", "--no-deps", "-T", "gateway", "cert", "--out", "/x", "--host", "a"]);
    assert_eq!(refused.code, 1, "the root file system cannot be written: {refused:?}");
    let ended = scene.compose(&["ps", "--all", "--quiet", "certificates"]).good("ps");
    assert_eq!(scene.inspect(ended.trim(), "{{.State.Status}} {{.State.ExitCode}}"), "exited 0");
}

/// What `openssl` sees of the certificate that a gateway shows.
fn serial(gateway: &Gateway) -> String {
    let connect = format!("127.0.0.1:{}", gateway.port());
    let mut client = program("openssl", &["s_client", "-connect", &connect, "-servername", "localhost"]);
    let shown = feed(&mut client, "").out;
    feed(&mut program("openssl", &["x509", "-noout", "-serial"]), &shown).good("openssl x509")
}

pub(crate) fn renewed(scene: &Scene) {
    let (gateway, token) = (Gateway::only(scene), scene.token("storefront"));
    let user = Some(("storefront", token.as_str()));
    let started = scene.inspect(&scene.container("gateway"), "{{.State.StartedAt}}");
    let before = serial(&gateway);
    let renew = ["run", "--rm", "-T", "certificates", "cert", "--out", "certs", "--force", "--host", "localhost"];
    scene.compose(&renew).good("renewing");
    eventually("the new certificate to be shown", || (serial(&gateway) != before).then_some(()));
    // Whoever trusts the authority needs to do nothing.
    assert_eq!(gateway.status(user, "/api/v2/products"), 200);
    assert_eq!(scene.inspect(&scene.container("gateway"), "{{.State.StartedAt}}"), started, "without a restart");
}
