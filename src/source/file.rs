//! Reading one file whole, and what can be said of the file itself: who may read or write it, whether it can be replaced.
//!
//! Used for the access document and the TLS files alike, at start, on every reload and by the commands. It knows nothing
//! of what is in them.

use std::error::Error;
use std::fmt;
use std::fs::{self, File, FileType, Metadata};
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

/// The largest file that is read. Ten thousand users take 1.5 MB.
pub const LIMIT: u64 = 256 << 20;

/// What one system call reads at the most. A kernel that does not preempt itself copies the whole of a large one in one go,
/// and nothing else runs on that core meanwhile: 10 ms were measured for a document of 100,000 users.
const PIECE: u64 = 64 << 10;

/// How often a file that changes while it is read is read again.
const ATTEMPTS: u32 = 5;
const BETWEEN_ATTEMPTS: Duration = Duration::from_millis(10);
/// How often an empty file is read again before it is taken for one that is meant to be: nearly always its writer has cut
/// it off and was interrupted before writing.
const ATTEMPTS_AT_EMPTY: u32 = 15;

/// A file as it was at one moment. The bytes are wiped when it is dropped: they may be a private key.
pub struct Contents {
    /// Where it was read.
    pub path: PathBuf,
    /// All of it.
    pub bytes: Zeroizing<Vec<u8>>,
    /// The SHA-256 of the bytes: equal contents are the same document, whenever and however saved.
    pub hash: ContentHash,
    /// What the file system says of the very file that was read.
    pub facts: Facts,
}

impl fmt::Debug for Contents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Contents").field("path", &self.path).field("facts", &self.facts).finish_non_exhaustive()
    }
}

/// Who owns a file, and who may do what with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Facts {
    /// The permission bits, such as `0o640`.
    pub mode: u32,
    /// The owner.
    pub uid: u32,
    /// The owning group.
    pub gid: u32,
}

/// The SHA-256 of a file's contents.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ContentHash([u8; 32]);

impl ContentHash {
    /// The hash of some bytes.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// The hash as bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for ContentHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// Why a file could not be read.
#[derive(Debug)]
pub enum ReadError {
    /// The operating system refused, or there is no such file.
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It is a directory, a pipe or a device.
    NotAFile {
        /// The path.
        path: PathBuf,
        /// What is there instead.
        found: &'static str,
    },
    /// It is longer than [`LIMIT`].
    TooLarge {
        /// The file.
        path: PathBuf,
    },
    /// Each time it was read, it had changed before the end was reached.
    Changing {
        /// The file.
        path: PathBuf,
    },
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io { path, source } => match source.kind() {
                io::ErrorKind::NotFound => write!(f, "{}: there is no such file", path.display()),
                io::ErrorKind::PermissionDenied => {
                    write!(f, "{}: may not be read by the user that portcullis runs as", path.display())
                }
                _ => write!(f, "{}: cannot be read: {source}", path.display()),
            },
            Self::NotAFile { path, found } => {
                write!(f, "{}: is a {found}, a regular file is needed", path.display())
            }
            Self::TooLarge { path } => {
                write!(f, "{}: is longer than {} MiB, the most that is read", path.display(), LIMIT >> 20)
            }
            Self::Changing { path } => {
                write!(f, "{}: changes while it is read; a finished file renamed over it would not", path.display())
            }
        }
    }
}

impl Error for ReadError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Io { source, .. } => Some(source),
            Self::NotAFile { .. } | Self::TooLarge { .. } | Self::Changing { .. } => None,
        }
    }
}

/// Reads a file whole, through one open file, and again should it change meanwhile.
///
/// # Errors
/// If it cannot be opened or read, is no regular file, is too long, or does not stop changing.
pub fn read_file(path: &Path) -> Result<Contents, ReadError> {
    read_limited(path, LIMIT)
}

fn read_limited(path: &Path, limit: u64) -> Result<Contents, ReadError> {
    let io = |source| ReadError::Io { path: path.to_owned(), source };
    let (mut changes, mut empties) = (0, 0);
    while changes < ATTEMPTS {
        if changes + empties > 0 {
            thread::sleep(BETWEEN_ATTEMPTS);
        }
        // Asked before opening: to open a pipe that nobody writes to would wait for ever.
        regular(path, &fs::metadata(path).map_err(io)?)?;
        let file = File::open(path).map_err(io)?;
        let before = file.metadata().map_err(io)?;
        regular(path, &before)?;
        let mut bytes = Zeroizing::new(Vec::with_capacity(usize::try_from(before.len().min(limit)).unwrap_or(0) + 1));
        let mut rest = (&file).take(limit + 1);
        while (&mut rest).take(PIECE).read_to_end(&mut bytes).map_err(io)? > 0 {}
        let length = bytes.len() as u64;
        if length > limit {
            return Err(ReadError::TooLarge { path: path.to_owned() });
        }
        let after = file.metadata().map_err(io)?;
        if written(&before) != written(&after) || length != after.len() {
            changes += 1;
        } else if length == 0 && empties < ATTEMPTS_AT_EMPTY {
            empties += 1;
        } else {
            let facts = Facts { mode: after.mode() & 0o7777, uid: after.uid(), gid: after.gid() };
            return Ok(Contents { path: path.to_owned(), hash: ContentHash::of(&bytes), bytes, facts });
        }
    }
    Err(ReadError::Changing { path: path.to_owned() })
}

/// What differs if somebody wrote to an open file in between.
fn written(metadata: &Metadata) -> (u64, i64, i64) {
    (metadata.len(), metadata.mtime(), metadata.mtime_nsec())
}

fn regular(path: &Path, metadata: &Metadata) -> Result<(), ReadError> {
    if metadata.is_file() {
        return Ok(());
    }
    Err(ReadError::NotAFile { path: path.to_owned(), found: noun(metadata.file_type()) })
}

fn noun(kind: FileType) -> &'static str {
    if kind.is_dir() {
        "directory"
    } else if kind.is_fifo() {
        "pipe"
    } else if kind.is_socket() {
        "socket"
    } else {
        "device"
    }
}

/// What a file holds, which decides who may read it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileKind {
    /// The access document: hashes only, yet the list of who may do what.
    AccessDocument,
    /// A private key.
    PrivateKey,
    /// A certificate, which is shown to every client anyway.
    Certificate,
}

/// What is wrong with who may read or write a file, one line each; empty if nothing is.
#[must_use]
pub fn permission_warnings(contents: &Contents, kind: FileKind) -> Vec<String> {
    let (path, mode) = (contents.path.display(), contents.facts.mode);
    let mut warnings = Vec::new();
    let secret = match kind {
        FileKind::AccessDocument => Some("access document"),
        FileKind::PrivateKey => Some("private key"),
        FileKind::Certificate => None,
    };
    if let Some(secret) = secret.filter(|_| mode & 0o004 != 0) {
        warnings
            .push(format!("{path}: this {secret} can be read by every user (mode {mode:04o}); 0640 would be right"));
    }
    let writers = match (mode & 0o002 != 0, mode & 0o020 != 0) {
        (true, _) => Some("every user"),
        (false, true) => Some("its group"),
        (false, false) => None,
    };
    if let Some(writers) = writers {
        warnings.push(format!("{path}: can be written by {writers} (mode {mode:04o}); only its owner should"));
    }
    warnings
}

/// A warning if the path is itself a mount point. A container that mounts this one file keeps the file it had at start:
/// an editor that saves by renaming replaces it outside, and inside nothing changes.
#[must_use]
pub fn single_file_mount(path: &Path) -> Option<String> {
    // Without /proc there are no such mounts to warn of.
    let mounts = fs::read("/proc/self/mountinfo").ok()?;
    let resolved = fs::canonicalize(path).ok()?;
    (resolved.is_file() && is_mount_point(&mounts, &resolved)).then(|| {
        let path = path.display();
        format!("{path}: this one file is mounted, so a new one saved in its place is not seen; mount its directory")
    })
}

fn is_mount_point(mountinfo: &[u8], path: &Path) -> bool {
    let mut lines = mountinfo.split(|byte| *byte == b'\n');
    lines.any(|line| {
        // id, parent, device, root, mount point
        let field = line.split(|byte| *byte == b' ').nth(4);
        field.is_some_and(|field| unescape(field) == path.as_os_str().as_bytes())
    })
}

/// Undoes the kernel's `\040` for a space, and the like.
fn unescape(field: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(field.len());
    let mut rest = field;
    while let [first, after @ ..] = rest {
        let (byte, after) = match rest {
            [b'\\', a @ b'0'..=b'3', b @ b'0'..=b'7', c @ b'0'..=b'7', after @ ..] => {
                ((a - b'0') << 6 | (b - b'0') << 3 | (c - b'0'), after)
            }
            _ => (*first, after),
        };
        bytes.push(byte);
        rest = after;
    }
    bytes
}

#[cfg(test)]
mod tests;
