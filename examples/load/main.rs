//! The load that `benches/compare` needs and no client of Debian makes: new TLS connections with and without resumption,
//! thousands of idle ones, and requests at a steady rate whose times are kept one by one.
//!
//! ```text
//! cargo run --release --example load -- handshakes --port 8443 --ca ca.pem --auth 'Basic …' --path /a --seconds 3
//! ```
//!
//! Each way of loading ends with one line of `name=value` pairs. Only 127.0.0.1 is spoken to.

#![allow(clippy::print_stdout, reason = "a program that tells figures")]

mod client;
mod handshakes;
mod idle;
mod steady;

use std::error::Error;
use std::path::PathBuf;

use clap::{Parser, Subcommand};
use client::Client;

type Failure = Box<dyn Error + Send + Sync>;

#[derive(Parser)]
#[command(about = "Load for benches/compare, on 127.0.0.1 alone")]
struct Arguments {
    #[command(subcommand)]
    way: Way,
    #[command(flatten)]
    aim: Aim,
}

/// Whom to ask, and what.
#[derive(clap::Args)]
pub(crate) struct Aim {
    /// The port on 127.0.0.1.
    #[arg(long, global = true, default_value_t = 8443)]
    port: u16,
    /// The authority that signed the server's certificate, PEM.
    #[arg(long, global = true, default_value = "ca.pem")]
    ca: PathBuf,
    /// The value of Authorization.
    #[arg(long, global = true, default_value = "")]
    auth: String,
    /// What to GET.
    #[arg(long, global = true, default_value = "/")]
    path: String,
}

#[derive(Subcommand)]
enum Way {
    /// A new connection for each request, one after the other in each lane.
    Handshakes {
        /// How long.
        #[arg(long)]
        seconds: f64,
        /// Connections at once.
        #[arg(long, default_value_t = 4)]
        lanes: usize,
        /// Continue the session of the lane's connection before.
        #[arg(long)]
        resume: bool,
    },
    /// Connections that have made one request each and are then held until standard input ends.
    Idle {
        /// How many.
        #[arg(long)]
        count: usize,
    },
    /// Requests at a steady rate over kept connections, each timed from when it was due.
    Steady {
        /// Requests each second.
        #[arg(long)]
        rate: u32,
        /// How long.
        #[arg(long)]
        seconds: f64,
        /// Connections, which take turns.
        #[arg(long, default_value_t = 8)]
        lanes: u32,
        /// Where to write, for each request, its due time since the start and how long it took, in microseconds.
        #[arg(long)]
        samples: PathBuf,
    },
}

fn main() -> Result<(), Failure> {
    let Arguments { way, aim } = Arguments::parse();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        match way {
            Way::Handshakes { seconds, lanes, resume } => handshakes::run(&aim, seconds, lanes, resume).await,
            Way::Idle { count } => idle::run(Client::new(&aim, false)?, count).await,
            Way::Steady { rate, seconds, lanes, samples } => {
                let plan = steady::Plan { rate, seconds, lanes };
                steady::run(&Client::new(&aim, false)?, &plan, &samples).await
            }
        }
    })
}

/// The time below which the given part of them lies; zero where there is none.
fn percentile(sorted: &[u64], part: f64) -> u64 {
    sorted.get((sorted.len() as f64 * part) as usize).or_else(|| sorted.last()).copied().unwrap_or_default()
}
