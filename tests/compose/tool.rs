//! Programs that are run: docker, its Compose tool and others, and what came of them.

use std::ffi::OsStr;
use std::io::Write;
use std::process::{Command, Stdio};
use std::time::Duration;

use tokio::time::Instant;

/// Decides nothing but when a test that has failed says so.
const DEADLINE: Duration = Duration::from_secs(90);
/// Between two looks at a container, each of which is a process of its own.
const STEP: Duration = Duration::from_millis(50);

/// What a program came to.
#[derive(Debug)]
pub(crate) struct Done {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Done {
    /// What was printed, where all went well.
    pub(crate) fn good(self, what: &str) -> String {
        assert_eq!(self.code, 0, "{what}\n{}\n{}", self.out, self.err);
        self.out
    }
}

/// Runs a program to its end.
pub(crate) fn run(command: &mut Command) -> Done {
    feed(command, "")
}

/// Runs a program to its end, with something to read.
pub(crate) fn feed(command: &mut Command, input: &str) -> Done {
    let piped = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = piped.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let (mut stdin, input) = (child.stdin.take().unwrap(), input.to_owned());
    // A program that ends without having read everything is none of this test's business.
    let writer = std::thread::spawn(move || stdin.write_all(input.as_bytes()).unwrap_or_default());
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Done { code: output.status.code().unwrap_or(-1), out: text(&output.stdout), err: text(&output.stderr) }
}

/// A program with its arguments.
pub(crate) fn program(name: &str, arguments: &[impl AsRef<OsStr>]) -> Command {
    let mut command = Command::new(name);
    command.args(arguments);
    command
}

/// Whether a program can be run and succeeds.
pub(crate) fn works(name: &str, arguments: &[&str]) -> bool {
    let mut command = program(name, arguments);
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// Asks again until there is an answer.
pub(crate) fn eventually<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(begun.elapsed() < DEADLINE, "waited {DEADLINE:?} for {what}");
        std::thread::sleep(STEP);
    }
}

/// Asks again until it is so, and how long that took.
pub(crate) fn time_until(what: &str, mut holds: impl FnMut() -> bool) -> Duration {
    let begun = Instant::now();
    eventually(what, || holds().then(|| begun.elapsed()))
}
