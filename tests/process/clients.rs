//! Real clients in front of the sample store: curl, wget, Python's requests, and the store's own Python client.
//!
//! The access document is the sample one from `config/`, with two more users.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::thread::JoinHandle;

use serde_json::Value;
use tokio::sync::oneshot;

use crate::document::User;
use crate::python::python;
use crate::scene::{Gateway, Plan, Scene};
use crate::wait::until;

/// May do anything with products. There are colons in the token, which only the first one ends the name.
const MANAGER: User = User { name: "manager", token: "a token: with colons:" };
/// May look at products.
const VIEWER: User = User { name: "viewer", token: "viewer's token" };

/// The sample store on a thread of its own.
struct Store {
    address: SocketAddr,
    thread: Option<(oneshot::Sender<()>, JoinHandle<()>)>,
}

impl Store {
    fn open() -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let (close, closed) = oneshot::channel::<()>();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let listener = tokio::net::TcpListener::from_std(listener).unwrap();
                // Not awaited gracefully: the gateway may still hold connections to it.
                tokio::select! {
                    served = portcullis::demo::store::serve(listener, std::future::pending()) => served.unwrap(),
                    _ = closed => {}
                }
            });
        });
        Self { address, thread: Some((close, thread)) }
    }
}

impl Store {
    fn close(&mut self) {
        if let Some((close, thread)) = self.thread.take() {
            drop(close);
            thread.join().unwrap();
        }
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        self.close();
    }
}

/// The store behind a gateway.
struct Shop {
    gateway: Gateway,
    scene: Scene,
    store: Store,
}

impl Shop {
    fn open() -> Self {
        let (scene, store) = (Scene::new(), Store::open());
        let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/access.toml");
        let mut access = fs::read_to_string(sample).unwrap();
        for (user, granted) in [(MANAGER, "roles = [\"catalogue\"]"), (VIEWER, "permissions = [\"products.view\"]")] {
            let (name, hash) = (user.name, portcullis::policy::TokenHash::of(user.token.as_bytes()));
            access += &format!("\n[users.{name}]\napi_access = true\ntokens = [\"{hash}\"]\n{granted}\n");
        }
        scene.save("access.toml", &access);
        let gateway =
            scene.serve(&Plan { audit: "./audit.jsonl", upstream: Some(store.address.to_string()), ..Plan::default() });
        Self { gateway, scene, store }
    }

    fn url(&self, path: &str) -> String {
        format!("https://localhost:{}{path}", self.gateway.https.port())
    }

    /// What the audit says of the first requests: statuses, and whether anything was sent to the store. Sorted by
    /// status, for each worker hands over its own lines and their order in the file is no promise.
    fn audited(&self, count: usize) -> Vec<(u64, String)> {
        let file = self.scene.path("audit.jsonl");
        let entries = until("the audit entries", || {
            let lines = BufReader::new(fs::File::open(&file).ok()?).lines();
            let entries: Vec<Value> =
                lines.map(|line| serde_json::from_str(&line.unwrap())).collect::<Result<_, _>>().ok()?;
            (entries.len() >= count).then_some(entries)
        });
        let mut told: Vec<_> = entries
            .iter()
            .map(|entry| (entry["status"].as_u64().unwrap(), entry["decision"].as_str().unwrap().to_owned()))
            .collect();
        told.sort_unstable();
        told
    }

    fn curl(&self, user: Option<User>, path: &str, arguments: &[&str]) -> Fetched {
        let mut curl = Command::new("curl");
        curl.args(["--silent", "--show-error", "--max-time", "60"])
            .arg("--cacert")
            .arg(self.scene.path("certs/ca.pem"));
        if let Some(User { name, token }) = user {
            curl.arg("--user").arg(format!("{name}:{token}"));
        }
        curl.args(["--write-out", "\n%{http_code} %{http_version}"]).args(arguments).arg(self.url(path));
        let output = output(&mut curl);
        assert!(output.status.success(), "{curl:?}: {output:?}");
        let text = String::from_utf8(output.stdout).unwrap();
        let (body, told) = text.rsplit_once('\n').unwrap();
        let (status, version) = told.split_once(' ').unwrap();
        Fetched { status: status.parse().unwrap(), version: version.to_owned(), body: body.to_owned() }
    }

    fn wget(&self, user: User, path: &str, arguments: &[&str]) -> Output {
        let mut wget = Command::new("wget");
        wget.args(["--no-config", "--tries=1", "--timeout=60", "--server-response", "--output-document=-"]);
        wget.arg(format!("--ca-certificate={}", self.scene.path("certs/ca.pem").display()));
        wget.arg(format!("--user={}", user.name)).arg(format!("--password={}", user.token));
        output(wget.args(arguments).arg(self.url(path)))
    }

    /// Runs a Python program of `tests/process/`, which fails where anything is not as it should be.
    fn python(&self, program: &str) {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/process").join(program);
        let mut command = Command::new(python());
        command.arg(path).arg(format!("localhost:{}", self.gateway.https.port()));
        for User { name, token } in [MANAGER, VIEWER] {
            command.args([name, token]);
        }
        command.env("REQUESTS_CA_BUNDLE", self.scene.path("certs/ca.pem"));
        let output = output(&mut command);
        let (said, complained) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "{program}: {}\n{said}\n{complained}", output.status);
    }
}

/// What curl got.
#[derive(Debug)]
struct Fetched {
    status: u16,
    version: String,
    body: String,
}

fn output(command: &mut Command) -> Output {
    // No proxy of the machine's is meant to stand between.
    for name in ["http_proxy", "https_proxy", "all_proxy", "HTTPS_PROXY", "ALL_PROXY"] {
        command.env_remove(name);
    }
    let output = command.stdin(Stdio::null()).output();
    output.unwrap_or_else(|error| panic!("{command:?}: {error}; the tests with real clients need it installed"))
}

#[test]
fn curl_in_either_protocol() {
    let shop = Shop::open();
    for (flag, version) in [("--http1.1", "1.1"), ("--http2", "2")] {
        let list = shop.curl(Some(VIEWER), "/api/v2/products", &[flag]);
        assert_eq!((list.status, &*list.version), (200, version), "{list:?}");
        assert!(serde_json::from_str::<Value>(&list.body).unwrap()[0]["name"].is_string());
        let xml = shop.curl(Some(VIEWER), "/api/v2/products/1.xml", &[flag]);
        assert!(xml.status == 200 && xml.body.contains("<product>"), "{xml:?}");
        let head = shop.curl(Some(VIEWER), "/api/v2/products", &[flag, "--head"]);
        assert_eq!(head.status, 200);
        let fields = r#"{"name": "Mug", "price": "9.00"}"#;
        let json = ["--json", fields, flag];
        assert_eq!(shop.curl(Some(MANAGER), "/api/v2/products", &json).status, 201);
        let denied = shop.curl(Some(VIEWER), "/api/v2/products", &json);
        assert!(denied.status == 403 && denied.body.contains("products.create"), "{denied:?}");
        assert_eq!(shop.curl(Some(VIEWER.with_wrong_token()), "/api/v2/products", &json).status, 401);
        assert_eq!(shop.curl(None, "/api/v2/products", &json).status, 401);
        let slashed = shop.curl(Some(VIEWER), "/api/v2/../v2/products", &[flag, "--path-as-is"]);
        assert_eq!(slashed.status, 400, "{slashed:?}");
    }
    let refused = shop.audited(16).iter().filter(|(status, _)| *status >= 400).count();
    assert_eq!(refused, 8);
    let count = shop.curl(Some(VIEWER), "/api/v2/products/count", &[]);
    let before = shop.curl(Some(VIEWER), "/api/v2/products?limit=250", &[]);
    let products = serde_json::from_str::<Value>(&before.body).unwrap().as_array().unwrap().len();
    assert_eq!(count.body, format!("{{\"count\":{products}}}"), "only what was permitted was created");
}

/// A client that is still sending when the answer comes has to get it all the same, not a broken connection.
#[test]
fn curl_that_is_refused_while_it_uploads() {
    let shop = Shop::open();
    let file = shop.scene.path("body");
    fs::write(&file, vec![b'x'; 4 << 20]).unwrap();
    let body = format!("@{}", file.display());
    for protocol in ["--http1.1", "--http2"] {
        for _ in 0..10 {
            // Without this, HTTP/1.1 would ask before it sends.
            let upload = [protocol, "--header", "Expect:", "--data-binary", &body];
            assert_eq!(shop.curl(Some(VIEWER), "/api/v2/products", &upload).status, 403, "{protocol}");
            assert_eq!(shop.curl(None, "/api/v2/products", &upload).status, 401, "{protocol}");
            let overriding = [&upload[..], &["--header", "X-HTTP-Method-Override: DELETE"]].concat();
            assert_eq!(shop.curl(Some(MANAGER), "/api/v2/products", &overriding).status, 400, "{protocol}");
        }
    }
    assert!(shop.audited(60).iter().all(|(_, decision)| decision != "permit"));
}

#[test]
fn curl_that_uploads_while_the_store_is_down() {
    let mut shop = Shop::open();
    shop.store.close();
    let file = shop.scene.path("body");
    fs::write(&file, vec![b'x'; 4 << 20]).unwrap();
    let body = format!("@{}", file.display());
    for protocol in ["--http1.1", "--http2"] {
        for _ in 0..10 {
            let upload = [protocol, "--header", "Expect:", "--data-binary", &body];
            assert_eq!(shop.curl(Some(MANAGER), "/api/v2/products", &upload).status, 502, "{protocol}");
        }
    }
}

#[test]
fn curl_that_waits_for_the_challenge() {
    let shop = Shop::open();
    for flag in ["--http1.1", "--http2"] {
        assert_eq!(shop.curl(Some(VIEWER), "/api/v2/products", &["--anyauth", flag]).status, 200);
        let fields = r#"{"price": "8.00"}"#;
        let edit = ["--anyauth", flag, "--request", "PUT", "--json", fields];
        let edited = shop.curl(Some(MANAGER), "/api/v2/products/1", &edit);
        assert!(edited.status == 200 && edited.body.contains("8.00"), "{edited:?}");
        assert_eq!(shop.curl(Some(VIEWER), "/api/v2/products/1", &edit).status, 403);
    }
    let statuses: Vec<_> = shop.audited(12).iter().map(|(status, _)| *status).collect();
    let answered = [[200; 4].as_slice(), &[401; 6], &[403; 2]].concat();
    assert_eq!(statuses, answered, "each is challenged, then answered");
}

#[test]
fn wget_with_and_without_the_challenge() {
    let shop = Shop::open();
    let challenged = shop.wget(VIEWER, "/api/v2/products", &[]);
    let unasked = shop.wget(VIEWER, "/api/v2/products", &["--auth-no-challenge"]);
    for output in [&challenged, &unasked] {
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        assert!(serde_json::from_slice::<Value>(&output.stdout).unwrap().is_array());
    }
    let posting = ["--auth-no-challenge", "--post-data={\"name\": \"Mug\", \"price\": \"9.00\"}"];
    assert!(shop.wget(MANAGER, "/api/v2/products", &posting).status.success());
    let denied = shop.wget(VIEWER, "/api/v2/products", &posting);
    assert!(String::from_utf8_lossy(&denied.stderr).contains("403 Forbidden"));
    let wrong = shop.wget(VIEWER.with_wrong_token(), "/api/v2/products", &["--auth-no-challenge"]);
    assert!(!wrong.status.success() && String::from_utf8_lossy(&wrong.stderr).contains("401 Unauthorized"));
    let statuses: Vec<_> = shop.audited(6).iter().map(|(status, _)| *status).collect();
    assert_eq!(statuses, [200, 200, 201, 401, 401, 403]);
}

#[test]
fn python_requests() {
    Shop::open().python("requests_client.py");
}

#[test]
fn the_stores_own_python_client() {
    Shop::open().python("store_client.py");
}
