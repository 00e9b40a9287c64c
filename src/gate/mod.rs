//! The guard: what happens to each request, in eight steps.
//!
//! [`Gate::serve`] is the whole of it. One gate belongs to one worker; nothing in it is shared with another thread but
//! the snapshot, the password checks, the throttle and the counters.

mod beat;
mod clear;
mod client;
mod credentials;
mod download;
#[cfg(feature = "fuzzing")]
pub(crate) mod fuzzing;
mod headers;
mod passwords;
mod peer;
mod prove;
mod receive;
mod recording;
mod rejection;
mod site;
mod streams;
mod throttle;
mod tunnel;
mod upstream;
mod voice;

use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::header::STRICT_TRANSPORT_SECURITY;
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Response, StatusCode, Version};
use tokio::time::{Instant, interval, timeout};

pub(crate) use client::{ClientBody, ClientFault, Incoming, Interim};
pub(crate) use download::GateBody;
pub(crate) use headers::Authorization;
pub(crate) use passwords::Passwords;
pub(crate) use peer::{Activity, Peer};
pub(crate) use recording::Recorder;
pub(crate) use rejection::Ending;
pub(crate) use site::Site;
pub(crate) use throttle::{Claimed, Entry, Locked, Throttle};
pub(crate) use tunnel::Tunnel;
pub(crate) use upstream::{BodyError, Endpoint, UpstreamSettings};
pub(crate) use voice::Voice;

use beat::Beat;
use credentials::Presented;
use download::Download;
use headers::Added;
use recording::Recording;
use rejection::Rejection;
use streams::{Exchange, Streams};
use upstream::{Answered, Outgoing, Tally, Upstream};
use voice::Form;

use crate::policy::{Asked, Decision, Identity, Snapshot};
use crate::record::{Reason, TokenUses};
use crate::source::live::Live;
use crate::wire::HeadFault;

/// How often running exchanges are judged again where the document does not change.
const REVIEW: Duration = Duration::from_secs(15);
/// How often it is looked whether answers are read.
const LOOK: Duration = Duration::from_secs(1);
/// How often it is handed over which tokens were used.
const HAND_OVER: Duration = Duration::from_secs(5);

/// What a gate is made of.
pub(crate) struct GateParts {
    pub(crate) live: Live,
    pub(crate) voice: Voice,
    pub(crate) authorization: Authorization,
    pub(crate) passwords: Arc<Passwords>,
    pub(crate) throttle: Arc<Throttle>,
    pub(crate) upstream: UpstreamSettings,
    pub(crate) recorder: Recorder,
    pub(crate) uses: TokenUses,
    /// The port that clear requests are sent on to.
    pub(crate) https_port: u16,
    /// How long an answer may be left unread.
    pub(crate) send_timeout: Duration,
}

/// One worker's gate.
pub(crate) struct Gate {
    live: Live,
    voice: Voice,
    authorization: Authorization,
    passwords: Arc<Passwords>,
    throttle: Arc<Throttle>,
    upstream: Upstream,
    recorder: Rc<Recorder>,
    uses: TokenUses,
    streams: Rc<Streams>,
    beat: Rc<Beat>,
    https_port: u16,
    send_timeout: Duration,
}

impl Gate {
    pub(crate) fn new(parts: GateParts) -> Rc<Self> {
        let metrics = Arc::clone(&parts.recorder.metrics);
        Rc::new(Self {
            live: parts.live,
            voice: parts.voice,
            authorization: parts.authorization,
            passwords: parts.passwords,
            throttle: parts.throttle,
            upstream: Upstream::new(parts.upstream, metrics),
            recorder: Rc::new(parts.recorder),
            uses: parts.uses,
            streams: Rc::default(),
            beat: Rc::default(),
            https_port: parts.https_port,
            send_timeout: parts.send_timeout,
        })
    }

    /// Starts what goes on beside the requests, on the worker's own runtime: closing idle upstream connections, cutting
    /// the exchanges of users who lose access, and the beat that answers to wrong credentials leave on.
    pub(crate) fn start(self: &Rc<Self>) {
        self.upstream.start();
        self.beat.start();
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
        let gate = Rc::clone(self);
        tokio::task::spawn_local(async move {
            let mut looks = interval(LOOK.min(gate.send_timeout));
            let mut handed_over = Instant::now();
            loop {
                let now = looks.tick().await;
                if now.saturating_duration_since(handed_over) >= HAND_OVER {
                    gate.uses.hand_over();
                    handed_over = now;
                }
                let ended = gate.streams.end_unread(Instant::now(), gate.send_timeout);
                if ended > 0 {
                    tracing::debug!(ended, "connections ended whose clients left answers unread");
                }
            }
        });
    }

    /// Hands over what has been recorded so far; to be called when the worker ends.
    pub(crate) fn flush(&self) {
        self.recorder.log.flush();
        self.uses.hand_over();
    }

    /// How many permitted exchanges are under way.
    pub(crate) fn running(&self) -> usize {
        self.streams.len()
    }

    /// The life of a request. Steps 1 and 8 are here: whatever the others come to, there is one answer and one entry.
    pub(crate) async fn serve(self: Rc<Self>, peer: Peer, request: Incoming) -> Response<GateBody> {
        let snapshot = self.live.snapshot();
        let mut visit = self.visit(peer, &request.head, &snapshot);
        let admitted = self.admit(&snapshot, &request.head, &mut visit).await;
        // Not held while an upstream takes its time: whoever is last to let go of an old one takes it all apart.
        drop(snapshot);
        match admitted {
            Ok(admitted) => self.pass(admitted, request, visit).await,
            Err(rejection) => {
                let began = visit.recording.began();
                let answer = self.reject(&rejection, visit);
                if rejection.judges_credentials() {
                    self.beat.hold(began).await;
                }
                answer
            }
        }
    }

    /// Answers what is no request: a head that has no single reading, or `None` for one that did not come in time.
    pub(crate) fn refuse(&self, peer: Peer, version: Version, fault: Option<HeadFault>) -> Response<GateBody> {
        let generation = self.live.snapshot().generation;
        let mut recording = Recording::begin(&self.recorder, &peer, version, generation);
        if let Some(HeadFault::Target { method, target }) = &fault {
            recording.raw(method, target);
        }
        let rejection = fault.map_or(Rejection::TooSlow, Rejection::from);
        self.reject(&rejection, Visit { peer, form: Form::Json, recording })
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
        self.throttle.arrived(visit.peer.address, visit.recording.began())?;
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
        let shared = (head.version == Version::HTTP_2).then(|| visit.peer.activity());
        let exchange = self.streams.begin(permit, shared);
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
            Presented::Malformed => {
                // It guesses nothing, so it is not counted: who is set up wrongly must not lock out a whole network.
                self.throttle.attempt(visit.peer.address, None, visit.recording.began())?;
                return Err(Rejection::Unauthenticated(Reason::MalformedCredentials));
            }
            Presented::Basic(basic) => basic,
        };
        visit.recording.claimed(basic.name());
        let identity = self.prove(snapshot, basic, visit).await?;
        visit.recording.identity(&identity);
        if let Some(token) = identity.token() {
            self.uses.note(token.mark(), visit.recording.time());
        }
        self.throttle.authenticated(identity.user(), visit.recording.began())?;
        Ok(Some(identity))
    }

    /// Steps 6 and 7: prepares the request, forwards it, and makes the upstream's answer the client's.
    async fn pass(&self, admitted: Admitted, request: Incoming, mut visit: Visit) -> Response<GateBody> {
        let Incoming { mut head, body, interim } = request;
        let Admitted { exchange, host, expects_continue } = admitted;
        let upgrade = headers::upgrade(&head.headers, head.version);
        let switching = upgrade.is_some();
        let added = Added {
            forwarded_for: visit.peer.forwarded_for(),
            host: host.clone(),
            fallback_host: self.upstream.fallback_host(),
            request_id: visit.recording.id(),
            authorization: &self.authorization,
            upgrade,
        };
        headers::prepare(&mut head.headers, exchange.permit(), added);
        let tally = Tally::new();
        visit.recording.handed(&tally);
        let (of_body, tallied) = (exchange.clone(), Rc::clone(&tally));
        let outgoing = Outgoing { headers: head.headers, body, exchange, tally, interim, expects_continue };
        match self.upstream.forward(outgoing).await {
            Ok(answered) if answered.status != StatusCode::SWITCHING_PROTOCOLS => {
                answer(answered, of_body, tallied, host.as_ref(), visit.recording)
            }
            Ok(answered) if switching => switch(answered, of_body, tallied, visit.recording),
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
    recording: Box<Recording>,
}

/// A request that may pass.
struct Admitted {
    exchange: Exchange,
    host: Option<HeaderValue>,
    expects_continue: bool,
}

/// Makes the upstream's answer the client's: untouched but for what belongs to one connection, the request id, and a
/// Location that names the upstream's own origin.
fn answer(
    answered: Answered,
    exchange: Exchange,
    tally: Rc<Tally>,
    host: Option<&HeaderValue>,
    mut recording: Box<Recording>,
) -> Response<GateBody> {
    let Answered { status, reason, mut headers, body: answer, took } = answered;
    recording.answered(status, took);
    headers::restore(&mut headers, recording.id());
    headers::relocate(&mut headers, answer.origin(), host);
    let download = Download { answer, rest: Bytes::new(), broken: None, exchange, tally, recording };
    let body = GateBody::forwarded(download);
    response(status, reason, headers, body)
}

/// Lets client and upstream speak another protocol from here on.
fn switch(
    answered: Answered,
    exchange: Exchange,
    tally: Rc<Tally>,
    mut recording: Box<Recording>,
) -> Response<GateBody> {
    let Answered { status, reason, mut headers, body: answer, took } = answered;
    recording.answered(status, took);
    headers::restore_switching(&mut headers, recording.id());
    let tunnel = Tunnel { answer, exchange, tally, recording };
    response(status, reason, headers, GateBody::Switched(Box::new(tunnel)))
}

fn response(status: StatusCode, reason: Bytes, headers: HeaderMap, body: GateBody) -> Response<GateBody> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    // Most say the usual words, which need not be carried along.
    if status.canonical_reason().is_none_or(|usual| usual.as_bytes() != reason) {
        response.extensions_mut().insert(Words(reason));
    }
    response
}

/// The words behind the status, where they are not the usual ones.
#[derive(Clone, Debug)]
pub(crate) struct Words(pub(crate) Bytes);
