//! The listener of the control panel: TLS with the certificates of the API, and HTTP/1.1.
//!
//! It is for a few people and not for load, so it stands on hyper's own server, with bounds on all that a stranger can
//! take up. What is answered is the panel's business.

use std::convert::Infallible;
use std::io;
use std::net::IpAddr;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use http::{Request, Response};
use http_body::Body;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::Service;
use hyper_util::rt::TokioTimer;
use rustls::ServerConfig;
use rustls::server::Acceptor;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinSet, LocalSet};
use tokio::time::{sleep, timeout};
use tokio_rustls::LazyConfigAcceptor;
use tokio_rustls::server::TlsStream;

use super::aside;
use super::crowd::Crowd;
use super::tls::LiveTls;
use crate::record::{Listener, Metrics};

/// Connections open at once; further ones wait to be accepted. A browser opens six.
const CONNECTIONS: usize = 128;
/// Of these, from one address: nobody is to shut everybody else out.
const OF_ONE_ADDRESS: u32 = 32;
/// For the handshake.
const HANDSHAKE_TIME: Duration = Duration::from_secs(10);
/// For sending a request's head, and for the silence between two requests.
const HEAD_TIME: Duration = Duration::from_secs(30);
/// A connection is closed after this long, whatever it does: the next click makes another.
const CONNECTION_TIME: Duration = Duration::from_secs(600);
/// After the shutdown signal, for answers under way.
const GRACE: Duration = Duration::from_secs(5);
/// After an accept that failed, most likely for want of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// What a head may take up.
const HEAD_SIZE: usize = 32 << 10;

/// What connections are served with.
pub(crate) struct PanelEdge<F> {
    pub(crate) tls: LiveTls,
    pub(crate) metrics: Arc<Metrics>,
    /// What answers the requests from an address.
    pub(crate) answering: F,
}

impl<F, S, B> PanelEdge<F>
where
    F: Fn(IpAddr) -> S + 'static,
    S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible> + 'static,
    S::Future: 'static,
    B: Body + 'static,
    B::Data: 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    /// Serves until `shutdown` resolves.
    pub(crate) async fn serve(self, listener: TcpListener, shutdown: impl Future<Output = ()>) {
        LocalSet::new().run_until(Rc::new(self).accept(listener, shutdown)).await;
    }

    async fn accept(self: Rc<Self>, listener: TcpListener, shutdown: impl Future<Output = ()>) {
        let mut connections = JoinSet::new();
        let crowd = Crowd::new(CONNECTIONS, OF_ONE_ADDRESS);
        let (stop, stopped) = watch::channel(());
        let mut shutdown = pin!(shutdown);
        loop {
            tokio::select! {
                () = &mut shutdown => break,
                Some(_) = connections.join_next() => {}
                accepted = listener.accept(), if connections.len() < CONNECTIONS => match accepted {
                    Ok((stream, peer)) => {
                        // An IPv4 client of an IPv6 socket is an IPv4 client.
                        let address = peer.ip().to_canonical();
                        let Some(place) = crowd.admit(address) else {
                            self.metrics.connection_shed();
                            continue;
                        };
                        let connection = Rc::clone(&self).connection(stream, address, stopped.clone());
                        connections.spawn_local(async move {
                            let _held = place;
                            timeout(CONNECTION_TIME, connection).await
                        });
                    }
                    Err(error) => {
                        tracing::warn!(%error, "the control panel cannot accept a connection");
                        sleep(ACCEPT_PAUSE).await;
                    }
                },
            }
        }
        drop((listener, stop));
        // What is not answered by then is dropped with the set.
        let _ = timeout(GRACE, async { while connections.join_next().await.is_some() {} }).await;
    }

    async fn connection(self: Rc<Self>, stream: TcpStream, address: IpAddr, stopped: watch::Receiver<()>) {
        let _open = self.metrics.connection_opened(Listener::Panel);
        let stream = match timeout(HANDSHAKE_TIME, shake(stream, &self.tls)).await {
            Ok(Ok(stream)) => stream,
            Ok(Err(error)) => return tracing::debug!(%error, "control panel: TLS handshake failed"),
            Err(_) => return tracing::debug!("control panel: TLS handshake took too long"),
        };
        let mut builder = http1::Builder::new();
        builder.timer(TokioTimer::new()).header_read_timeout(HEAD_TIME).max_buf_size(HEAD_SIZE);
        let served = aside::serve(&builder, stream, (self.answering)(address), stopped).await;
        if let Err(error) = served {
            tracing::debug!(%error, "a connection to the control panel broke");
        }
    }
}

/// Makes a connection one of TLS, and of HTTP/1.1 alone.
async fn shake(stream: TcpStream, tls: &LiveTls) -> io::Result<TlsStream<TcpStream>> {
    stream.set_nodelay(true)?;
    let start = LazyConfigAcceptor::new(Acceptor::default(), stream).await?;
    let sites = tls.load_full();
    let Some((_, config)) = sites.choose(start.client_hello().server_name()) else {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "no certificate is for the name that is asked for"));
    };
    let mut config = ServerConfig::clone(config);
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    start.into_stream(Arc::new(config)).await
}
