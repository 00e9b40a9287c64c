//! Joins the rooms: builds a gateway from settings, binds its sockets, runs it, and drains it.
//!
//! A gateway is a number of workers, which serve requests and share next to nothing, and one control thread, which
//! watches files and answers on the ops listener.

mod check;
mod control;
mod desk;
mod expiry;
mod files;
pub mod process;
pub(crate) mod protocol;
mod uses;

use std::fmt;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use crate::edge::connection::{ConnectionLimits, Draining};
use crate::edge::crowd::Crowd;
pub use crate::edge::listen::BindError;
use crate::edge::listen::bind;
use crate::edge::tls::LiveTls;
use crate::edge::worker::{self, Sockets, WorkerParts};
use crate::gate::{Authorization, Gate, GateParts, Passwords, Recorder, Throttle, UpstreamSettings, Voice};
use crate::record::{AuditHandle, AuditSink, AuditWriter, LastUse, Metrics, Recent, RequestIds, TokenUses};
use crate::settings::{self, Audit, Settings};
use crate::source::live::Live;
use crate::source::reload::Reload;
use crate::wire::HeadLimits;
pub use check::{AccessError, Report, access, check};
use control::{Control, Kept, OpsParts, Tokens};
use desk::{Desk, DeskSocket};
use expiry::Expiry;
use files::access::{AccessDocument, InForce};
use files::tls::{InUse, TlsFiles};
use files::upstream::endpoints;
use process::{Confinement, Entrances};
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
    let upstream = upstream(&settings.upstream, settings.limits.body_size)?;
    let (sockets, addresses, ops) = sockets(settings)?;
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
        let (audit, handle) = AuditWriter::start(sink(&settings.audit), self.recent, Arc::clone(&metrics))
            .map_err(system("the audit log cannot be opened"))?;
        let (draining, drain) = watch::channel(false);
        let parts = worker_parts(settings, self.live_tls, &metrics, drain.clone());
        let passwords = Passwords::new(settings.limits.password_checks.get());
        let passwords = Arc::new(passwords.map_err(|error| StartError::System("no random bytes", error.into()))?);
        let mut workers = Vec::new();
        for (number, own) in self.sockets.into_iter().enumerate() {
            let ids = RequestIds::seeded().map_err(system("no random bytes"))?;
            let build = GateBuild {
                live: live.clone(),
                voice: Voice::new(settings.answers, settings.realm.as_str(), settings.tls.hsts),
                authorization: authorization(&settings.upstream.authorization),
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
            let started = worker::start(number, parts.clone(), own, move || build.gate());
            workers.push(started.map_err(system("a worker cannot be started"))?);
        }
        kept.in_force.tell_to(handle.clone());
        let tokens = Tokens { uses: self.uses, expiry: Expiry::new(live.clone(), Arc::clone(&metrics)) };
        let ops = self.ops.map(|listener| OpsParts { listener, metrics, live: live.clone(), draining: drain });
        let desk = Desk { throttle: self.throttle, live: live.clone() };
        let control = Control::start(kept, ops, desk, self.socket, tokens)
            .map_err(system("the control thread cannot be started"))?;
        Ok(Running { addresses, live, draining, workers, control, handle, audit })
    }
}

fn worker_parts(settings: &Settings, tls: LiveTls, metrics: &Arc<Metrics>, draining: Draining) -> WorkerParts {
    WorkerParts {
        tls,
        limits: connection_limits(&settings.limits),
        drain_timeout: settings.limits.drain_timeout,
        crowd: Crowd::new(settings.limits.connections as usize, settings.limits.address_connections),
        metrics: Arc::clone(metrics),
        draining,
        yielding: process::step_back,
    }
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
        self.control.reload();
        self.handle.reopen();
    }

    /// Stops accepting, lets what runs finish for as long as the settings allow, and returns when all has ended.
    pub fn stop(self) {
        let Self { draining, workers, control, audit, .. } = self;
        draining.send_replace(true);
        for worker in workers {
            if worker.join().is_err() {
                tracing::error!("a worker broke off");
            }
        }
        control.stop();
        audit.finish();
    }
}

/// What a gate is built from on its worker's thread; unlike the gate it can go there.
struct GateBuild {
    live: Live,
    voice: Voice,
    authorization: Authorization,
    passwords: Arc<Passwords>,
    throttle: Arc<Throttle>,
    upstream: UpstreamSettings,
    audit: AuditHandle,
    last_use: Arc<LastUse>,
    metrics: Arc<Metrics>,
    ids: RequestIds,
    https_port: u16,
    send_timeout: Duration,
}

impl GateBuild {
    fn gate(self) -> std::rc::Rc<Gate> {
        Gate::new(GateParts {
            live: self.live,
            voice: self.voice,
            authorization: self.authorization,
            passwords: self.passwords,
            throttle: self.throttle,
            upstream: self.upstream,
            recorder: Recorder { log: self.audit.log(), metrics: self.metrics, ids: self.ids },
            uses: TokenUses::new(self.last_use),
            https_port: self.https_port,
            send_timeout: self.send_timeout,
        })
    }
}

/// Each worker's sockets, where they listen, and the ops listener.
type Bound = (Vec<Sockets>, Addresses, Option<TcpListener>);

fn sockets(settings: &Settings) -> Result<Bound, StartError> {
    let workers = settings.listen.workers.get();
    let backlog = i32::try_from(settings.listen.backlog).unwrap_or(i32::MAX);
    let mut sockets: Vec<Sockets> = (0..workers).map(|_| Sockets::default()).collect();
    let mut addresses = Addresses { https: Vec::new(), http: Vec::new(), ops: None };
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
    let ops = match settings.ops.http {
        None => None,
        Some(address) => bind(address, 1, backlog).map_err(StartError::Bind)?.pop(),
    };
    addresses.ops = ops.as_ref().and_then(|socket| socket.local_addr().ok());
    Ok((sockets, addresses, ops))
}

fn sink(setting: &Audit) -> AuditSink {
    match setting {
        Audit::Off => AuditSink::Off,
        Audit::Stdout => AuditSink::Stdout,
        Audit::File(path) => AuditSink::File(path.clone()),
    }
}

fn connection_limits(limits: &settings::Limits) -> ConnectionLimits {
    ConnectionLimits {
        handshake_timeout: limits.handshake_timeout,
        header_timeout: limits.header_timeout,
        body_timeout: limits.body_timeout,
        send_timeout: limits.send_timeout,
        idle_timeout: limits.idle_timeout,
        tunnel_timeout: limits.tunnel_timeout,
        progress: limits.progress,
        head: HeadLimits {
            size: limits.head_size as usize,
            fields: limits.head_fields as usize,
            target: limits.target_size as usize,
        },
        http2_streams: limits.http2_streams,
        connection_requests: u64::from(limits.connection_requests),
    }
}

fn authorization(setting: &settings::Authorization) -> Authorization {
    match setting {
        settings::Authorization::Strip => Authorization::Strip,
        settings::Authorization::Keep => Authorization::Keep,
        settings::Authorization::Replace(value) => Authorization::Replace(value.clone()),
    }
}

fn upstream(setting: &settings::Upstream, body_limit: Option<u64>) -> Result<UpstreamSettings, StartError> {
    Ok(UpstreamSettings {
        servers: endpoints(setting).map_err(StartError::File)?,
        connect_timeout: setting.connect_timeout,
        response_timeout: setting.response_timeout,
        read_timeout: setting.read_timeout,
        idle_timeout: setting.idle_timeout,
        most_idle: setting.max_idle as usize,
        body_limit,
    })
}
