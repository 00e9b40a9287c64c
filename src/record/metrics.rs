//! The metrics, all of them. Everyone counts here, and the ops listener hands them out.
//!
//! Each counter is resolved once, at start: on the way of a request there is no look-up by label, no lock and no
//! allocation. Labels come from closed sets and from the settings, never from a client.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use prometheus_client::encoding::text;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};

use super::entry::Entry;
use super::histogram::Histogram;
use super::words::{Decided, Listener, Reason, Reloaded, Scope, StatusClass, Table};

/// One label and its value.
type Label<V> = [(&'static str, V); 1];

/// All metrics of the process.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    requests: [[Counter; StatusClass::ALL.len()]; Decided::ALL.len()],
    rejections: [Counter; Reason::ALL.len()],
    request_duration: Histogram,
    upstream_duration: Histogram,
    upstream_opened: Counter,
    upstream_retries: Counter,
    streams_cut: Counter,
    connections: [Gauge; Listener::ALL.len()],
    opened: [Counter; Listener::ALL.len()],
    shed: Counter,
    handshake_failures: Counter,
    generation: Gauge,
    users: Gauge,
    tokens_expiring: Gauge,
    tokens_expired: Gauge,
    reload_success: [Gauge; Reloaded::ALL.len()],
    reload_ok: [Gauge; Reloaded::ALL.len()],
    reload_failures: [Counter; Reloaded::ALL.len()],
    certificates: Certificates,
    audit_dropped: Counter,
    lockouts: [Counter; Scope::ALL.len()],
    table_entries: [Gauge; Table::ALL.len()],
    table_evictions: [Counter; Table::ALL.len()],
}

/// A connection that counts as open until this is dropped.
#[derive(Debug)]
pub struct OpenConnection(Option<Gauge>);

impl Drop for OpenConnection {
    fn drop(&mut self) {
        if let Some(gauge) = &self.0 {
            gauge.dec();
        }
    }
}

impl Metrics {
    /// All metrics, at zero.
    #[must_use]
    pub fn new() -> Self {
        let mut registry = Registry::with_prefix("portcullis");
        let mut new = Names(&mut registry);
        let listeners = Listener::ALL.map(Listener::as_str);
        let reloaded = Reloaded::ALL.map(Reloaded::as_str);
        let tables = Table::ALL.map(Table::as_str);
        new.build_info();
        Self {
            requests: new.requests(),
            rejections: new.counters("rejections", REJECTIONS, "reason", Reason::ALL.map(Reason::as_str)),
            request_duration: new.histogram("request_duration", REQUEST_DURATION),
            upstream_duration: new.histogram("upstream_duration", UPSTREAM_DURATION),
            upstream_opened: new.counter("upstream_connections_opened", "Connections opened to the upstream"),
            upstream_retries: new.counter("upstream_retries", "Requests sent to the upstream once more"),
            streams_cut: new.counter("streams_cut", STREAMS_CUT),
            connections: new.gauges("connections", "Connections open now, by listener", "listener", listeners),
            opened: new.counters("connections_opened", "Connections accepted, by listener", "listener", listeners),
            shed: new.counter("connections_shed", "Connections closed at once because there were too many"),
            handshake_failures: new.counter("tls_handshake_failures", "TLS handshakes that failed or took too long"),
            generation: new.gauge("reload_generation", "The generation of the access document in force"),
            users: new.gauge("users", "Users in the access document in force"),
            tokens_expiring: new.gauge("tokens_expiring", TOKENS_EXPIRING),
            tokens_expired: new.gauge("tokens_expired", TOKENS_EXPIRED),
            reload_success: new.seconds("reload_last_success_timestamp", RELOAD_SUCCESS, "what", reloaded),
            reload_ok: new.gauges("reload_last_ok", RELOAD_OK, "what", reloaded),
            reload_failures: new.counters("reload_failures", RELOAD_FAILURES, "what", reloaded),
            certificates: new.certificates(),
            audit_dropped: new.counter("audit_dropped", AUDIT_DROPPED),
            lockouts: new.counters("lockouts", LOCKOUTS, "scope", Scope::ALL.map(Scope::as_str)),
            table_entries: new.gauges("table_entries", TABLE_ENTRIES, "table", tables),
            table_evictions: new.counters("table_evictions", TABLE_EVICTIONS, "table", tables),
            registry,
        }
    }

    /// Counts a request that has ended.
    pub fn record_request(&self, entry: &Entry) {
        let class = StatusClass::of(entry.status);
        if let Some(counter) = self.requests.get(entry.decision.place()).and_then(|row| row.get(class.place())) {
            counter.inc();
        }
        if entry.reason != Reason::Ok {
            increment(&self.rejections, entry.reason.place());
        }
        self.request_duration.observe(entry.total);
        if let Some(time) = entry.upstream {
            self.upstream_duration.observe(time);
        }
    }

    /// Counts a connection that was accepted.
    #[must_use = "the connection counts as closed when this is dropped"]
    pub fn connection_opened(&self, listener: Listener) -> OpenConnection {
        increment(&self.opened, listener.place());
        let gauge = self.connections.get(listener.place());
        if let Some(gauge) = gauge {
            gauge.inc();
        }
        OpenConnection(gauge.cloned())
    }

    /// Counts a connection that was closed at once because there were too many.
    pub fn connection_shed(&self) {
        self.shed.inc();
    }

    /// Counts a TLS handshake that failed or took too long.
    pub fn tls_handshake_failed(&self) {
        self.handshake_failures.inc();
    }

    /// Counts a connection opened to the upstream.
    pub fn upstream_connection_opened(&self) {
        self.upstream_opened.inc();
    }

    /// Counts a request that is sent to the upstream once more.
    pub fn upstream_retried(&self) {
        self.upstream_retries.inc();
    }

    /// Counts exchanges that a reload cut, because their user lost access.
    pub fn streams_cut(&self, count: usize) {
        self.streams_cut.inc_by(count as u64);
    }

    /// Tells of an access document that took effect, at start or by a reload.
    pub fn access_loaded(&self, generation: u64, users: usize, at: SystemTime) {
        self.generation.set(i64::try_from(generation).unwrap_or(i64::MAX));
        self.users.set(i64::try_from(users).unwrap_or(i64::MAX));
        self.loaded(Reloaded::Access, at);
    }

    /// Tells how many tokens end soon, and how many have ended and are still in the document.
    pub fn tokens_expire(&self, soon: usize, already: usize) {
        self.tokens_expiring.set(i64::try_from(soon).unwrap_or(i64::MAX));
        self.tokens_expired.set(i64::try_from(already).unwrap_or(i64::MAX));
    }

    /// Tells of certificates that took effect, at start or by a reload, each by the name that the settings give it and
    /// with the end of its validity. They replace the ones told before.
    pub fn certificates_loaded(&self, certificates: &[(Box<str>, SystemTime)], at: SystemTime) {
        self.certificates.replace(certificates);
        self.loaded(Reloaded::Tls, at);
    }

    /// Tells of a reload that was refused: what was in force stays in force.
    pub fn reload_failed(&self, what: Reloaded) {
        increment(&self.reload_failures, what.place());
        set(&self.reload_ok, what.place(), 0);
    }

    /// Counts audit lines that were lost.
    pub fn audit_dropped(&self, lines: u64) {
        self.audit_dropped.inc_by(lines);
    }

    /// Counts a lock-out that began.
    pub fn lockout_begun(&self, scope: Scope) {
        increment(&self.lockouts, scope.place());
    }

    /// Counts entries that a table has more than before.
    pub fn table_grew(&self, table: Table, entries: usize) {
        if let Some(gauge) = self.table_entries.get(table.place()) {
            gauge.inc_by(i64::try_from(entries).unwrap_or(i64::MAX));
        }
    }

    /// Counts entries that a table has no longer.
    pub fn table_shrank(&self, table: Table, entries: usize) {
        if let Some(gauge) = self.table_entries.get(table.place()) {
            gauge.dec_by(i64::try_from(entries).unwrap_or(i64::MAX));
        }
    }

    /// Counts an entry that was given up for want of room before it had lost its meaning.
    pub fn table_overflowed(&self, table: Table) {
        increment(&self.table_evictions, table.place());
    }

    /// The audit lines lost so far.
    #[must_use]
    pub fn audit_dropped_so_far(&self) -> u64 {
        self.audit_dropped.get()
    }

    /// All metrics in OpenMetrics text, version 1.0.0.
    #[must_use]
    pub fn encode(&self) -> String {
        let mut text = String::new();
        // Writing to memory cannot fail.
        let _ = text::encode(&mut text, &self.registry);
        text
    }

    fn loaded(&self, what: Reloaded, at: SystemTime) {
        set(&self.reload_success, what.place(), unix_seconds(at));
        set(&self.reload_ok, what.place(), 1);
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

/// The ends of validity of the certificates in use.
#[derive(Debug, Default)]
struct Certificates {
    family: Family<Label<Box<str>>, Gauge>,
    /// The names told last, so that those no longer in use can be taken away.
    names: Mutex<Vec<Box<str>>>,
}

impl Certificates {
    fn replace(&self, certificates: &[(Box<str>, SystemTime)]) {
        let mut names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        for name in names.drain(..) {
            if certificates.iter().all(|(kept, _)| *kept != name) {
                self.family.remove(&[("certificate", name)]);
            }
        }
        for (name, end) in certificates {
            self.family.get_or_create(&[("certificate", name.clone())]).set(unix_seconds(*end));
        }
        names.extend(certificates.iter().map(|(name, _)| name.clone()));
    }
}

/// Names metrics and resolves the counters of each.
struct Names<'r>(&'r mut Registry);

impl Names<'_> {
    fn build_info(&mut self) {
        let version: Label<&str> = [("version", env!("CARGO_PKG_VERSION"))];
        self.0.register("build", "The version that is running", Info::new(version));
    }

    fn requests(&mut self) -> [[Counter; StatusClass::ALL.len()]; Decided::ALL.len()] {
        let family = Family::<[(&'static str, &'static str); 2], Counter>::default();
        self.0.register("requests", "Requests that ended, by decision and class of status", family.clone());
        let resolve = |decision: Decided, class: StatusClass| {
            family.get_or_create_owned(&[("decision", decision.as_str()), ("status_class", class.as_str())])
        };
        Decided::ALL.map(|decision| StatusClass::ALL.map(|class| resolve(decision, class)))
    }

    fn counter(&mut self, name: &str, help: &str) -> Counter {
        let counter = Counter::default();
        self.0.register(name, help, counter.clone());
        counter
    }

    fn gauge(&mut self, name: &str, help: &str) -> Gauge {
        let gauge = Gauge::default();
        self.0.register(name, help, gauge.clone());
        gauge
    }

    fn histogram(&mut self, name: &str, help: &str) -> Histogram {
        let histogram = Histogram::default();
        self.0.register_with_unit(name, help, Unit::Seconds, histogram.clone());
        histogram
    }

    fn counters<const N: usize>(
        &mut self,
        name: &str,
        help: &str,
        label: &'static str,
        words: [&'static str; N],
    ) -> [Counter; N] {
        let family = Family::<Label<&str>, Counter>::default();
        self.0.register(name, help, family.clone());
        words.map(|word| family.get_or_create_owned(&[(label, word)]))
    }

    fn gauges<const N: usize>(
        &mut self,
        name: &str,
        help: &str,
        label: &'static str,
        words: [&'static str; N],
    ) -> [Gauge; N] {
        let family = Family::<Label<&str>, Gauge>::default();
        self.0.register(name, help, family.clone());
        words.map(|word| family.get_or_create_owned(&[(label, word)]))
    }

    fn seconds<const N: usize>(
        &mut self,
        name: &str,
        help: &str,
        label: &'static str,
        words: [&'static str; N],
    ) -> [Gauge; N] {
        let family = Family::<Label<&str>, Gauge>::default();
        self.0.register_with_unit(name, help, Unit::Seconds, family.clone());
        words.map(|word| family.get_or_create_owned(&[(label, word)]))
    }

    fn certificates(&mut self) -> Certificates {
        let certificates = Certificates::default();
        let help = "When each certificate in use ends, in seconds since 1970";
        let family = certificates.family.clone();
        self.0.register_with_unit("certificate_expiry_timestamp", help, Unit::Seconds, family);
        certificates
    }
}

fn increment(counters: &[Counter], place: usize) {
    if let Some(counter) = counters.get(place) {
        counter.inc();
    }
}

fn set(gauges: &[Gauge], place: usize, value: i64) {
    if let Some(gauge) = gauges.get(place) {
        gauge.set(value);
    }
}

fn unix_seconds(time: SystemTime) -> i64 {
    let seconds = |span: Duration| i64::try_from(span.as_secs()).unwrap_or(i64::MAX);
    time.duration_since(UNIX_EPOCH).map_or_else(|before| -seconds(before.duration()), seconds)
}

const REJECTIONS: &str = "Requests that Portcullis answered by itself, or that were cut short, by reason";
const REQUEST_DURATION: &str = "Time from a request's arrival to the end of its answer";
const UPSTREAM_DURATION: &str = "Time from forwarding a request to the head of the upstream's answer";
const STREAMS_CUT: &str = "Running exchanges cut by a reload because their user lost access";
const TOKENS_EXPIRING: &str = "Tokens of users with API access that count, and end within 14 days";
const TOKENS_EXPIRED: &str = "Tokens of users with API access that have ended and are still in the access document";
const RELOAD_SUCCESS: &str = "When the access document and the certificates last took effect, in seconds since 1970";
const RELOAD_OK: &str =
    "1 if the last attempt to load succeeded, 0 if it was refused and the last good one stays in force";
const RELOAD_FAILURES: &str = "Reloads that were refused";
const LOCKOUTS: &str = "Lock-outs that began after too many wrong credentials, by whose they were";
const TABLE_ENTRIES: &str = "Entries that lock-out and rate limits hold, by table";
const TABLE_EVICTIONS: &str = "Entries that were given up for want of room, by table";
const AUDIT_DROPPED: &str = "Audit lines lost because the disk was full, stuck or too slow";

#[cfg(test)]
#[path = "metrics_tests.rs"]
mod tests;
