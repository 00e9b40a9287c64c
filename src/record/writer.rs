//! The thread that writes audit lines: the only place that touches the log's file, and the only one that may wait for
//! a disk. Started and ended by [`AuditWriter`](super::AuditWriter).

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use super::log::{Message, Shared};

/// What the disk does not take is kept up to this size, then newer lines are lost.
const BACKLOG_BYTES: usize = 4 << 20;

/// How long to wait, where nothing new comes, before trying again to write what the disk did not take.
const RETRY: Duration = Duration::from_secs(1);

/// The audit log's file and what it has yet to take.
#[derive(Debug)]
pub(super) struct Writer {
    file: File,
    /// `None` for a stream, which cannot be opened anew.
    path: Option<PathBuf>,
    backlog: Backlog,
    shared: Arc<Shared>,
}

impl Writer {
    pub(super) fn new(file: File, path: Option<PathBuf>, shared: Arc<Shared>) -> Self {
        Self { file, path, backlog: Backlog::default(), shared }
    }

    /// Writes what comes until it is told to finish.
    pub(super) fn run(mut self, inbox: &Receiver<Message>) {
        loop {
            let message = self.next(inbox);
            if self.shared.take_reopen() {
                self.reopen();
            }
            match message {
                Ok(Message::Lines(lines)) => {
                    self.shared.taken(&lines);
                    self.write(lines);
                }
                Ok(Message::Look) | Err(RecvTimeoutError::Timeout) => self.write(Vec::new()),
                Ok(Message::Finish) | Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        self.write(Vec::new());
        self.shared.dropped(self.backlog.lines(), "the audit log could not be written before the end");
    }

    fn next(&self, inbox: &Receiver<Message>) -> Result<Message, RecvTimeoutError> {
        if self.backlog.is_empty() {
            return inbox.recv().map_err(|_| RecvTimeoutError::Disconnected);
        }
        inbox.recv_timeout(RETRY)
    }

    fn write(&mut self, lines: Vec<u8>) {
        if let Err(lost) = self.backlog.push(lines) {
            self.shared.dropped(count_lines(&lost), "the audit log cannot be written");
        }
        if let Err(error) = self.backlog.write_to(&mut self.file)
            && self.shared.may_warn()
        {
            let place = self.path.as_deref().unwrap_or_else(|| Path::new("standard output")).display();
            let waiting = self.backlog.lines();
            tracing::warn!(%error, waiting, "{place}: cannot write the audit log, trying again");
        }
    }

    /// Opens the path anew, where a rotation may have put another file. Where that fails the old file stays in use.
    fn reopen(&mut self) {
        let Some(path) = &self.path else { return };
        match open(path) {
            Ok(file) => {
                self.file = file;
                self.backlog.begin_line_again();
            }
            Err(error) => tracing::warn!("{error}; the file opened before stays in use"),
        }
    }
}

/// Opens a log file for appending, readable by its owner and group alone.
pub(super) fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new().append(true).create(true).mode(0o640).open(path).map_err(|error| {
        let text = format!("{}: cannot open the audit log for appending: {error}", path.display());
        io::Error::new(error.kind(), text)
    })
}

pub(super) fn count_lines(bytes: &[u8]) -> u64 {
    bytes.iter().map(|byte| u64::from(*byte == b'\n')).sum()
}

/// Whole lines that have yet to be written, and how much of the first is.
#[derive(Debug, Default)]
struct Backlog {
    bytes: Vec<u8>,
    written: usize,
}

impl Backlog {
    fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    fn lines(&self) -> u64 {
        count_lines(&self.bytes)
    }

    /// Takes lines, or gives them back where there is no room.
    fn push(&mut self, lines: Vec<u8>) -> Result<(), Vec<u8>> {
        if self.bytes.is_empty() {
            self.bytes = lines;
        } else if self.bytes.len() + lines.len() <= BACKLOG_BYTES {
            self.bytes.extend_from_slice(&lines);
        } else {
            return Err(lines);
        }
        Ok(())
    }

    /// Writes as much as `out` takes. What it does not take is kept, so that the next try goes on within the line.
    fn write_to(&mut self, out: &mut impl Write) -> io::Result<()> {
        loop {
            let rest = self.bytes.get(self.written..).unwrap_or_default();
            if rest.is_empty() {
                *self = Self::default();
                return Ok(());
            }
            match out.write(rest) {
                Ok(0) => return self.pause(io::ErrorKind::WriteZero.into()),
                Ok(taken) => self.written += taken,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return self.pause(error),
            }
        }
    }

    /// Forgets the lines that are written whole.
    fn pause(&mut self, error: io::Error) -> io::Result<()> {
        let written = self.bytes.get(..self.written).unwrap_or_default();
        let whole = written.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        self.bytes.drain(..whole);
        self.written -= whole;
        Err(error)
    }

    /// A new file gets the line that the old one broke off in from its beginning.
    fn begin_line_again(&mut self) {
        self.written = 0;
    }
}

#[cfg(test)]
mod tests {
    use std::io::{self, Write};

    use super::{BACKLOG_BYTES, Backlog};

    /// A disk with room for so many bytes.
    struct Disk {
        taken: Vec<u8>,
        room: usize,
    }

    impl Write for Disk {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let fits = bytes.len().min(self.room);
            if fits == 0 {
                return Err(io::ErrorKind::StorageFull.into());
            }
            self.room -= fits;
            self.taken.extend_from_slice(&bytes[..fits]);
            Ok(fits)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn backlog(text: &str) -> Backlog {
        Backlog { bytes: text.into(), written: 0 }
    }

    #[test]
    fn a_broken_write_goes_on_where_it_stopped() {
        let whole = "first\nsecond\nthird\n";
        for room in 0..whole.len() {
            let mut backlog = backlog(whole);
            let mut disk = Disk { taken: Vec::new(), room };
            let error = backlog.write_to(&mut disk).expect_err("the disk is full");
            assert_eq!(error.kind(), io::ErrorKind::StorageFull);
            disk.room = whole.len();
            backlog.write_to(&mut disk).unwrap();
            assert_eq!(String::from_utf8(disk.taken).unwrap(), whole, "room for {room}");
            assert!(backlog.is_empty());
        }
    }

    #[test]
    fn a_new_file_begins_with_a_whole_line() {
        for (room, rest) in [(0, "first\nsecond\n"), (3, "first\nsecond\n"), (6, "second\n"), (9, "second\n")] {
            let mut backlog = backlog("first\nsecond\n");
            backlog.write_to(&mut Disk { taken: Vec::new(), room }).expect_err("the disk is full");
            backlog.begin_line_again();
            let mut fresh = Disk { taken: Vec::new(), room: 100 };
            backlog.write_to(&mut fresh).unwrap();
            assert_eq!(String::from_utf8(fresh.taken).unwrap(), rest, "room for {room}");
        }
    }

    #[test]
    fn it_is_bounded() {
        let mut backlog = backlog(&"x".repeat(BACKLOG_BYTES));
        assert_eq!(backlog.push(b"one more\n".to_vec()), Err(b"one more\n".to_vec()));
        assert_eq!(backlog.lines(), 0);
    }
}
