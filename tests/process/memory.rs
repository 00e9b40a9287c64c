//! Bodies pass through without being held: a gibibyte in either direction leaves the gateway's memory as it was.

use std::fs::{self, File};
use std::path::Path;
use std::process::{Command, Stdio};

use tokio::time::Instant;

use crate::document::AMY;
use crate::scene::{Gateway, Plan, Scene};
use crate::wait::STEP;

const MIB: u64 = 1 << 20;
/// How much the gateway's memory may grow. The bodies are many times that.
const GROWTH: u64 = 64 * MIB;
const BODY: u64 = 1024 * MIB;
const WARM_UP: u64 = 4 * MIB;

/// Resident memory of a process (proc(5), `VmRSS`).
fn resident(gateway: &Gateway) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", gateway.pid())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
}

/// One transfer by curl; the most memory that the gateway had meanwhile.
fn transfer(scene: &Scene, gateway: &Gateway, protocol: &str, path: &str, upload: Option<&Path>) -> u64 {
    let url = format!("https://localhost:{}{path}", gateway.https.port());
    let mut curl = Command::new("curl");
    curl.args(["--silent", "--show-error", "--fail", protocol, "--max-time", "300", "--output"])
        .arg(scene.path("answer"));
    curl.arg("--cacert").arg(scene.path("certs/ca.pem")).arg("--user").arg(format!("{}:{}", AMY.name, AMY.token));
    if let Some(file) = upload {
        curl.arg("--upload-file").arg(file);
    }
    let mut running = curl.arg(url).stdin(Stdio::null()).spawn().expect("curl is installed");
    let mut most = resident(gateway);
    let status = loop {
        most = most.max(resident(gateway));
        if let Some(status) = running.try_wait().unwrap() {
            break status;
        }
        std::thread::sleep(STEP);
    };
    assert!(status.success(), "curl {protocol} {path}: {status}");
    most
}

fn stays_flat(protocol: &str) {
    let scene = Scene::new();
    let gateway = scene.serve(&Plan::default());
    // Zeros that take no room on the disk.
    let sized = |bytes: u64| {
        let path = scene.path(&bytes.to_string());
        File::create(&path).unwrap().set_len(bytes).unwrap();
        path
    };
    let (small, large) = (sized(WARM_UP), sized(BODY));
    let download = |bytes: u64| format!("/streams/download?{bytes}");
    transfer(&scene, &gateway, protocol, "/streams/upload", Some(&small));
    transfer(&scene, &gateway, protocol, &download(WARM_UP), None);
    let before = resident(&gateway);
    let begun = Instant::now();
    let uploading = transfer(&scene, &gateway, protocol, "/streams/upload", Some(&large));
    assert_eq!(fs::read_to_string(scene.path("answer")).unwrap(), BODY.to_string());
    let uploaded = begun.elapsed();
    let downloading = transfer(&scene, &gateway, protocol, &download(BODY), None);
    assert_eq!(fs::metadata(scene.path("answer")).unwrap().len(), BODY);
    let (up, down) = (uploading.saturating_sub(before), downloading.saturating_sub(before));
    eprintln!(
        "{protocol}: {before} bytes before, +{up} in an upload of {uploaded:?}, +{down} in a download of {:?}",
        begun.elapsed() - uploaded
    );
    assert!(up < GROWTH && down < GROWTH, "{protocol}: from {before} by {up} and by {down}");
}

#[test]
fn over_http1() {
    stays_flat("--http1.1");
}

#[test]
fn over_http2() {
    stays_flat("--http2");
}
