//! One client: a TLS configuration and the request that it sends, over HTTP/1.1.

use std::sync::Arc;

use rustls::client::Resumption;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::{ClientConfig, HandshakeKind, RootCertStore};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, ServerName};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::{Aim, Failure};

/// More than the head of any answer here.
const BUFFER: usize = 16 * 1024;

#[derive(Clone)]
pub(crate) struct Client {
    connector: TlsConnector,
    port: u16,
    request: Arc<[u8]>,
}

pub(crate) struct Connection {
    stream: TlsStream<TcpStream>,
    buffer: Vec<u8>,
}

impl Client {
    /// Only X25519 is offered: it is what every server has, so that all do the same work in a handshake.
    pub(crate) fn new(aim: &Aim, resume: bool) -> Result<Self, Failure> {
        let mut trusted = RootCertStore::empty();
        trusted.add(CertificateDer::from_pem_file(&aim.ca)?)?;
        let provider = CryptoProvider { kx_groups: vec![aws_lc_rs::kx_group::X25519], ..aws_lc_rs::default_provider() };
        let builder = ClientConfig::builder_with_provider(Arc::new(provider)).with_safe_default_protocol_versions()?;
        let mut config = builder.with_root_certificates(trusted).with_no_client_auth();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        config.resumption = if resume { Resumption::in_memory_sessions(8) } else { Resumption::disabled() };
        let (path, port, auth) = (&aim.path, aim.port, &aim.auth);
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: localhost:{port}\r\nAccept: application/json\r\nAuthorization: {auth}\r\n\r\n"
        );
        Ok(Self { connector: Arc::new(config).into(), port, request: request.into_bytes().into() })
    }

    pub(crate) async fn connect(&self) -> Result<Connection, Failure> {
        let stream = TcpStream::connect(("127.0.0.1", self.port)).await?;
        stream.set_nodelay(true)?;
        let stream = self.connector.connect(ServerName::try_from("localhost")?, stream).await?;
        Ok(Connection { stream, buffer: Vec::new() })
    }
}

impl Connection {
    /// Sends the request and reads its answer whole. Anything but a 200 is an error.
    pub(crate) async fn ask(&mut self, client: &Client) -> Result<(), Failure> {
        self.stream.write_all(&client.request).await?;
        self.stream.flush().await?;
        self.buffer.resize(BUFFER, 0);
        let mut filled = 0;
        loop {
            let rest = self.buffer.get_mut(filled..).filter(|rest| !rest.is_empty()).ok_or("too long an answer")?;
            match self.stream.read(rest).await? {
                0 => return Err("the connection ended before its answer".into()),
                read => filled += read,
            }
            if is_whole(self.buffer.get(..filled).unwrap_or_default())? {
                return Ok(());
            }
        }
    }

    /// Gives the buffer back, so that many idle connections do not need much memory here.
    pub(crate) fn rest(&mut self) {
        self.buffer = Vec::new();
    }

    pub(crate) async fn close(mut self) -> Result<(), Failure> {
        Ok(self.stream.shutdown().await?)
    }

    pub(crate) fn resumed(&self) -> bool {
        self.stream.get_ref().1.handshake_kind() == Some(HandshakeKind::Resumed)
    }

    /// Version, cipher and key exchange, without spaces.
    pub(crate) fn agreed(&self) -> String {
        let connection = self.stream.get_ref().1;
        let suite = connection.negotiated_cipher_suite().map(|suite| format!("{:?}", suite.suite()));
        let group = connection.negotiated_key_exchange_group().map(|group| format!("{:?}", group.name()));
        let version = connection.protocol_version().map(|version| format!("{version:?}"));
        [version, suite, group].map(Option::unwrap_or_default).join("/")
    }
}

/// Whether this is a whole answer; all here have a Content-Length.
fn is_whole(answer: &[u8]) -> Result<bool, Failure> {
    let Some(head) = answer.windows(4).position(|four| four == b"\r\n\r\n") else { return Ok(false) };
    let text = std::str::from_utf8(answer.get(..head).unwrap_or_default())?;
    let mut lines = text.split("\r\n");
    let status = lines.next().unwrap_or_default();
    if !status.starts_with("HTTP/1.1 200") {
        return Err(format!("not the answer that is expected: {status}").into());
    }
    let length = lines.filter_map(|line| line.split_once(':'));
    let mut length = length.filter(|(name, _)| name.eq_ignore_ascii_case("content-length"));
    let (_, length) = length.next().ok_or("an answer without its length")?;
    Ok(answer.len() >= head + 4 + length.trim().parse::<usize>()?)
}
