//! The log of a gateway that runs: on standard error, for those who run it.

use std::io::{IsTerminal, stderr};

use tracing_subscriber::EnvFilter;

use super::answer::Failure;
use super::config::variable;

const VARIABLE: &str = "PORTCULLIS_LOG";

/// Starts the log. `PORTCULLIS_LOG` says how much is told: `info` unless set, `debug`, or `warn,portcullis::gate=debug`.
///
/// # Errors
/// Where that variable says something else.
pub(super) fn start() -> Result<(), Failure> {
    let level = variable(VARIABLE).map_or_else(|| "info".to_owned(), |value| value.to_string_lossy().into_owned());
    let filter = EnvFilter::try_new(&level).map_err(|error| {
        Failure::Wrong(format!("{VARIABLE}={level}: {error}; write error, warn, info, debug or trace"))
    })?;
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_target(false).with_writer(stderr);
    let started = log.with_ansi(stderr().is_terminal()).log_internal_errors(false).try_init();
    started.map_err(|error| Failure::Failed(error.to_string()))
}
