//! Certificates: those that clients see, and those asked of them. The files are read by `edge`, which reads them again
//! when they change.

use std::ops::Range;
use std::path::PathBuf;
use std::time::Duration;

use super::check::{Check, Told};
use super::raw::RawTls;
use super::value::{At, RawAge, RawDuration, Scalar};

/// Half a year: long enough to outlast most clients' pauses, and what checkers of TLS ask for at the least.
const HSTS: Duration = Duration::from_secs(180 * 24 * 3600);
const HSTS_MOST: Duration = Duration::from_secs(3650 * 24 * 3600);

/// TLS towards clients. Used by `edge`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tls {
    /// The pair for names that no other is for.
    pub first: KeyPair,
    /// More pairs, chosen by the name that the client asks for.
    pub more: Vec<KeyPair>,
    /// Authorities for client certificates; `None` to ask for none.
    pub client_ca: Option<PathBuf>,
    /// The oldest version spoken.
    pub minimum: TlsVersion,
    /// For how long clients are told never to come in clear; `None` to tell them nothing.
    pub hsts: Option<Duration>,
}

/// A certificate and its key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyPair {
    /// The certificate chain, PEM.
    pub certificate: PathBuf,
    /// The private key, PEM.
    pub key: PathBuf,
}

/// A version of TLS.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TlsVersion {
    /// RFC 5246.
    #[default]
    V1_2,
    /// RFC 8446.
    V1_3,
}

impl Tls {
    pub(super) fn check(raw: At<RawTls>, check: &mut Check<'_>) -> Result<Self, Told> {
        let At { value: raw, span } = raw;
        let first = KeyPair::check("tls", &span, (raw.certificate, raw.key), check);
        let more: Vec<_> = (raw.certificates.unwrap_or_default().into_iter())
            .map(|At { value: pair, span }| {
                KeyPair::check("tls.certificates", &span, (pair.certificate, pair.key), check)
            })
            .collect();
        let client_ca = check.optional_path("tls.client_ca", raw.client_ca.as_ref());
        let versions = [("1.2", TlsVersion::V1_2), ("1.3", TlsVersion::V1_3)];
        let minimum = check.choice("tls.minimum", raw.minimum.as_ref(), &versions, TlsVersion::default());
        let hsts = hsts(raw.hsts, check);
        Ok(Self {
            first: first?,
            more: more.into_iter().collect::<Result<_, _>>()?,
            client_ca: client_ca?,
            minimum: minimum?,
            hsts: hsts?,
        })
    }
}

/// A duration, or "off".
fn hsts(raw: Option<At<RawAge>>, check: &mut Check<'_>) -> Result<Option<Duration>, Told> {
    let raw = match raw {
        Some(At { value: RawAge(Scalar::Text(text)), .. }) if text == "off" => return Ok(None),
        raw => raw.map(|At { value: RawAge(scalar), span }| At { value: RawDuration(scalar), span }),
    };
    check.amount("tls.hsts", raw.as_ref(), HSTS, Duration::ZERO..=HSTS_MOST).map(Some)
}

impl KeyPair {
    fn check(
        table: &str,
        span: &Range<usize>,
        (certificate, private): (Option<At<String>>, Option<At<String>>),
        check: &mut Check<'_>,
    ) -> Result<Self, Told> {
        let mut file = |name: &str, raw, example| {
            let key = format!("{table}.{name}");
            check.required(span, &key, raw, example).and_then(|raw| check.path(&key, &raw))
        };
        let certificate = file("certificate", certificate, "\"../certs/server.pem\"");
        let key = file("key", private, "\"../certs/server.key\"");
        Ok(Self { certificate: certificate?, key: key? })
    }
}
