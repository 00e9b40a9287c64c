//! The process itself: what it gives up once it has what it needs, so that a fault in the gateway reaches little.
//!
//! In this order: no core dumps, from the first moment; then, when sockets are bound and files read and before any
//! thread serves, another user than root, no new privileges, and a file system that is closed but for what is read and
//! written later. At last the files that will be read again are tried as a reload will find them.

mod account;
mod entrances;
mod sandbox;

use std::fs::File;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use nix::sys::prctl;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::unistd::{User, geteuid, getuid};

use super::StartError;
use crate::settings::{Audit, Settings};
use account::Account;
pub(super) use entrances::Entrances;
use sandbox::Allowed;

/// Keeps what is in memory, tokens and keys, out of core dumps and from other processes of the same user.
///
/// # Errors
/// What the system says.
pub fn keep_memory_private() -> io::Result<()> {
    setrlimit(Resource::RLIMIT_CORE, 0, 0)?;
    prctl::set_dumpable(false)?;
    Ok(())
}

/// The login name of whoever runs the process. `sudo` is whom sudo says that it was called by, which is believed of root.
#[must_use]
pub fn login_name(sudo: Option<String>) -> String {
    let uid = getuid();
    let named = || User::from_uid(uid).ok().flatten().map(|user| user.name);
    sudo.filter(|_| uid.is_root()).or_else(named).unwrap_or_else(|| format!("uid {uid}"))
}

/// Descriptors for files, listeners, and the upstream's connections.
const FOR_ALL_ELSE: u64 = 512;

/// Takes as many file descriptors as the process may have, which is often far more than it is given at first, and warns
/// where they are not enough for as many connections and some to the upstream.
pub fn take_descriptors(connections: u32) {
    let limits = getrlimit(Resource::RLIMIT_NOFILE).and_then(|(_, hard)| {
        setrlimit(Resource::RLIMIT_NOFILE, hard, hard)?;
        Ok(hard)
    });
    match limits {
        Ok(most) if most < u64::from(connections) + FOR_ALL_ELSE => tracing::warn!(
            "limits.connections is {connections}, and this process may have {most} file descriptors: raise its limit \
             (ulimit -n, LimitNOFILE), or lower the setting"
        ),
        Ok(_) => {}
        Err(error) => tracing::warn!(%error, "the limit of file descriptors cannot be raised"),
    }
}

/// What a gateway gives up.
pub(super) struct Confinement<'s> {
    settings: &'s Settings,
    /// The files that are read again.
    reread: Vec<PathBuf>,
    temporary: Option<&'s Path>,
}

impl<'s> Confinement<'s> {
    pub(super) fn new(settings: &'s Settings, reread: Vec<PathBuf>, temporary: Option<&'s Path>) -> Self {
        Self { settings, reread, temporary }
    }

    /// Gives it up, for good.
    pub(super) fn enter(self) -> Result<Entrances, StartError> {
        // A path on the way may be closed to the user, so it is gone while that is not yet the case.
        let allowed = self.allowed();
        let user = self.become_user().map_err(StartError::Process)?;
        let entrances = self.close(&allowed)?;
        memory_is_private();
        for path in &self.reread {
            File::open(path).map_err(|error| StartError::File(unreadable(path, &error, &user)))?;
        }
        Ok(entrances)
    }

    /// Becomes the user of the settings, and says who it is.
    fn become_user(&self) -> Result<String, String> {
        let process = &self.settings.process;
        let Some(name) = &process.user else {
            if geteuid().is_root() {
                tracing::warn!(
                    "running as root; process.user names another user to go on as once all is bound and read"
                );
            }
            return Ok(format!("uid {}", geteuid()));
        };
        let account = Account::find(name, process.group.as_deref())?;
        account.assume()?;
        tracing::info!("running as {account}");
        Ok(account.to_string())
    }

    fn close(&self, allowed: &Allowed) -> Result<Entrances, StartError> {
        let failed = |what: &str, error: &dyn std::fmt::Display| StartError::Process(format!("{what}: {error}"));
        prctl::set_no_new_privs().map_err(|error| failed("new privileges cannot be given up", &error))?;
        if !self.settings.process.sandbox {
            tracing::info!("no sandbox, as process.sandbox says; no new privileges");
            return Ok(Entrances::default());
        }
        sandbox::enter(allowed).map_err(|error| failed("process.sandbox", &error))?;
        Ok(Entrances::of(allowed.held()))
    }

    fn allowed(&self) -> Allowed {
        let mut allowed = Allowed::default();
        self.reread.iter().for_each(|path| allowed.reading(path));
        if let Audit::File(path) = &self.settings.audit {
            allowed.appending(path);
        }
        if let Some(path) = &self.settings.state {
            allowed.replacing(path);
        }
        if self.settings.panel.https.is_some() {
            allowed.replacing_behind_links(&self.settings.access);
        }
        if let Some(path) = &self.settings.ops.socket {
            allowed.unlinking(path);
        }
        if self.settings.upstream.servers.iter().any(|server| server.ip().is_none()) {
            allowed.resolving();
        }
        if let Some(directory) = self.temporary {
            allowed.removing(directory);
        }
        allowed
    }
}

/// Becoming another user may have undone it, so it is done once more.
fn memory_is_private() {
    let kept = keep_memory_private();
    let dumpable = prctl::get_dumpable().unwrap_or(true);
    if kept.is_err() || dumpable || getrlimit(Resource::RLIMIT_CORE).is_ok_and(|(soft, _)| soft > 0) {
        tracing::warn!("core dumps cannot be turned off: a crash may write tokens and keys to disk");
    }
}

/// Says what keeps a file from being read.
fn unreadable(path: &Path, error: &io::Error, user: &str) -> String {
    let place = path.display();
    let why = match path.metadata() {
        Ok(facts) => {
            let (mode, uid, gid) = (facts.mode() & 0o7777, facts.uid(), facts.gid());
            format!("its mode is {mode:04o}, and it is of uid {uid} and gid {gid}")
        }
        Err(_) => "a directory on the way to it is closed to this user".to_owned(),
    };
    format!("{place}: cannot be read again as {user}, which a reload has to: {error}; {why}")
}

/// Has the calling thread leave the processor to others where there is too little of it: neither a large document that is
/// read nor those who shake hands may make requests wait. Some of it the thread always gets.
pub(super) fn step_back() {
    if let Err(error) = rustix::process::nice(5) {
        tracing::debug!(%error, "a thread keeps its priority");
    }
}
