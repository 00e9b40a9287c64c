//! Ending TLS: from PEM texts to the configuration that connections are accepted with.
//!
//! Everything is checked before anything is replaced: a key that does not fit its certificate, an empty file or an
//! expired name lookup never reaches a connection. `server` hands in what the files hold and publishes the result.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use arc_swap::ArcSwap;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::server::{ClientHello, ProducesTickets, ResolvesServerCert, WebPkiClientVerifier};
use rustls::sign::CertifiedKey;
use rustls::{RootCertStore, ServerConfig, SupportedProtocolVersion};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer, X509Certificate};

/// The configuration in force. New connections take the latest; those that exist keep theirs.
pub(crate) type LiveTls = Arc<ArcSwap<ServerConfig>>;

/// What the TLS files hold, as read.
pub(crate) struct TlsMaterial {
    pub(crate) pairs: Vec<Pair>,
    /// The name and PEM text of the authority that client certificates must come from.
    pub(crate) client_ca: Option<(String, Vec<u8>)>,
    pub(crate) versions: &'static [&'static SupportedProtocolVersion],
}

/// A certificate and its key, as PEM, each with the name it goes by in errors.
pub(crate) struct Pair {
    pub(crate) certificate: (String, Vec<u8>),
    pub(crate) key: (String, Vec<u8>),
}

/// A checked configuration and what there is to know about its certificates.
pub(crate) struct Checked {
    pub(crate) config: Arc<ServerConfig>,
    pub(crate) certificates: Vec<CertificateFacts>,
}

/// What the metrics and the log say about a certificate.
#[derive(Clone, Debug)]
pub(crate) struct CertificateFacts {
    pub(crate) file: String,
    pub(crate) names: Vec<String>,
    pub(crate) expires: SystemTime,
}

/// What is wrong with a TLS file.
#[derive(Debug)]
pub(crate) struct TlsError {
    file: String,
    problem: String,
}

impl fmt::Display for TlsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.file, self.problem)
    }
}

impl std::error::Error for TlsError {}

fn fault(file: &str, problem: impl Into<String>) -> TlsError {
    TlsError { file: file.to_owned(), problem: problem.into() }
}

/// Checks the material and makes a configuration of it.
pub(crate) fn check(material: &TlsMaterial) -> Result<Checked, TlsError> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let mut by_name = ByName::default();
    let mut certificates = Vec::new();
    for pair in &material.pairs {
        let (key, facts) = pair.check(&provider)?;
        by_name.add(&facts.names, &Arc::new(key));
        certificates.push(facts);
    }
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider)).with_protocol_versions(material.versions);
    let builder = builder.map_err(|error| fault("tls", error.to_string()))?;
    let builder = match &material.client_ca {
        None => builder.with_no_client_auth(),
        Some((file, pem)) => {
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(authorities(file, pem)?), provider);
            builder.with_client_cert_verifier(verifier.build().map_err(|error| fault(file, error.to_string()))?)
        }
    };
    let mut config = builder.with_cert_resolver(Arc::new(by_name));
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    // A ticket must not outlive a change of who is let in, so each configuration has ticket keys of its own.
    config.ticketer = ticketer()?;
    // Basic credentials can be replayed; early data would let them be (RFC 8446 section 8).
    config.max_early_data_size = 0;
    Ok(Checked { config: Arc::new(config), certificates })
}

fn ticketer() -> Result<Arc<dyn ProducesTickets>, TlsError> {
    aws_lc_rs::Ticketer::new().map_err(|error| fault("tls", format!("no session ticket keys: {error}")))
}

/// Reads the authorities of a PEM bundle.
pub(crate) fn authorities(file: &str, pem: &[u8]) -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    for certificate in chain(file, pem)? {
        roots.add(certificate).map_err(|error| fault(file, error.to_string()))?;
    }
    Ok(roots)
}

fn chain(file: &str, pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    match chain {
        Ok(chain) if chain.is_empty() => {
            Err(fault(file, "no certificate in it: a PEM file with BEGIN CERTIFICATE is wanted"))
        }
        Ok(chain) => Ok(chain),
        Err(error) => Err(fault(file, format!("not a PEM file: {error}"))),
    }
}

impl Pair {
    fn check(&self, provider: &CryptoProvider) -> Result<(CertifiedKey, CertificateFacts), TlsError> {
        let (file, pem) = &self.certificate;
        let chain = chain(file, pem)?;
        let facts = chain.first().map_or_else(|| Err(fault(file, "no certificate in it")), |leaf| facts(file, leaf))?;
        let key = self.key()?;
        let certified = CertifiedKey::from_der(chain, key, provider).map_err(|error| match error {
            rustls::Error::InconsistentKeys(_) => fault(&self.key.0, format!("this key does not belong to {file}")),
            other => fault(&self.key.0, other.to_string()),
        })?;
        Ok((certified, facts))
    }

    fn key(&self) -> Result<PrivateKeyDer<'static>, TlsError> {
        let (file, pem) = &self.key;
        PrivateKeyDer::from_pem_slice(pem).map_err(|error| {
            let text = String::from_utf8_lossy(pem);
            if text.contains("ENCRYPTED") {
                fault(file, "the key is encrypted; decrypt it first, for example with `openssl pkey`")
            } else {
                fault(file, format!("no private key in it: {error}"))
            }
        })
    }
}

fn facts(file: &str, leaf: &CertificateDer<'_>) -> Result<CertificateFacts, TlsError> {
    let (_, parsed) = X509Certificate::from_der(leaf).map_err(|error| fault(file, error.to_string()))?;
    let alternatives = parsed.subject_alternative_name().ok().flatten();
    let names = alternatives.iter().flat_map(|names| &names.value.general_names);
    let names = names.filter_map(|name| match name {
        GeneralName::DNSName(name) => Some(name.to_ascii_lowercase()),
        _ => None,
    });
    let seconds = u64::try_from(parsed.validity().not_after.timestamp()).unwrap_or(0);
    let expires = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
    Ok(CertificateFacts { file: file.to_owned(), names: names.collect(), expires })
}

/// Chooses a certificate by the name a client asks for (RFC 6066 section 3); the first is for all others.
#[derive(Debug, Default)]
struct ByName {
    exact: HashMap<String, Arc<CertifiedKey>>,
    /// `*.example.com`, kept as `example.com`.
    wildcard: HashMap<String, Arc<CertifiedKey>>,
    first: Option<Arc<CertifiedKey>>,
}

impl ByName {
    /// Of two certificates for one name the first listed counts.
    fn add(&mut self, names: &[String], key: &Arc<CertifiedKey>) {
        for name in names {
            match name.strip_prefix("*.") {
                Some(parent) => self.wildcard.entry(parent.to_owned()).or_insert_with(|| Arc::clone(key)),
                None => self.exact.entry(name.clone()).or_insert_with(|| Arc::clone(key)),
            };
        }
        self.first.get_or_insert_with(|| Arc::clone(key));
    }

    fn find(&self, name: &str) -> Option<&Arc<CertifiedKey>> {
        let name = name.to_ascii_lowercase();
        let parent = name.split_once('.').map(|(_, parent)| parent);
        self.exact.get(&name).or_else(|| self.wildcard.get(parent?))
    }
}

impl ResolvesServerCert for ByName {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        hello.server_name().and_then(|name| self.find(name)).or(self.first.as_ref()).cloned()
    }
}
