//! Answers that come before the request has come whole.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, duplex};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::time::Instant;

use super::serve;
use crate::edge::connection::PATIENCE;

/// The bytes of the service's answer.
const ANSWER: usize = 5000;
/// What is sent once the answer is there.
const REST: usize = 512 << 10;

/// Serves a connection, and reads no body.
async fn served(stream: impl AsyncRead + AsyncWrite + Unpin, stopped: watch::Receiver<()>) -> hyper::Result<()> {
    let service = service_fn(|_: Request<Incoming>| async {
        Ok::<_, Infallible>(Response::new(Full::new(Bytes::from_static(&[b'a'; ANSWER]))))
    });
    serve(http1::Builder::new().max_buf_size(32 << 10), stream, service, stopped).await
}

/// Serves one connection to its end and runs `client`, which stops the server when it drops the sender.
async fn with_server<F: Future>(client: impl FnOnce(SocketAddr, watch::Sender<()>) -> F) -> F::Output {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = watch::channel(());
    let server = async {
        let (stream, _) = listener.accept().await.unwrap();
        let _ = served(stream, stopped).await;
    };
    tokio::join!(server, client(address, stop)).1
}

/// Sends the beginning of a request, reads the answer to its end, and then sends the rest.
async fn early_answer(address: SocketAddr, begin: Vec<u8>) -> io::Result<String> {
    let mut stream = TcpStream::connect(address).await?;
    stream.write_all(&begin).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    stream.write_all(&vec![b'x'; REST]).await?;
    Ok(answer)
}

#[tokio::test]
async fn an_answer_is_read_by_a_client_that_still_sends() {
    for (begin, answered) in [
        (format!("GET / HTTP/1.1\r\nHost: a\r\nX-Long: {}", "x".repeat(100 << 10)), "HTTP/1.1 431 "),
        (format!("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n", 9 << 20), "HTTP/1.1 200 "),
    ] {
        let client = |address, stop| async move {
            let answer = early_answer(address, begin.into_bytes()).await;
            drop(stop);
            answer
        };
        let answer = with_server(client).await;
        assert!(answer.unwrap().starts_with(answered), "{answered}");
    }
}

/// Serves a client that takes little at a time: all that it is answered.
async fn slowly(request: &str, stops: bool) -> String {
    let (mut client, stream) = duplex(64);
    let (stop, stopped) = watch::channel(());
    let client = async {
        client.write_all(request.as_bytes()).await.unwrap();
        let mut answer = vec![client.read_u8().await.unwrap()];
        let kept = (!stops).then_some(stop);
        client.read_to_end(&mut answer).await.unwrap();
        drop(kept);
        String::from_utf8(answer).unwrap()
    };
    tokio::join!(served(stream, stopped), client).1
}

#[tokio::test]
async fn an_answer_is_written_whole() {
    for (request, stops) in [
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n", false),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n", true),
        ("GET / HTTP/1.0\r\n\r\n", false),
        ("GET / HTTP/1.0\r\n\r\n", true),
    ] {
        let answer = slowly(request, stops).await;
        assert_eq!(answer.split_once("\r\n\r\n").unwrap().1.len(), ANSWER, "{request:?}, stopped: {stops}");
    }
}

/// Serves a client that begins to read its answer and never closes: how long the connection lasts.
async fn lasts(request: &str, stops: bool) -> Duration {
    let (mut client, stream) = duplex(8 << 10);
    let (stop, stopped) = watch::channel(());
    let begun = Instant::now();
    let client = async {
        client.write_all(request.as_bytes()).await.unwrap();
        let mut begin = [0; 12];
        client.read_exact(&mut begin).await.unwrap();
        (client, (!stops).then_some(stop))
    };
    let (served, _kept) = tokio::join!(served(stream, stopped), client);
    served.unwrap();
    begun.elapsed()
}

#[tokio::test(start_paused = true)]
async fn a_client_that_never_closes_is_left() {
    let lasted = lasts("GET / HTTP/1.0\r\n\r\n", false).await;
    assert!((PATIENCE..PATIENCE + Duration::from_secs(1)).contains(&lasted), "{lasted:?}");
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_for_an_idle_client_at_the_end() {
    assert_eq!(lasts("GET / HTTP/1.1\r\nHost: a\r\n\r\n", true).await, Duration::ZERO);
}
