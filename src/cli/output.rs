//! Printing: results to standard output, faults and errors to standard error.

use std::fmt;
use std::io::{self, ErrorKind, Write};

use serde_json::Value;

use super::Exit;
use super::answer::{Answer, Failure};

/// Where commands print.
pub(super) struct Output {
    results: Box<dyn Write>,
    errors: Box<dyn Write>,
    json: bool,
    /// What standard output said when it failed. A reader that has seen enough (`| head`) is no failure.
    failed: Option<io::Error>,
}

impl fmt::Debug for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Output").field("json", &self.json).finish_non_exhaustive()
    }
}

impl Output {
    /// Standard output and standard error. With `json`, answers are printed as JSON.
    pub(super) fn standard(json: bool) -> Self {
        Self { results: Box::new(io::stdout()), errors: Box::new(io::stderr()), json, failed: None }
    }

    /// Prints an answer and says how the command ended.
    pub(super) fn answer(&mut self, answer: &Answer) -> Exit {
        self.result(&answer.text, &answer.value);
        if !self.json && !answer.notes.is_empty() {
            self.error(&answer.notes);
        }
        answer.exit
    }

    /// Prints why there is no answer and says how the command ended.
    pub(super) fn failure(&mut self, failure: &Failure) -> Exit {
        match failure {
            Failure::Wrong(text) | Failure::Failed(text) => self.error(&format!("error: {text}")),
            Failure::Faults(text) => self.error(text),
        }
        failure.exit()
    }

    /// Prints a result at once, as text or as JSON.
    pub(super) fn result(&mut self, text: &str, value: &Value) {
        let printed = match (self.json, value) {
            (true, Value::Null) => return,
            (true, value) => format!("{value:#}"),
            (false, _) if text.is_empty() => return,
            (false, _) => printable(text),
        };
        let written = line(&mut *self.results, &printed).and_then(|()| self.results.flush());
        if let Err(error) = written
            && error.kind() != ErrorKind::BrokenPipe
        {
            self.failed.get_or_insert(error);
        }
    }

    /// How the command ended, once it is known whether its results could be printed.
    pub(super) fn finish(mut self, exit: Exit) -> Exit {
        match self.failed.take() {
            None => exit,
            Some(error) => self.failure(&Failure::Failed(format!("standard output: {error}"))),
        }
    }

    fn error(&mut self, text: &str) {
        // There is nobody left to tell if this fails.
        line(&mut *self.errors, &printable(text)).unwrap_or_default();
    }
}

fn line(to: &mut dyn Write, text: &str) -> io::Result<()> {
    to.write_all(text.as_bytes())?;
    if text.ends_with('\n') { Ok(()) } else { to.write_all(b"\n") }
}

/// The text without what a terminal would obey: names and titles come from files.
fn printable(text: &str) -> String {
    let shown = |c: char| if c.is_control() && !matches!(c, '\n' | '\t') { char::REPLACEMENT_CHARACTER } else { c };
    text.chars().map(shown).collect()
}

#[cfg(test)]
mod tests {
    use std::io::{self, ErrorKind, Write};

    use serde_json::json;

    use super::{Answer, Exit, Output, printable};

    /// Fails every write in the same way.
    struct Broken(ErrorKind);

    impl Write for Broken {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(self.0.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_closed_standard_output_changes_nothing_and_a_full_disk_is_a_failure() {
        for (kind, exit) in [(ErrorKind::BrokenPipe, Exit::Yes), (ErrorKind::StorageFull, Exit::No)] {
            let (results, errors) = (Box::new(Broken(kind)), Box::new(io::sink()));
            let mut output = Output { results, errors, json: false, failed: None };
            let answer = Answer::new(Exit::Yes, "yes".to_owned(), &json!(true)).unwrap();
            let told = output.answer(&answer);
            assert_eq!(output.finish(told), exit, "{kind:?}");
        }
    }

    #[test]
    fn a_terminal_is_sent_no_commands() {
        assert_eq!(printable("a\u{1b}[2J\tb\r\n"), "a\u{fffd}[2J\tb\u{fffd}\n");
    }
}
