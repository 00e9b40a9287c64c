//! What each room is given, made of the settings.

use std::sync::Arc;
use std::time::Duration;

use super::files::upstream::endpoints;
use super::{StartError, process};
use crate::edge::connection::{ConnectionLimits, Draining};
use crate::edge::crowd::Crowd;
use crate::edge::tls::LiveTls;
use crate::edge::worker::WorkerParts;
use crate::gate::{Authorization, Gate, GateParts, Passwords, Recorder, Throttle, UpstreamSettings, Voice};
use crate::record::{AuditHandle, AuditSink, LastUse, Metrics, RequestIds, TokenUses};
use crate::settings::{self, Audit, Settings};
use crate::source::live::Live;
use crate::wire::HeadLimits;

pub(super) fn worker_parts(
    settings: &Settings,
    tls: LiveTls,
    metrics: &Arc<Metrics>,
    draining: Draining,
) -> WorkerParts {
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

/// What a gate is built from on its worker's thread; unlike the gate it can go there.
pub(super) struct GateBuild {
    pub(super) live: Live,
    pub(super) voice: Voice,
    pub(super) authorization: Authorization,
    pub(super) passwords: Arc<Passwords>,
    pub(super) throttle: Arc<Throttle>,
    pub(super) upstream: UpstreamSettings,
    pub(super) audit: AuditHandle,
    pub(super) last_use: Arc<LastUse>,
    pub(super) metrics: Arc<Metrics>,
    pub(super) ids: RequestIds,
    pub(super) https_port: u16,
    pub(super) send_timeout: Duration,
}

impl GateBuild {
    pub(super) fn gate(self) -> std::rc::Rc<Gate> {
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

pub(super) fn sink(setting: &Audit) -> AuditSink {
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

pub(super) fn authorization(setting: &settings::Authorization) -> Authorization {
    match setting {
        settings::Authorization::Strip => Authorization::Strip,
        settings::Authorization::Keep => Authorization::Keep,
        settings::Authorization::Replace(value) => Authorization::Replace(value.clone()),
    }
}

pub(super) fn upstream(setting: &settings::Upstream, body_limit: Option<u64>) -> Result<UpstreamSettings, StartError> {
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
