//! What the measuring programs stand on: the files of a gateway on loopback, and a TLS client of it.

use std::error::Error;
use std::net::TcpStream;
use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use portcullis::edge::devcert;
use portcullis::settings::Settings;
use rustls::crypto::aws_lc_rs;
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, ServerName};

pub(crate) type Failure = Box<dyn Error>;
pub(crate) type Connection = StreamOwned<ClientConnection, TcpStream>;

/// Writes an access document and a new certificate for a gateway with one worker, so that a core is left for its clients.
/// `tables` are the further tables of its settings.
pub(crate) fn prepare(dir: &Path, access: &str, upstream: &str, tables: &str) -> Result<Settings, Failure> {
    let made = devcert::generate(&["localhost".to_owned()], SystemTime::now())?;
    std::fs::write(dir.join("server.pem"), &made.server.certificate)?;
    std::fs::write(dir.join("server.key"), made.server.key.as_bytes())?;
    std::fs::write(dir.join("ca.pem"), &made.authority.certificate)?;
    std::fs::write(dir.join("access.toml"), access)?;
    let settings = format!(
        "access = \"access.toml\"\n\
        [listen]\nhttps = [\"127.0.0.1:0\"]\nworkers = 1\n\
        [tls]\ncertificate = \"server.pem\"\nkey = \"server.key\"\n\
        [upstream]\nservers = [\"http://{upstream}\"]\n\
        [audit]\nto = \"off\"\n{tables}"
    );
    Settings::parse("settings", &settings, dir).map_err(|faults| faults.to_string().into())
}

/// A client that trusts what [`prepare`] made.
pub(crate) fn client(dir: &Path) -> Result<Arc<ClientConfig>, Failure> {
    let mut trusted = RootCertStore::empty();
    trusted.add(CertificateDer::from_pem_file(dir.join("ca.pem"))?)?;
    let builder = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()));
    Ok(Arc::new(builder.with_safe_default_protocol_versions()?.with_root_certificates(trusted).with_no_client_auth()))
}

/// The name that the certificate is for.
pub(crate) fn name() -> Result<ServerName<'static>, Failure> {
    Ok(ServerName::try_from("localhost")?)
}

pub(crate) fn connect(dir: &Path, address: &str) -> Result<Connection, Failure> {
    let stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    Ok(StreamOwned::new(ClientConnection::new(client(dir)?, name()?)?, stream))
}
