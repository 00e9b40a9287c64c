//! The four files of a development certificate: read with care, and written whole or not at all.

use std::fs::{self, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use zeroize::Zeroizing;

use super::authority::{Authority, Half};
use super::{Error, Generated, Pem};

const CERTIFICATE_MODE: u32 = 0o644;
const KEY_MODE: u32 = 0o600;

/// Where the files are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Paths {
    /// The authority's certificate, for clients to trust.
    pub authority: PathBuf,
    /// The authority's key.
    pub authority_key: PathBuf,
    /// The server's certificate, with the authority's behind it.
    pub server: PathBuf,
    /// The server's key.
    pub server_key: PathBuf,
    /// Whether the authority was in the directory before, so that whoever trusts it needs to do nothing.
    pub authority_kept: bool,
}

impl Paths {
    fn of(dir: &Path) -> Self {
        Self {
            authority: dir.join("ca.pem"),
            authority_key: dir.join("ca.key"),
            server: dir.join("server.pem"),
            server_key: dir.join("server.key"),
            authority_kept: false,
        }
    }
}

/// Writes `ca.pem`, `ca.key`, `server.pem` and `server.key` into a directory, which is created where it is missing.
///
/// Server files that exist are overwritten only with `force`, an authority never: see [`Error::OtherAuthority`]. Keys
/// have mode 0600 from the moment their files exist, and every file appears whole.
///
/// # Errors
/// Names the file in the way. Where files exist that may not be overwritten, nothing has been written.
pub fn write(dir: &Path, made: &Generated, force: bool) -> Result<Paths, Error> {
    fs::create_dir_all(dir).map_err(failed(dir))?;
    let mut paths = Paths::of(dir);
    paths.authority_kept = is_kept(&paths, &made.authority)?;
    if !force && let Some(taken) = [&paths.server, &paths.server_key].into_iter().find(|path| exists(path)) {
        return Err(Error::Exists(taken.clone()));
    }
    if !paths.authority_kept {
        place(&paths.authority_key, &made.authority.key, KEY_MODE, false)?;
        place(&paths.authority, &made.authority.certificate, CERTIFICATE_MODE, false)?;
    }
    place(&paths.server_key, &made.server.key, KEY_MODE, force)?;
    place(&paths.server, &made.server.certificate, CERTIFICATE_MODE, force)?;
    Ok(paths)
}

/// Reads the authority that a directory holds, if it holds one.
pub(super) fn read_authority(dir: &Path, now: SystemTime) -> Result<Option<Authority>, Error> {
    let paths = Paths::of(dir);
    let Some(pem) = stored(&paths)? else { return Ok(None) };
    Authority::read(pem, now).map(Some).map_err(|(half, fault)| match half {
        Half::Certificate => Error::Authority { file: paths.authority, fault },
        Half::Key => Error::Authority { file: paths.authority_key, fault },
    })
}

fn stored(paths: &Paths) -> Result<Option<Pem>, Error> {
    let half = |found: &PathBuf, missing: &PathBuf| {
        Err(Error::HalfAuthority { found: found.clone(), missing: missing.clone() })
    };
    match (text(&paths.authority)?, text(&paths.authority_key)?) {
        (None, None) => Ok(None),
        (Some(certificate), Some(key)) => Ok(Some(Pem { certificate: certificate.to_string(), key })),
        (Some(_), None) => half(&paths.authority, &paths.authority_key),
        (None, Some(_)) => half(&paths.authority_key, &paths.authority),
    }
}

/// Whether the directory holds this very authority already.
fn is_kept(paths: &Paths, authority: &Pem) -> Result<bool, Error> {
    match stored(paths)? {
        None => Ok(false),
        Some(pem) if pem.certificate == authority.certificate && pem.key == authority.key => Ok(true),
        Some(_) => Err(Error::OtherAuthority(paths.authority.clone())),
    }
}

fn text(path: &Path) -> Result<Option<Zeroizing<String>>, Error> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(Zeroizing::new(text))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(failed(path)(error)),
    }
}

/// Whether something has this name, a dangling link too.
fn exists(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok()
}

/// Writes beside the place with the final mode, then renames into it: nobody sees half a file, or a key that others can
/// read.
fn place(path: &Path, text: &str, mode: u32, force: bool) -> Result<(), Error> {
    let dir = path.parent().unwrap_or_else(|| Path::new("."));
    let permissions = Permissions::from_mode(mode);
    let made = tempfile::Builder::new().prefix(".portcullis-").permissions(permissions).tempfile_in(dir);
    let mut file = made.map_err(failed(path))?;
    file.write_all(text.as_bytes()).and_then(|()| file.as_file().sync_all()).map_err(failed(path))?;
    let persisted = if force { file.persist(path) } else { file.persist_noclobber(path) };
    match persisted {
        Ok(_) => Ok(()),
        Err(failure) if failure.error.kind() == io::ErrorKind::AlreadyExists => Err(Error::Exists(path.to_owned())),
        Err(failure) => Err(failed(path)(failure.error)),
    }
}

fn failed(path: &Path) -> impl FnOnce(io::Error) -> Error {
    |source| Error::Io { path: path.to_owned(), source }
}
