//! A directory with settings, access document and certificates, and the program run in it.

use std::fs::{self, File, Permissions};
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, SystemTime};

use portcullis::edge::devcert;
use portcullis::policy::TokenHash;
use serde_json::Value;
use tempfile::TempDir;

use crate::kept;

/// Longer than anything takes, so that only what hangs meets it.
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_portcullis");

/// The token of bob, who may come in from here.
pub(crate) const SECRET: &str = "a secret of twenty characters or more";

const ACCESS: &str = r#"
[[resources]]
name = "Orders <&> returns"
paths = ["/orders/**", "/returns"]
formats = ["json"]
permissions = { GET = "orders.view", PUT = ["orders.view", "orders.edit"] }

[[resources]]
name = "Time"
paths = ["/time"]
permissions = { GET = "authenticated" }

[[resources]]
name = "Health"
paths = ["/health"]
permissions = { GET = "public" }

[roles]
reader = ["orders.view"]
chief = ["*"]

[users.amy]
title = "Warehouse"
api_access = true
tokens = ["@AMY@"]
roles = ["reader"]
addresses = ["10.0.0.0/8"]

[users.bob]
api_access = true
tokens = ["@BOB@"]
permissions = ["orders.*"]

[users.carol]
api_access = false
tokens = ["@CAROL@"]
roles = ["chief"]

[users.dan]
api_access = true
roles = ["reader"]

[users.eve]
api_access = true
tokens = [{ hash = "@EVE@", expires = 2020-01-01T00:00:00Z }]
roles = ["reader"]

[[expect]]
user = "bob"
request = "PUT /orders/1"
decision = "allow"
"#;

/// What a command came to.
#[derive(Debug)]
pub(crate) struct Done {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Done {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

/// A directory that holds all that `serve` needs, as `config/…` and `certs/…`.
pub(crate) struct Place(TempDir);

impl Place {
    pub(crate) fn new() -> Self {
        let place = Self(TempDir::new().unwrap());
        let made = devcert::generate(&["localhost".to_owned()], SystemTime::now()).unwrap();
        devcert::write(&place.path("certs"), &made, false).unwrap();
        place.settings("127.0.0.1:0", "127.0.0.1:1");
        place.access(&access());
        place
    }

    pub(crate) fn empty() -> Self {
        Self(TempDir::new().unwrap())
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
        path
    }

    pub(crate) fn settings(&self, https: &str, upstream: &str) {
        let text = format!(
            "access = \"access.toml\"\n[listen]\nhttps = [\"{https}\"]\nworkers = 1\n\
             [tls]\ncertificate = \"../certs/server.pem\"\nkey = \"../certs/server.key\"\n\
             [upstream]\nservers = [\"http://{upstream}\"]\n[audit]\nto = \"off\"\n"
        );
        self.write("config/portcullis.toml", &text);
    }

    pub(crate) fn access(&self, text: &str) {
        self.write("config/access.toml", text);
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(PROGRAM);
        command.args(arguments).current_dir(self.0.path());
        command.env_remove("PORTCULLIS_CONFIG").env_remove("PORTCULLIS_LOG");
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Done {
        done(self.command(arguments).stdin(Stdio::null()))
    }

    /// Runs what tells a new token, which it does on standard output and nowhere else.
    pub(crate) fn run_for_a_token(&self, arguments: &[&str]) -> Done {
        let mut command = self.command(arguments);
        let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let done = collected(child);
        let token =
            serde_json::from_str::<Value>(&done.out).ok().and_then(|told| Some(told["token"].as_str()?.to_owned()));
        kept::secret(token.as_deref().unwrap_or_else(|| done.out.trim()));
        kept::printed("cli-command", &done.err);
        done
    }

    pub(crate) fn feed(&self, arguments: &[&str], input: &[u8]) -> Done {
        String::from_utf8_lossy(input).lines().for_each(kept::secret);
        let mut command = self.command(arguments);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(input).unwrap();
        output(child)
    }
}

pub(crate) fn access() -> String {
    let secrets = [
        ("amy", "@AMY@", "amy's secret"),
        ("bob", "@BOB@", SECRET),
        ("carol", "@CAROL@", "carol's secret"),
        ("eve", "@EVE@", "eve's secret"),
    ];
    secrets.iter().fold(ACCESS.to_owned(), |text, (name, mark, secret)| {
        kept::credentials(name, secret);
        text.replace(mark, &TokenHash::of(secret.as_bytes()).to_string())
    })
}

pub(crate) fn done(command: &mut Command) -> Done {
    output(command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap())
}

fn output(child: Child) -> Done {
    let done = collected(child);
    kept::printed("cli-command", &done.out);
    kept::printed("cli-command", &done.err);
    done
}

fn collected(child: Child) -> Done {
    let output = child.wait_with_output().unwrap();
    Done {
        code: output.status.code().unwrap_or(-1),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

/// A command that runs until it is told to end.
pub(crate) struct Process {
    id: u32,
    out: Receiver<String>,
    log: Receiver<String>,
    ended: Receiver<ExitStatus>,
}

impl Process {
    pub(crate) fn start(command: &mut Command) -> Self {
        let verb = command.get_args().next().unwrap().to_string_lossy().into_owned();
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let out = lines(child.stdout.take().unwrap(), kept::printing(&format!("cli-{verb}-out")));
        let log = lines(child.stderr.take().unwrap(), kept::printing(&format!("cli-{verb}-log")));
        let (sender, ended) = channel();
        let id = child.id();
        thread::spawn(move || sender.send(child.wait().unwrap()));
        Self { id, out, log, ended }
    }

    pub(crate) fn signal(&self, name: &str) {
        assert!(kill(name, self.id), "{name}");
    }

    /// Lines of standard output up to one that begins like this.
    pub(crate) fn told(&self, end: &str) -> Vec<String> {
        until(&self.out, |line| line.starts_with(end))
    }

    /// The line of the log that holds this.
    pub(crate) fn logged(&self, part: &str) -> String {
        until(&self.log, |line| line.contains(part)).pop().unwrap()
    }

    pub(crate) fn code(&self) -> Option<i32> {
        self.ended.recv_timeout(PATIENCE).expect("it ends").code()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if self.ended.try_recv().is_err() {
            kill("KILL", self.id);
        }
    }
}

fn kill(name: &str, id: u32) -> bool {
    let mut command = Command::new("kill");
    command.args(["-s", name, &id.to_string()]).stderr(Stdio::null()).status().unwrap().success()
}

/// The lines of a stream as they come, and all of them also in a file.
fn lines(stream: impl Read + Send + 'static, mut file: Option<File>) -> Receiver<String> {
    let (sender, receiver) = channel();
    thread::spawn(move || {
        for line in BufReader::new(stream).lines().map_while(Result::ok) {
            if let Some(file) = &mut file {
                writeln!(file, "{line}").unwrap();
            }
            // To the end, even if nobody waits for more.
            let _ = sender.send(line);
        }
    });
    receiver
}

fn until(lines: &Receiver<String>, end: impl Fn(&str) -> bool) -> Vec<String> {
    let mut seen = Vec::new();
    loop {
        let line = lines.recv_timeout(PATIENCE).unwrap_or_else(|error| panic!("{error} after {seen:#?}"));
        seen.push(line);
        if seen.last().is_some_and(|line| end(line)) {
            return seen;
        }
    }
}

/// Fails with all there is to see where a part is missing.
pub(crate) fn has(text: &str, parts: &[&str], what: &dyn std::fmt::Debug) {
    for part in parts {
        assert!(text.contains(part), "{part:?} is missing: {what:?}\n{text}");
    }
}

pub(crate) fn exists(path: &str) -> bool {
    Path::new(path).exists()
}
