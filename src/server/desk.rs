//! The socket by which commands speak to the gateway that runs, served by the control thread.
//!
//! Only the user that the gateway runs as can open it. Each connection asks once and is answered once, in `protocol`'s
//! words; few are served at a time, each for a short while.

use std::io;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use socket2::{Domain, SockAddr, Socket, Type};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::UnixStream;
use tokio::task::JoinSet;
use tokio::time::{Instant, interval, sleep, timeout};

use super::protocol::{Ask, Kept, LONGEST_ASK, Listed, Scope, Told};
use crate::gate::{Claimed, Entry, Throttle};
use crate::source::live::Live;

/// Connections served at once; further ones wait.
const CONNECTIONS: usize = 8;
/// For asking and for taking the answer.
const PATIENCE: Duration = Duration::from_secs(5);
/// Entries in one list, of 100 bytes or so.
const LISTED: usize = 1000;
/// How often the tables give back what has lost its meaning.
const SWEEP: Duration = Duration::from_secs(30);
/// After an accept that failed, most likely for want of file descriptors.
const PAUSE: Duration = Duration::from_millis(100);

/// What commands ask about.
pub(super) struct Desk {
    pub(super) throttle: Arc<Throttle>,
    pub(super) live: Live,
}

/// A socket that is listened on. Its file goes when this is dropped.
pub(super) struct DeskSocket {
    listener: UnixListener,
    path: PathBuf,
}

impl DeskSocket {
    /// Listens on a socket, in place of one that is left from a gateway that ended in a hurry.
    ///
    /// # Errors
    /// What is wrong, with the path.
    pub(super) fn bind(path: &Path) -> Result<Self, String> {
        let failed = |what: &str| format!("ops.socket: {}: {what}", path.display());
        match path.symlink_metadata() {
            Err(_) => {}
            Ok(found) if !found.file_type().is_socket() => {
                return Err(failed("there is something else than a socket, which is not replaced"));
            }
            Ok(_) if std::os::unix::net::UnixStream::connect(path).is_ok() => {
                return Err(failed("another gateway listens on it"));
            }
            Ok(_) => std::fs::remove_file(path).map_err(|error| failed(&error.to_string()))?,
        }
        let listener = listen(path).map_err(|error| failed(&error.to_string()))?;
        Ok(Self { listener, path: path.to_owned() })
    }
}

/// Nobody can connect before it is listened on, and by then the mode is set.
fn listen(path: &Path) -> io::Result<UnixListener> {
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    socket.bind(&SockAddr::unix(path)?)?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))?;
    socket.listen(i32::try_from(CONNECTIONS).unwrap_or(i32::MAX))?;
    socket.set_nonblocking(true)?;
    Ok(socket.into())
}

impl Drop for DeskSocket {
    fn drop(&mut self) {
        // Where it is gone already, somebody wanted that.
        let _ = std::fs::remove_file(&self.path);
    }
}

impl Desk {
    /// Sweeps from time to time, and answers on the socket if there is one, until the control thread ends.
    pub(super) fn start(self, socket: Option<DeskSocket>) {
        let desk = Rc::new(self);
        let throttle = Arc::clone(&desk.throttle);
        tokio::task::spawn_local(async move {
            let mut times = interval(SWEEP);
            loop {
                times.tick().await;
                throttle.sweep(Instant::now());
            }
        });
        if let Some(socket) = socket {
            tokio::task::spawn_local(desk.serve(socket));
        }
    }

    async fn serve(self: Rc<Self>, socket: DeskSocket) {
        // The clone keeps the file for as long as it is listened on.
        let listener = socket.listener.try_clone().and_then(tokio::net::UnixListener::from_std);
        let listener = match listener {
            Ok(listener) => listener,
            Err(error) => return tracing::error!(%error, "ops.socket cannot be used"),
        };
        let mut connections = JoinSet::new();
        loop {
            tokio::select! {
                Some(_) = connections.join_next() => {}
                accepted = listener.accept(), if connections.len() < CONNECTIONS => match accepted {
                    Ok((stream, _)) => {
                        connections.spawn_local(timeout(PATIENCE, converse(Rc::clone(&self), stream)));
                    }
                    Err(error) => {
                        tracing::warn!(%error, "ops.socket cannot accept a connection");
                        sleep(PAUSE).await;
                    }
                },
            }
        }
    }

    fn answer(&self, line: &str) -> Told {
        match serde_json::from_str(line) {
            Ok(Ask::LockoutList {}) => self.list(),
            Ok(Ask::LockoutClear { address: None, user: Some(_) }) => {
                Told::Refused("a user is cleared for one address: name that too".to_owned())
            }
            Ok(Ask::LockoutClear { address, user }) => match self.throttle.clear(address, user.as_deref()) {
                Some(entries) => {
                    tracing::info!(?address, user, entries, "lock-out: cleared by a command");
                    Told::Cleared { entries }
                }
                None => off(),
            },
            Err(error) => Told::Refused(format!("this is not understood: {error}")),
        }
    }

    fn list(&self) -> Told {
        let snapshot = self.live.snapshot();
        let users = snapshot.users.iter().map(|user| &*user.name);
        let Some(mut entries) = self.throttle.locked_out(users, Instant::now()) else { return off() };
        let total = entries.len();
        entries.truncate(LISTED);
        let now = SystemTime::now();
        Told::Listed(Listed { entries: entries.into_iter().map(|entry| kept(entry, now)).collect(), total })
    }
}

fn off() -> Told {
    Told::Refused("lock-out is off: lockout.enabled is false in the settings of the gateway that runs".to_owned())
}

fn kept(entry: Entry, now: SystemTime) -> Kept {
    let (scope, user) = match entry.user {
        Claimed::Any => (Scope::Address, None),
        Claimed::User(user) => (Scope::User, Some(user)),
        Claimed::Unknown => (Scope::UnknownName, None),
    };
    let until = entry.wait.and_then(|wait| jiff::Timestamp::try_from(now.checked_add(wait)?).ok());
    let locked_until = until.map(|until| format!("{until:.0}"));
    Kept { address: entry.address, scope, user, failures: entry.failures, locked_until }
}

/// Reads one line and answers it.
async fn converse(desk: Rc<Desk>, mut stream: UnixStream) {
    let (read, mut write) = stream.split();
    let mut line = String::new();
    let told = match BufReader::new(read.take(LONGEST_ASK)).read_line(&mut line).await {
        Ok(0) => return,
        Ok(_) if !line.ends_with('\n') => Told::Refused("this is no line, or too long a one".to_owned()),
        Ok(_) => desk.answer(&line),
        Err(error) => Told::Refused(format!("this cannot be read: {error}")),
    };
    // Texts and numbers always have a JSON form.
    let mut answer = serde_json::to_vec(&told).unwrap_or_default();
    answer.push(b'\n');
    if let Err(error) = write.write_all(&answer).await {
        tracing::debug!(%error, "nobody took the answer of a command");
    }
}
