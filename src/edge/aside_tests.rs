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
use tokio::time::{Instant, timeout};

use super::serve;
use crate::edge::connection::PATIENCE;

/// More than any client's and any server's system holds by itself.
const REST: usize = 8 << 20;

/// Serves a connection, and reads no body.
async fn served(stream: impl AsyncRead + AsyncWrite + Unpin, stopped: watch::Receiver<()>) -> hyper::Result<()> {
    let service = service_fn(|_: Request<Incoming>| async {
        Ok::<_, Infallible>(Response::new(Full::new(Bytes::from_static(b"unread\n"))))
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

#[tokio::test]
async fn nobody_waits_for_an_idle_client_at_the_end() {
    let ended = timeout(PATIENCE / 2, async {
        with_server(|address, stop| async move {
            let mut stream = TcpStream::connect(address).await.unwrap();
            stream.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
            let mut begin = [0; 12];
            stream.read_exact(&mut begin).await.unwrap();
            drop(stop);
            stream
        })
        .await
    });
    ended.await.expect("the connection was ended, though its client keeps it open");
}

#[tokio::test(start_paused = true)]
async fn a_client_that_never_closes_is_left() {
    let (mut client, stream) = duplex(1 << 10);
    let (_stop, stopped) = watch::channel(());
    let begun = Instant::now();
    let client = async {
        client.write_all(b"GET / HTTP/1.0\r\n\r\n").await.unwrap();
        let mut answer = String::new();
        client.read_to_string(&mut answer).await.unwrap();
        assert!(answer.ends_with("unread\n"));
        (begun.elapsed(), client)
    };
    let (served, (answered, _client)) = tokio::join!(served(stream, stopped), client);
    served.unwrap();
    assert_eq!(answered, Duration::ZERO);
    let waited = begun.elapsed();
    assert!((PATIENCE..PATIENCE + Duration::from_secs(1)).contains(&waited), "{waited:?}");
}
