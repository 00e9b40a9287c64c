//! An upstream that says what it is told to, whatever it is asked.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, oneshot};

use crate::harness::{Head, Wire};

/// What is said to the next request, and by which way more may be said on its connection.
#[derive(Default)]
pub(super) struct Script {
    pub(super) answer: Vec<u8>,
    pub(super) closes: bool,
    pub(super) later: Option<mpsc::Receiver<(Vec<u8>, oneshot::Sender<()>)>>,
}

/// The server, on the test's own runtime.
pub(super) struct Scripted {
    pub(super) address: SocketAddr,
    shared: Arc<Mutex<Shared>>,
}

#[derive(Default)]
struct Shared {
    script: Script,
    /// The connection and the first line of each request.
    asked: Vec<(usize, String)>,
}

impl Scripted {
    pub(super) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, shared) = (listener.local_addr().unwrap(), Arc::<Mutex<Shared>>::default());
        let told = Arc::clone(&shared);
        tokio::spawn(async move {
            for connection in 1.. {
                let Ok((stream, _)) = listener.accept().await else { return };
                let told = Arc::clone(&told);
                // What is said later must not wait until what was said before is acknowledged.
                stream.set_nodelay(true).unwrap();
                // One that breaks off is the test's business.
                tokio::spawn(async move { drop(converse(Wire::new(stream), connection, told).await) });
            }
        });
        Self { address, shared }
    }

    /// What to say next.
    pub(super) fn say(&self, script: Script) {
        self.shared.lock().unwrap().script = script;
    }

    /// What has been asked since this was last called: connections and first lines.
    pub(super) fn asked(&self) -> Vec<(usize, String)> {
        std::mem::take(&mut self.shared.lock().unwrap().asked)
    }
}

async fn converse(mut wire: Wire<TcpStream>, connection: usize, told: Arc<Mutex<Shared>>) -> std::io::Result<()> {
    while let Some(raw) = wire.head().await? {
        let (answer, closes, later) = {
            let mut told = told.lock().unwrap();
            told.asked.push((connection, Head::parse(&raw).line));
            (told.script.answer.clone(), told.script.closes, told.script.later.take())
        };
        wire.write(&answer).await?;
        if closes {
            return wire.end().await;
        }
        let Some(mut later) = later else { continue };
        if let Some((more, said)) = later.recv().await {
            wire.write(&more).await?;
            let _ = said.send(());
        }
    }
    Ok(())
}
