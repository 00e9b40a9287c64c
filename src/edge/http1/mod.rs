//! One HTTP/1 connection: heads are read one after the other, each is answered before the next is looked at.

mod answer;
mod client;

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;

use http::header::EXPECT;
use http::{Response, Version};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{Instant, timeout};

use answer::{Asked, Over, Writing};
use client::{Client, Stage};

use super::connection::{Connection, Door, MOST, PATIENCE};
use crate::gate::{Ending, GateBody, Incoming, Interim, Tunnel};
use crate::wire::request::HeadReader;
use crate::wire::{Clock, HeadFault, Pace, Piece, RequestHead};

/// How long after an answer the next request is waited for with all that serving it takes at hand. Later the connection
/// gives back what it does not need while it idles.
const AWAKE: Duration = Duration::from_secs(1);

/// How long the first request of a connection is waited for once the gateway is told to end: it may have been sent by then,
/// and a client cannot know whether a request without an answer was done. Half of what service managers grant at the least.
const FIRST_REQUEST: Duration = Duration::from_secs(5);

/// A connection, and what the requests before have come to.
struct Http1<S> {
    client: Rc<Client<S>>,
    connection: Connection,
    clock: Clock,
    /// How many requests have been answered.
    served: u64,
    /// Since when the next is waited for.
    since: Instant,
}

/// What comes next on a connection.
enum Next {
    Head(Box<RequestHead>),
    /// Nothing has come for a while.
    Quiet,
    /// What came is no request; `None` if it did not come in time.
    Refused(Option<HeadFault>),
    /// The client has idled too long, or has to go.
    Over,
    /// The client has gone.
    Gone,
}

/// What becomes of a connection after an answer.
enum After {
    Another,
    /// It ends; the client may still be sending.
    Close,
    /// It ends, and nothing is under way.
    End,
    /// It is of no use any more.
    Drop,
    /// It speaks another protocol from here on.
    Tunnel(Box<Tunnel>),
}

impl Connection {
    /// Serves HTTP/1.0 and 1.1 until either side ends it. The stream is put in its place here, where nothing is waited
    /// for, so that the future holds no room for it.
    pub(super) fn http1(
        self,
        stream: impl AsyncRead + AsyncWrite + Unpin + 'static,
    ) -> impl Future<Output = ()> + 'static {
        let now = Instant::now();
        let clock = Clock::new(now + self.limits.header_timeout);
        Http1 { client: Client::new(stream), connection: self, clock, served: 0, since: now }.run()
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin + 'static> Http1<S> {
    async fn run(mut self) {
        let mut draining = self.connection.draining.clone();
        let mut drained = pin!(async move {
            // The sender is gone only when the gateway is, so that is an end too.
            let _ = draining.wait_for(|draining| *draining).await;
        });
        loop {
            // In a box, which is there only while it is needed: it is many times as large as an idle connection.
            let after = match Box::pin(self.serve(drained.as_mut())).await {
                After::Another => self.idle(drained.as_mut()).await,
                after => after,
            };
            match after {
                After::Another => {}
                After::Close => return self.close().await,
                After::End => return self.end().await,
                After::Drop => return,
                After::Tunnel(tunnel) => return Box::pin(self.tunnel(*tunnel)).await,
            }
        }
    }

    /// Serves requests until none comes for a while, which is [`After::Another`], or none can come any more.
    async fn serve(&mut self, mut drained: Pin<&mut impl Future<Output = ()>>) -> After {
        loop {
            let after = match self.next(drained.as_mut()).await {
                Next::Head(head) => self.exchange(*head).await,
                Next::Quiet => return After::Another,
                Next::Refused(fault) => self.refuse(fault).await,
                Next::Over => After::End,
                Next::Gone => After::Drop,
            };
            match after {
                After::Another => {}
                after => return after,
            }
        }
    }

    /// Waits for something to come, with as little as that takes.
    async fn idle(&mut self, mut drained: Pin<&mut impl Future<Output = ()>>) -> After {
        let patience = self.patience();
        let Self { client, connection, clock, since, .. } = self;
        client.line.release();
        poll_fn(|cx| {
            match client.line.poll_read(&connection.shared.scratch, cx) {
                Poll::Ready(Ok(true)) => return Poll::Ready(After::Another),
                Poll::Ready(Ok(false) | Err(_)) => return Poll::Ready(After::Drop),
                Poll::Pending => {}
            }
            if drained.as_mut().poll(cx).is_ready() {
                return Poll::Ready(After::End);
            }
            clock.poll(*since + patience, cx).map(|()| After::End)
        })
        .await
    }

    /// How long the next request may let itself be waited for. The first is what the connection was made for.
    fn patience(&self) -> Duration {
        let limits = &self.connection.limits;
        if self.served == 0 { limits.header_timeout.min(limits.idle_timeout) } else { limits.idle_timeout }
    }

    /// Waits for the next head.
    async fn next(&mut self, mut drained: Pin<&mut impl Future<Output = ()>>) -> Next {
        let patience = self.patience();
        let is_new = self.served == 0;
        let Self { client, connection, clock, since, .. } = self;
        let limits = &connection.limits;
        let mut reader = HeadReader::default();
        let mut begun: Option<Instant> = None;
        let mut told: Option<Instant> = None;
        poll_fn(|cx| {
            loop {
                let taken = reader.take(&mut client.line.input(), &limits.head);
                match taken {
                    Ok(Some(head)) => return Poll::Ready(Next::Head(Box::new(head))),
                    Ok(None) => {}
                    Err(fault) => return Poll::Ready(Next::Refused(Some(fault))),
                }
                let waits = begun.is_none() && !reader.has_begun(&client.line.input());
                if waits && !is_new && *connection.draining.borrow() {
                    return Poll::Ready(Next::Over);
                }
                match client.line.poll_read(&connection.shared.scratch, cx) {
                    Poll::Ready(Ok(true)) => {}
                    Poll::Ready(Ok(false) | Err(_)) => return Poll::Ready(Next::Gone),
                    Poll::Pending => break,
                }
            }
            if reader.has_begun(&client.line.input()) {
                let begun = *begun.get_or_insert_with(Instant::now);
                return clock.poll(begun + limits.header_timeout, cx).map(|()| Next::Refused(None));
            }
            if told.is_some() || drained.as_mut().poll(cx).is_ready() {
                if !is_new {
                    return Poll::Ready(Next::Over);
                }
                // What it was made for may be on its way.
                let told = *told.get_or_insert_with(Instant::now);
                return clock.poll(told + FIRST_REQUEST, cx).map(|()| Next::Over);
            }
            clock
                .poll(*since + patience.min(AWAKE), cx)
                .map(|()| if patience > AWAKE { Next::Quiet } else { Next::Over })
        })
        .await
    }

    /// One request and its answer.
    async fn exchange(&mut self, head: RequestHead) -> After {
        let RequestHead { parts, framing, keep_alive } = head;
        let limits = Rc::clone(&self.connection.limits);
        let asked = Asked::of(&parts);
        let newer = parts.version == Version::HTTP_11;
        let expects = newer && parts.headers.contains_key(EXPECT);
        let body = self.client.begin(framing, expects, limits.pace(limits.body_timeout));
        self.client.allow_interim(newer);
        self.served += 1;
        let keep = keep_alive && self.served < limits.connection_requests;
        let interim: Option<Rc<dyn Interim>> = if newer { Some(Rc::clone(&self.client) as _) } else { None };
        let request = Incoming { head: parts, body, interim };
        let Some(response) = self.wait(request).await else { return After::Drop };
        self.client.allow_interim(false);
        self.answer(response, &asked, keep).await
    }

    /// Has the request served; `None` where the client goes away meanwhile.
    async fn wait(&self, request: Incoming) -> Option<Response<GateBody>> {
        let Connection { gate, peer, door, shared, .. } = &self.connection;
        let (gate, peer) = (Rc::clone(gate), peer.clone());
        let mut serving = pin!(async move {
            match door {
                Door::Tls => gate.serve(peer, request).await,
                Door::Clear => gate.serve_clear(peer, request).await,
            }
        });
        poll_fn(|cx| {
            if let Poll::Ready(response) = serving.as_mut().poll(cx) {
                return Poll::Ready(Some(response));
            }
            // An interim answer may wait to be taken. That it cannot be is seen by reading, too.
            if !self.client.line.is_flushed() {
                let _ = self.client.line.poll_flush(cx);
            }
            self.client.poll_leaving(&shared.scratch, cx).map(|()| None)
        })
        .await
    }

    async fn refuse(&mut self, fault: Option<HeadFault>) -> After {
        let asked = fault.as_ref().map_or_else(Asked::unknown, Asked::of_fault);
        let response = self.connection.gate.refuse(self.connection.peer.clone(), Version::HTTP_11, fault);
        self.answer(response, &asked, false).await
    }

    async fn answer(&mut self, response: Response<GateBody>, asked: &Asked, keep: bool) -> After {
        let (head, mut body) = response.into_parts();
        // A client that still waits to be asked may send its body or not: what follows cannot be told from it.
        let certain = !matches!(self.client.stage(), Stage::Expected | Stage::Broken);
        let ending = head.extensions.get::<Ending>().is_some() || *self.connection.draining.borrow();
        let limits = &self.connection.limits;
        let pace = Pace::new(limits.pace(limits.send_timeout));
        let (client, shared) = (&self.client, &self.connection.shared);
        let writing = Writing { client, shared, asked, keep: keep && certain && !ending, pace };
        let written = writing.run(&head, &mut body).await;
        match written {
            Err(over) => {
                body.lost(over == Over::Slow);
                After::Drop
            }
            Ok(keep) => {
                if let Some(tunnel) = body.into_tunnel() {
                    return After::Tunnel(Box::new(tunnel));
                }
                if !keep {
                    return After::Close;
                }
                // As nearly always, and then the clock has been read when the answer was done.
                if self.client.stage() == Stage::Done {
                    self.since = self.connection.peer.activity().since();
                    return After::Another;
                }
                let rest = timeout(PATIENCE, self.rest()).await;
                self.since = Instant::now();
                if rest.unwrap_or(false) { After::Another } else { After::Close }
            }
        }
    }

    /// Sees the request's body to its end, for another request is to follow; whether it came to one.
    async fn rest(&self) -> bool {
        let stage = poll_fn(|cx| self.client.poll_unread(cx)).await;
        if stage != Stage::Left {
            return stage == Stage::Done;
        }
        let mut read = 0;
        while read <= MOST {
            match poll_fn(|cx| self.client.poll_piece(cx)).await {
                Ok(Piece::Data(data)) => read += data.len() as u64,
                Ok(Piece::Trailers(_) | Piece::End | Piece::More) => return true,
                Err(_) => return false,
            }
        }
        false
    }

    /// Lets client and upstream speak another protocol on this connection.
    async fn tunnel(self, tunnel: Tunnel) {
        let silence = self.connection.limits.tunnel_timeout;
        // Nothing else holds on to it: a request that switches has no body, and has been answered.
        if let Ok(client) = Rc::try_unwrap(self.client) {
            let (stream, early) = client.line.into_parts();
            tunnel.run(stream, early, silence).await;
        }
    }

    /// Says that nothing more will come.
    async fn end(&self) {
        let farewell = poll_fn(|cx| self.client.line.poll_shutdown(cx));
        // Where it is not taken, or not in time, the client has gone anyway.
        let _ = timeout(PATIENCE, farewell).await;
    }

    /// Ends the connection so that the client gets to read the answer: what it still sends is read for a while, for
    /// closing on it would have its system throw the answer away (RFC 9112 section 9.6).
    async fn close(self) {
        self.end().await;
        let line = &self.client.line;
        let scratch = &self.connection.shared.scratch;
        let reading = async {
            // An answer may come before the request's body has gone up. What is taken from that here would be missing
            // there, and what follows it would be read in its place.
            poll_fn(|cx| self.client.poll_unread(cx)).await;
            let mut read = 0;
            while read <= MOST && poll_fn(|cx| line.poll_read(scratch, cx)).await.unwrap_or(false) {
                read += line.input().split().len() as u64;
            }
        };
        // Whoever still sends after that will not read the answer either.
        let _ = timeout(PATIENCE, reading).await;
    }
}
