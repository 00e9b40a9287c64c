//! `user`: who there is, and changing it in the access document.
//!
//! A change is made in the document's file, which the gateway reloads by itself: nothing is told to it.

pub(super) mod change;
mod list;
mod show;
mod uses;

use std::time::SystemTime;

use clap::Subcommand;

use super::answer::{Answer, Failure};
use super::config::Common;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List the users, what hinders those who cannot use the API, and when their tokens were last used
    List(list::Args),
    /// Show one user: tokens, roles, and every permission with where it comes from
    Show {
        /// The user
        name: String,
    },
    #[command(flatten)]
    Change(change::Command),
}

pub(super) fn run(args: &Args, common: &Common, now: SystemTime) -> Result<Answer, Failure> {
    match &args.command {
        Command::List(args) => list::run(args, common, now),
        Command::Show { name } => show::run(name, common, now),
        Command::Change(command) => change::run(command, &common.settings()?.access, now),
    }
}
