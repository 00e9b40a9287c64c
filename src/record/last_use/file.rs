//! The file that holds when tokens were last used, from one start to the next.
//!
//! Written by `server` while the gateway runs, and read by the commands. Two gateways may have one file: whoever writes
//! reads first, and the later use counts. A file that is something else is never written over.

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt;
use std::fs::{self, File, TryLockError};
use std::io::{self, ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tempfile::NamedTempFile;

use super::{Marks, take_in};

/// The form of the file.
const VERSION: u32 = 1;
/// How often, and after what time, the file is tried again where another gateway writes it.
const TRIES: u32 = 50;
const BETWEEN_TRIES: Duration = Duration::from_millis(10);

/// A file of last uses, which need not exist.
#[derive(Clone, Debug)]
pub struct StateFile(PathBuf);

#[derive(Serialize, Deserialize)]
struct Written {
    version: u32,
    /// Sixteen hexadecimal digits of each token's hash, and a moment (RFC 3339).
    tokens: BTreeMap<String, String>,
}

/// Why a file of last uses is of no use.
#[derive(Debug)]
pub enum StateError {
    /// It cannot be read.
    Read(PathBuf, io::Error),
    /// It is something else; says what is wrong with it.
    Foreign(PathBuf, String),
    /// It cannot be written.
    Write(PathBuf, io::Error),
}

impl fmt::Display for StateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Read(path, error) => write!(f, "{}: cannot be read: {error}", path.display()),
            Self::Foreign(path, why) => write!(
                f,
                "{}: holds no last uses of tokens ({why}), so it is left as it is: move it away, or name another file",
                path.display()
            ),
            Self::Write(path, error) => write!(f, "{}: cannot be written: {error}", path.display()),
        }
    }
}

impl Error for StateError {}

impl StateFile {
    /// The file at a path.
    #[must_use]
    pub fn new(path: &Path) -> Self {
        Self(path.to_owned())
    }

    /// What it holds; nothing where it does not exist or is empty.
    ///
    /// # Errors
    /// [`StateError`] where it cannot be read, or is something else.
    pub fn read(&self) -> Result<Marks, StateError> {
        let unreadable = |error| StateError::Read(self.0.clone(), error);
        let bytes = match fs::metadata(&self.0) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Marks::default()),
            Err(error) => return Err(unreadable(error)),
            // To read a pipe might never end.
            Ok(facts) if !facts.is_file() => return Err(self.foreign("it is no file")),
            Ok(_) => fs::read(&self.0).map_err(unreadable)?,
        };
        if bytes.is_empty() { Ok(Marks::default()) } else { self.parse(&bytes) }
    }

    /// Writes uses down, with what the file holds already, and returns all that it then holds. Tokens of neither kind
    /// are left out.
    ///
    /// # Errors
    /// [`StateError`]; the file is then as it was.
    pub fn write(&self, mut marks: Marks, keep: impl Fn(u64) -> bool) -> Result<Marks, StateError> {
        let failed = |error| StateError::Write(self.0.clone(), error);
        let directory = self.0.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or_else(|| ".".as_ref());
        // It is the directory that is locked, for the file is another one each time.
        let lock = File::open(directory).map_err(failed)?;
        wait_for(&lock).map_err(failed)?;
        take_in(&mut marks, self.read()?);
        marks.retain(|mark, _| keep(*mark));
        // Only its owner may read and write what tempfile makes.
        let mut new = tempfile::Builder::new().prefix(".portcullis-").tempfile_in(directory).map_err(failed)?;
        fill(&mut new, &marks).map_err(failed)?;
        new.persist(&self.0).map_err(|error| failed(error.error))?;
        Ok(marks)
    }

    fn parse(&self, bytes: &[u8]) -> Result<Marks, StateError> {
        let written: Written = serde_json::from_slice(bytes).map_err(|error| self.foreign(&place(&error)))?;
        if written.version != VERSION {
            return Err(self.foreign(&format!("its version is {}, and {VERSION} is known", written.version)));
        }
        let pairs = written.tokens.iter().map(|(mark, at)| {
            let mark = Some(mark).filter(|mark| mark.len() == 16).and_then(|mark| u64::from_str_radix(mark, 16).ok());
            let at = at.parse::<jiff::Timestamp>().ok().and_then(|at| u64::try_from(at.as_second()).ok());
            mark.zip(at)
        });
        pairs.collect::<Option<Marks>>().ok_or_else(|| self.foreign("a token or a moment in it is none"))
    }

    fn foreign(&self, why: &str) -> StateError {
        StateError::Foreign(self.0.clone(), why.to_owned())
    }
}

/// Where a text is no JSON of the right form, without quoting it: it may be any file.
fn place(error: &serde_json::Error) -> String {
    format!("line {} column {}", error.line(), error.column())
}

fn fill(new: &mut NamedTempFile, marks: &Marks) -> io::Result<()> {
    let moment = |seconds: u64| {
        let seconds = i64::try_from(seconds).unwrap_or(i64::MAX);
        jiff::Timestamp::from_second(seconds).unwrap_or(jiff::Timestamp::MAX).to_string()
    };
    let tokens = marks.iter().map(|(mark, at)| (format!("{mark:016x}"), moment(*at))).collect();
    let mut text = serde_json::to_vec(&Written { version: VERSION, tokens })?;
    text.push(b'\n');
    new.write_all(&text)?;
    new.as_file().sync_all()
}

/// Waits for another gateway, but not for ever: a use that is lost is better than a gateway that does not end.
fn wait_for(lock: &File) -> io::Result<()> {
    for _ in 0..TRIES {
        match lock.try_lock() {
            Ok(()) => return Ok(()),
            Err(TryLockError::WouldBlock) => thread::sleep(BETWEEN_TRIES),
            Err(TryLockError::Error(error)) => return Err(error),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;

    use super::{Marks, StateError, StateFile};

    fn marks(pairs: &[(u64, u64)]) -> Marks {
        pairs.iter().copied().collect()
    }

    #[test]
    fn what_is_written_is_read_again_and_nobody_else_can() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("state.json");
        let file = StateFile::new(&path);
        assert!(file.read().unwrap().is_empty());
        file.write(marks(&[(0xab, 1_782_864_000), (u64::MAX, 0)]), |_| true).unwrap();
        let text = fs::read_to_string(&path).unwrap();
        let golden = concat!(
            r#"{"version":1,"tokens":{"00000000000000ab":"2026-07-01T00:00:00Z","#,
            r#""ffffffffffffffff":"1970-01-01T00:00:00Z"}}"#,
            "\n"
        );
        assert_eq!(text, golden);
        assert_eq!(file.read().unwrap(), marks(&[(0xab, 1_782_864_000), (u64::MAX, 0)]));
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "nothing is left behind");
    }

    #[test]
    fn two_gateways_keep_the_later_use_and_only_tokens_that_there_are() {
        let dir = tempfile::tempdir().unwrap();
        let file = StateFile::new(&dir.path().join("state.json"));
        file.write(marks(&[(1, 10), (2, 20), (3, 30)]), |_| true).unwrap();
        let all = file.write(marks(&[(1, 11), (2, 19), (4, 40)]), |mark| mark != 3).unwrap();
        assert_eq!(all, marks(&[(1, 11), (2, 20), (4, 40)]));
        assert_eq!(file.read().unwrap(), all);
    }

    #[test]
    fn what_is_something_else_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("state.json");
        let file = StateFile::new(&path);
        for text in [
            "[users.amy]\n",
            "{",
            r#"{"tokens":{}}"#,
            r#"{"version":2,"tokens":{}}"#,
            r#"{"version":1,"tokens":{"ab":"2026-07-01T00:00:00Z"}}"#,
            r#"{"version":1,"tokens":{"00000000000000ab":"yesterday"}}"#,
        ] {
            fs::write(&path, text).unwrap();
            assert!(matches!(file.read(), Err(StateError::Foreign(..))), "{text}");
            let error = file.write(marks(&[(1, 1)]), |_| true).unwrap_err().to_string();
            assert!(error.starts_with(&path.display().to_string()) && error.contains("left as it is"), "{error}");
            assert_eq!(fs::read_to_string(&path).unwrap(), text);
        }
        fs::write(&path, "").unwrap();
        assert!(file.read().unwrap().is_empty(), "a file that was made beforehand");
        let nowhere = StateFile::new(&dir.path().join("none/state.json"));
        assert!(matches!(nowhere.write(Marks::default(), |_| true), Err(StateError::Write(..))));
        let directory = StateFile::new(dir.path());
        assert!(matches!(directory.read(), Err(StateError::Foreign(..))));
    }
}
