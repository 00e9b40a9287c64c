//! The control thread: answers on the ops listener and the ops socket, sweeps the throttle, and looks after tokens: when
//! they were last used, and which end soon. No request ever waits for it.

use std::io;
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;

use tokio::runtime::Builder;
use tokio::sync::watch;
use tokio::task::LocalSet;

use super::desk::{Desk, DeskSocket};
use super::expiry::Expiry;
use super::process;
use super::reloading::Refused;
use super::uses::UseKeeper;
use crate::edge::connection::Draining;
use crate::edge::ops::{self, Readiness};
use crate::record::Metrics;
use crate::source::live::Live;

/// The ops listener and what it tells from.
pub(super) struct OpsParts {
    pub(super) listener: TcpListener,
    pub(super) metrics: Arc<Metrics>,
    pub(super) live: Live,
    pub(super) draining: Draining,
    pub(super) refused: Refused,
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
}

impl Control {
    pub(super) fn start(
        ops: Option<OpsParts>,
        desk: Desk,
        socket: Option<DeskSocket>,
        mut tokens: Tokens,
    ) -> io::Result<Self> {
        let (stop, mut stopped) = watch::channel(());
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let thread = std::thread::Builder::new().name("control".to_owned()).spawn(move || {
            process::step_back();
            LocalSet::new().block_on(&runtime, async move {
                ops.into_iter().for_each(serve_ops);
                desk.start(socket);
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
        Ok(Self { thread, stop })
    }

    pub(super) fn stop(self) {
        drop(self.stop);
        if self.thread.join().is_err() {
            tracing::error!("the control thread broke off");
        }
    }
}

/// Answers until the control thread ends: monitoring is to see the end of the gateway, too.
fn serve_ops(parts: OpsParts) {
    let OpsParts { listener, metrics, live, draining, refused } = parts;
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
