//! Opening a connection to an upstream server, plain or TLS.

use std::io;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http::HeaderValue;
use rustls::ClientConfig;
use rustls_pki_types::ServerName;
use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// One server of the upstream: where it is and how it is spoken to.
#[derive(Clone)]
pub(crate) struct Endpoint {
    /// `http://host:port`, as a Location of its own would name it.
    pub(crate) origin: String,
    pub(crate) host: String,
    pub(crate) port: u16,
    /// The Host of a request whose client named none.
    pub(crate) host_header: HeaderValue,
    /// The name to verify and the roots to verify with, where it speaks TLS.
    pub(crate) tls: Option<(ServerName<'static>, Arc<ClientConfig>)>,
}

impl Endpoint {
    /// Connects, within `limit` for name, TCP and TLS together.
    pub(super) async fn connect(&self, limit: Duration) -> io::Result<Stream> {
        let named = |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", self.origin));
        match timeout(limit, self.open()).await {
            Ok(opened) => opened.map_err(named),
            Err(_) => Err(named(io::Error::new(io::ErrorKind::TimedOut, "no connection in time"))),
        }
    }

    async fn open(&self) -> io::Result<Stream> {
        #[cfg(feature = "fuzzing")]
        if let Some(stream) = crate::gate::fuzzing::upstream() {
            return Ok(Stream::Memory(stream));
        }
        let stream = TcpStream::connect((self.host.as_str(), self.port)).await?;
        stream.set_nodelay(true)?;
        match &self.tls {
            None => Ok(Stream::Plain(stream)),
            Some((name, config)) => {
                let connector = TlsConnector::from(Arc::clone(config));
                Ok(Stream::Tls(Box::new(connector.connect(name.clone(), stream).await?)))
            }
        }
    }
}

/// A connection to an upstream server.
pub(super) enum Stream {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
    /// To an upstream that a fuzz target plays.
    #[cfg(feature = "fuzzing")]
    Memory(tokio::io::DuplexStream),
}

impl Stream {
    /// Whether the system has nothing that was sent over it. tokio learns of that only between two turns of the worker,
    /// and a request that came in the same turn would be answered with what the server had said before it.
    pub(super) fn is_silent(&self) -> bool {
        let socket = match self {
            Self::Plain(stream) => stream,
            Self::Tls(stream) => stream.get_ref().0,
            // Nothing stands between it and the worker.
            #[cfg(feature = "fuzzing")]
            Self::Memory(_) => return true,
        };
        let peeked = SockRef::from(socket).peek(&mut [MaybeUninit::uninit()]);
        peeked.is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock)
    }
}

impl AsyncRead for Stream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_read(cx, buf),
            Self::Tls(stream) => Pin::new(stream).poll_read(cx, buf),
            #[cfg(feature = "fuzzing")]
            Self::Memory(stream) => Pin::new(stream).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write(cx, buf),
            Self::Tls(stream) => Pin::new(stream).poll_write(cx, buf),
            #[cfg(feature = "fuzzing")]
            Self::Memory(stream) => Pin::new(stream).poll_write(cx, buf),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write_vectored(cx, bufs),
            Self::Tls(stream) => Pin::new(stream).poll_write_vectored(cx, bufs),
            #[cfg(feature = "fuzzing")]
            Self::Memory(stream) => Pin::new(stream).poll_write_vectored(cx, bufs),
        }
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Self::Plain(stream) => stream.is_write_vectored(),
            Self::Tls(stream) => stream.is_write_vectored(),
            #[cfg(feature = "fuzzing")]
            Self::Memory(stream) => stream.is_write_vectored(),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_flush(cx),
            Self::Tls(stream) => Pin::new(stream).poll_flush(cx),
            #[cfg(feature = "fuzzing")]
            Self::Memory(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_shutdown(cx),
            Self::Tls(stream) => Pin::new(stream).poll_shutdown(cx),
            #[cfg(feature = "fuzzing")]
            Self::Memory(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}
