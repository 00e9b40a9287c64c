//! `token`: from a token to what the access document stores of it.

use std::io::{self, BufRead, IsTerminal, Read};

use clap::Subcommand;
use serde::Serialize;
use zeroize::Zeroizing;

use super::Exit;
use super::answer::{Answer, Failure};
use crate::policy::{TOKEN_PREFIX, TokenHash};
use crate::source::mint;

/// Longer than any token, and short enough that nobody waits for a file that was named by mistake.
const LIMIT: u64 = 64 * 1024;
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
    let stdin = io::stdin();
    // Whoever types ends with Enter and should not have to end the input too.
    let typed = stdin.is_terminal();
    let token = line(&mut stdin.lock(), typed)?;
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

/// Reads one line, without its end.
fn line(input: &mut impl BufRead, typed: bool) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let unreadable = |error: io::Error| Failure::Failed(format!("standard input: {error}"));
    // Room for all of it at once: a buffer that grows leaves copies behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(4096));
    input.take(LIMIT).read_until(b'\n', &mut bytes).map_err(unreadable)?;
    if bytes.ends_with(b"\n") {
        bytes.pop();
        if bytes.ends_with(b"\r") {
            bytes.pop();
        }
        if !typed && !input.fill_buf().map_err(unreadable)?.is_empty() {
            return Err(Failure::Wrong("a token is one line on standard input, and there are more".to_owned()));
        }
    }
    match bytes.len() {
        0 => Err(Failure::Wrong("there is no token on standard input: pipe it in, one line".to_owned())),
        long if long as u64 >= LIMIT => Err(Failure::Wrong("this is too long for a token".to_owned())),
        _ => Ok(bytes),
    }
}

#[cfg(test)]
mod tests {
    use super::line;

    #[test]
    fn exactly_one_line_end_is_taken_off() {
        for (input, token) in [
            ("secret", Some("secret")),
            ("secret\n", Some("secret")),
            ("secret\r\n", Some("secret")),
            ("secret\r\r\n", Some("secret\r")),
            (" secret \n", Some(" secret ")),
            ("", None),
            ("\n", None),
            ("\r\n", None),
            ("secret\n\n", None),
            ("secret\nmore", None),
        ] {
            let read = line(&mut input.as_bytes(), false).ok();
            assert_eq!(read.as_ref().map(|bytes| bytes.as_slice()), token.map(str::as_bytes), "{input:?}");
        }
        assert!(line(&mut "x".repeat(70_000).as_bytes(), false).is_err());
        assert_eq!(line(&mut "typed\nahead".as_bytes(), true).unwrap().as_slice(), b"typed");
    }
}
