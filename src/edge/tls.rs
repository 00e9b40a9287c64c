//! Ending TLS: from PEM texts to the configuration that connections are accepted with.
//!
//! Everything is checked before anything is replaced: a key that does not fit its certificate, an empty file or an
//! expired name lookup never reaches a connection. `server` hands in what the files hold and publishes the result.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use arc_swap::ArcSwap;
use rustls::crypto::aws_lc_rs;
use rustls::crypto::aws_lc_rs::sign::any_supported_type;
use rustls::server::danger::ClientCertVerifier;
use rustls::server::{NoClientAuth, ProducesTickets, WebPkiClientVerifier};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{InconsistentKeys, RootCertStore, ServerConfig, SupportedProtocolVersion};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer, X509Certificate};
use zeroize::Zeroizing;

use super::sites::Sites;

/// The configurations in force. New connections take the latest; those that exist keep theirs.
pub(crate) type LiveTls = Arc<ArcSwap<Sites>>;

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
    /// Wiped from memory when it is dropped.
    pub(crate) key: (String, Zeroizing<Vec<u8>>),
}

/// Leaves the key out.
impl fmt::Debug for Pair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pair").field("certificate", &self.certificate.0).field("key", &self.key.0).finish()
    }
}

/// Checked configurations and what there is to know about its certificates.
pub(crate) struct Checked {
    pub(crate) sites: Arc<Sites>,
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

/// Checks the material and makes a configuration of each pair.
pub(crate) fn check(material: &TlsMaterial) -> Result<Checked, TlsError> {
    let verifier = client_verifier(material)?;
    let mut sites = Sites::default();
    let mut certificates = Vec::new();
    for pair in &material.pairs {
        let (key, facts) = pair.check()?;
        sites.add(&facts.names, Arc::new(config(key, material, &verifier)?));
        certificates.push(facts);
    }
    Ok(Checked { sites: Arc::new(sites), certificates })
}

/// What every connection with a pair has in common. The provider has authenticated, forward-secret ciphers alone.
fn config(
    key: CertifiedKey,
    material: &TlsMaterial,
    verifier: &Arc<dyn ClientCertVerifier>,
) -> Result<ServerConfig, TlsError> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let builder = ServerConfig::builder_with_provider(provider).with_protocol_versions(material.versions);
    let builder = builder.map_err(|error| fault("tls", error.to_string()))?;
    let resolver = Arc::new(SingleCertAndKey::from(key));
    let mut config = builder.with_client_cert_verifier(Arc::clone(verifier)).with_cert_resolver(resolver);
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    // A ticket must not outlive a change of who is let in, nor cross from one site to another, so each configuration has
    // ticket keys of its own. They change every six hours.
    config.ticketer = ticketer()?;
    // Basic credentials can be replayed; early data would let them be (RFC 8446 section 8).
    config.max_early_data_size = 0;
    Ok(config)
}

fn client_verifier(material: &TlsMaterial) -> Result<Arc<dyn ClientCertVerifier>, TlsError> {
    let Some((file, pem)) = &material.client_ca else { return Ok(Arc::new(NoClientAuth)) };
    let (roots, provider) = (Arc::new(authorities(file, pem)?), Arc::new(aws_lc_rs::default_provider()));
    let built = WebPkiClientVerifier::builder_with_provider(roots, provider).build();
    built.map_err(|error| fault(file, error.to_string()))
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
    fn check(&self) -> Result<(CertifiedKey, CertificateFacts), TlsError> {
        let (file, pem) = &self.certificate;
        let chain = chain(file, pem)?;
        let facts = chain.first().map_or_else(|| Err(fault(file, "no certificate in it")), |leaf| facts(file, leaf))?;
        let named = |error: rustls::Error| fault(&self.key.0, error.to_string());
        let key = CertifiedKey::new(chain, any_supported_type(&*self.key()?).map_err(named)?);
        match key.keys_match() {
            // That it cannot be told is no fault: the first handshake shows it.
            Ok(()) | Err(rustls::Error::InconsistentKeys(InconsistentKeys::Unknown)) => Ok((key, facts)),
            Err(rustls::Error::InconsistentKeys(_)) => {
                Err(fault(&self.key.0, format!("this key does not belong to {file}")))
            }
            Err(other) => Err(named(other)),
        }
    }

    fn key(&self) -> Result<Zeroizing<PrivateKeyDer<'static>>, TlsError> {
        let (file, pem) = &self.key;
        PrivateKeyDer::from_pem_slice(pem).map(Zeroizing::new).map_err(|error| {
            if pem.windows(ENCRYPTED.len()).any(|part| part == ENCRYPTED) {
                fault(file, "the key is encrypted; decrypt it first, for example with `openssl pkey`")
            } else {
                fault(file, format!("no private key in it: {error}"))
            }
        })
    }
}

/// Stands in the head of a key that has a passphrase.
const ENCRYPTED: &[u8] = b"ENCRYPTED";

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

#[cfg(test)]
#[path = "tls_tests.rs"]
mod tests;
