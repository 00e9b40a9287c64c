//! SIGTERM and SIGHUP, as service managers and logrotate send them.

use std::fs;
use std::io;
use std::net::TcpStream as Plain;
use std::path::Path;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, ready};

use http::Method;
use http::header::CONNECTION;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::client::{Client, Protocol, Trust};
use crate::document::AMY;
use crate::scene::{Plan, Scene};
use crate::wait::{eventually, soon};

/// The type of a GOAWAY frame (RFC 9113 section 6.8).
const GOAWAY: u8 = 7;

/// A stream that keeps a copy of what the server sends.
struct Overheard<S> {
    stream: S,
    heard: Arc<Mutex<Vec<u8>>>,
}

impl<S: AsyncRead + Unpin> AsyncRead for Overheard<S> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buf.filled().len();
        ready!(Pin::new(&mut this.stream).poll_read(cx, buf))?;
        this.heard.lock().unwrap().extend_from_slice(&buf.filled()[before..]);
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Overheard<S> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write(cx, buf)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(cx)
    }
}

/// The types of the HTTP/2 frames in some bytes.
fn frames(mut bytes: &[u8]) -> Vec<u8> {
    let mut types = Vec::new();
    while let [a, b, c, kind, ..] = *bytes {
        types.push(kind);
        let length = usize::from(a) << 16 | usize::from(b) << 8 | usize::from(c);
        bytes = bytes.get(9 + length..).unwrap_or_default();
    }
    types
}

#[tokio::test]
async fn sigterm_lets_requests_finish() {
    let scene = Scene::new();
    let mut gateway = scene.serve(&Plan::default());
    let trust = Trust::of(&scene);
    let heard = Arc::default();
    let stream = trust.connect(gateway.https, "localhost", Protocol::Http2).await.unwrap();
    let overheard = Overheard { stream, heard: Arc::clone(&heard) };
    let mut http2 = Client::over(overheard, &gateway.https.to_string(), Protocol::Http2).await;
    let mut http1 = Client::connect(&trust, &gateway, Protocol::Http1).await;
    let mut idle = Client::connect(&trust, &gateway, Protocol::Http1).await;
    assert_eq!(idle.view(AMY).await, 200);
    let held = tokio::spawn(async move {
        let answers = tokio::join!(
            http1.ask(Method::GET, "/streams/hold", Some(AMY)),
            http2.ask(Method::GET, "/streams/hold", Some(AMY))
        );
        (answers.0.unwrap(), answers.1.unwrap(), http1, http2)
    });
    eventually("the requests to be under way", || (scene.upstream.requests() == 3).then_some(())).await;
    gateway.signal("TERM");
    eventually("the gateway to be no longer ready", || (gateway.ops("/readyz")?.0 == 503).then_some(())).await;
    eventually("the listener to close", || Plain::connect(gateway.https).is_err().then_some(())).await;
    soon("the idle connection to close", idle.closed()).await.unwrap();
    assert_eq!(gateway.ended(), None, "requests are under way");
    scene.upstream.release();
    let (by_http1, by_http2, http1, http2) = soon("the answers", held).await.unwrap();
    assert_eq!((by_http1.status, &*by_http1.body), (200, &b"held"[..]));
    assert_eq!(by_http1.headers.get(CONNECTION).unwrap(), "close");
    assert_eq!((by_http2.status, &*by_http2.body), (200, &b"held"[..]));
    http1.closed().await.unwrap();
    http2.closed().await.unwrap();
    assert!(frames(&heard.lock().unwrap()).contains(&GOAWAY));
    let status = eventually("the gateway to end", || gateway.ended()).await;
    assert_eq!(status.code(), Some(0), "{status}");
}

#[tokio::test]
async fn sigterm_waits_for_what_a_new_connection_was_made_for() {
    let scene = Scene::new();
    let mut gateway = scene.serve(&Plan::default());
    let trust = Trust::of(&scene);
    let mut new = Client::connect(&trust, &gateway, Protocol::Http1).await;
    let unused = Client::connect(&trust, &gateway, Protocol::Http1).await;
    gateway.signal("TERM");
    eventually("the gateway to be no longer ready", || (gateway.ops("/readyz")?.0 == 503).then_some(())).await;
    assert_eq!(new.view(AMY).await, 200);
    soon("the connection to close", new.closed()).await.unwrap();
    // One that nobody uses does not hold it up until the time to finish is over.
    soon("the other one to close", unused.closed()).await.expect_err("it has had no answer");
    let status = eventually("the gateway to end", || gateway.ended()).await;
    assert_eq!(status.code(), Some(0), "{status}");
}

#[tokio::test]
async fn sigterm_without_requests_ends_it_at_once() {
    let scene = Scene::new();
    let mut gateway = scene.serve(&Plan::default());
    let mut idle = Client::connect(&Trust::of(&scene), &gateway, Protocol::Http2).await;
    assert_eq!(idle.view(AMY).await, 200);
    gateway.signal("TERM");
    let status = eventually("the gateway to end", || gateway.ended()).await;
    assert_eq!(status.code(), Some(0), "{status}");
}

#[tokio::test]
async fn sighup_opens_the_audit_file_anew() {
    let scene = Scene::new();
    let gateway = scene.serve(&Plan { audit: "./audit.jsonl", ..Plan::default() });
    let (file, rotated) = (scene.path("audit.jsonl"), scene.path("audit.jsonl.1"));
    let mut client = Client::connect(&Trust::of(&scene), &gateway, Protocol::Http1).await;
    assert_eq!(client.view(AMY).await, 200);
    eventually("the first entry", || (lines(&file) == 1).then_some(())).await;
    fs::rename(&file, &rotated).unwrap();
    assert_eq!(client.view(AMY).await, 200);
    eventually("the second entry, in the file that was open", || (lines(&rotated) == 2).then_some(())).await;
    gateway.signal("HUP");
    eventually("the new file", || file.exists().then_some(())).await;
    let mut asked = 2;
    while lines(&file) == 0 {
        assert_eq!(client.view(AMY).await, 200);
        asked += 1;
        // Entries are written a moment after the answer.
        eventually("the entry", || (lines(&file) + lines(&rotated) == asked).then_some(())).await;
    }
    assert_eq!(scene.upstream.seen(AMY.name).requests, asked as u64, "one entry for each request");
    let entries = fs::read_to_string(&file).unwrap() + &fs::read_to_string(&rotated).unwrap();
    assert!(!entries.contains(AMY.token), "no credential is in it");
    assert!(!entries.contains(AMY.basic().trim_start_matches("Basic ")), "no credential is in it");
}

/// Whole lines in a file that may not be there yet.
fn lines(file: &Path) -> usize {
    fs::read_to_string(file).map_or(0, |text| text.matches('\n').count())
}
