//! A gateway in a directory of its own, with certificates, an access document, settings and an upstream.

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::SystemTime;

use portcullis::edge::devcert;
use tempfile::TempDir;

use crate::document::{AMY, BOB, EVE, document};
use crate::kept;
use crate::log::Log;
use crate::upstream::Upstream;
use crate::wait::until;

/// The files of a gateway, and the upstream behind it. Dropping it removes the files.
pub(crate) struct Scene {
    dir: TempDir,
    pub(crate) upstream: Upstream,
}

/// What the settings say beyond the addresses. All files are relative to the scene's directory.
pub(crate) struct Plan<'p> {
    pub(crate) access: &'p str,
    /// Lines before all tables.
    pub(crate) top: &'p str,
    /// Lines for `[tls]`.
    pub(crate) tls: &'p str,
    pub(crate) audit: &'p str,
    /// Lines for `[lockout]`. Off, unless it is what is tested: to see a change take effect, tests ask the same over and over.
    pub(crate) lockout: &'p str,
    /// Lines for `[process]`.
    pub(crate) process: &'p str,
    /// Another upstream than the scene's own, as a host and a port.
    pub(crate) upstream: Option<String>,
}

impl Default for Plan<'_> {
    fn default() -> Self {
        let (audit, lockout) = ("off", "enabled = false");
        Self { access: "access.toml", top: "", tls: "", audit, lockout, process: "", upstream: None }
    }
}

impl Scene {
    /// A directory with certificates for this machine in `certs/` and a document with amy, bob and eve.
    pub(crate) fn new() -> Self {
        let scene = Self { dir: tempfile::tempdir().unwrap(), upstream: Upstream::start() };
        scene.issue("certs", &["localhost", "127.0.0.1"]);
        scene.save("access.toml", &document(&[AMY, BOB, EVE]));
        scene
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Writes a file as it should be: for its owner alone.
    pub(crate) fn save(&self, name: &str, text: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    }

    /// Makes a server certificate in a directory; the authority that is there signs it, if there is one.
    pub(crate) fn issue(&self, dir: &str, hosts: &[&str]) {
        let (dir, now) = (self.path(dir), SystemTime::now());
        let hosts: Vec<_> = hosts.iter().map(|host| (*host).to_owned()).collect();
        let made = devcert::generate_in(&dir, &hosts, now).unwrap();
        devcert::write(&dir, &made, true).unwrap();
    }

    /// Starts the gateway, and returns when it listens.
    pub(crate) fn serve(&self, plan: &Plan<'_>) -> Gateway {
        self.serve_with(plan, None)
    }

    /// The same with so many file descriptors.
    pub(crate) fn serve_with(&self, plan: &Plan<'_>, descriptors: Option<u32>) -> Gateway {
        self.settle(plan);
        Gateway::start(&self.path("portcullis.toml"), descriptors)
    }

    /// Writes the settings.
    pub(crate) fn settle(&self, plan: &Plan<'_>) {
        let upstream = plan.upstream.clone().unwrap_or_else(|| self.upstream.address.to_string());
        let Plan { access, top, tls, audit, lockout, process, .. } = plan;
        let settings = format!(
            "access = {access:?}\n{top}\n\
             [listen]\nhttps = [\"127.0.0.1:0\"]\nworkers = 2\n\
             [tls]\ncertificate = \"certs/server.pem\"\nkey = \"certs/server.key\"\n{tls}\n\
             [upstream]\nservers = [\"http://{upstream}\"]\n\
             [audit]\nto = {audit:?}\n[lockout]\n{lockout}\n\
             [ops]\nhttp = \"127.0.0.1:0\"\n\
             [process]\n{process}\n"
        );
        self.save("portcullis.toml", &settings);
    }
}

/// A gateway that runs. Dropping it kills it.
pub(crate) struct Gateway {
    child: Child,
    pub(crate) log: Log,
    pub(crate) https: SocketAddr,
    ops: SocketAddr,
    /// Where the settings are.
    dir: PathBuf,
}

impl Gateway {
    fn start(settings: &Path, descriptors: Option<u32>) -> Self {
        let program = env!("CARGO_BIN_EXE_portcullis");
        let mut command = match descriptors {
            None => Command::new(program),
            Some(most) => {
                let mut shell = Command::new("sh");
                shell.args(["-c", &format!("ulimit -n {most} && exec \"$0\" \"$@\""), program]);
                shell
            }
        };
        command.arg("serve").arg("--config").arg(settings);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let log = Log::of(child.stderr.take().unwrap());
        let mut place = |listener: &str| {
            let line = until("the gateway to listen", || {
                if let Some(status) = child.try_wait().unwrap() {
                    panic!("the gateway ended with {status}:\n{}", log.text());
                }
                log.find(&["listening", listener])
            });
            address_in(&line)
        };
        let (https, ops) = (place("https"), place("ops"));
        Self { child, log, https, ops, dir: settings.parent().unwrap().to_owned() }
    }

    /// Keeps every audit file in the directory of the settings and below it, also those that were put aside, and what is
    /// written of changes and of uses.
    fn keep_audit(&self) {
        let mut waiting = vec![self.dir.clone()];
        while let Some(dir) = waiting.pop() {
            for path in fs::read_dir(dir).into_iter().flatten().flatten().map(|entry| entry.path()) {
                let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
                let kinds = [("audit.jsonl", "audit"), (".changes.jsonl", "journal"), ("state.json", "state")];
                if path.is_dir() {
                    waiting.push(path);
                } else if let Some((_, kind)) = kinds.iter().find(|(part, _)| name.contains(part)) {
                    kept::printed(&format!("process-{kind}"), &fs::read_to_string(path).unwrap_or_default());
                }
            }
        }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Sends a signal by its name, such as `HUP`.
    pub(crate) fn signal(&self, name: &str) {
        // The shell's own kill, for not every system has another.
        let sent = Command::new("sh").arg("-c").arg(format!("kill -{name} {}", self.pid())).status().unwrap();
        assert!(sent.success(), "kill -{name}: {sent}");
    }

    /// How the process ended, once it has.
    pub(crate) fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().unwrap()
    }

    /// Asks the ops listener; the status and the body.
    pub(crate) fn ops(&self, path: &str) -> Option<(u16, String)> {
        let mut stream = TcpStream::connect(self.ops).ok()?;
        write!(stream, "GET {path} HTTP/1.1\r\nHost: ops\r\nConnection: close\r\n\r\n").ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        let status = answer.get(9..12)?.parse().ok()?;
        Some((status, answer.split_once("\r\n\r\n")?.1.to_owned()))
    }

    /// The value of one metric, named with its labels.
    pub(crate) fn metric(&self, name: &str) -> f64 {
        let (_, text) = self.ops("/metrics").expect("metrics");
        let value = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        value.unwrap_or_else(|| panic!("no {name} in\n{text}")).parse().unwrap()
    }

    /// How often the access document, or the TLS files, were refused.
    pub(crate) fn refused(&self, what: &str) -> f64 {
        self.metric(&format!("portcullis_reload_failures_total{{what=\"{what}\"}}"))
    }

    pub(crate) fn generation(&self) -> f64 {
        self.metric("portcullis_reload_generation")
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        // It may have ended by itself.
        let metrics = self.ops("/metrics").map(|(_, text)| text);
        let _ = self.child.kill();
        let _ = self.child.wait();
        kept::printed("process-metrics", &metrics.unwrap_or_default());
        kept::printed("process-log", &self.log.whole());
        self.keep_audit();
        if std::thread::panicking() {
            eprintln!("the gateway's log:\n{}", self.log.text());
        }
    }
}

/// The address in a line of the log.
fn address_in(line: &str) -> SocketAddr {
    let start = line.find("127.0.0.1:").unwrap_or_else(|| panic!("no address in {line:?}"));
    let text = &line[start..];
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.' && c != ':').unwrap_or(text.len());
    text[..end].parse().unwrap()
}
