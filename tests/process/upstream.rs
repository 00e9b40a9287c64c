//! The upstream: answers everything, streams on request, and counts what reached it and for whom.

use std::collections::HashMap;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONNECTION, CONTENT_TYPE, UPGRADE};
use http::{HeaderValue, Request, Response, StatusCode};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::sync::{oneshot, watch};

use crate::body::{Body, empty, piecewise, whole};

/// How often an event stream says something.
const TICK: Duration = Duration::from_millis(10);
const PIECE: usize = 64 * 1024;

/// The query of requests that are sent when their user has been refused already. A request from before may have reached
/// the upstream too and still be under way there, so it must not be taken for one of these.
pub(crate) const LATE: &str = "late";

/// An upstream on a thread of its own; dropping it ends it.
///
/// | path | answer |
/// |---|---|
/// | `/streams/events` | an endless event stream |
/// | `/streams/upload` | 200 and the number of bytes of the body |
/// | `/streams/download?N` | N zero bytes |
/// | `/streams/socket` | 101, then everything is sent back |
/// | `/streams/hold` | 200, but not before [`Upstream::release`] |
/// | any other | 200 `ok` |
pub(crate) struct Upstream {
    pub(crate) address: SocketAddr,
    shared: Arc<Shared>,
    thread: Option<(oneshot::Sender<()>, JoinHandle<()>)>,
}

struct Shared {
    seen: Mutex<HashMap<String, Seen>>,
    released: watch::Sender<bool>,
}

/// What one user has brought about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) requests: u64,
    /// Those of them that were sent after a refusal, with [`LATE`].
    pub(crate) late: u64,
    /// Bytes of upload so far.
    pub(crate) uploaded: u64,
    /// Uploads that broke off.
    pub(crate) broken: u64,
}

impl Upstream {
    pub(crate) fn start() -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared { seen: Mutex::default(), released: watch::channel(false).0 });
        let (stop, stopped) = oneshot::channel();
        let serving = Arc::clone(&shared);
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                tokio::select! {
                    () = serve(TcpListener::from_std(listener).unwrap(), serving) => {}
                    _ = stopped => {}
                }
            });
        });
        Self { address, shared, thread: Some((stop, thread)) }
    }

    /// What has come from a user so far.
    pub(crate) fn seen(&self, user: &str) -> Seen {
        self.shared.seen().get(user).copied().unwrap_or_default()
    }

    /// All requests that reached it, whoever they came from.
    pub(crate) fn requests(&self) -> u64 {
        self.shared.seen().values().map(|seen| seen.requests).sum()
    }

    /// All requests with [`LATE`] that reached it, whoever they came from.
    pub(crate) fn late(&self) -> u64 {
        self.shared.seen().values().map(|seen| seen.late).sum()
    }

    /// Has the requests answered that are held back.
    pub(crate) fn release(&self) {
        self.shared.released.send_replace(true);
    }
}

impl Drop for Upstream {
    fn drop(&mut self) {
        if let Some((stop, thread)) = self.thread.take() {
            drop(stop);
            thread.join().unwrap();
        }
    }
}

impl Shared {
    fn seen(&self) -> MutexGuard<'_, HashMap<String, Seen>> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn count(&self, user: &str, count: impl FnOnce(&mut Seen)) {
        count(self.seen().entry(user.to_owned()).or_default());
    }
}

async fn serve(listener: TcpListener, shared: Arc<Shared>) {
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        stream.set_nodelay(true).unwrap();
        let shared = Arc::clone(&shared);
        let service = service_fn(move |request| answer(request, Arc::clone(&shared)));
        tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service).with_upgrades());
    }
}

async fn answer(request: Request<Incoming>, shared: Arc<Shared>) -> Result<Response<Body>, Infallible> {
    let user = request.headers().get("x-remote-user").map_or("", |name| name.to_str().unwrap()).to_owned();
    let late = u64::from(request.uri().query() == Some(LATE));
    shared.count(&user, |seen| {
        seen.requests += 1;
        seen.late += late;
    });
    Ok(match request.uri().path() {
        "/streams/events" => events(),
        "/streams/upload" => upload(request.into_body(), &user, &shared).await,
        "/streams/download" => download(request.uri().query().unwrap().parse().unwrap()),
        "/streams/socket" => socket(request),
        "/streams/hold" => {
            shared.released.subscribe().wait_for(|released| *released).await.unwrap();
            Response::new(whole("held"))
        }
        _ => Response::new(whole("ok")),
    })
}

fn events() -> Response<Body> {
    let (sender, body) = piecewise();
    tokio::spawn(async move {
        while sender.send(Bytes::from_static(b"data: tick\n\n")).await.is_ok() {
            tokio::time::sleep(TICK).await;
        }
    });
    let mut response = Response::new(body);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    response
}

async fn upload(mut body: Incoming, user: &str, shared: &Shared) -> Response<Body> {
    // A connection that ends takes this future with it, so the end of a body that is never seen is noted on drop.
    let mut unfinished = Unfinished { user, shared, finished: false };
    let mut total = 0;
    while let Some(frame) = body.frame().await {
        let Ok(frame) = frame else { return Response::new(empty()) };
        let length = frame.data_ref().map_or(0, Bytes::len) as u64;
        total += length;
        shared.count(user, |seen| seen.uploaded += length);
    }
    unfinished.finished = true;
    Response::new(whole(total.to_string()))
}

struct Unfinished<'u> {
    user: &'u str,
    shared: &'u Shared,
    finished: bool,
}

impl Drop for Unfinished<'_> {
    fn drop(&mut self) {
        if !self.finished {
            self.shared.count(self.user, |seen| seen.broken += 1);
        }
    }
}

fn download(bytes: usize) -> Response<Body> {
    let (sender, body) = piecewise();
    tokio::spawn(async move {
        let zeros = Bytes::from_static(&[0; PIECE]);
        let mut left = bytes;
        while left > 0 {
            let piece = zeros.slice(..left.min(PIECE));
            left -= piece.len();
            if sender.send(piece).await.is_err() {
                return;
            }
        }
    });
    Response::new(body)
}

fn socket(request: Request<Incoming>) -> Response<Body> {
    tokio::spawn(async move {
        let upgraded = hyper::upgrade::on(request).await.unwrap();
        let (mut reading, mut writing) = tokio::io::split(TokioIo::new(upgraded));
        // Either end may go at any time.
        let _ = tokio::io::copy(&mut reading, &mut writing).await;
    });
    let mut response = Response::new(empty());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    response.headers_mut().insert(UPGRADE, HeaderValue::from_static("echo"));
    response.headers_mut().insert(CONNECTION, HeaderValue::from_static("upgrade"));
    response
}
