//! Joins the rooms: builds a gateway from settings, binds its sockets, runs it, and drains it.
//!
//! A gateway is a number of workers, which serve requests and share next to nothing, and threads for the rest: one reads
//! files again when they change, one answers whoever looks after the gateway, one serves the control panel.

mod check;
mod control;
mod desk;
mod expiry;
mod files;
mod panel;
mod parts;
pub mod process;
pub(crate) mod protocol;
mod reloading;
mod uses;

use std::fmt;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;

use tokio::sync::watch;
use tokio::time::Instant;

pub use crate::edge::listen::BindError;
use crate::edge::listen::bind;
use crate::edge::tls::LiveTls;
use crate::edge::worker::{self, Sockets};
use crate::gate::{Passwords, Throttle, UpstreamSettings, Voice};
use crate::panel::PanelParts;
use crate::record::{AuditHandle, AuditWriter, LastUse, Metrics, Recent, RequestIds};
use crate::settings::Settings;
use crate::source::live::Live;
use crate::source::reload::Reload;
pub use check::{AccessError, Report, access, check};
use control::{Control, OpsParts, Tokens};
use desk::{Desk, DeskSocket};
use expiry::Expiry;
use files::access::{AccessDocument, InForce};
use files::tls::{InUse, TlsFiles};
use panel::PanelThread;
use process::{Confinement, Entrances};
use reloading::{Kept, ReloadThread};
use uses::UseKeeper;

/// Why a gateway does not start.
#[derive(Debug)]
#[non_exhaustive]
pub enum StartError {
    /// A file that it needs cannot be used; says which and why.
    File(String),
    /// An address cannot be listened on.
    Bind(BindError),
    /// The process cannot be confined as the settings ask; says why.
    Process(String),
    /// The system lacks something; says for what.
    System(&'static str, io::Error),
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(problem) | Self::Process(problem) => f.write_str(problem),
            Self::Bind(error) => error.fmt(f),
            Self::System(what, error) => write!(f, "{what}: {error}"),
        }
    }
}

impl std::error::Error for StartError {}

/// Names what the system was asked for when it refused.
fn system(what: &'static str) -> impl FnOnce(io::Error) -> StartError {
    move |error| StartError::System(what, error)
}

/// A gateway that runs.
pub struct Running {
    addresses: Addresses,
    live: Live,
    draining: watch::Sender<bool>,
    workers: Vec<JoinHandle<()>>,
    panel: Option<PanelThread>,
    reload: ReloadThread,
    control: Control,
    audit: AuditWriter,
    handle: AuditHandle,
}

/// Where a gateway listens; ports that were chosen by the system are known here.
#[derive(Clone, Debug)]
pub struct Addresses {
    /// For requests.
    pub https: Vec<SocketAddr>,
    /// For requests that are sent on to https.
    pub http: Vec<SocketAddr>,
    /// For the control panel.
    pub panel: Option<SocketAddr>,
    /// For metrics and health.
    pub ops: Option<SocketAddr>,
}

/// A gateway that has read its files and bound its sockets, and runs nothing yet.
pub struct Prepared<'s> {
    settings: &'s Settings,
    metrics: Arc<Metrics>,
    throttle: Arc<Throttle>,
    /// What was refused and changed lately, and when tokens were last used: for the control panel.
    recent: Arc<Recent>,
    last_use: Arc<LastUse>,
    live: Live,
    live_tls: LiveTls,
    kept: Kept,
    upstream: UpstreamSettings,
    sockets: Vec<Sockets>,
    addresses: Addresses,
    panel: Option<TcpListener>,
    ops: Option<TcpListener>,
    socket: Option<DeskSocket>,
    uses: UseKeeper,
}

/// Starts a gateway. When this returns, connections are accepted and everything in the files has been checked.
///
/// # Errors
/// [`StartError`]; nothing runs then.
pub fn start(settings: &Settings) -> Result<Running, StartError> {
    prepare(settings)?.run()
}

/// Does what a start needs the rights of whoever starts it for: reads the files and binds the sockets.
///
/// # Errors
/// [`StartError`]
pub fn prepare(settings: &Settings) -> Result<Prepared<'_>, StartError> {
    let metrics = Arc::new(Metrics::new());
    let throttle = Throttle::new(&settings.lockout, &settings.rate_limit, &metrics, Instant::now());
    let throttle = Arc::new(throttle);
    let mut access = Reload::new(AccessDocument::new(&settings.access));
    let (live, in_force) =
        InForce::start(&mut access, &settings.access, &metrics, &throttle).map_err(StartError::File)?;
    let mut tls = Reload::new(TlsFiles::new(&settings.tls));
    let (live_tls, in_use) = InUse::start(&mut tls, &metrics).map_err(StartError::File)?;
    let upstream = parts::upstream(&settings.upstream, settings.limits.body_size)?;
    let Bound { sockets, addresses, panel, ops } = sockets(settings)?;
    let socket = settings.ops.socket.as_deref().map(DeskSocket::bind).transpose().map_err(StartError::File)?;
    let (recent, last_use) = (Arc::<Recent>::default(), Arc::<LastUse>::default());
    let uses = UseKeeper::start(settings.state.as_deref(), Arc::clone(&last_use), live.clone());
    let kept = Kept { access, in_force, tls, in_use, entrances: Entrances::default() };
    Ok(Prepared {
        settings,
        metrics,
        throttle,
        recent,
        last_use,
        live,
        live_tls,
        kept,
        upstream,
        sockets,
        addresses,
        panel,
        ops,
        socket,
        uses,
    })
}

impl Prepared<'_> {
    /// Gives up what serving does not need, for good and for the whole process: root, new privileges, most of the file
    /// system. To be called while there is no other thread that matters. `temporary` is a directory that will be removed
    /// in the end.
    ///
    /// # Errors
    /// [`StartError::Process`], and [`StartError::File`] where a file could not be read again any more.
    pub fn confine(&mut self, temporary: Option<&Path>) -> Result<(), StartError> {
        let reread = [self.kept.access.paths(), self.kept.tls.paths()].concat();
        let confinement = Confinement::new(self.settings, reread, temporary);
        self.kept.entrances = confinement.enter()?;
        Ok(())
    }

    /// Starts the threads.
    ///
    /// # Errors
    /// [`StartError`]; nothing runs then.
    pub fn run(self) -> Result<Running, StartError> {
        let Prepared { settings, metrics, live, addresses, mut kept, .. } = self;
        let (audit, handle) =
            AuditWriter::start(parts::sink(&settings.audit), Arc::clone(&self.recent), Arc::clone(&metrics))
                .map_err(system("the audit log cannot be opened"))?;
        let (draining, drain) = watch::channel(false);
        let worker = parts::worker_parts(settings, Arc::clone(&self.live_tls), &metrics, drain.clone());
        let passwords = passwords(settings)?;
        let mut workers = Vec::new();
        for (number, own) in self.sockets.into_iter().enumerate() {
            let ids = RequestIds::seeded().map_err(system("no random bytes"))?;
            let build = parts::GateBuild {
                live: live.clone(),
                voice: Voice::new(settings.answers, settings.realm.as_str(), settings.tls.hsts),
                authorization: parts::authorization(&settings.upstream.authorization),
                passwords: Arc::clone(&passwords),
                throttle: Arc::clone(&self.throttle),
                upstream: self.upstream.clone(),
                audit: handle.clone(),
                last_use: Arc::clone(&self.last_use),
                metrics: Arc::clone(&metrics),
                ids,
                https_port: addresses.https.first().map_or(443, SocketAddr::port),
                send_timeout: settings.limits.send_timeout,
            };
            let started = worker::start(number, worker.clone(), own, move || build.gate());
            workers.push(started.map_err(system("a worker cannot be started"))?);
        }
        kept.in_force.tell_to(handle.clone());
        let tokens = Tokens { uses: self.uses, expiry: Expiry::new(live.clone(), Arc::clone(&metrics)) };
        let ops = self.ops.map(|listener| {
            let (metrics, live) = (Arc::clone(&metrics), live.clone());
            OpsParts { listener, metrics, live, draining: drain, refused: kept.refused() }
        });
        let desk = Desk { throttle: Arc::clone(&self.throttle), live: live.clone() };
        let control =
            Control::start(ops, desk, self.socket, tokens).map_err(system("the control thread cannot be started"))?;
        let reload = ReloadThread::start(kept).map_err(system("the reload thread cannot be started"))?;
        let parts = PanelParts {
            settings: settings.panel.clone(),
            access: settings.access.clone(),
            live: live.clone(),
            passwords,
            throttle: self.throttle,
            recent: self.recent,
            last_use: self.last_use,
            reload: reload.access_poker(),
        };
        let panel = self.panel.map(|listener| PanelThread::start(listener, self.live_tls, metrics, parts));
        let panel = panel.transpose().map_err(system("the control panel's thread cannot be started"))?;
        Ok(Running { addresses, live, draining, workers, panel, reload, control, handle, audit })
    }
}

/// What checks passwords for all workers and the panel.
fn passwords(settings: &Settings) -> Result<Arc<Passwords>, StartError> {
    let passwords = Passwords::new(settings.limits.password_checks.get());
    passwords.map(Arc::new).map_err(|error| StartError::System("no random bytes", error.into()))
}

impl Running {
    /// Where it listens.
    #[must_use]
    pub fn addresses(&self) -> &Addresses {
        &self.addresses
    }

    /// The snapshot in force.
    #[must_use]
    pub fn live(&self) -> &Live {
        &self.live
    }

    /// Reads all files again, as on SIGHUP, and opens the audit file anew.
    pub fn reload(&self) {
        self.reload.reload();
        self.handle.reopen();
    }

    /// Stops accepting, lets what runs finish for as long as the settings allow, and returns when all has ended.
    pub fn stop(self) {
        let Self { draining, workers, panel, reload, control, audit, .. } = self;
        draining.send_replace(true);
        panel.into_iter().for_each(PanelThread::stop);
        for worker in workers {
            if worker.join().is_err() {
                tracing::error!("a worker broke off");
            }
        }
        reload.stop();
        control.stop();
        audit.finish();
    }
}

/// All that is listened on.
struct Bound {
    /// Each worker's.
    sockets: Vec<Sockets>,
    addresses: Addresses,
    panel: Option<TcpListener>,
    ops: Option<TcpListener>,
}

fn sockets(settings: &Settings) -> Result<Bound, StartError> {
    let workers = settings.listen.workers.get();
    let backlog = i32::try_from(settings.listen.backlog).unwrap_or(i32::MAX);
    let mut sockets: Vec<Sockets> = (0..workers).map(|_| Sockets::default()).collect();
    let mut addresses = Addresses { https: Vec::new(), http: Vec::new(), panel: None, ops: None };
    for address in &settings.listen.https {
        let bound = bind(*address, workers, backlog).map_err(StartError::Bind)?;
        addresses.https.extend(bound.first().and_then(|socket| socket.local_addr().ok()));
        sockets.iter_mut().zip(bound).for_each(|(worker, socket)| worker.https.push(socket));
    }
    for address in &settings.listen.http {
        let bound = bind(*address, workers, backlog).map_err(StartError::Bind)?;
        addresses.http.extend(bound.first().and_then(|socket| socket.local_addr().ok()));
        sockets.iter_mut().zip(bound).for_each(|(worker, socket)| worker.http.push(socket));
    }
    let one = |address: Option<SocketAddr>| match address {
        None => Ok(None),
        Some(address) => bind(address, 1, backlog).map(|mut bound| bound.pop()).map_err(StartError::Bind),
    };
    let (panel, ops) = (one(settings.panel.https)?, one(settings.ops.http)?);
    addresses.panel = panel.as_ref().and_then(|socket| socket.local_addr().ok());
    addresses.ops = ops.as_ref().and_then(|socket| socket.local_addr().ok());
    Ok(Bound { sockets, addresses, panel, ops })
}
