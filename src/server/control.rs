//! The control thread: watches the files, answers on the ops listener and the ops socket, sweeps the throttle, and looks
//! after tokens: when they were last used, and which end soon. No request ever waits for it.

use std::io;
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use tokio::runtime::Builder;
use tokio::sync::watch;
use tokio::task::LocalSet;

use super::desk::{Desk, DeskSocket};
use super::expiry::Expiry;
use super::files::access::{AccessDocument, InForce};
use super::files::tls::{InUse, TlsFiles};
use super::process::{self, Entrances};
use super::uses::UseKeeper;
use crate::edge::connection::Draining;
use crate::edge::ops::{self, Readiness};
use crate::record::Metrics;
use crate::source::live::Live;
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

/// The ops listener and what it tells from.
pub(super) struct OpsParts {
    pub(super) listener: TcpListener,
    pub(super) metrics: Arc<Metrics>,
    pub(super) live: Live,
    pub(super) draining: Draining,
}

/// What is looked after about tokens.
pub(super) struct Tokens {
    pub(super) uses: UseKeeper,
    pub(super) expiry: Expiry,
}

/// The control thread, as the others see it.
pub(super) struct Control {
    thread: JoinHandle<()>,
    stop: watch::Sender<()>,
    pokers: [Poker; 2],
}

impl Control {
    pub(super) fn start(
        kept: Kept,
        ops: Option<OpsParts>,
        desk: Desk,
        socket: Option<DeskSocket>,
        mut tokens: Tokens,
    ) -> io::Result<Self> {
        let (stop, mut stopped) = watch::channel(());
        let (access, tls) = (kept.access.watch(), kept.tls.watch());
        let pokers = [access.poker(), tls.poker()];
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let thread = std::thread::Builder::new().name("control".to_owned()).spawn(move || {
            process::step_back();
            LocalSet::new().block_on(&runtime, async move {
                let refused = Refused { access: kept.in_force.refused_flag(), tls: kept.in_use.refused_flag() };
                if let Some(ops) = ops {
                    serve_ops(ops, refused);
                }
                desk.start(socket);
                tokio::task::spawn_local(kept.access.run(access, kept.in_force));
                tokio::task::spawn_local(kept.tls.run(tls, kept.in_use));
                tokio::task::spawn_local(kept.entrances.watch());
                tokio::task::spawn_local(tokens.expiry.run());
                // Nothing is ever sent: the end is that the sender is dropped.
                tokio::select! {
                    _ = stopped.changed() => {}
                    _ = tokens.uses.run() => {}
                }
                // The workers have ended by now, and have handed over what they had.
                tokens.uses.keep();
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
            tracing::error!("the control thread broke off");
        }
    }
}

/// Answers until the control thread ends: monitoring is to see the end of the gateway, too.
fn serve_ops(parts: OpsParts, refused: Refused) {
    let OpsParts { listener, metrics, live, draining } = parts;
    let ready = move || Readiness {
        generation: live.snapshot().generation,
        draining: *draining.borrow(),
        access_refused: refused.access.load(Ordering::Relaxed),
        tls_refused: refused.tls.load(Ordering::Relaxed),
    };
    match tokio::net::TcpListener::from_std(listener) {
        Ok(listener) => {
            tokio::task::spawn_local(ops::serve(listener, metrics, ready, std::future::pending()));
        }
        Err(error) => tracing::error!(%error, "the ops listener cannot be used"),
    }
}

/// What holds something that was refused.
struct Refused {
    access: Arc<AtomicBool>,
    tls: Arc<AtomicBool>,
}
