//! Binding and accepting.
//!
//! Every worker has its own listening socket on every address (SO_REUSEPORT), so the kernel hands each connection to one
//! worker and no worker wakes for another's.

use std::future::poll_fn;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::task::Poll;
use std::time::Duration;

use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::TcpStream;
use tokio::time::sleep;

/// How long accepting pauses when the system has no descriptor or memory for another connection.
const PAUSE: Duration = Duration::from_millis(50);

/// An address that cannot be listened on.
#[derive(Debug)]
pub struct BindError {
    /// The address.
    pub address: SocketAddr,
    /// Why.
    pub error: io::Error,
}

impl std::fmt::Display for BindError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "cannot listen on {}: {}", self.address, self.error)
    }
}

impl std::error::Error for BindError {}

/// Binds one address once for each worker. With port 0 the system chooses a port, and all sockets share it.
pub(crate) fn bind(address: SocketAddr, workers: usize, backlog: i32) -> Result<Vec<TcpListener>, BindError> {
    let failed = |error| BindError { address, error };
    // Two gateways on one port would each get half of the connections and nobody would know. Binding once without
    // SO_REUSEPORT finds that out.
    drop(socket(address, false).map_err(failed)?);
    let first = socket(address, true).map_err(failed)?;
    let bound = first.local_addr().map_err(failed)?.as_socket().unwrap_or(address);
    let mut sockets = vec![first];
    for _ in 1..workers {
        sockets.push(socket(bound, true).map_err(failed)?);
    }
    let listening = sockets.into_iter().map(|socket| {
        socket.listen(backlog)?;
        Ok(socket.into())
    });
    listening.collect::<io::Result<_>>().map_err(failed)
}

fn socket(address: SocketAddr, shared: bool) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    if address.is_ipv6() {
        // [::] means IPv6 and 0.0.0.0 means IPv4, whatever the system's default: both may be configured side by side.
        socket.set_only_v6(true)?;
    }
    socket.set_reuse_address(true)?;
    socket.set_reuse_port(shared)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    Ok(socket)
}

/// Accepts the next connection, waiting out whatever keeps the system from giving one.
pub(super) async fn accept(listener: &tokio::net::TcpListener) -> (TcpStream, SocketAddr) {
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => {
                // Answers go out in one piece; waiting for more to fill a segment would only delay them.
                if let Err(error) = stream.set_nodelay(true) {
                    tracing::debug!(%error, "a connection was gone before it was served");
                    continue;
                }
                return (stream, peer);
            }
            Err(error) if is_the_connections_own(&error) => {}
            Err(error) => {
                tracing::warn!(%error, "no connection can be accepted at the moment");
                sleep(PAUSE).await;
            }
        }
    }
}

/// A connection that waits to be accepted, if there is one.
pub(super) async fn accepted_already(listener: &tokio::net::TcpListener) -> Option<(TcpStream, SocketAddr)> {
    poll_fn(|cx| match listener.poll_accept(cx) {
        Poll::Ready(Ok(accepted)) => Poll::Ready(Some(accepted)),
        Poll::Ready(Err(_)) | Poll::Pending => Poll::Ready(None),
    })
    .await
}

/// Whether an error concerns only the connection that was about to be accepted (accept(2)).
fn is_the_connections_own(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset | io::ErrorKind::Interrupted
    )
}

#[cfg(test)]
mod tests {
    use super::bind;

    #[test]
    fn all_workers_share_one_port() {
        let sockets = bind("127.0.0.1:0".parse().unwrap(), 3, 16).unwrap();
        let ports: Vec<_> = sockets.iter().map(|socket| socket.local_addr().unwrap().port()).collect();
        assert_eq!(ports.len(), 3);
        assert!(ports.iter().all(|port| *port == ports[0] && *port != 0), "{ports:?}");
    }

    #[test]
    fn a_port_in_use_is_an_error_that_names_it() {
        let taken = bind("127.0.0.1:0".parse().unwrap(), 1, 16).unwrap();
        let address = taken[0].local_addr().unwrap();
        let error = bind(address, 1, 16).unwrap_err();
        assert!(error.to_string().contains(&address.to_string()), "{error}");
    }
}
