//! Load on a running gateway: clients that each hold one connection and judge every answer.
//!
//! All of it is amy's, whom no save touches, and people who never had access. So every answer is known beforehand, and
//! an answer that differs, or a connection that is lost, is the gateway's fault.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use http::Method;

use crate::client::{Client, Protocol, Trust};
use crate::document::{AMY, User};
use crate::scene::{Gateway, Scene};
use crate::wait::{eventually, soon};

const HTTP1_CLIENTS: u32 = 4;
/// Requests side by side on the one HTTP/2 connection.
const HTTP2_STREAMS: usize = 4;
/// Connections that the load holds.
pub(crate) const CONNECTIONS: u32 = HTTP1_CLIENTS + 1;
/// Between two requests of one client: it bounds the load, and nothing waits for it.
const PAUSE: Duration = Duration::from_millis(2);

/// What is asked again and again, and the right answer.
fn requests() -> [(Method, Option<User>, u16); 4] {
    [
        (Method::GET, Some(AMY), 200),
        (Method::DELETE, Some(AMY), 403),
        (Method::GET, Some(AMY.with_wrong_token()), 401),
        (Method::GET, None, 401),
    ]
}

/// Load that runs until it is told to stop.
pub(crate) struct Load {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Shared {
    stop: AtomicBool,
    answered: AtomicU64,
    permitted: AtomicU64,
    wrong: Mutex<Vec<String>>,
}

impl Load {
    /// Starts it, and returns when every client has been served.
    pub(crate) async fn start(scene: &Scene, gateway: &Gateway) -> Self {
        let shared = Arc::new(Shared::default());
        let (trust, of_thread, https) = (Trust::of(scene), Arc::clone(&shared), gateway.https);
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async move {
                let mut clients = Vec::new();
                for number in 0..CONNECTIONS {
                    let protocol = if number < HTTP1_CLIENTS { Protocol::Http1 } else { Protocol::Http2 };
                    let stream = trust.connect(https, "localhost", protocol).await.unwrap();
                    let client = Client::over(stream, &https.to_string(), protocol).await;
                    if protocol == Protocol::Http2 {
                        clients.extend((1..HTTP2_STREAMS).map(|_| client.beside()));
                    }
                    clients.push(client);
                }
                let running: Vec<_> =
                    clients.into_iter().map(|client| tokio::spawn(hammer(client, Arc::clone(&of_thread)))).collect();
                for client in running {
                    client.await.unwrap();
                }
            });
        });
        let load = Self { shared, thread: Some(thread) };
        load.goes_on().await;
        load
    }

    /// Waits until many more requests have been answered than before.
    pub(crate) async fn goes_on(&self) {
        let before = self.answered();
        eventually("the load to go on", || {
            assert!(self.shared.wrong.lock().unwrap().is_empty(), "{:?}", self.shared.wrong.lock().unwrap());
            (self.answered() >= before + 100).then_some(())
        })
        .await;
    }

    fn answered(&self) -> u64 {
        self.shared.answered.load(Ordering::Relaxed)
    }

    /// Ends it and judges: nothing wrong, nothing lost, and exactly what was permitted reached the upstream.
    pub(crate) async fn judge(mut self, scene: &Scene) {
        self.goes_on().await;
        self.shared.stop.store(true, Ordering::Relaxed);
        let thread = self.thread.take().unwrap();
        soon("the load to end", tokio::task::spawn_blocking(|| thread.join().unwrap())).await.unwrap();
        assert_eq!(*self.shared.wrong.lock().unwrap(), Vec::<String>::new());
        let permitted = self.shared.permitted.load(Ordering::Relaxed);
        assert_eq!(scene.upstream.seen(AMY.name).requests, permitted, "what reached the upstream for amy");
        assert_eq!(scene.upstream.seen("").requests, 0, "what reached the upstream for nobody");
        eprintln!("load: {} answers, all right, on {CONNECTIONS} connections", self.answered());
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Relaxed);
    }
}

async fn hammer(mut client: Client, shared: Arc<Shared>) {
    while !shared.stop.load(Ordering::Relaxed) {
        for (method, user, expected) in requests() {
            let wrong = match client.ask(method.clone(), "/api/v2/products", user).await {
                Ok(answer) if answer.status == expected => None,
                Ok(answer) => Some(format!("{method} of {user:?}: {} for {expected}", answer.status)),
                Err(error) => Some(format!("{method} of {user:?}: {error:?}")),
            };
            shared.answered.fetch_add(1, Ordering::Relaxed);
            if expected == 200 {
                shared.permitted.fetch_add(1, Ordering::Relaxed);
            }
            if let Some(wrong) = wrong {
                // One is enough; a connection that is lost would only repeat itself.
                shared.wrong.lock().unwrap().push(wrong);
                return;
            }
            tokio::time::sleep(PAUSE).await;
        }
    }
}
