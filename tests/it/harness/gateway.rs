//! A gateway in this process, with everything it needs in a directory of its own.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, Once};
use std::time::{Duration, SystemTime};

use portcullis::edge::devcert;
use portcullis::server::{self, Running};
use portcullis::settings::Settings;
use rustls::crypto::aws_lc_rs;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, ServerName};
use serde_json::Value;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream, UnixStream};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::head::Answer;
use super::{Ask, Frames, Http2, Reply, SECRETS, Upstream, Wire, document, frames, until, within};
use crate::kept;

/// The host that clients ask for.
pub(crate) const HOST: &str = "shop.example";

/// Where clients come from, where a test does not say.
pub(crate) const HERE: Ipv4Addr = Ipv4Addr::LOCALHOST;

/// How a client speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protocol {
    Http1,
    Http2,
}

impl Protocol {
    pub(crate) const BOTH: [Self; 2] = [Self::Http1, Self::Http2];
}

/// What is different from the usual gateway of a test. Texts are lines of TOML.
#[derive(Default)]
pub(crate) struct GatewayOptions {
    /// The access document; [`document`] where there is none.
    pub(crate) access: Option<String>,
    /// Settings before the first table.
    pub(crate) top: &'static str,
    pub(crate) tls: &'static str,
    pub(crate) upstream: &'static str,
    pub(crate) limits: &'static str,
    /// Whole tables, behind all others.
    pub(crate) tables: &'static str,
    /// In place of the recording upstream.
    pub(crate) server: Option<SocketAddr>,
}

/// A gateway that runs, and the upstream behind it. Both end when this is dropped.
pub(crate) struct Gateway {
    pub(crate) upstream: Upstream,
    running: Option<Running>,
    trusted: RootCertStore,
    dir: TempDir,
}

impl Gateway {
    pub(crate) fn usual() -> Self {
        Self::start(GatewayOptions::default())
    }

    pub(crate) fn guarding(access: String) -> Self {
        Self::start(GatewayOptions { access: Some(access), ..GatewayOptions::default() })
    }

    pub(crate) fn start(options: GatewayOptions) -> Self {
        keep_log();
        let dir = tempfile::tempdir().unwrap();
        let upstream = Upstream::start();
        let trusted = certificates(dir.path());
        let access = options.access.unwrap_or_else(document);
        fs::write(dir.path().join("access.toml"), access).unwrap();
        let [.., password] = SECRETS;
        kept::credentials("gateway", password);
        fs::write(dir.path().join("upstream-password"), format!("{password}\n")).unwrap();
        let server = options.server.unwrap_or(upstream.address);
        let text = format!(
            "access = \"access.toml\"\n{top}\n\
             [listen]\nhttps = [\"127.0.0.1:0\"]\nhttp = [\"127.0.0.1:0\"]\nworkers = 2\n\
             [tls]\ncertificate = \"server.pem\"\nkey = \"server.key\"\n{tls}\n\
             [upstream]\nservers = [\"http://{server}\"]\n{more}\n\
             [limits]\ndrain_timeout = \"1s\"\n{limits}\n\
             [audit]\nto = \"./audit.jsonl\"\n\
             [ops]\nhttp = \"127.0.0.1:0\"\nsocket = \"ops.sock\"\n{tables}\n",
            top = options.top,
            tls = options.tls,
            more = options.upstream,
            limits = options.limits,
            tables = options.tables,
        );
        let settings =
            Settings::parse("portcullis.toml", &text, dir.path()).unwrap_or_else(|faults| panic!("{faults}"));
        let running = server::start(&settings).unwrap_or_else(|error| panic!("{error}"));
        Self { upstream, running: Some(running), trusted, dir }
    }

    fn running(&self) -> &Running {
        self.running.as_ref().expect("taken on drop alone")
    }

    pub(crate) fn https(&self) -> SocketAddr {
        self.running().addresses().https[0]
    }

    pub(crate) fn http(&self) -> SocketAddr {
        self.running().addresses().http[0]
    }

    pub(crate) fn ops(&self) -> SocketAddr {
        self.running().addresses().ops.unwrap()
    }

    /// A TLS connection that offers one protocol.
    async fn connect(&self, alpn: &[u8]) -> TlsStream<TcpStream> {
        self.connect_from(HERE, alpn).await
    }

    /// The same from another address of this machine.
    async fn connect_from(&self, source: Ipv4Addr, alpn: &[u8]) -> TlsStream<TcpStream> {
        let builder = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()));
        let builder = builder.with_safe_default_protocol_versions().unwrap();
        let mut config = builder.with_root_certificates(self.trusted.clone()).with_no_client_auth();
        config.alpn_protocols = vec![alpn.to_vec()];
        let open = async {
            let socket = TcpSocket::new_v4()?;
            socket.bind((source, 0).into())?;
            let stream = socket.connect(self.https()).await?;
            stream.set_nodelay(true)?;
            TlsConnector::from(Arc::new(config)).connect(ServerName::try_from(HOST).unwrap(), stream).await
        };
        within("a TLS handshake", open).await.expect("a TLS connection")
    }

    /// A connection for HTTP/1.1 by hand.
    pub(crate) async fn http1(&self) -> Wire<TlsStream<TcpStream>> {
        Wire::new(self.connect(b"http/1.1").await)
    }

    pub(crate) async fn http2(&self) -> Http2 {
        Http2::new(self.connect(b"h2").await).await
    }

    /// Asks over an HTTP/2 connection of its own, with these fields and no others.
    pub(crate) async fn frames(&self, fields: &[(&[u8], &[u8])]) -> Reply {
        frames::ask(self.connect(b"h2").await, fields).await
    }

    /// A connection for HTTP/2 by hand, that begins with these settings.
    pub(crate) async fn by_hand(&self, settings: &[(u16, u32)]) -> Frames<TlsStream<TcpStream>> {
        Frames::new(self.connect(b"h2").await, settings).await
    }

    /// A connection to the clear-text listener.
    pub(crate) async fn clear(&self) -> Wire<TcpStream> {
        Wire::new(within("connecting", TcpStream::connect(self.http())).await.unwrap())
    }

    /// Asks over a connection of its own.
    pub(crate) async fn ask(&self, protocol: Protocol, ask: &Ask) -> Answer {
        self.ask_from(HERE, protocol, ask).await
    }

    /// Asks over a connection of its own, from another address of this machine.
    pub(crate) async fn ask_from(&self, source: Ipv4Addr, protocol: Protocol, ask: &Ask) -> Answer {
        match protocol {
            Protocol::Http1 => {
                let mut wire = Wire::new(self.connect_from(source, b"http/1.1").await);
                wire.send(&ask.to_http1()).await;
                wire.answer(&ask.method).await
            }
            Protocol::Http2 => Http2::new(self.connect_from(source, b"h2").await).await.ask(ask).await,
        }
    }

    /// Says something over the socket for commands, and reads what is answered until it closes.
    pub(crate) async fn command(&self, line: &[u8]) -> String {
        let mut said = Vec::new();
        within("the answer of a command", async {
            let mut stream = UnixStream::connect(self.dir.path().join("ops.sock")).await.unwrap();
            // Where too much is sent, the other side may not take all of it.
            let _ = stream.write_all(line).await;
            let _ = stream.shutdown().await;
            // Nor need the end come in order then.
            let _ = stream.read_to_end(&mut said).await;
        })
        .await;
        String::from_utf8(said).unwrap()
    }

    /// Sends bytes over a connection of their own and reads one answer.
    pub(crate) async fn send(&self, bytes: impl AsRef<[u8]>) -> Answer {
        let bytes = bytes.as_ref();
        let mut wire = self.http1().await;
        wire.send(bytes).await;
        wire.answer(if bytes.starts_with(b"HEAD ") { "HEAD" } else { "GET" }).await
    }

    /// What the ops listener says.
    pub(crate) async fn tell(&self, path: &str) -> Answer {
        let mut wire = Wire::new(within("connecting", TcpStream::connect(self.ops())).await.unwrap());
        wire.send(format!("GET {path} HTTP/1.1\r\nHost: ops\r\nConnection: close\r\n\r\n").as_bytes()).await;
        wire.answer("GET").await
    }

    fn audit_file(&self) -> PathBuf {
        self.dir.path().join("audit.jsonl")
    }

    /// What the audit file says at this moment.
    pub(crate) fn audit_text(&self) -> String {
        fs::read_to_string(self.audit_file()).unwrap_or_default()
    }

    /// The whole lines of the audit file.
    pub(crate) fn audit(&self) -> Vec<Value> {
        let text = self.audit_text();
        let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
        whole.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("no JSON: {line}"))).collect()
    }

    /// Waits for the one entry of an answer.
    pub(crate) async fn entry(&self, answer: &Answer) -> Value {
        let id = answer.id();
        until("the audit entry", || self.audit().into_iter().find(|entry| entry["id"] == id.as_str())).await
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        kept::printed("it-metrics", &metrics(self.ops()));
        let Some(running) = self.running.take() else { return };
        let (stopped, wait) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            running.stop();
            // Nobody listens any more where it took too long.
            let _ = stopped.send(());
        });
        let ended = wait.recv_timeout(Duration::from_secs(20));
        assert!(ended.is_ok() || std::thread::panicking(), "the gateway does not stop");
        kept::printed("it-audit", &self.audit_text());
    }
}

/// What the metrics say in the end. A test that has failed may have left nobody there to ask.
fn metrics(ops: SocketAddr) -> String {
    let mut text = String::new();
    if let Ok(mut stream) = std::net::TcpStream::connect(ops) {
        let asked = stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: ops\r\nConnection: close\r\n\r\n");
        asked.and_then(|()| stream.read_to_string(&mut text)).unwrap_or_default();
    }
    text
}

/// Keeps the log of all gateways of this process, and more of it than anybody would have written.
fn keep_log() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let Some(file) = kept::printing("it-log") else { return };
        let log = tracing_subscriber::fmt().with_env_filter("debug,portcullis=trace").with_ansi(false);
        log.with_writer(Mutex::new(file)).init();
    });
}

fn certificates(dir: &Path) -> RootCertStore {
    let hosts = [HOST.to_owned(), "127.0.0.1".to_owned()];
    let made = devcert::generate(&hosts, SystemTime::now()).unwrap();
    fs::write(dir.join("server.pem"), &made.server.certificate).unwrap();
    fs::write(dir.join("server.key"), made.server.key.as_bytes()).unwrap();
    let mut trusted = RootCertStore::empty();
    trusted.add(CertificateDer::from_pem_slice(made.authority.certificate.as_bytes()).unwrap()).unwrap();
    trusted
}
