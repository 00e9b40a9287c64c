//! A client that holds one connection, so that losing it is noticed.

use std::fs;
use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use http::header::{AUTHORIZATION, HOST};
use http::{HeaderMap, Method, Request, Response, Version};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::crypto::aws_lc_rs;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::body::{Body, empty};
use crate::document::User;
use crate::scene::{Gateway, Scene};
use crate::upstream::LATE;
use crate::wait::soon;

/// The protocol that a client insists on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protocol {
    Http1,
    Http2,
}

/// Whom a client trusts, and who it says it is.
#[derive(Clone)]
pub(crate) struct Trust {
    roots: RootCertStore,
    own: Option<(Vec<CertificateDer<'static>>, Arc<PrivateKeyDer<'static>>)>,
}

impl Trust {
    /// Trusts the authority in a scene's `certs/`.
    pub(crate) fn of(scene: &Scene) -> Self {
        Self { roots: RootCertStore::empty(), own: None }.and(&scene.path("certs/ca.pem"))
    }

    /// Trusts another authority too.
    pub(crate) fn and(mut self, authority: &Path) -> Self {
        self.roots.add(certificate(authority)).unwrap();
        self
    }

    /// Shows a certificate of its own.
    pub(crate) fn showing(mut self, certificate: &str, key: &str) -> Self {
        let chain = CertificateDer::pem_slice_iter(certificate.as_bytes()).map(Result::unwrap).collect();
        let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap();
        self.own = Some((chain, Arc::new(key)));
        self
    }

    /// Connects over TLS, asking for a server name.
    pub(crate) async fn connect(
        &self,
        address: SocketAddr,
        name: &str,
        protocol: Protocol,
    ) -> io::Result<TlsStream<TcpStream>> {
        let builder = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()));
        let builder = builder.with_safe_default_protocol_versions().unwrap().with_root_certificates(self.roots.clone());
        let mut config = match &self.own {
            None => builder.with_no_client_auth(),
            Some((chain, key)) => builder.with_client_auth_cert(chain.clone(), key.clone_key()).unwrap(),
        };
        config.alpn_protocols = vec![match protocol {
            Protocol::Http1 => b"http/1.1".to_vec(),
            Protocol::Http2 => b"h2".to_vec(),
        }];
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let name = ServerName::try_from(name.to_owned()).unwrap();
        TlsConnector::from(Arc::new(config)).connect(name, stream).await
    }
}

/// The first certificate of a PEM file.
pub(crate) fn certificate(file: &Path) -> CertificateDer<'static> {
    CertificateDer::from_pem_slice(&fs::read(file).unwrap()).unwrap()
}

/// One connection.
pub(crate) struct Client {
    sender: Sender,
    host: String,
    /// Runs the connection; ends with it.
    connection: JoinHandle<hyper::Result<()>>,
}

enum Sender {
    Http1(http1::SendRequest<Body>),
    Http2(http2::SendRequest<Body>),
}

/// An answer with all of its body.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Client {
    /// Connects to a gateway.
    pub(crate) async fn connect(trust: &Trust, gateway: &Gateway, protocol: Protocol) -> Self {
        let stream = trust.connect(gateway.https, "localhost", protocol).await.unwrap();
        Self::over(stream, &gateway.https.to_string(), protocol).await
    }

    /// Speaks over a connection that there is.
    pub(crate) async fn over<S>(stream: S, host: &str, protocol: Protocol) -> Self
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let io = TokioIo::new(stream);
        let (sender, connection) = match protocol {
            Protocol::Http1 => {
                let (sender, connection) = http1::handshake(io).await.unwrap();
                (Sender::Http1(sender), tokio::spawn(connection.with_upgrades()))
            }
            Protocol::Http2 => {
                let (sender, connection) = http2::handshake(TokioExecutor::new(), io).await.unwrap();
                (Sender::Http2(sender), tokio::spawn(connection))
            }
        };
        Self { sender, host: host.to_owned(), connection }
    }

    /// Another handle on the same HTTP/2 connection, for requests side by side.
    pub(crate) fn beside(&self) -> Self {
        let Sender::Http2(sender) = &self.sender else { panic!("HTTP/1.1 has one request at a time") };
        let connection = tokio::spawn(std::future::pending());
        Self { sender: Sender::Http2(sender.clone()), host: self.host.clone(), connection }
    }

    /// Sends a request, with more headers and a body; the answer's body is not read yet.
    pub(crate) async fn begin(&mut self, request: Request<Body>) -> hyper::Result<Response<Incoming>> {
        match &mut self.sender {
            Sender::Http1(sender) => {
                sender.ready().await?;
                sender.send_request(request).await
            }
            Sender::Http2(sender) => {
                sender.ready().await?;
                sender.send_request(request).await
            }
        }
    }

    /// A request of a user's.
    pub(crate) fn request(&self, method: Method, path: &str, user: Option<User>, body: Body) -> Request<Body> {
        let request = Request::builder().method(method);
        let request = match self.sender {
            Sender::Http1(_) => request.uri(path).header(HOST, &self.host),
            Sender::Http2(_) => request.uri(format!("https://{}{path}", self.host)).version(Version::HTTP_2),
        };
        let request = match user {
            Some(user) => request.header(AUTHORIZATION, user.basic()),
            None => request,
        };
        request.body(body).unwrap()
    }

    /// Sends a request without a body and reads the answer.
    pub(crate) async fn ask(&mut self, method: Method, path: &str, user: Option<User>) -> hyper::Result<Answer> {
        let request = self.request(method, path, user, empty());
        let response = self.begin(request).await?;
        let (head, body) = response.into_parts();
        let body = body.collect().await?.to_bytes();
        Ok(Answer { status: head.status.as_u16(), headers: head.headers, body })
    }

    /// The status that viewing products has for a user.
    pub(crate) async fn view(&mut self, user: User) -> u16 {
        let asked = self.ask(Method::GET, "/api/v2/products", Some(user));
        soon("an answer", asked).await.unwrap().status
    }

    /// The same of a user who has been refused before, which the upstream can tell apart.
    pub(crate) async fn view_late(&mut self, user: User) -> u16 {
        let path = format!("/api/v2/products?{LATE}");
        let asked = self.ask(Method::GET, &path, Some(user));
        soon("an answer", asked).await.unwrap().status
    }

    /// Waits for the connection's end.
    pub(crate) async fn closed(self) -> hyper::Result<()> {
        let Self { sender, connection, .. } = self;
        let ended = soon("the connection's end", connection).await.unwrap();
        drop(sender);
        ended
    }
}
