//! The authority: made new or read back, and what it signs.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, PublicKeyData, SanType,
};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use x509_parser::certificate::X509Certificate;
use x509_parser::prelude::FromDer;
use x509_parser::time::ASN1Time;
use zeroize::Zeroizing;

use super::{AuthorityFault, Error, Generated, Pem};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// Long enough to be trusted once for the life of a machine.
const AUTHORITY_DAYS: u32 = 3650;
/// Browsers refuse more than 398 days, and the day before `now` counts too.
const SERVER_DAYS: u32 = 396;

/// An authority that can sign.
pub(super) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    certificate: String,
    key: Zeroizing<String>,
    /// Nothing it signs lasts longer than it does.
    end: SystemTime,
}

impl Authority {
    /// Makes a new one, with an ECDSA key on P-256.
    pub(super) fn new(now: SystemTime) -> Result<Self, Error> {
        let key = KeyPair::generate()?;
        let end = now + DAY * AUTHORITY_DAYS;
        let mut params = params("Portcullis development CA", now, end);
        // Path length 0: it signs servers, never another authority.
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let certificate = params.self_signed(&key)?.pem();
        let pem = Zeroizing::new(key.serialize_pem());
        Ok(Self { issuer: Issuer::new(params, key), certificate, key: pem, end })
    }

    /// Reads one back from its two PEM texts.
    ///
    /// The fault comes with the half of the pair that has it.
    pub(super) fn read(pem: Pem, now: SystemTime) -> Result<Self, (Half, AuthorityFault)> {
        let no_certificate = |_| (Half::Certificate, AuthorityFault::NoCertificate);
        let der = CertificateDer::from_pem_slice(pem.certificate.as_bytes()).map_err(no_certificate)?;
        let (_, parsed) =
            X509Certificate::from_der(&der).map_err(|_| (Half::Certificate, AuthorityFault::NoCertificate))?;
        let key = KeyPair::from_pem(&pem.key).map_err(|_| (Half::Key, AuthorityFault::NoKey))?;
        if let Some(fault) = objection(&parsed, now) {
            return Err((Half::Certificate, fault));
        }
        if parsed.public_key().raw != key.subject_public_key_info() {
            return Err((Half::Key, AuthorityFault::OtherKey));
        }
        let end = u64::try_from(parsed.validity().not_after.timestamp()).unwrap_or(0);
        let issuer =
            Issuer::from_ca_cert_der(&der, key).map_err(|_| (Half::Certificate, AuthorityFault::NoCertificate))?;
        Ok(Self { issuer, certificate: pem.certificate, key: pem.key, end: UNIX_EPOCH + Duration::from_secs(end) })
    }

    /// Makes a server certificate for these names, with a key of its own.
    pub(super) fn sign(self, names: Vec<SanType>, now: SystemTime) -> Result<Generated, Error> {
        let key = KeyPair::generate()?;
        let end = self.end.min(now + DAY * SERVER_DAYS);
        let mut params = params("Portcullis development server", now, end);
        params.subject_alt_names = names;
        // Said outright, because only then the certificate gets a key identifier too.
        params.is_ca = IsCa::ExplicitNoCa;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        let certificate = params.signed_by(&key, &self.issuer)?.pem();
        Ok(Generated {
            server: Pem {
                certificate: format!("{certificate}{}", self.certificate),
                key: Zeroizing::new(key.serialize_pem()),
            },
            authority: Pem { certificate: self.certificate, key: self.key },
        })
    }
}

/// One of the two files of an authority.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Half {
    Certificate,
    Key,
}

fn objection(certificate: &X509Certificate<'_>, now: SystemTime) -> Option<AuthorityFault> {
    let signs = match certificate.key_usage() {
        Ok(usage) => usage.is_none_or(|usage| usage.value.key_cert_sign()),
        Err(_) => false,
    };
    if !certificate.is_ca() || !signs {
        return Some(AuthorityFault::NotAuthority);
    }
    let seconds = now.duration_since(UNIX_EPOCH).ok().and_then(|passed| i64::try_from(passed.as_secs()).ok())?;
    let valid = ASN1Time::from_timestamp(seconds).is_ok_and(|now| certificate.validity().is_valid_at(now));
    (!valid).then_some(AuthorityFault::NotValidNow)
}

/// What both kinds of certificate have. They begin a day early, for clients whose clock is behind.
fn params(name: &str, now: SystemTime, end: SystemTime) -> CertificateParams {
    let mut subject = DistinguishedName::new();
    subject.push(DnType::CommonName, name);
    let mut params = CertificateParams::default();
    params.distinguished_name = subject;
    params.not_before = (now - DAY).into();
    params.not_after = end.into();
    params
}
