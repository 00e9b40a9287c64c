//! Binding and accepting.
//!
//! Every worker has its own listening socket on every address (SO_REUSEPORT), so the kernel hands each connection to one
//! worker and no worker wakes for another's.

use std::future::poll_fn;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::os::fd::AsFd as _;
use std::task::Poll;
use std::time::Duration;

use socket2::{Domain, Protocol, SockFilter, SockRef, Socket, Type};
use tokio::net::TcpStream;
use tokio::task::unconstrained;
use tokio::time::{Instant, sleep};

/// How long accepting pauses when the system has no descriptor or memory for another connection.
const PAUSE: Duration = Duration::from_millis(50);
/// How often that is told.
const WARN_EVERY: Duration = Duration::from_secs(10);

/// Flags of a TCP segment (RFC 9293 section 3.1).
const SYN: u32 = 0x02;
const ACK: u32 = 0x10;

/// Drops the first segment of a connection and takes all others: a program for the kernel's packet filter (BPF), which
/// sees a segment from its TCP header on.
const NO_NEW_ONES: [SockFilter; 5] = [
    // The byte with the flags; of these SYN and ACK; if it is SYN alone, the next, else the one after.
    SockFilter::new(0x30, 0, 0, 13),
    SockFilter::new(0x54, 0, 0, SYN | ACK),
    SockFilter::new(0x15, 0, 1, SYN),
    // So many bytes are taken.
    SockFilter::new(0x06, 0, 0, 0),
    SockFilter::new(0x06, 0, 0, u32::MAX),
];

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

/// A listening socket that sheds load where the system is out of descriptors.
pub(super) struct Accepting {
    listener: tokio::net::TcpListener,
    /// A descriptor to spare. Where there is no other, it is given up for a moment to take the next connection and to
    /// close it: a client that is turned away at once is better off than one that waits in a queue nobody empties, and
    /// a queue that is never empty would have the worker turn without end.
    spare: Option<TcpListener>,
    warned: Option<Instant>,
}

impl Accepting {
    pub(super) fn new(listener: TcpListener) -> io::Result<Self> {
        let spare = listener.try_clone().ok();
        Ok(Self { listener: tokio::net::TcpListener::from_std(listener)?, spare, warned: None })
    }

    /// Accepts the next connection. `shed` is told of each that is turned away.
    pub(super) async fn accept(&mut self, shed: impl Fn()) -> (TcpStream, SocketAddr) {
        loop {
            match self.listener.accept().await {
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
                    self.warn(&error);
                    if self.turn_away().await {
                        shed();
                    } else {
                        sleep(PAUSE).await;
                    }
                }
            }
        }
    }

    /// Takes the next connection by giving up the spare descriptor, and closes it; whether there was one.
    async fn turn_away(&mut self) -> bool {
        if self.spare.take().is_none() {
            // Another worker's connections took it. Perhaps there is one again now.
            self.spare = self.listener.as_fd().try_clone_to_owned().ok().map(TcpListener::from);
            return false;
        }
        let turned_away = accepted_already(&self.listener).await.is_some();
        self.spare = self.listener.as_fd().try_clone_to_owned().ok().map(TcpListener::from);
        turned_away
    }

    /// Not more often than a person reads.
    fn warn(&mut self, error: &io::Error) {
        if self.warned.is_none_or(|warned| warned.elapsed() >= WARN_EVERY) {
            self.warned = Some(Instant::now());
            tracing::warn!(%error, "no connection can be accepted at the moment; new ones are turned away");
        }
    }

    /// Has new connections wait while those come that have been begun. Before closing, for that resets what came after
    /// the last look: connections that clients hold, and may have sent a request on. Who waits tries again within a
    /// second, and then finds the address closed, or the gateway's successor there.
    pub(super) fn begin_no_more(&self) {
        if let Err(error) = SockRef::from(&self.listener).attach_filter(&NO_NEW_ONES) {
            tracing::debug!(%error, "connections that come while a listening socket is closed may be reset");
        }
    }

    /// A connection that waits to be accepted, if there is one.
    pub(super) async fn accepted_already(&self) -> Option<(TcpStream, SocketAddr)> {
        accepted_already(&self.listener).await
    }
}

/// A connection that waits to be accepted, if there is one.
async fn accepted_already(listener: &tokio::net::TcpListener) -> Option<(TcpStream, SocketAddr)> {
    // That it is the turn of another task must not look like an empty queue.
    unconstrained(poll_fn(|cx| match listener.poll_accept(cx) {
        Poll::Ready(Ok(accepted)) => Poll::Ready(Some(accepted)),
        Poll::Ready(Err(_)) | Poll::Pending => Poll::Ready(None),
    }))
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
    use std::io::{ErrorKind, Read, Write};
    use std::net::{TcpListener, TcpStream};
    use std::time::Duration;

    use super::{Accepting, bind};

    #[tokio::test]
    async fn what_was_begun_before_is_accepted_and_nothing_begins_after() {
        for any in ["127.0.0.1:0", "[::1]:0"] {
            let listener: TcpListener = bind(any.parse().unwrap(), 1, 16).unwrap().remove(0);
            let address = listener.local_addr().unwrap();
            let mut accepting = Accepting::new(listener).unwrap();
            let mut begun = TcpStream::connect(address).unwrap();
            accepting.begin_no_more();
            let error = TcpStream::connect_timeout(&address, Duration::from_millis(200)).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::TimedOut, "{any}: it waits, and is not reset");
            let (stream, _) = accepting.accept(|| ()).await;
            assert!(accepting.accepted_already().await.is_none());
            drop(accepting);
            // What was accepted is whole.
            let mut stream = stream.into_std().unwrap();
            stream.set_nonblocking(false).unwrap();
            let mut got = [0; 9];
            begun.write_all(b"a request").unwrap();
            stream.read_exact(&mut got).unwrap();
            stream.write_all(b"an answer").unwrap();
            begun.read_exact(&mut got).unwrap();
            assert_eq!(&got, b"an answer");
            let error = TcpStream::connect(address).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::ConnectionRefused, "{any}");
        }
    }

    /// More than a task of tokio's may do in one turn.
    #[tokio::test]
    async fn a_long_queue_is_looked_through_whole() {
        let listener = bind("127.0.0.1:0".parse().unwrap(), 1, 512).unwrap().remove(0);
        let address = listener.local_addr().unwrap();
        let mut accepting = Accepting::new(listener).unwrap();
        let clients: Vec<_> = (0..300).map(|_| TcpStream::connect(address).unwrap()).collect();
        let _first = accepting.accept(|| ()).await;
        let mut accepted = 1;
        while accepting.accepted_already().await.is_some() {
            accepted += 1;
        }
        assert_eq!(accepted, clients.len());
    }

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
