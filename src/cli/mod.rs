//! The commands. The only room that prints and reads the environment.
//!
//! Called by `main`. One file a command family; nearly every command computes an `Answer` and prints
//! nothing, so that [`run`] is the one place where text or JSON, standard output or standard error is chosen. What a
//! command knows it asks of the other rooms: no permission is judged here.

mod answer;
mod cert;
mod check;
mod config;
mod credentials;
mod demo;
mod explain;
mod health;
mod holders;
mod import;
mod lockout;
mod log;
mod output;
mod permissions;
mod reading;
mod schema;
mod secret;
mod serve;
mod shell;
mod table;
mod token;
mod user;
mod who_can;

use std::process::ExitCode;
use std::time::SystemTime;

use clap::{Parser, Subcommand};

use answer::{Answer, Failure};
use config::Common;
use output::Output;

use crate::server::process;

/// The command line, parsed.
#[derive(Debug, Parser)]
#[command(
    name = "portcullis",
    version,
    about = "A reverse-proxy auth gateway: TLS, Basic credentials, per-user permissions by method and path",
    after_help = "Exit status: 0 yes or done, 1 no or failed, 2 wrong use or bad configuration."
)]
pub struct Cli {
    #[command(flatten)]
    common: Common,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the gateway with a sample store behind it, nothing to prepare
    Demo(demo::Args),
    /// Run the gateway
    Serve,
    /// Ask the gateway that runs whether it takes requests
    Health,
    /// Check the settings, the access document and the certificates, and tell every fault
    Check(check::Args),
    /// Say whether a user may do something, and why
    Explain(explain::Args),
    /// Say which users may do something
    WhoCan(who_can::Args),
    /// Print the reference: what each resource requires and who holds it
    Permissions(permissions::Args),
    /// See the users, and change them in the access document
    User(user::Args),
    /// Bring users or resources along from elsewhere
    #[command(subcommand)]
    Import(import::Command),
    /// Work with API tokens
    #[command(subcommand)]
    Token(token::Command),
    /// See who is locked out after wrong credentials, and let them in again
    #[command(subcommand)]
    Lockout(lockout::Command),
    /// Make a development authority and a server certificate
    Cert(cert::Args),
    /// Print a JSON Schema, for editors
    Schema(schema::Args),
}

/// How a command ended: 0, 1 or 2 for the shell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Yes, or done.
    Yes,
    /// No, or failed.
    No,
    /// Wrong use, or bad configuration.
    Wrong,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Yes => 0,
            Exit::No => 1,
            Exit::Wrong => 2,
        })
    }
}

/// Runs a command and prints what it has to say.
#[must_use]
pub fn run(cli: Cli) -> Exit {
    // Nearly every command sees a token, a password or a key. Where this fails, `serve` warns of it.
    process::keep_memory_private().unwrap_or_default();
    let mut output = Output::standard(cli.common.json);
    let exit = match answer(cli, &mut output) {
        Ok(answer) => output.answer(&answer),
        Err(failure) => output.failure(&failure),
    };
    output.finish(exit)
}

fn answer(cli: Cli, output: &mut Output) -> Result<Answer, Failure> {
    let Cli { common, command } = cli;
    let now = SystemTime::now();
    match command {
        Command::Demo(args) => demo::run(&args, &common, output),
        Command::Serve => serve::run(&common),
        Command::Health => health::run(&common),
        Command::Check(args) => check::run(&args, &common),
        Command::Explain(args) => explain::run(&args, &common.law()?, now),
        Command::WhoCan(args) => who_can::run(&args, &common.law()?, now),
        Command::Permissions(args) => permissions::run(&args, &common.law()?),
        Command::User(args) => user::run(&args, &common, now),
        Command::Import(command) => import::run(&command, &common, now),
        Command::Token(command) => token::run(&command),
        Command::Lockout(command) => lockout::run(&command, &common),
        Command::Cert(args) => cert::run(&args, now),
        Command::Schema(args) => schema::run(&args),
    }
}
