//! Certificates for development: an authority of one's own, and a server certificate signed by it.
//!
//! Called by `portcullis cert`, which keeps them in a directory, and by `portcullis demo`, which removes them at its end.
//! The authority is made once and reused, so that a browser or client is told to trust it once. Nothing here is meant
//! for a server that strangers talk to.

mod authority;
mod error;
mod files;
mod hosts;
#[cfg(test)]
mod tests;

use std::fmt;
use std::path::Path;
use std::time::SystemTime;

use zeroize::Zeroizing;

use self::authority::Authority;
pub use self::error::{AuthorityFault, Error};
pub use self::files::{Paths, write};

/// A certificate and its key, in PEM.
pub struct Pem {
    /// The certificate; for a server its authority's certificate stands behind it.
    pub certificate: String,
    /// The private key, PKCS #8. Wiped from memory when dropped.
    pub key: Zeroizing<String>,
}

/// Leaves the key out.
impl fmt::Debug for Pem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pem").field("certificate", &self.certificate).finish_non_exhaustive()
    }
}

/// A server certificate and the authority that signed it.
#[derive(Debug)]
pub struct Generated {
    /// What clients are told to trust.
    pub authority: Pem,
    /// What the server presents.
    pub server: Pem,
}

/// Makes an authority and a server certificate for `hosts`: DNS names, `*.` wildcards or IP addresses.
///
/// ```
/// use std::time::SystemTime;
/// use portcullis::edge::devcert;
///
/// let made = devcert::generate(&["localhost".to_owned(), "127.0.0.1".to_owned()], SystemTime::now()).unwrap();
/// assert!(made.server.certificate.starts_with("-----BEGIN CERTIFICATE-----"));
/// assert!(devcert::generate(&["local host".to_owned()], SystemTime::now()).is_err());
/// ```
///
/// # Errors
/// Names the host that no certificate can be made for.
pub fn generate(hosts: &[String], now: SystemTime) -> Result<Generated, Error> {
    let names = hosts::read(hosts)?;
    Authority::new(now)?.sign(names, now)
}

/// Like [`generate`], but signed by the authority that `dir` holds, where it holds one.
///
/// # Errors
/// Names the host, or the file of the authority that is not fit to sign and why.
pub fn generate_in(dir: &Path, hosts: &[String], now: SystemTime) -> Result<Generated, Error> {
    let names = hosts::read(hosts)?;
    let authority = match files::read_authority(dir, now)? {
        Some(kept) => kept,
        None => Authority::new(now)?,
    };
    authority.sign(names, now)
}
