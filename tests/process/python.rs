//! A Python with the packages that the client tests need.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

/// What is installed. The store's client is held at the version it was tried with; it is no longer developed.
const PACKAGES: [&str; 2] = ["requests>=2.32,<3", "bigcommerce==0.23.4"];

/// The interpreter that `PORTCULLIS_TEST_PYTHON` names, or else one in `target/test-venv`, which is made once and used by
/// all test runs. A Python that cannot be had is a failure: a client that was not tried is not one that passes.
pub(crate) fn python() -> PathBuf {
    if let Ok(named) = std::env::var("PORTCULLIS_TEST_PYTHON") {
        return PathBuf::from(named);
    }
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap();
    let (venv, ready) = (target.join("test-venv"), target.join("test-venv/ready"));
    let interpreter = venv.join("bin/python");
    let lock = File::create(target.join("test-venv.lock")).unwrap();
    lock.lock().unwrap();
    let wanted = PACKAGES.join("\n");
    if fs::read_to_string(&ready).is_ok_and(|installed| installed == wanted) {
        return interpreter;
    }
    let why = "the tests with Python clients need python3 with venv (Debian: python3-venv) and PyPI, or a Python with \
               requests and bigcommerce in PORTCULLIS_TEST_PYTHON";
    run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&venv), why);
    let pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"];
    run(Command::new(&interpreter).args(pip).args(PACKAGES), why);
    fs::write(&ready, wanted).unwrap();
    interpreter
}

fn run(command: &mut Command, why: &str) {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}; {why}"));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {}\n{said}\n{why}", output.status);
}
