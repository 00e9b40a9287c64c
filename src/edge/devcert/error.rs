//! What can go wrong with development certificates. Called `devcert::Error` outside.

use std::fmt;
use std::io;
use std::path::PathBuf;

/// Why no certificate was made or written.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// No host was given.
    NoHosts,
    /// A certificate cannot be made for this host.
    Host {
        /// As given.
        host: String,
        /// What would be right.
        advice: &'static str,
    },
    /// The file is there, and overwriting was not asked for.
    Exists(PathBuf),
    /// One of an authority's two files is there without the other.
    HalfAuthority {
        /// The one that is there.
        found: PathBuf,
        /// The one that is not.
        missing: PathBuf,
    },
    /// The authority in this file cannot sign.
    Authority {
        /// Its certificate or key.
        file: PathBuf,
        /// Why.
        fault: AuthorityFault,
    },
    /// The directory holds another authority than the one to be written. It is never replaced: clients may trust it.
    OtherAuthority(PathBuf),
    /// A file or directory could not be read or written.
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Making a key or a certificate failed.
    Making(rcgen::Error),
}

/// Why an authority cannot sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AuthorityFault {
    /// The file holds no certificate in PEM.
    NoCertificate,
    /// The file holds no usable private key in PEM.
    NoKey,
    /// The certificate is not one of an authority.
    NotAuthority,
    /// The certificate has expired, or is not valid yet.
    NotValidNow,
    /// The key belongs to another certificate.
    OtherKey,
}

impl fmt::Display for AuthorityFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoCertificate => "there is no certificate in PEM in it",
            Self::NoKey => "there is no unencrypted private key in PEM in it",
            Self::NotAuthority => "it is not the certificate of an authority",
            Self::NotValidNow => "it has expired, or is not valid yet",
            Self::OtherKey => "the key belongs to another certificate",
        })
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoHosts => f.write_str("a certificate needs a host, such as \"localhost\""),
            Self::Host { host, advice } => write!(f, "no certificate can be made for the host {host:?}: {advice}"),
            Self::Exists(path) => write!(f, "{}: the file exists, and overwriting was not asked for", path.display()),
            Self::HalfAuthority { found, missing } => write!(
                f,
                "{} is missing beside {}: put it back, or remove both and trust a new authority",
                missing.display(),
                found.display()
            ),
            Self::Authority { file, fault } => write!(
                f,
                "{}: {fault}; remove ca.pem and ca.key, then a new authority is made, to be trusted anew",
                file.display()
            ),
            Self::OtherAuthority(path) => write!(
                f,
                "{}: another authority is here, and clients may trust it; remove ca.pem and ca.key first",
                path.display()
            ),
            Self::Io { path, source } => write!(f, "{}: {source}", path.display()),
            Self::Making(source) => write!(f, "making a certificate failed: {source}"),
        }
    }
}

impl std::error::Error for Error {}

impl From<rcgen::Error> for Error {
    fn from(source: rcgen::Error) -> Self {
        Self::Making(source)
    }
}
