//! The ops listener over a real socket.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::{GRACE, Metrics, Readiness, serve};

const READY: Readiness = Readiness { generation: 7, draining: false, access_refused: false, tls_refused: false };

/// Serves on a free port with this readiness while `client` runs, then shuts down.
async fn with_ops<F: Future>(readiness: Rc<Cell<Readiness>>, client: impl FnOnce(String) -> F) -> F::Output {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let (stop, stopped) = oneshot::channel::<()>();
    let shutdown = async { drop(stopped.await) };
    let server = serve(listener, Arc::new(Metrics::new()), move || readiness.get(), shutdown);
    let client = async {
        let told = client(address).await;
        drop(stop);
        told
    };
    tokio::join!(server, client).1
}

/// Sends a request and returns the answer's head and body.
async fn exchange(address: &str, request_line: &str) -> (String, String) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!("{request_line} HTTP/1.1\r\nHost: ops\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.to_ascii_lowercase(), body.to_owned())
}

#[tokio::test]
async fn endpoints_answer() {
    with_ops(Rc::new(Cell::new(READY)), |address| async move {
        let ready = "{\"ready\":true,\"generation\":7,\"reasons\":[]}\n";
        for (request, status, header, body) in [
            ("GET /healthz", 200, "content-type: text/plain", "ok\n"),
            ("GET /healthz?verbose", 200, "cache-control: no-store", "ok\n"),
            ("HEAD /healthz", 200, "content-length: 3", ""),
            ("GET /readyz", 200, "content-type: application/json", ready),
            ("POST /readyz", 405, "allow: get, head", "only GET and HEAD are allowed\n"),
            ("DELETE /metrics", 405, "allow: get, head", "only GET and HEAD are allowed\n"),
            ("GET /", 404, "", "not found\n"),
            ("GET /metrics/", 404, "", "not found\n"),
            ("POST /nothing", 404, "", "not found\n"),
        ] {
            let (head, told) = exchange(&address, request).await;
            assert!(head.starts_with(&format!("http/1.1 {status} ")), "{request}: {head}");
            assert!(head.contains(header), "{request}: {head}");
            assert_eq!(told, body, "{request}");
        }
    })
    .await;
}

#[tokio::test]
async fn metrics_are_open_metrics_text() {
    with_ops(Rc::new(Cell::new(READY)), |address| async move {
        let (head, body) = exchange(&address, "GET /metrics").await;
        let content = "content-type: application/openmetrics-text; version=1.0.0; charset=utf-8";
        assert!(head.contains(content), "{head}");
        assert!(body.contains("\nportcullis_connections{listener=\"ops\"} 1\n"), "{body}");
        assert!(body.ends_with("# EOF\n"), "{body}");
        let (head, body) = exchange(&address, "HEAD /metrics").await;
        assert!(head.contains(content), "{head}");
        assert_eq!(body, "");
    })
    .await;
}

#[tokio::test]
async fn readiness_is_asked_anew_each_time() {
    let readiness = Rc::new(Cell::new(READY));
    with_ops(Rc::clone(&readiness), |address| async move {
        for (now, status, body) in [
            (
                Readiness::default(),
                503,
                r#"{"ready":false,"generation":0,"reasons":["no access document is in force"]}"#,
            ),
            (
                Readiness { access_refused: true, ..READY },
                200,
                concat!(
                    r#"{"ready":true,"generation":7,"reasons":["#,
                    r#""the last reload of the access document was refused; the one before is in force"]}"#
                ),
            ),
            (
                Readiness { draining: true, tls_refused: true, ..READY },
                503,
                concat!(
                    r#"{"ready":false,"generation":7,"reasons":["the gateway is shutting down","#,
                    r#""the last reload of the certificates was refused; the ones before are in use"]}"#
                ),
            ),
        ] {
            readiness.set(now);
            let (head, told) = exchange(&address, "GET /readyz").await;
            assert!(head.starts_with(&format!("http/1.1 {status} ")), "{head}");
            assert_eq!(told, format!("{body}\n"));
        }
    })
    .await;
}

#[tokio::test]
async fn an_idle_connection_does_not_hold_up_the_end() {
    let begun = Instant::now();
    let mut idle = with_ops(Rc::new(Cell::new(READY)), |address| async move {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: ops\r\n\r\n").await.unwrap();
        let mut start = [0; 12];
        stream.read_exact(&mut start).await.unwrap();
        assert_eq!(&start, b"HTTP/1.1 200");
        stream
    })
    .await;
    assert!(begun.elapsed() < GRACE, "it was closed when asked to, not dropped when time was up");
    let mut rest = Vec::new();
    idle.read_to_end(&mut rest).await.unwrap();
    assert!(rest.ends_with(b"ok\n"));
}
