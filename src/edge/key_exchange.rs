//! The costly step of a TLS handshake, on a thread of its own: the key exchange and the signature.
//!
//! It takes longer than many requests together, and a worker that took it would have them all wait. So a worker reads a
//! client's first message, hands it over here, and goes on with the rest when what was computed comes back. Whoever
//! shakes hands again and again then takes turns with others who shake hands, and not with those who are let in.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};

use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::oneshot;
use tokio_rustls::{Accept, StartHandshake};

/// What hands handshakes over. The thread ends with the last of it.
pub(super) struct KeyExchange<S>(Sender<Task<S>>);

/// A handshake whose first message has come.
struct Task<S> {
    start: StartHandshake<S>,
    config: Arc<ServerConfig>,
    done: oneshot::Sender<Accept<S>>,
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send + 'static> KeyExchange<S> {
    /// Starts the thread. `first` is what it does before all else.
    pub(super) fn start(number: usize, first: fn()) -> io::Result<Self> {
        let (tasks, queue) = channel();
        std::thread::Builder::new().name(format!("handshakes-{number}")).spawn(move || {
            first();
            work(&queue);
        })?;
        Ok(Self(tasks))
    }

    /// Takes the step. The queue is as long as there are connections that shake hands, which their number and the time
    /// for it bound.
    pub(super) async fn take(&self, start: StartHandshake<S>, config: Arc<ServerConfig>) -> io::Result<Accept<S>> {
        let (done, result) = oneshot::channel();
        // Where it breaks off, or there is no thread any more, the task is dropped, and there is no result.
        let _ = self.0.send(Task { start, config, done });
        result.await.map_err(|_| io::Error::other("the key exchange broke off"))
    }
}

fn work<S: AsyncRead + AsyncWrite + Unpin>(queue: &Receiver<Task<S>>) {
    for Task { start, config, done } in queue {
        // Who went away, or whose time is over, costs nothing more.
        if done.is_closed() {
            continue;
        }
        // A panic has been told where it arose. It ends this handshake, and not the thread that all others need; nothing
        // of what it left half done is seen again.
        if let Ok(accept) = catch_unwind(AssertUnwindSafe(|| start.into_stream(config))) {
            let _ = done.send(accept);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::SystemTime;

    use rustls::pki_types::ServerName;
    use rustls::server::{Acceptor, ClientHello, ResolvesServerCert};
    use rustls::sign::CertifiedKey;
    use rustls::{ClientConnection, ServerConfig};
    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
    use tokio::sync::Mutex;
    use tokio::time::{Duration, timeout};
    use tokio_rustls::{LazyConfigAcceptor, StartHandshake};

    use super::KeyExchange;
    use crate::edge::devcert;
    use crate::edge::sites::Sites;
    use crate::edge::tls::{Pair, TlsMaterial, authorities, check};

    /// Whoever holds it keeps the threads of these tests from working.
    static HELD: Mutex<()> = Mutex::const_new(());

    fn wait_for_it() {
        drop(HELD.blocking_lock());
    }

    /// A server's configurations, and the first message of a client that trusts them.
    fn both_sides() -> (Arc<Sites>, Vec<u8>) {
        let made = devcert::generate(&["localhost".to_owned()], SystemTime::now()).unwrap();
        let roots = authorities("ca.pem", made.authority.certificate.as_bytes()).unwrap();
        let client = rustls::ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
        let mut client = ClientConnection::new(Arc::new(client), ServerName::try_from("localhost").unwrap()).unwrap();
        let mut hello = Vec::new();
        client.write_tls(&mut hello).unwrap();
        let pair = Pair {
            certificate: ("server.pem".to_owned(), made.server.certificate.into_bytes()),
            key: ("server.key".to_owned(), made.server.key.as_bytes().to_vec().into()),
        };
        let material = TlsMaterial { pairs: vec![pair], client_ca: None, versions: rustls::DEFAULT_VERSIONS };
        (check(&material).unwrap().sites, hello)
    }

    async fn greeted(hello: &[u8]) -> (DuplexStream, StartHandshake<DuplexStream>) {
        let (mut client, server) = duplex(64 << 10);
        client.write_all(hello).await.unwrap();
        (client, LazyConfigAcceptor::new(Acceptor::default(), server).await.unwrap())
    }

    /// Stands for a fault in the TLS library.
    #[derive(Debug)]
    struct Panics;

    impl ResolvesServerCert for Panics {
        fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
            panic!("on purpose, for a test")
        }
    }

    #[tokio::test]
    async fn a_panic_ends_one_handshake_and_no_other() {
        let (sites, hello) = both_sides();
        let faulty = ServerConfig::builder().with_no_client_auth().with_cert_resolver(Arc::new(Panics));
        let keys = KeyExchange::start(0, || ()).unwrap();
        let (_client, start) = greeted(&hello).await;
        assert!(keys.take(start, Arc::new(faulty)).await.is_err());
        let (mut client, start) = greeted(&hello).await;
        let accepting = tokio::spawn(keys.take(start, Arc::clone(sites.choose(None).unwrap().1)).await.unwrap());
        let mut first = [0];
        client.read_exact(&mut first).await.unwrap();
        assert_eq!(first, [22], "a handshake record");
        accepting.abort();
    }

    #[tokio::test]
    async fn a_worker_goes_on_while_it_waits_and_who_went_away_costs_nothing() {
        let (sites, hello) = both_sides();
        let config = sites.choose(None).unwrap().1;
        let held = HELD.lock().await;
        let keys = KeyExchange::start(0, wait_for_it).unwrap();
        let (mut gone, start) = greeted(&hello).await;
        // Asked for and given up: this thread was not held by it, or it would be here for good.
        assert!(timeout(Duration::ZERO, keys.take(start, Arc::clone(config))).await.is_err());
        let (mut patient, start) = greeted(&hello).await;
        drop(held);
        let accepting = tokio::spawn(keys.take(start, Arc::clone(config)).await.unwrap());
        let mut first = [0];
        patient.read_exact(&mut first).await.unwrap();
        assert_eq!(first, [22], "a handshake record");
        assert_eq!(gone.read(&mut first).await.unwrap(), 0, "closed without a word");
        drop(patient);
        assert!(accepting.await.unwrap().is_err(), "the client did not finish");
    }
}
