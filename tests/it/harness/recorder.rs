//! The upstream: an HTTP/1.1 server on a thread of its own that records what reaches it, byte for byte.

use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, oneshot, watch};

use super::head::{Answer, Body, Head};
use super::play::{self, Next, Stage};
use super::wire::Wire;
use super::{Ask, until, within};

/// One request as the upstream saw it.
#[derive(Clone, Debug)]
pub(crate) struct Received {
    /// Which connection it came over, counted from 1.
    pub(crate) connection: usize,
    pub(crate) head: Head,
    pub(crate) body: Body,
}

/// What the server's tasks and the test share.
pub(super) struct Log {
    received: Mutex<Vec<Received>>,
    count: watch::Sender<usize>,
    accepted: AtomicUsize,
    /// What a behaviour in steps takes one of for each step.
    pub(super) steps: Semaphore,
    /// Body bytes read and written, by all requests together.
    pub(super) read: AtomicU64,
    pub(super) written: AtomicU64,
}

impl Log {
    pub(super) fn begin(&self, connection: usize, head: Head) -> usize {
        let mut received = self.received.lock().unwrap();
        received.push(Received { connection, head, body: Body::default() });
        self.count.send_replace(received.len());
        received.len() - 1
    }

    pub(super) fn body(&self, place: usize, body: Body) {
        // The test may have forgotten this request meanwhile.
        if let Some(received) = self.received.lock().unwrap().get_mut(place) {
            received.body = body;
        }
    }

    pub(super) fn kept(&self, place: usize) -> Vec<u8> {
        self.received.lock().unwrap().get(place).map(|received| received.body.kept.clone()).unwrap_or_default()
    }
}

/// The server; it ends when this is dropped.
pub(crate) struct Upstream {
    pub(crate) address: SocketAddr,
    log: Arc<Log>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Upstream {
    pub(crate) fn start() -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let log = Arc::new(Log {
            received: Mutex::default(),
            count: watch::Sender::new(0),
            accepted: AtomicUsize::new(0),
            steps: Semaphore::new(0),
            read: AtomicU64::new(0),
            written: AtomicU64::new(0),
        });
        let (stop, stopped) = oneshot::channel::<()>();
        let shared = Arc::clone(&log);
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async move {
                let listener = TcpListener::from_std(listener).unwrap();
                tokio::select! {
                    () = accept(listener, shared) => {}
                    _ = stopped => {}
                }
            });
        });
        Self { address, log, stop: Some(stop), thread: Some(thread) }
    }

    /// All requests so far.
    pub(crate) fn received(&self) -> Vec<Received> {
        self.log.received.lock().unwrap().clone()
    }

    /// The one request there was.
    pub(crate) fn only(&self) -> Received {
        let mut received = self.received();
        assert_eq!(received.len(), 1, "requests at the upstream: {:?}", lines(&received));
        received.remove(0)
    }

    /// Waits for so many requests.
    pub(crate) async fn wait(&self, count: usize) -> Vec<Received> {
        let mut counted = self.log.count.subscribe();
        within("requests at the upstream", counted.wait_for(|seen| *seen >= count)).await.unwrap();
        self.received()
    }

    /// Forgets what was received, so that one gateway can serve several cases.
    pub(crate) fn forget(&self) {
        self.log.received.lock().unwrap().clear();
        self.log.count.send_replace(0);
    }

    /// Lets a behaviour in steps go on by one step.
    pub(crate) fn step(&self) {
        self.log.steps.add_permits(1);
    }

    /// Body bytes written so far.
    pub(crate) fn written(&self) -> u64 {
        self.log.written.load(Ordering::Relaxed)
    }

    /// Body bytes read so far.
    pub(crate) fn read(&self) -> u64 {
        self.log.read.load(Ordering::Relaxed)
    }

    /// Asks the upstream without a gateway between.
    pub(crate) async fn ask(&self, ask: &Ask) -> Answer {
        let mut wire = self.connect().await;
        wire.send(&ask.to_http1()).await;
        wire.answer(&ask.method).await
    }

    pub(crate) async fn connect(&self) -> Wire<TcpStream> {
        Wire::new(within("connecting to the upstream", TcpStream::connect(self.address)).await.unwrap())
    }

    /// Fails where anything reached the upstream. What the gateway may have begun to send before this is called has
    /// been accepted when a later connection is, and has been read when that one is answered.
    pub(crate) async fn assert_nothing_reached(&self) {
        let before = self.received();
        assert!(before.is_empty(), "reached the upstream: {:?}", lines(&before));
        let received = self.settled().await;
        assert!(received.is_empty(), "reached the upstream: {:?}", lines(&received));
    }

    /// Everything that the gateway has begun to send, and forgets it.
    pub(crate) async fn settled(&self) -> Vec<Received> {
        let answer = self.ask(&Ask::get("/fence")).await;
        assert_eq!(answer.status(), 200);
        let mut received = self.received();
        self.forget();
        received.retain(|one| one.head.line != "GET /fence HTTP/1.1");
        received
    }

    /// Waits until body bytes stop coming out: everybody between holds as much as they are willing to.
    pub(crate) async fn stalled(&self) -> u64 {
        let mut last = (self.written(), tokio::time::Instant::now());
        until("the upstream is held back", || {
            let now = tokio::time::Instant::now();
            if self.written() != last.0 {
                last = (self.written(), now);
            }
            (last.0 > 0 && now - last.1 > std::time::Duration::from_millis(500)).then_some(last.0)
        })
        .await
    }
}

impl Drop for Upstream {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // It panicked only if a behaviour did, and then the test has failed already.
            let _ = thread.join();
        }
    }
}

fn lines(received: &[Received]) -> Vec<&str> {
    received.iter().map(|one| one.head.line.as_str()).collect()
}

async fn accept(listener: TcpListener, log: Arc<Log>) {
    let address = listener.local_addr().unwrap();
    loop {
        let Ok((stream, _)) = listener.accept().await else { return };
        let connection = log.accepted.fetch_add(1, Ordering::Relaxed) + 1;
        // Head and body are written one after the other; the second must not wait until the first is acknowledged.
        let _ = stream.set_nodelay(true);
        let log = Arc::clone(&log);
        // A connection that breaks off is the test's business, not the server's.
        tokio::spawn(async move { drop(converse(Wire::new(stream), connection, address, log).await) });
    }
}

async fn converse(mut wire: Wire<TcpStream>, connection: usize, address: SocketAddr, log: Arc<Log>) -> io::Result<()> {
    let mut number = 0;
    while let Some(raw) = wire.head().await? {
        number += 1;
        let request = Head::parse(&raw);
        let place = log.begin(connection, request.clone());
        let mut stage = Stage { wire: &mut wire, log: &log, request, place, number, address };
        match play::play(&mut stage).await? {
            Next::Listen => {}
            Next::HangUp => return Ok(()),
        }
    }
    Ok(())
}
