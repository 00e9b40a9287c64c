//! The guard: what happens to each request, in eight steps.
//!
//! [`Gate::serve`] is the whole of it. One gate belongs to one worker; nothing in it is shared with another thread but
//! the snapshot, the password checks and the counters.

mod clear;
mod credentials;
mod discard;
mod download;
mod headers;
mod passwords;
mod peer;
mod receive;
mod recording;
mod rejection;
mod site;
mod streams;
mod tunnel;
mod upstream;

use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use http::header::STRICT_TRANSPORT_SECURITY;
use http::request::Parts;
use http::{HeaderValue, Request, Response, StatusCode, Uri, Version};
use hyper::body::Incoming;
use hyper::upgrade::OnUpgrade;
use tokio::time::timeout;

pub(crate) use download::GateBody;
pub(crate) use headers::Authorization;
pub(crate) use passwords::Passwords;
pub(crate) use peer::{Activity, Peer};
pub(crate) use recording::Recorder;
pub(crate) use rejection::Voice;
pub(crate) use site::Site;
pub(crate) use upstream::{Endpoint, UpstreamSettings};

use credentials::Presented;
use discard::discard;
use download::Download;
use headers::Added;
use recording::Recording;
use rejection::{Form, Rejection};
use streams::{Exchange, Streams};
use tunnel::Tunnel;
use upstream::{Answered, Outgoing, Tally, Upstream};

use crate::policy::{Asked, Authentication, Decision, Identity, Snapshot};
use crate::record::Reason;
use crate::source::live::Live;

/// How often running exchanges are judged again where the document does not change.
const REVIEW: Duration = Duration::from_secs(15);

/// What a gate is made of.
pub(crate) struct GateParts {
    pub(crate) live: Live,
    pub(crate) voice: Voice,
    pub(crate) authorization: Authorization,
    pub(crate) passwords: Arc<Passwords>,
    pub(crate) upstream: UpstreamSettings,
    pub(crate) recorder: Recorder,
    /// The port that clear requests are sent on to.
    pub(crate) https_port: u16,
}

/// One worker's gate.
pub(crate) struct Gate {
    live: Live,
    voice: Voice,
    authorization: Authorization,
    passwords: Arc<Passwords>,
    upstream: Upstream,
    recorder: Rc<Recorder>,
    streams: Rc<Streams>,
    https_port: u16,
}

impl Gate {
    pub(crate) fn new(parts: GateParts) -> Rc<Self> {
        let metrics = Arc::clone(&parts.recorder.metrics);
        Rc::new(Self {
            live: parts.live,
            voice: parts.voice,
            authorization: parts.authorization,
            passwords: parts.passwords,
            upstream: Upstream::new(parts.upstream, metrics),
            recorder: Rc::new(parts.recorder),
            streams: Rc::default(),
            https_port: parts.https_port,
        })
    }

    /// Starts what goes on beside the requests, on the worker's own runtime: closing idle upstream connections, and
    /// cutting the exchanges of users who lose access.
    pub(crate) fn start(self: &Rc<Self>) {
        self.upstream.start();
        let recorder = Rc::clone(&self.recorder);
        tokio::task::spawn_local(async move { recorder.log.run().await });
        let gate = Rc::clone(self);
        tokio::task::spawn_local(async move {
            let mut changes = gate.live.changes();
            loop {
                // Looked at from time to time in any case, for tokens expire without a change of the document.
                if let Ok(Err(_)) = timeout(REVIEW, changes.changed()).await {
                    return;
                }
                let cut = gate.streams.review(&gate.live.snapshot(), SystemTime::now());
                gate.recorder.metrics.streams_cut(cut);
            }
        });
    }

    /// Hands over what has been recorded so far; to be called when the worker ends.
    pub(crate) fn flush(&self) {
        self.recorder.log.flush();
    }

    /// How many permitted exchanges are under way.
    pub(crate) fn running(&self) -> usize {
        self.streams.len()
    }

    /// The life of a request. Steps 1 and 8 are here: whatever the others come to, there is one answer and one entry.
    pub(crate) async fn serve(self: Rc<Self>, peer: Peer, mut request: Request<Incoming>) -> Response<GateBody> {
        let snapshot = self.live.snapshot();
        let client = hyper::upgrade::on(&mut request);
        let (head, body) = request.into_parts();
        let mut visit = self.visit(peer, &head, &snapshot);
        match self.admit(&snapshot, &head, &mut visit).await {
            Ok(admitted) => self.pass(admitted, Taken { head, body, client }, visit).await,
            Err(rejection) => {
                discard(&head, body, &rejection);
                self.reject(&rejection, visit)
            }
        }
    }

    /// Step 1: arms what is known and wanted of a request from its first moment.
    fn visit(&self, peer: Peer, head: &Parts, snapshot: &Snapshot) -> Visit {
        let recording = Recording::begin(&self.recorder, &peer, head.version, snapshot.generation);
        Visit { form: Form::of(head.uri.path(), &head.headers), peer, recording }
    }

    /// Steps 2 to 5: from a head to a permit, or to the reason why not.
    async fn admit(&self, snapshot: &Snapshot, head: &Parts, visit: &mut Visit) -> Result<Admitted, Rejection> {
        let received = receive::read(head).inspect_err(|_| visit.recording.raw(&head.method, head.uri.path()))?;
        let asked = snapshot.policy.ask(received.target);
        visit.recording.asked(&asked);
        if !visit.peer.may_ask(received.host.as_ref()) {
            return Err(Rejection::Misdirected);
        }
        let presented = credentials::read(&head.headers);
        let identity = self.identify(snapshot, &asked, presented, visit).await?;
        let permit = match snapshot.policy.decide(identity, asked) {
            Decision::Permit(permit) => permit,
            Decision::Denial(denial) => return Err(Rejection::Denied(denial.reason().clone())),
        };
        // The law may have changed while a password was verified. From here on the exchange is under review.
        let current = self.live.snapshot();
        if current.generation != snapshot.generation && !current.still_permits(&permit, visit.recording.time()) {
            return Err(Rejection::Revoked);
        }
        visit.recording.permitted();
        let exchange = self.streams.begin(permit);
        Ok(Admitted { exchange, host: received.host, expects_continue: received.expects_continue })
    }

    /// Steps 3 and 4: from what is presented to who it is. What is public asks nobody.
    async fn identify(
        &self,
        snapshot: &Snapshot,
        asked: &Asked,
        presented: Presented,
        visit: &mut Visit,
    ) -> Result<Option<Identity>, Rejection> {
        let basic = match presented {
            Presented::Several => return Err(Rejection::Malformed("there is more than one Authorization")),
            _ if asked.is_public() => return Ok(None),
            Presented::Nothing => return Ok(None),
            Presented::Malformed => return Err(Rejection::Unauthenticated(Reason::MalformedCredentials)),
            Presented::Basic(basic) => basic,
        };
        visit.recording.claimed(basic.name());
        let identity = match snapshot.users.authenticate(&basic.from(visit.peer.address), visit.recording.time()) {
            Authentication::Proven(identity) => identity,
            Authentication::Refused(refusal) => return Err(refusal.into()),
            Authentication::Costly(check) => match self.passwords.settle(check, basic).await {
                Ok(verdict) => verdict?,
                Err(passwords::Busy) => return Err(Rejection::Busy),
            },
        };
        visit.recording.identity(&identity);
        Ok(Some(identity))
    }

    /// Steps 6 and 7: prepares the request, forwards it, and makes the upstream's answer the client's.
    async fn pass(&self, admitted: Admitted, taken: Taken, mut visit: Visit) -> Response<GateBody> {
        let Taken { mut head, body, client } = taken;
        let Admitted { exchange, host, expects_continue } = admitted;
        let upgrade = headers::upgrade(&head.headers, head.version);
        let switching = upgrade.is_some();
        let added = Added {
            forwarded_for: &visit.peer.forwarded_for,
            host: host.clone(),
            fallback_host: self.upstream.fallback_host(),
            request_id: visit.recording.id(),
            authorization: &self.authorization,
            upgrade,
        };
        headers::prepare(&mut head.headers, exchange.permit(), added);
        head.uri = Uri::from(exchange.permit().asked().target().path_and_query().clone());
        head.version = Version::HTTP_11;
        let tally = Tally::new();
        visit.recording.tally(&tally);
        let outgoing = Outgoing { head, body, exchange: exchange.clone(), tally, expects_continue };
        match self.upstream.forward(outgoing).await {
            Ok(answered) if answered.response.status() != StatusCode::SWITCHING_PROTOCOLS => {
                answer(answered, exchange, host.as_ref(), visit.recording)
            }
            Ok(answered) if switching => switch(answered, exchange, client, visit.recording),
            Ok(_) => self.reject(&Rejection::BadGateway("it switches protocols unasked".to_owned()), visit),
            Err(rejection) => self.reject(&rejection, visit),
        }
    }

    /// Answers for the gateway itself.
    fn reject(&self, rejection: &Rejection, visit: Visit) -> Response<GateBody> {
        let Visit { form, mut recording, peer } = visit;
        recording.rejected(rejection);
        let mut response = rejection.answer(&self.voice, form);
        response.headers_mut().insert(headers::REQUEST_ID, recording.id());
        if let Some(value) = self.voice.transport_security(&peer) {
            response.headers_mut().insert(STRICT_TRANSPORT_SECURITY, value);
        }
        response.map(|bytes| GateBody::own(bytes, recording))
    }
}

/// One request, from its first moment to its answer.
struct Visit {
    peer: Peer,
    /// The form its answer is wanted in.
    form: Form,
    recording: Recording,
}

/// A request that may pass.
struct Admitted {
    exchange: Exchange,
    host: Option<HeaderValue>,
    expects_continue: bool,
}

/// A request taken apart.
struct Taken {
    head: Parts,
    body: Incoming,
    /// The client's connection, should the protocol change.
    client: OnUpgrade,
}

/// Makes the upstream's answer the client's: untouched but for what belongs to one connection, the request id, and a
/// Location that names the upstream's own origin.
fn answer(
    answered: Answered,
    exchange: Exchange,
    host: Option<&HeaderValue>,
    mut recording: Recording,
) -> Response<GateBody> {
    let Answered { mut response, tally, lease, took } = answered;
    recording.answered(response.status(), took);
    // Ours, whatever the upstream speaks (RFC 9110 section 2.5); hyper lowers it for a client that speaks less.
    *response.version_mut() = Version::HTTP_11;
    headers::restore(response.headers_mut(), recording.id());
    headers::relocate(response.headers_mut(), lease.origin(), host);
    response.map(|incoming| GateBody::forwarded(Download { incoming, exchange, tally, recording, lease: Some(lease) }))
}

/// Lets client and upstream speak another protocol from here on.
fn switch(answered: Answered, exchange: Exchange, client: OnUpgrade, mut recording: Recording) -> Response<GateBody> {
    let Answered { mut response, tally, lease, took } = answered;
    recording.answered(response.status(), took);
    // Ours, whatever the upstream speaks (RFC 9110 section 2.5); hyper lowers it for a client that speaks less.
    *response.version_mut() = Version::HTTP_11;
    headers::restore_switching(response.headers_mut(), recording.id());
    let upstream = hyper::upgrade::on(&mut response);
    tokio::task::spawn_local(Tunnel { client, upstream, exchange, tally, recording, lease }.run());
    response.map(|_| GateBody::nothing())
}
