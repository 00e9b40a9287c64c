//! The control panel's thread. It may wait for disks and passwords, and no request of the API ever waits for it.

use std::io;
use std::net::TcpListener;
use std::sync::Arc;
use std::thread::JoinHandle;

use tokio::runtime::Builder;
use tokio::sync::watch;

use super::process;
use crate::edge::panel::PanelEdge;
use crate::edge::tls::LiveTls;
use crate::panel::{PanelParts, answering};
use crate::record::Metrics;

/// The panel, as the others see it.
pub(super) struct PanelThread {
    thread: JoinHandle<()>,
    stop: watch::Sender<()>,
}

impl PanelThread {
    pub(super) fn start(
        listener: TcpListener,
        tls: LiveTls,
        metrics: Arc<Metrics>,
        parts: PanelParts,
    ) -> io::Result<Self> {
        if parts.live.snapshot().users.iter().all(|user| user.panel.is_none()) {
            tracing::warn!("nobody can sign in to the control panel yet: set a password with portcullis user password");
        }
        let (stop, mut stopped) = watch::channel(());
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let thread = std::thread::Builder::new().name("panel".to_owned()).spawn(move || {
            process::step_back();
            let edge = PanelEdge { tls, metrics, answering: answering(parts) };
            runtime.block_on(async {
                match tokio::net::TcpListener::from_std(listener) {
                    // Nothing is ever sent: the end is that the sender is dropped.
                    Ok(listener) => edge.serve(listener, async { while stopped.changed().await.is_ok() {} }).await,
                    Err(error) => tracing::error!(%error, "the control panel's listener cannot be used"),
                }
            });
            // A password check may still be running; nobody waits for its verdict any more.
            runtime.shutdown_background();
        })?;
        Ok(Self { thread, stop })
    }

    pub(super) fn stop(self) {
        drop(self.stop);
        if self.thread.join().is_err() {
            tracing::error!("the control panel's thread broke off");
        }
    }
}
