//! What the gateway writes on stderr, kept line by line.

use std::io::{BufRead, BufReader, Read};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex, PoisonError};

use crate::wait::until;

/// The lines so far; they go on arriving.
#[derive(Clone, Default)]
pub(crate) struct Log {
    lines: Arc<Mutex<Vec<String>>>,
    /// Locked until there is nothing more to come.
    reading: Arc<Mutex<()>>,
}

impl Log {
    /// Reads to the end, on a thread of its own so that the gateway never waits for its reader.
    pub(crate) fn of(stream: impl Read + Send + 'static) -> Self {
        let log = Self::default();
        let (lines, reading) = (Arc::clone(&log.lines), Arc::clone(&log.reading));
        let (began, begun) = channel();
        std::thread::spawn(move || {
            let _reading = reading.lock();
            let _ = began.send(());
            for line in BufReader::new(stream).lines().map_while(Result::ok) {
                lines.lock().unwrap_or_else(PoisonError::into_inner).push(line);
            }
        });
        begun.recv().unwrap();
        log
    }

    /// All of it.
    pub(crate) fn text(&self) -> String {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner).join("\n")
    }

    /// All of it when the writer has ended, which is waited for.
    pub(crate) fn whole(&self) -> String {
        drop(self.reading.lock());
        self.text()
    }

    /// Waits for a line with all of these words in it.
    pub(crate) fn wait_for(&self, words: &[&str]) -> String {
        until(&format!("{words:?} in the log:\n{}", self.text()), || self.find(words))
    }

    pub(crate) fn find(&self, words: &[&str]) -> Option<String> {
        let lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        lines.iter().find(|line| words.iter().all(|word| line.contains(word))).cloned()
    }
}
