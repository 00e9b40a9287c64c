//! The access document: from its file to the snapshot in force.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::SystemTime;

use super::changes::Changes;
use super::warn;
use crate::gate::Throttle;
use crate::policy::Snapshot;
use crate::record::{AuditHandle, Metrics, Reloaded};
use crate::source::diff::diff;
use crate::source::document::{self, Faults, Format, Law};
use crate::source::file::{ContentHash, Contents, FileKind, permission_warnings, single_file_mount};
use crate::source::live::{Live, Publisher};
use crate::source::reload::{Published, Reload, Reloadable, Sink, guard_no_users};

/// The access document, as the reload loop makes it.
pub(in crate::server) struct AccessDocument {
    path: PathBuf,
}

/// A law, and which contents of the file it was made of.
pub(in crate::server) struct Loaded {
    pub(in crate::server) law: Law,
    contents: ContentHash,
}

/// Why a document makes no law.
#[derive(Debug)]
pub(in crate::server) enum AccessFault {
    /// It is not text; says where that begins.
    NotUtf8(String, usize),
    /// It is faulty.
    Faults(Faults),
}

impl fmt::Display for AccessFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotUtf8(name, byte) => write!(f, "{name}: not UTF-8 from byte {byte} on"),
            Self::Faults(faults) => faults.fmt(f),
        }
    }
}

impl AccessDocument {
    pub(in crate::server) fn new(path: &Path) -> Self {
        Self { path: path.to_owned() }
    }
}

impl Reloadable for AccessDocument {
    type Value = Loaded;
    type Fault = AccessFault;

    fn name(&self) -> &str {
        "access document"
    }

    fn paths(&self) -> Vec<PathBuf> {
        vec![self.path.clone()]
    }

    fn load(&mut self, contents: &[Contents]) -> Result<Loaded, AccessFault> {
        let name = self.path.display().to_string();
        let (mut text, mut hash) = ("", ContentHash::of(b""));
        for file in contents {
            hash = file.hash;
            warn(permission_warnings(file, FileKind::AccessDocument));
            text = std::str::from_utf8(&file.bytes)
                .map_err(|error| AccessFault::NotUtf8(name.clone(), error.valid_up_to()))?;
        }
        let law =
            document::read(&name, text, Format::of(&self.path), SystemTime::now()).map_err(AccessFault::Faults)?;
        warn(law.warnings.iter().map(ToString::to_string));
        Ok(Loaded { law, contents: hash })
    }
}

/// Where good documents go.
pub(in crate::server) struct InForce {
    publisher: Publisher,
    metrics: Arc<Metrics>,
    throttle: Arc<Throttle>,
    /// Whether the last attempt was refused.
    refused: Arc<AtomicBool>,
    /// The contents that the law in force was made of.
    contents: ContentHash,
    changes: Changes,
}

impl InForce {
    /// Loads the first document and puts it in force.
    pub(in crate::server) fn start(
        reload: &mut Reload<AccessDocument>,
        path: &Path,
        metrics: &Arc<Metrics>,
        throttle: &Arc<Throttle>,
    ) -> Result<(Live, Self), String> {
        warn(single_file_mount(path));
        let Loaded { law, contents } = reload.first().map_err(|refused| refused.to_string())?;
        let (live, publisher) = Live::start(law.into_snapshot(1));
        let (metrics, throttle) = (Arc::clone(metrics), Arc::clone(throttle));
        let changes = Changes::of(path, contents);
        let first = Self { publisher, metrics, throttle, refused: Arc::default(), contents, changes };
        let snapshot = live.snapshot();
        first.count(&snapshot);
        tracing::info!(file = %path.display(), generation = 1, users = snapshot.users.len(), "access document: loaded");
        Ok((live, first))
    }

    /// Set while the file holds something that was refused.
    pub(in crate::server) fn refused_flag(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.refused)
    }

    /// Tells of changes to this audit log from now on.
    pub(in crate::server) fn tell_to(&mut self, audit: AuditHandle) {
        self.changes.tell_to(audit);
    }

    fn count(&self, snapshot: &Snapshot) {
        self.metrics.access_loaded(snapshot.generation, snapshot.users.len(), SystemTime::now());
        self.refused.store(false, Ordering::Relaxed);
    }
}

impl Sink<Loaded> for InForce {
    fn publish(&mut self, Loaded { law, contents }: Loaded) -> Result<Published, String> {
        let old = self.publisher.current();
        guard_no_users(&old, law.users.len(), law.allow_no_users).map_err(|left| left.to_string())?;
        let new = self.publisher.publish(law.into_snapshot(0));
        self.count(&new);
        if !new.users.same_credentials(&old.users) {
            self.throttle.forgive();
        }
        let changes = diff(&old, &new).to_string();
        let before = std::mem::replace(&mut self.contents, contents);
        self.changes.made([before, contents], &changes, new.generation);
        Ok(Published { generation: new.generation, changes })
    }

    fn restored(&mut self) {
        self.count(&self.publisher.current());
    }

    fn refused(&mut self, why: &str) {
        self.changes.refused(why, self.publisher.current().generation);
        self.metrics.reload_failed(Reloaded::Access);
        self.refused.store(true, Ordering::Relaxed);
    }
}
