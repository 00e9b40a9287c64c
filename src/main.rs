//! The command line's entry: parse, run, map to an exit code.

use std::process::ExitCode;

use clap::Parser;
use portcullis::cli::{Cli, run};

fn main() -> ExitCode {
    run(Cli::parse()).into()
}
