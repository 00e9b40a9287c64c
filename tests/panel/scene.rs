//! A gateway with the sample document, its store, and the panel.

use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

use portcullis::edge::devcert;
use tempfile::TempDir;

use crate::kept;
use crate::log::Log;
use crate::wait::until;

/// The password of the panel's users.
pub(crate) const PASSWORD: &str = "open sesame, please";

/// What a merchant has: a gateway, a store, and somebody who may use the panel.
pub(crate) struct Scene {
    dir: TempDir,
    child: Child,
    pub(crate) log: Log,
    pub(crate) https: SocketAddr,
    pub(crate) panel: SocketAddr,
    store: Arc<AtomicU64>,
}

impl Scene {
    /// The sample document, in which olga may sign in.
    pub(crate) fn new() -> Self {
        let sample = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/config/access.toml")).unwrap();
        Self::with(&sample.replace("addresses   = [\"10.0.0.0/8\"]", "addresses   = [\"127.0.0.0/8\"]"), &["olga"])
    }

    /// A document, and who in it may sign in.
    pub(crate) fn with(document: &str, people: &[&str]) -> Self {
        Self::with_settings(document, people, "")
    }

    /// With more settings.
    pub(crate) fn with_settings(document: &str, people: &[&str], more: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let made = devcert::generate(&["localhost".to_owned()], SystemTime::now()).unwrap();
        devcert::write(dir.path(), &made, true).unwrap();
        let (store, port) = start_store();
        fs::write(dir.path().join("access.toml"), document).unwrap();
        let settings = format!(
            "access = \"access.toml\"\n\
             [listen]\nhttps = [\"127.0.0.1:0\"]\nworkers = 2\n\
             [tls]\ncertificate = \"server.pem\"\nkey = \"server.key\"\n\
             [upstream]\nservers = [\"http://127.0.0.1:{port}\"]\n\
             [audit]\nto = \"./audit.jsonl\"\n[panel]\nhttps = \"127.0.0.1:0\"\n{more}\n"
        );
        fs::write(dir.path().join("portcullis.toml"), settings).unwrap();
        kept::secret(PASSWORD);
        for name in people {
            command(&dir, &["user", "password", name], PASSWORD);
        }
        let mut child = portcullis(&dir)
            .arg("serve")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let log = Log::of(child.stderr.take().unwrap());
        let mut place = |what: &str| {
            let line = until("the gateway to listen", || {
                assert!(child.try_wait().unwrap().is_none(), "it ended:\n{}", log.whole());
                log.find(&["listening", what])
            });
            let address = line.split("address=").nth(1).and_then(|rest| rest.split_whitespace().next()).unwrap();
            address.parse().unwrap()
        };
        let (https, panel) = (place("for https"), place("panel"));
        Self { dir, child, log, https, panel, store }
    }

    /// A page of the panel.
    pub(crate) fn page(&self, path: &str) -> String {
        format!("https://localhost:{}{path}", self.panel.port())
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(crate) fn document(&self) -> String {
        fs::read_to_string(self.path("access.toml")).unwrap()
    }

    /// Runs a command beside the gateway.
    pub(crate) fn run(&self, arguments: &[&str]) -> String {
        command(&self.dir, arguments, "")
    }

    /// Gives somebody another password for the panel.
    pub(crate) fn set_password(&self, name: &str, password: &str) {
        command(&self.dir, &["user", "password", name], password);
    }

    /// The status that a user's request has, sent with curl.
    pub(crate) fn ask(&self, user: &str, token: &str, method: &str, path: &str) -> u16 {
        kept::credentials(user, token);
        let url = format!("https://localhost:{}{path}", self.https.port());
        let out = Command::new("curl")
            .args(["--silent", "--output", "/dev/null", "--write-out", "%{http_code}", "--request", method])
            .arg("--cacert")
            .arg(self.path("ca.pem"))
            .args(["--user", &format!("{user}:{token}"), &url])
            .output()
            .unwrap();
        String::from_utf8(out.stdout).unwrap().parse().unwrap()
    }

    /// How many requests have reached the store.
    pub(crate) fn reached(&self) -> u64 {
        self.store.load(Ordering::SeqCst)
    }
}

impl Drop for Scene {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        kept::printed("panel-gateway", &self.log.whole());
        kept::printed("panel-audit", &fs::read_to_string(self.path("audit.jsonl")).unwrap_or_default());
    }
}

fn portcullis(dir: &TempDir) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_portcullis"));
    command.arg("--config").arg(dir.path().join("portcullis.toml"));
    command
}

fn command(dir: &TempDir, arguments: &[&str], input: &str) -> String {
    use std::io::Write as _;
    let mut child = portcullis(dir)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(format!("{input}\n").as_bytes()).unwrap();
    let out = child.wait_with_output().unwrap();
    let (told, problem) = (String::from_utf8(out.stdout).unwrap(), String::from_utf8_lossy(&out.stderr).into_owned());
    kept::tokens_in(&told);
    assert!(out.status.success(), "{arguments:?}: {told}{problem}");
    told
}

/// A store that answers 200 to everything and counts; it ends with the test's process.
fn start_store() -> (Arc<AtomicU64>, u16) {
    use std::io::{BufRead as _, BufReader, Write as _};
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let count = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&count);
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let counted = Arc::clone(&counted);
            std::thread::spawn(move || {
                let mut lines = BufReader::new(&stream).lines().map_while(Result::ok);
                while lines.next().is_some() {
                    lines.by_ref().find(String::is_empty);
                    counted.fetch_add(1, Ordering::SeqCst);
                    (&stream).write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n[]").unwrap();
                }
            });
        }
    });
    (count, port)
}
