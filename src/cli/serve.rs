//! `serve`, and what `demo` runs too: a gateway until a signal ends it.

use std::io;
use std::net::SocketAddr;
use std::path::Path;

use tokio::runtime::Builder;
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::answer::{Answer, Failure};
use super::config::Common;
use super::log;
use crate::server::{self, Running, StartError, process};
use crate::settings::Settings;

pub(super) fn run(common: &Common) -> Result<Answer, Failure> {
    if common.json {
        return Err(Failure::Wrong("serve prints no result: its audit lines are JSON as they are".to_owned()));
    }
    let settings = common.settings()?;
    log::start()?;
    guard(&settings, None, |_| ())?;
    Ok(Answer::given())
}

/// Runs a gateway: SIGHUP has it read its files again, SIGINT and SIGTERM end it when its requests are done, and a
/// second one of these ends it at once. `started` is told where it listens; `temporary` is a directory that the caller
/// removes in the end.
///
/// # Errors
/// Where it does not start, or was ended before its requests were done.
pub(super) fn guard(
    settings: &Settings,
    temporary: Option<&Path>,
    started: impl FnOnce(&Running),
) -> Result<(), Failure> {
    let runtime = Builder::new_current_thread().enable_all().build().map_err(|error| unavailable(&error))?;
    let ended = runtime.block_on(until_ended(settings, temporary, started));
    // Whoever says it twice means now: what is still being finished is not waited for.
    runtime.shutdown_background();
    ended
}

async fn until_ended(
    settings: &Settings,
    temporary: Option<&Path>,
    started: impl FnOnce(&Running),
) -> Result<(), Failure> {
    // Before the start, so that no signal is lost once an address has been told.
    let mut signals = Signals::new().map_err(|error| unavailable(&error))?;
    let running = start(settings, temporary).map_err(|error| refused(&error))?;
    tell(&running);
    started(&running);
    while signals.next().await == Told::Reload {
        tracing::info!("told to read the files again");
        running.reload();
    }
    tracing::info!("told to end; requests under way are finished first");
    let stopped = tokio::task::spawn_blocking(|| running.stop());
    tokio::select! {
        stopped = stopped => stopped.map_err(|error| Failure::Failed(format!("ending broke off: {error}"))),
        () = signals.end() => Err(Failure::Failed("ended at once, told so by a second signal".to_owned())),
    }
}

/// No thread serves yet when the process gives up its rights, so none keeps them.
fn start(settings: &Settings, temporary: Option<&Path>) -> Result<Running, StartError> {
    process::take_descriptors(settings.limits.connections);
    let mut prepared = server::prepare(settings)?;
    prepared.confine(temporary)?;
    prepared.run()
}

fn tell(running: &Running) {
    let tell = |what: &str, address: &SocketAddr| tracing::info!(%address, "listening for {what}");
    let addresses = running.addresses();
    addresses.https.iter().for_each(|address| tell("https", address));
    addresses.http.iter().for_each(|address| tell("http", address));
    addresses.panel.iter().for_each(|address| tell("the control panel", address));
    addresses.ops.iter().for_each(|address| tell("ops", address));
}

fn refused(error: &StartError) -> Failure {
    match error {
        StartError::File(_) => Failure::Faults(error.to_string()),
        StartError::Process(_) => Failure::Wrong(error.to_string()),
        StartError::Bind(_) | StartError::System(..) => Failure::Failed(error.to_string()),
    }
}

pub(super) fn unavailable(error: &io::Error) -> Failure {
    Failure::Failed(format!("no event loop for signals: {error}"))
}

/// What a signal tells.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Told {
    Reload,
    End,
}

/// The signals that a program which serves obeys. Without them, one that is the first process of a container would obey
/// none.
pub(super) struct Signals {
    hangup: Signal,
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    pub(super) fn new() -> io::Result<Self> {
        Ok(Self {
            hangup: signal(SignalKind::hangup())?,
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    async fn next(&mut self) -> Told {
        tokio::select! {
            _ = self.hangup.recv() => Told::Reload,
            _ = self.interrupt.recv() => Told::End,
            _ = self.terminate.recv() => Told::End,
        }
    }

    /// Waits until one tells to end.
    pub(super) async fn end(&mut self) {
        while self.next().await == Told::Reload {}
    }
}
