//! `demo`: the gateway with a sample store behind it, on files that are made for it and removed afterwards.
//!
//! It is `serve` on prepared files: what it shows is what a gateway does.

mod alone;
mod backend;
mod prepared;
mod tour;

use std::net::{Ipv4Addr, SocketAddr, TcpListener};

use super::answer::{Answer, Failure};
use super::config::Common;
use super::output::Output;
use super::{log, serve};
use crate::demo::files::Places;
use backend::Backend;
use prepared::Prepared;
use tour::Tour;

const PORT: u16 = 8443;
const PANEL_PORT: u16 = 8444;
const OPS_PORT: u16 = 9090;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The port for HTTPS, on the loopback interface [default: 8443, or a free one]
    #[arg(long, value_name = "N")]
    port: Option<u16>,
    /// Run the sample store alone, at this address, to put a gateway in front of
    #[arg(long, value_name = "ADDRESS", conflicts_with = "port")]
    store: Option<SocketAddr>,
}

pub(super) fn run(args: &Args, common: &Common, output: &mut Output) -> Result<Answer, Failure> {
    if common.config.is_some() {
        return Err(Failure::Wrong("the demo brings its own settings: leave --config out".to_owned()));
    }
    if let Some(address) = args.store {
        return alone::run(address, output);
    }
    let https = loopback(args.port.unwrap_or_else(|| free(PORT)));
    let (panel, ops) = (loopback(free(PANEL_PORT)), loopback(free(OPS_PORT)));
    let taken = args.port.is_none() && https.port() == 0 || panel.port() == 0 || ops.port() == 0;
    let backend = Backend::start().map_err(|error| Failure::Failed(format!("the sample store: {error}")))?;
    let prepared = Prepared::new(&Places { https, panel, ops, store: backend.address() })?;
    log::start()?;
    let ended = serve::guard(prepared.settings(), Some(prepared.dir()), |running| {
        let tour = Tour::new(&prepared, running.addresses(), backend.address(), taken);
        output.result(&tour.text(), &tour.value());
    });
    backend.stop();
    prepared.remove()?;
    ended.map(|()| Answer::given())
}

fn loopback(port: u16) -> SocketAddr {
    (Ipv4Addr::LOCALHOST, port).into()
}

/// The port where it is free, or else 0, for the system to choose one.
fn free(port: u16) -> u16 {
    TcpListener::bind(loopback(port)).map_or(0, |_| port)
}
