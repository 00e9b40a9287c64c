//! The other side of the ops listener: asks a gateway that runs whether it is ready.
//!
//! Called by `portcullis health`, as those who watch over containers do.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use bytes::Bytes;
use http::header::HOST;
use http::{Request, StatusCode};
use http_body_util::{BodyExt, Empty, Limited};
use hyper::client::conn::http1::handshake;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::timeout;

/// For all of it: what answers more slowly is not well.
const PATIENCE: Duration = Duration::from_secs(3);
/// Longer than any answer of `/readyz`.
const LONGEST: usize = 64 << 10;

/// What a gateway says of itself.
#[derive(Debug)]
pub(crate) struct Health {
    /// Whether it takes requests.
    pub ready: bool,
    /// The body of its answer, a line of JSON.
    pub report: Bytes,
}

/// Asks the ops listener at this address for `/readyz`. Where it listens on all addresses, it is asked over loopback.
///
/// # Errors
/// Where nobody listens, and where what listens does not answer in three seconds as an ops listener does.
pub(crate) async fn ask(address: SocketAddr) -> io::Result<Health> {
    let late = |_| io::Error::new(io::ErrorKind::TimedOut, format!("no answer within {} s", PATIENCE.as_secs()));
    timeout(PATIENCE, exchange(reached(address))).await.map_err(late)?
}

async fn exchange(address: SocketAddr) -> io::Result<Health> {
    let stream = TcpStream::connect(address).await?;
    let (mut sender, connection) = handshake(TokioIo::new(stream)).await.map_err(io::Error::other)?;
    let request = Request::get("/readyz").header(HOST, address.to_string()).body(Empty::<Bytes>::new());
    let asked = async move {
        let answer = sender.send_request(request.map_err(io::Error::other)?).await.map_err(io::Error::other)?;
        let status = answer.status();
        let body = Limited::new(answer.into_body(), LONGEST).collect().await.map_err(io::Error::other)?;
        match status {
            StatusCode::OK | StatusCode::SERVICE_UNAVAILABLE => {
                Ok(Health { ready: status == StatusCode::OK, report: body.to_bytes() })
            }
            other => Err(io::Error::other(format!("what listens there answers {other}"))),
        }
    };
    // What breaks the connection breaks what is asked over it too, which says so.
    let (health, _) = tokio::join!(asked, connection);
    health
}

/// The address to connect to for one that is listened on.
fn reached(address: SocketAddr) -> SocketAddr {
    let host = match address.ip() {
        IpAddr::V4(all) if all.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(all) if all.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        one => one,
    };
    SocketAddr::new(host, address.port())
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::{Health, ask, reached};

    /// What is made of an answer; the request is not looked at.
    async fn told(answer: &'static str) -> std::io::Result<Health> {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = async {
            let (mut stream, _) = listener.accept().await.unwrap();
            let read = stream.read(&mut [0; 1024]).await.unwrap();
            assert!(read > 0, "a request");
            stream.write_all(answer.as_bytes()).await.unwrap();
        };
        tokio::join!(ask(address), server).0
    }

    #[tokio::test]
    async fn what_is_told_is_understood() {
        let ready = told("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n{}\n").await.unwrap();
        assert_eq!((ready.ready, &*ready.report), (true, &b"{}\n"[..]));
        let draining = told("HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n").await.unwrap();
        assert!(!draining.ready);
        for other in ["HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", "", "SSH-2.0-OpenSSH_9.2\r\n"] {
            told(other).await.unwrap_err();
        }
    }

    #[test]
    fn all_addresses_are_reached_over_loopback() {
        for (listened, asked) in
            [("0.0.0.0:9090", "127.0.0.1:9090"), ("[::]:9090", "[::1]:9090"), ("192.0.2.1:1", "192.0.2.1:1")]
        {
            assert_eq!(reached(listened.parse().unwrap()), asked.parse().unwrap());
        }
    }
}
