//! The reload thread: watches the access document and the certificates, and puts in force what becomes of them.
//!
//! A document of many users takes a second to read. Nobody is to wait for that: no request, and nobody whom the control
//! thread tells how the gateway does.

use std::io;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::thread::JoinHandle;

use tokio::runtime::Builder;
use tokio::sync::watch;
use tokio::task::LocalSet;

use super::files::access::{AccessDocument, InForce};
use super::files::tls::{InUse, TlsFiles};
use super::process::{self, Entrances};
use crate::source::reload::Reload;
use crate::source::watch::Poker;

/// What is kept up to date.
pub(super) struct Kept {
    pub(super) access: Reload<AccessDocument>,
    pub(super) in_force: InForce,
    pub(super) tls: Reload<TlsFiles>,
    pub(super) in_use: InUse,
    /// Where a sandbox lets the files be read.
    pub(super) entrances: Entrances,
}

impl Kept {
    pub(super) fn refused(&self) -> Refused {
        Refused { access: self.in_force.refused_flag(), tls: self.in_use.refused_flag() }
    }
}

/// What holds something that was refused.
pub(super) struct Refused {
    pub(super) access: Arc<AtomicBool>,
    pub(super) tls: Arc<AtomicBool>,
}

/// The reload thread, as the others see it.
pub(super) struct ReloadThread {
    thread: JoinHandle<()>,
    stop: watch::Sender<()>,
    pokers: [Poker; 2],
}

impl ReloadThread {
    pub(super) fn start(kept: Kept) -> io::Result<Self> {
        let (stop, mut stopped) = watch::channel(());
        let (access, tls) = (kept.access.watch(), kept.tls.watch());
        let pokers = [access.poker(), tls.poker()];
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let thread = std::thread::Builder::new().name("reload".to_owned()).spawn(move || {
            process::step_back();
            // Each in a task of its own: what breaks off in one leaves the others at work.
            LocalSet::new().block_on(&runtime, async move {
                tokio::task::spawn_local(kept.access.run(access, kept.in_force));
                tokio::task::spawn_local(kept.tls.run(tls, kept.in_use));
                tokio::task::spawn_local(kept.entrances.watch());
                // Nothing is ever sent: the end is that the sender is dropped.
                let _ = stopped.changed().await;
            });
        })?;
        Ok(Self { thread, stop, pokers })
    }

    /// Has all files read again.
    pub(super) fn reload(&self) {
        self.pokers.iter().for_each(Poker::poke);
    }

    /// Has the access document read again.
    pub(super) fn access_poker(&self) -> Poker {
        let [access, _] = &self.pokers;
        access.clone()
    }

    pub(super) fn stop(self) {
        drop(self.stop);
        if self.thread.join().is_err() {
            tracing::error!("the reload thread broke off");
        }
    }
}
