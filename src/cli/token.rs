//! `token`: from a token to what the access document stores of it.

use clap::Subcommand;
use serde::Serialize;

use super::answer::{Answer, Failure};
use super::{Exit, secret};
use crate::policy::{TOKEN_PREFIX, TokenHash};
use crate::source::mint;

/// Fewer characters than this can be guessed sooner or later, whatever they are.
const SHORT: usize = 20;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Read a token, one line on standard input, and print what the access document stores of it
    Hash,
}

#[derive(Serialize)]
struct Hashed {
    hash: String,
    warnings: Vec<&'static str>,
}

pub(super) fn run(command: &Command) -> Result<Answer, Failure> {
    match command {
        Command::Hash => hash(),
    }
}

fn hash() -> Result<Answer, Failure> {
    let token = secret::piped("token")?;
    let text = String::from_utf8_lossy(&token);
    if text.starts_with(TOKEN_PREFIX) && !mint::checksum_ok(&text) {
        let problem = "the token begins like a generated one and its checksum is wrong: it is mistyped or incomplete";
        return Err(Failure::Wrong(problem.to_owned()));
    }
    let short = text.chars().count() < SHORT;
    let warnings = if short { vec!["this token is short: a generated one cannot be guessed"] } else { Vec::new() };
    let notes = warnings.iter().map(|warning| format!("warning: {warning}")).collect::<Vec<_>>().join("\n");
    let hash = TokenHash::of(&token).to_string();
    let answer = Answer::new(Exit::Yes, hash.clone(), &Hashed { hash, warnings })?;
    Ok(answer.notes(notes))
}
