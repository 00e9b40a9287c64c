//! A shell in a copy of what a checkout has, with a store behind the gateway. The ports that README.md names are
//! exchanged for free ones, so that anything else may run beside it.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Command, Stdio};

use portcullis::demo::store;
use socket2::{Domain, Socket, Type};
use tempfile::TempDir;

use super::{kept, page};

/// The ports of README.md and of the sample settings: for clients, of the store, and for metrics.
const WRITTEN: [&str; 3] = ["8443", "9001", "9090"];

/// What the commands may find in the current directory.
const FILES: [&str; 3] = ["config/access.toml", "config/portcullis.toml", "certs/README.md"];

/// Prints the status behind every answer, and goes nowhere but to this machine.
const CURLRC: &str = "silent\nshow-error\nnoproxy = \"*\"\nmax-time = 60\nwrite-out = \"\\n%{http_code}\\n\"\n";

pub(crate) struct Session {
    dir: TempDir,
    ports: [u16; 3],
    /// Kept, so that nothing else is given these ports: bound, and never listened on.
    _reserved: [Socket; 2],
}

/// What a command said.
pub(crate) struct Output {
    /// `None` where it was not come to.
    pub(crate) exit: Option<i32>,
    pub(crate) text: String,
}

impl Session {
    /// A copy of the checkout below `root`, and a store.
    pub(crate) fn new(root: &Path) -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let ((https, for_https), (ops, for_ops)) = (reserve(), reserve());
        let ports = [https, start_store(), ops];
        let session = Self { dir, ports, _reserved: [for_https, for_ops] };
        for file in FILES {
            let path = session.dir.path().join(file);
            fs::create_dir_all(path.parent().expect("a directory")).expect("a directory");
            let text = fs::read_to_string(root.join(file)).expect(file);
            let text = if file.ends_with("portcullis.toml") { session.exchange(&text) } else { text };
            fs::write(path, text).expect(file);
        }
        session
    }

    /// Runs commands one after the other, in one shell.
    pub(crate) fn run(&mut self, commands: &[page::Command]) -> Vec<Output> {
        let out = self.dir.path().join("out");
        fs::create_dir(&out).expect("a directory");
        fs::write(out.join(".curlrc"), CURLRC).expect("a file");
        fs::write(out.join("script"), self.script(commands)).expect("a file");
        let ended = self.command("bash").arg("out/script").status().expect("bash");
        let output = |number: usize| {
            let read = |name: String| fs::read_to_string(out.join(name)).unwrap_or_default();
            Output { exit: read(format!("{number}.exit")).trim().parse().ok(), text: read(format!("{number}.out")) }
        };
        let outputs: Vec<Output> = (0..commands.len()).map(output).collect();
        outputs.iter().for_each(|output| kept::printed("readme-command", &output.text));
        kept::credentials("me", &fs::read_to_string(out.join("token")).expect("README.md makes a token"));
        assert!(ended.success(), "the shell ended with {ended}");
        outputs
    }

    /// Has a text checked as an access document; the exit code, and what was said.
    pub(crate) fn check(&self, document: &str) -> (Option<i32>, String) {
        fs::write(self.dir.path().join("candidate.toml"), document).expect("a file");
        let mut portcullis = self.command("portcullis");
        // The settings name certificates that only `portcullis cert` makes.
        portcullis.args(["cert", "--out", "certs", "--host", "localhost", "--force"]).output().expect("portcullis");
        let checked = self.command("portcullis").args(["check", "--access", "candidate.toml"]).output();
        let checked = checked.expect("portcullis");
        let said = [checked.stdout, checked.stderr].concat();
        (checked.status.code(), String::from_utf8_lossy(&said).into_owned())
    }

    /// Each command with its output and exit code kept, then the end of everything that still runs.
    fn script(&self, commands: &[page::Command]) -> String {
        let mut script = "trap 'kill $(jobs -p) 2>/dev/null; wait' EXIT\n".to_owned();
        for (number, command) in commands.iter().enumerate() {
            let text = self.exchange(&command.text);
            script += &format!("{{ {text}\n}} >out/{number}.out 2>&1\necho $? >out/{number}.exit\n");
            if command.text.starts_with("token=") {
                script += "printf %s \"$token\" >out/token\n";
            }
            // What was told to end has ended before its port is wanted again.
            if command.text.starts_with("kill ") {
                script += "wait\n";
            }
            if command.text.ends_with('&') {
                script += &format!(
                    "until (: </dev/tcp/127.0.0.1/{}) 2>/dev/null; do kill -0 $! || break; sleep 0.05; done\n",
                    self.ports[0]
                );
            }
        }
        script
    }

    #[expect(clippy::disallowed_methods, reason = "the commands find their programs as the test does")]
    fn command(&self, program: &str) -> Command {
        let binary = Path::new(env!("CARGO_BIN_EXE_portcullis"));
        let beside = binary.parent().expect("a directory").display().to_string();
        let search = std::env::var("PATH").unwrap_or_default();
        let mut command = Command::new(if program == "portcullis" { binary } else { Path::new(program) });
        command
            .current_dir(self.dir.path())
            .stdin(Stdio::null())
            .env_remove("PORTCULLIS_CONFIG")
            .env("PATH", format!("{beside}:{search}"));
        command.env("HOME", self.dir.path()).env("CURL_HOME", self.dir.path().join("out"));
        command
    }

    fn exchange(&self, text: &str) -> String {
        let pairs = WRITTEN.iter().zip(self.ports);
        pairs.fold(text.to_owned(), |text, (written, port)| text.replace(written, &port.to_string()))
    }
}

/// A port that stays free for a gateway, which shares its ports among its workers.
fn reserve() -> (u16, Socket) {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
    socket.set_reuse_address(true).and_then(|()| socket.set_reuse_port(true)).expect("a socket option");
    socket.bind(&SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)).into()).expect("a port");
    let port = socket.local_addr().ok().and_then(|address| address.as_socket()).expect("an address").port();
    (port, socket)
}

/// Starts a store that lives as long as the test; its port.
fn start_store() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    let port = listener.local_addr().expect("an address").port();
    listener.set_nonblocking(true).expect("a socket option");
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let listener = tokio::net::TcpListener::from_std(listener).expect("a listener");
            store::serve(listener, std::future::pending()).await
        })
    });
    port
}
