//! What the gateway writes on stderr, kept line by line.

use std::io::{BufRead, BufReader, Read};
use std::sync::{Arc, Mutex, PoisonError};

use crate::wait::until;

/// The lines so far; they go on arriving.
#[derive(Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    /// Reads to the end, on a thread of its own so that the gateway never waits for its reader.
    pub(crate) fn of(stream: impl Read + Send + 'static) -> Self {
        let log = Self::default();
        let lines = Arc::clone(&log.0);
        std::thread::spawn(move || {
            for line in BufReader::new(stream).lines().map_while(Result::ok) {
                lines.lock().unwrap_or_else(PoisonError::into_inner).push(line);
            }
        });
        log
    }

    /// All of it.
    pub(crate) fn text(&self) -> String {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).join("\n")
    }

    /// Waits for a line with all of these words in it.
    pub(crate) fn wait_for(&self, words: &[&str]) -> String {
        until(&format!("{words:?} in the log:\n{}", self.text()), || self.find(words))
    }

    pub(crate) fn find(&self, words: &[&str]) -> Option<String> {
        let lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        lines.iter().find(|line| words.iter().all(|word| line.contains(word))).cloned()
    }
}
