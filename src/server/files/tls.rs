//! Certificates and keys: from their files to the configuration that connections are accepted with.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::SystemTime;

use arc_swap::ArcSwap;
use rustls::SupportedProtocolVersion;
use zeroize::Zeroizing;

use super::warn;
use crate::edge::tls::{self, Checked, LiveTls, Pair, TlsError, TlsMaterial};
use crate::record::{Metrics, Reloaded};
use crate::settings::{Tls, TlsVersion};
use crate::source::file::{Contents, FileKind, permission_warnings};
use crate::source::reload::{Published, Reload, Reloadable, Sink};

const FROM_1_2: &[&SupportedProtocolVersion] = &[&rustls::version::TLS13, &rustls::version::TLS12];
const FROM_1_3: &[&SupportedProtocolVersion] = &[&rustls::version::TLS13];

/// The TLS files, as the reload loop makes them. A pair of which only one half has been replaced yet is a fault like any
/// other: what was loaded last stays in use until the other half has come.
pub(in crate::server) struct TlsFiles {
    settings: Tls,
}

impl TlsFiles {
    pub(in crate::server) fn new(settings: &Tls) -> Self {
        Self { settings: settings.clone() }
    }

    fn pairs(&self) -> impl Iterator<Item = [&Path; 2]> {
        let pairs = std::iter::once(&self.settings.first).chain(&self.settings.more);
        pairs.map(|pair| [pair.certificate.as_path(), pair.key.as_path()])
    }
}

impl Reloadable for TlsFiles {
    type Value = Checked;
    type Fault = TlsError;

    fn name(&self) -> &str {
        "certificates"
    }

    /// Certificate, key, certificate, key …, and the authority for clients last.
    fn paths(&self) -> Vec<PathBuf> {
        self.pairs().flatten().map(Path::to_owned).chain(self.settings.client_ca.clone()).collect()
    }

    fn load(&mut self, contents: &[Contents]) -> Result<Checked, TlsError> {
        let mut files = contents.iter();
        let mut next = |kind| {
            files.next().map(|file| {
                warn(permission_warnings(file, kind));
                (file.path.display().to_string(), file.bytes.clone())
            })
        };
        let mut pairs = Vec::new();
        for _ in self.pairs() {
            if let (Some(certificate), Some(key)) = (next(FileKind::Certificate), next(FileKind::PrivateKey)) {
                pairs.push(Pair { certificate: open(certificate), key });
            }
        }
        let client_ca = next(FileKind::Certificate).map(open);
        let versions = match self.settings.minimum {
            TlsVersion::V1_2 => FROM_1_2,
            TlsVersion::V1_3 => FROM_1_3,
        };
        tls::check(&TlsMaterial { pairs, client_ca, versions })
    }
}

/// What every client sees need not be wiped.
fn open((name, mut bytes): (String, Zeroizing<Vec<u8>>)) -> (String, Vec<u8>) {
    (name, std::mem::take(&mut *bytes))
}

/// Where good configurations go.
pub(in crate::server) struct InUse {
    live: LiveTls,
    loads: u64,
    /// What is in use: the file and when it expires.
    certificates: Vec<(Box<str>, SystemTime)>,
    metrics: Arc<Metrics>,
    /// Whether the last attempt was refused.
    refused: Arc<AtomicBool>,
}

impl InUse {
    /// Loads the files for the first time.
    pub(in crate::server) fn start(
        reload: &mut Reload<TlsFiles>,
        metrics: &Arc<Metrics>,
    ) -> Result<(LiveTls, Self), String> {
        let checked = reload.first().map_err(|refused| refused.to_string())?;
        let live = Arc::new(ArcSwap::new(Arc::clone(&checked.sites)));
        let metrics = Arc::clone(metrics);
        let mut first =
            Self { live: Arc::clone(&live), loads: 1, certificates: Vec::new(), metrics, refused: Arc::default() };
        // Not inside the macro, which evaluates nothing where nobody listens.
        let told = first.tell(&checked);
        tracing::info!("certificates: loaded: {told}");
        Ok((live, first))
    }

    /// Set while the files hold something that was refused.
    pub(in crate::server) fn refused_flag(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.refused)
    }

    fn count(&self) {
        self.metrics.certificates_loaded(&self.certificates, SystemTime::now());
        self.refused.store(false, Ordering::Relaxed);
    }

    /// Passes on when certificates expire, and returns it as text.
    fn tell(&mut self, checked: &Checked) -> String {
        self.certificates =
            checked.certificates.iter().map(|facts| (facts.file.as_str().into(), facts.expires)).collect();
        self.count();
        let one = |facts: &tls::CertificateFacts| {
            let expires =
                jiff::Timestamp::try_from(facts.expires).map_or_else(|_| "never".to_owned(), |at| at.to_string());
            if facts.expires <= SystemTime::now() {
                tracing::warn!("{}: this certificate expired at {expires}", facts.file);
            }
            format!("{} ({}) until {expires}", facts.file, facts.names.join(", "))
        };
        checked.certificates.iter().map(one).collect::<Vec<_>>().join("; ")
    }
}

impl Sink<Checked> for InUse {
    fn publish(&mut self, checked: Checked) -> Result<Published, String> {
        self.live.store(Arc::clone(&checked.sites));
        self.loads += 1;
        Ok(Published { generation: self.loads, changes: self.tell(&checked) })
    }

    fn restored(&mut self) {
        self.count();
    }

    fn refused(&mut self, _: &str) {
        self.metrics.reload_failed(Reloaded::Tls);
        self.refused.store(true, Ordering::Relaxed);
    }
}
