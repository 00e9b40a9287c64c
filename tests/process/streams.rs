//! Long exchanges when their user loses access: his are cut, whatever their kind, and nobody else's notice.

use bytes::Bytes;
use http::header::{CONNECTION, UPGRADE};
use http::{HeaderValue, Method};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::body::{empty, piecewise};
use crate::client::{Answer, Client, Protocol, Trust};
use crate::document::{AMY, BOB, EVE, User, document};
use crate::saves::rename_over;
use crate::scene::{Gateway, Plan, Scene};
use crate::wait::{REVOKED_WITHIN, eventually, soon, until};

/// One user's long exchanges: each kind on HTTP/1.1, and those that HTTP/2 has on a connection shared with others.
struct Long {
    user: User,
    events: Vec<Events>,
    uploads: Vec<Upload>,
    socket: Socket,
}

impl Long {
    async fn open(user: User, trust: &Trust, gateway: &Gateway, shared: &Client) -> Self {
        let connect = || Client::connect(trust, gateway, Protocol::Http1);
        Self {
            user,
            events: vec![Events::open(connect().await, user).await, Events::open(shared.beside(), user).await],
            uploads: vec![Upload::open(connect().await, user), Upload::open(shared.beside(), user)],
            socket: Socket::open(connect().await, user).await,
        }
    }

    /// Waits until each of them carries more.
    async fn flow(&mut self, scene: &Scene) {
        for events in &mut self.events {
            soon("an event", events.next()).await.expect("an event stream goes on");
        }
        for upload in &self.uploads {
            upload.goes_on().await;
        }
        let uploaded = scene.upstream.seen(self.user.name).uploaded;
        eventually("uploads to arrive", || (scene.upstream.seen(self.user.name).uploaded > uploaded).then_some(()))
            .await;
        self.socket.echo().await.expect("a socket goes on");
    }

    /// Waits until each of them has been cut.
    async fn cut(self) {
        for mut events in self.events {
            soon("the end of an event stream", async { while events.next().await.is_ok() {} }).await;
        }
        for upload in self.uploads {
            // The client may still be told why, or may only find its connection closed.
            if let Ok(answer) = soon("the end of an upload", upload.answer).await.unwrap() {
                assert_eq!(answer.status, 401);
            }
        }
        let mut socket = self.socket;
        soon("the end of a socket", async { while socket.echo().await.is_ok() {} }).await;
    }

    /// Ends the uploads as their client wants to, and sees that nothing of them was lost.
    async fn finish(self) {
        for upload in self.uploads {
            upload.finish().await;
        }
    }
}

/// An event stream. Dropping it drops its connection, so both are kept.
struct Events {
    body: Incoming,
    _client: Client,
}

impl Events {
    async fn open(mut client: Client, user: User) -> Self {
        let request = client.request(Method::GET, "/streams/events", Some(user), empty());
        let response = soon("an event stream", client.begin(request)).await.unwrap();
        assert_eq!(response.status(), 200);
        Self { body: response.into_body(), _client: client }
    }

    /// The next event. A stream that just ends is a fault: to the client it would look complete.
    async fn next(&mut self) -> hyper::Result<Bytes> {
        let frame = self.body.frame().await.expect("an event stream that is cut does not look complete");
        frame.map(|frame| frame.into_data().unwrap_or_default())
    }
}

/// An upload that goes on piece by piece.
struct Upload {
    answer: JoinHandle<hyper::Result<Answer>>,
    feeder: JoinHandle<u64>,
    stop: watch::Sender<bool>,
    fed: watch::Receiver<u64>,
}

impl Upload {
    fn open(mut client: Client, user: User) -> Self {
        let (sender, body) = piecewise();
        let (stop, stopped) = watch::channel(false);
        let (feeding, fed) = watch::channel(0);
        let feeder = tokio::spawn(async move {
            let mut total = 0;
            let piece = Bytes::from_static(&[b'x'; 1000]);
            while !*stopped.borrow() && sender.send(piece.clone()).await.is_ok() {
                total += piece.len() as u64;
                feeding.send_replace(total);
                tokio::time::sleep(std::time::Duration::from_millis(5)).await;
            }
            total
        });
        let answer = tokio::spawn(async move {
            let request = client.request(Method::POST, "/streams/upload", Some(user), body);
            let (head, body) = client.begin(request).await?.into_parts();
            let body = body.collect().await?.to_bytes();
            Ok(Answer { status: head.status.as_u16(), headers: head.headers, body })
        });
        Self { answer, feeder, stop, fed }
    }

    async fn goes_on(&self) {
        let mut fed = self.fed.clone();
        // Pieces wait for one another, so a few more mean that some have been sent.
        let before = *fed.borrow();
        soon("an upload", fed.wait_for(|now| *now >= before + 10_000)).await.expect("an upload goes on");
    }

    async fn finish(self) {
        self.stop.send_replace(true);
        let fed = soon("the end of what is fed", self.feeder).await.unwrap();
        let answer = soon("an answer", self.answer).await.unwrap().unwrap();
        assert_eq!((answer.status, answer.body), (200, Bytes::from(fed.to_string())));
    }
}

/// A connection that has changed its protocol.
struct Socket(TokioIo<Upgraded>);

impl Socket {
    async fn open(mut client: Client, user: User) -> Self {
        let mut request = client.request(Method::GET, "/streams/socket", Some(user), empty());
        request.headers_mut().insert(UPGRADE, HeaderValue::from_static("echo"));
        request.headers_mut().insert(CONNECTION, HeaderValue::from_static("upgrade"));
        let response = soon("a switch of protocols", client.begin(request)).await.unwrap();
        assert_eq!(response.status(), 101);
        Self(TokioIo::new(soon("an upgrade", hyper::upgrade::on(response)).await.unwrap()))
    }

    async fn echo(&mut self) -> std::io::Result<()> {
        self.0.write_all(b"ping").await?;
        let mut back = [0; 4];
        self.0.read_exact(&mut back).await?;
        assert_eq!(&back, b"ping");
        Ok(())
    }
}

#[tokio::test]
async fn a_revoked_users_streams_are_cut_and_nobody_elses() {
    let scene = Scene::new();
    let gateway = scene.serve(&Plan::default());
    let trust = Trust::of(&scene);
    // One connection for both users, as behind another proxy: only bob's streams on it may end.
    let shared = Client::connect(&trust, &gateway, Protocol::Http2).await;
    let mut amy = Long::open(AMY, &trust, &gateway, &shared).await;
    let mut bob = Long::open(BOB, &trust, &gateway, &shared).await;
    amy.flow(&scene).await;
    bob.flow(&scene).await;
    rename_over(&scene.path("access.toml"), &document(&[AMY, EVE]));
    let saved = Instant::now();
    bob.cut().await;
    eprintln!("streams: all five cut after {:?}", saved.elapsed());
    assert!(saved.elapsed() < REVOKED_WITHIN);
    eventually("the upstream to notice", || (scene.upstream.seen(BOB.name).broken == 2).then_some(())).await;
    amy.flow(&scene).await;
    amy.finish().await;
    assert_eq!(scene.upstream.seen(AMY.name).broken, 0);
    assert_eq!(gateway.metric("portcullis_streams_cut_total"), 5.0);
}

#[tokio::test]
async fn a_reload_that_takes_nothing_away_cuts_nothing() {
    let scene = Scene::new();
    let gateway = scene.serve(&Plan::default());
    let trust = Trust::of(&scene);
    let shared = Client::connect(&trust, &gateway, Protocol::Http2).await;
    let mut bob = Long::open(BOB, &trust, &gateway, &shared).await;
    bob.flow(&scene).await;
    rename_over(&scene.path("access.toml"), &document(&[BOB]));
    until("the new document", || (gateway.generation() == 2.0).then_some(()));
    bob.flow(&scene).await;
    bob.finish().await;
    assert_eq!(gateway.metric("portcullis_streams_cut_total"), 0.0);
}
