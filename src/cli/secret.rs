//! Reading a secret: one line on standard input, or typed at a terminal without being shown.

use std::io::{self, BufRead, IsTerminal, Read};

use zeroize::Zeroizing;

use super::answer::Failure;

/// Longer than any secret, and short enough that nobody waits for a file that was named by mistake.
const LIMIT: u64 = 64 * 1024;

/// Reads a secret from standard input: one line, without its end. `noun` is what it is, such as "token".
pub(super) fn piped(noun: &str) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let stdin = io::stdin();
    // Whoever types ends with Enter and should not have to end the input too.
    let typed = stdin.is_terminal();
    line(&mut stdin.lock(), typed, noun)
}

/// Asks for a new secret twice at the terminal, or reads it once where standard input is none.
pub(super) fn new(noun: &str, of: &str) -> Result<Zeroizing<Vec<u8>>, Failure> {
    if !io::stdin().is_terminal() {
        return piped(noun);
    }
    let asked = |prompt: String| match rpassword::prompt_password(prompt) {
        Ok(typed) => Ok(Zeroizing::new(typed.into_bytes())),
        Err(error) => Err(Failure::Failed(format!("the terminal: {error}"))),
    };
    let first = asked(format!("New {noun} of {}: ", of.escape_debug()))?;
    let second = asked("Once more: ".to_owned())?;
    if first == second { Ok(first) } else { Err(Failure::Wrong(format!("the {noun} was not typed the same twice"))) }
}

/// Reads one line, without its end.
fn line(input: &mut impl BufRead, typed: bool, noun: &str) -> Result<Zeroizing<Vec<u8>>, Failure> {
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
            return Err(Failure::Wrong(format!("a {noun} is one line on standard input, and there are more")));
        }
    }
    match bytes.len() {
        0 => Err(Failure::Wrong(format!("there is no {noun} on standard input: pipe it in, one line"))),
        long if long as u64 >= LIMIT => Err(Failure::Wrong(format!("this is too long for a {noun}"))),
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
            let read = line(&mut input.as_bytes(), false, "token").ok();
            assert_eq!(read.as_ref().map(|bytes| bytes.as_slice()), token.map(str::as_bytes), "{input:?}");
        }
        assert!(line(&mut "x".repeat(70_000).as_bytes(), false, "token").is_err());
        assert_eq!(line(&mut "typed\nahead".as_bytes(), true, "token").unwrap().as_slice(), b"typed");
    }
}
