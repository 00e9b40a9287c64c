//! The settings as they are written. This is the one place where every key is documented: the comments here become the
//! descriptions in the JSON Schema, and `default` there is what the sample file and the checked settings are tested
//! against.
//!
//! Filled by `read`, and checked part by part into [`super::Settings`]. Every key is optional here, so that one that is
//! missing is told together with all other faults; `required` is for the schema.

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, de};

use super::value::{At, RawAge, RawCount, RawDuration, RawNumber, RawSize};

/// Settings of Portcullis: what does not change while it runs. Paths are relative to the file that holds them.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "Portcullis settings")]
pub(super) struct RawSettings {
    /// The access document: resources, roles and users. TOML or JSON.
    #[schemars(required)]
    pub(super) access: Option<At<String>>,
    /// The file that keeps, from one start to the next, when each token was last used; `portcullis user list` reads it.
    /// Written while Portcullis runs, every half minute at most, so its directory must be writable. Kept in memory alone
    /// unless set.
    pub(super) state: Option<At<String>>,
    /// The form of the bodies of answers that Portcullis gives by itself: the store API's own, or problem details
    /// (RFC 9457).
    #[schemars(extend("enum" = ["store", "problem"], "default" = "store"))]
    pub(super) answers: Option<At<String>>,
    /// The name that browsers show when they ask for credentials: printable ASCII without quotes and backslashes.
    #[schemars(extend("default" = "Store API"))]
    pub(super) realm: Option<At<String>>,
    #[schemars(required)]
    pub(super) listen: Option<At<RawListen>>,
    #[schemars(required)]
    pub(super) tls: Option<At<RawTls>>,
    #[schemars(required)]
    pub(super) upstream: Option<At<RawUpstream>>,
    pub(super) limits: Option<At<RawLimits>>,
    pub(super) lockout: Option<At<RawLockout>>,
    pub(super) rate_limit: Option<At<RawRateLimit>>,
    pub(super) audit: Option<At<RawAudit>>,
    pub(super) panel: Option<At<RawPanel>>,
    pub(super) ops: Option<At<RawOps>>,
    pub(super) process: Option<At<RawProcess>>,
}

/// Where clients are awaited.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a table")]
pub(super) struct RawListen {
    /// Addresses for HTTPS, each a number and a port: "0.0.0.0:8443", "[::]:8443".
    #[schemars(required, length(min = 1), inner(pattern(r":[0-9]+$")))]
    pub(super) https: Option<At<Vec<At<String>>>>,
    /// Addresses for plain HTTP. All it does is answer 308 to HTTPS; credentials sent in clear get 403 and an audit
    /// entry. Off unless set.
    #[schemars(inner(pattern(r":[0-9]+$")))]
    pub(super) http: Option<Vec<At<String>>>,
    /// Threads that serve, each with its own sockets and upstream connections; "auto" for one per core. More than that
    /// only adds switching between them.
    #[schemars(range(min = 1, max = 1024), extend("default" = "auto"))]
    pub(super) workers: Option<At<RawCount>>,
    /// Connections that the kernel completes and keeps for each worker until it takes them: enough for a burst of
    /// clients that come back at once. The kernel's own limit holds too (net.core.somaxconn).
    #[schemars(range(min = 1, max = 65535), extend("default" = 1024))]
    pub(super) backlog: Option<At<RawNumber>>,
}

/// The certificates that clients see, and the ones asked of them. All files are read again when they change.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a table")]
pub(super) struct RawTls {
    /// The certificate chain, PEM, the server's own certificate first. Used for clients that ask for no name; a name that
    /// no certificate is for is refused, unless one has no names at all.
    #[schemars(required)]
    pub(super) certificate: Option<At<String>>,
    /// The private key of `certificate`, PEM, not encrypted.
    #[schemars(required)]
    pub(super) key: Option<At<String>>,
    /// More pairs of certificate and key, chosen by the name the client asks for (SNI).
    pub(super) certificates: Option<Vec<At<RawPair>>>,
    /// Authorities, PEM, one of which must have signed a certificate of the client's. Clients are not asked for one
    /// unless this is set.
    pub(super) client_ca: Option<At<String>>,
    /// The oldest TLS version spoken. 1.2 is sound here, since only its forward-secret authenticated ciphers are
    /// offered.
    #[schemars(extend("enum" = ["1.2", "1.3"], "default" = "1.2"))]
    pub(super) minimum: Option<At<String>>,
    /// How long clients are to remember never to come in clear (HSTS, RFC 6797), said with Portcullis' own answers over
    /// TLS; "off" to say nothing. What the upstream says of it passes untouched.
    #[schemars(extend("default" = "180d"))]
    pub(super) hsts: Option<At<RawAge>>,
}

/// A certificate and its key.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a table with certificate and key")]
pub(super) struct RawPair {
    /// The certificate chain, PEM, the server's own certificate first.
    #[schemars(required)]
    pub(super) certificate: Option<At<String>>,
    /// Its private key, PEM, not encrypted.
    #[schemars(required)]
    pub(super) key: Option<At<String>>,
}

/// The API behind the gateway.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a table")]
pub(super) struct RawUpstream {
    /// Scheme, host and port of each server: "http://127.0.0.1:9001". Several take turns.
    #[schemars(required, length(min = 1), inner(pattern(r"^https?://[^/?#@]+$")))]
    pub(super) servers: Option<At<Vec<At<String>>>>,
    /// What becomes of the client's Authorization header. "strip" removes it, since the upstream need not see tokens;
    /// "keep" passes it on; a user and a file that holds the password replace it.
    #[schemars(extend("default" = "strip"))]
    pub(super) authorization: Option<At<RawAuthorization>>,
    /// Authorities for HTTPS servers, PEM, in place of the public ones.
    pub(super) ca: Option<At<String>>,
    /// How long connecting may take: long enough for one lost packet and its repetition, twice over.
    #[schemars(extend("default" = "5s"))]
    pub(super) connect_timeout: Option<At<RawDuration>>,
    /// How long the upstream may take from the end of the request to the head of its answer. The same minute that other
    /// proxies wait, so that what worked behind them works here.
    #[schemars(extend("default" = "60s"))]
    pub(super) response_timeout: Option<At<RawDuration>>,
    /// How long the upstream may stay silent in the middle of an answer. Event streams send something more often.
    #[schemars(extend("default" = "5m"))]
    pub(super) read_timeout: Option<At<RawDuration>>,
    /// How long an unused connection is kept. It must be shorter than the server's own limit, or a request may meet a
    /// connection that is just being closed: Node closes after 5 s.
    #[schemars(extend("default" = "4s"))]
    pub(super) idle_timeout: Option<At<RawDuration>>,
    /// Unused connections that each worker keeps for each server; 0 for a new connection with every request.
    #[schemars(range(min = 0, max = 65535), extend("default" = 64))]
    pub(super) max_idle: Option<At<RawNumber>>,
}

/// What becomes of the client's Authorization header.
#[derive(Debug, JsonSchema)]
#[schemars(untagged)]
pub(super) enum RawAuthorization {
    /// "strip" or "keep".
    #[schemars(extend("enum" = ["strip", "keep"]))]
    Word(String),
    /// Basic credentials that replace it.
    Account(RawAccount),
}

/// Basic credentials for the upstream.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a table with user and password_file")]
pub(super) struct RawAccount {
    /// The user name.
    #[schemars(required, pattern("^[^:]+$"))]
    pub(super) user: Option<At<String>>,
    /// The file that holds the password, and nothing else but perhaps a line break behind it. Read at start.
    #[schemars(required)]
    pub(super) password_file: Option<At<String>>,
}

/// What one client may take up. Each limit is enforced, and each default is safe on the open internet.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a table")]
pub(super) struct RawLimits {
    /// How long a TLS handshake may take: some round trips over the slowest line.
    #[schemars(extend("default" = "10s"))]
    pub(super) handshake_timeout: Option<At<RawDuration>>,
    /// How long the head of a request may take from its first byte: what is sent slower is sent to hold a connection.
    #[schemars(extend("default" = "15s"))]
    pub(super) header_timeout: Option<At<RawDuration>>,
    /// How long `progress` bytes of a request's body may take; more slowly is answered 408. Only the time counts in which
    /// they are waited for. Half a minute bridges a bad radio link, not a client that holds a connection on purpose.
    #[schemars(extend("default" = "30s"))]
    pub(super) body_timeout: Option<At<RawDuration>>,
    /// How long a client may take to read `progress` bytes of an answer, while there are more; then its connection is
    /// closed.
    #[schemars(extend("default" = "30s"))]
    pub(super) send_timeout: Option<At<RawDuration>>,
    /// Bytes that have to move in each `body_timeout` and `send_timeout`: a byte from time to time is no progress.
    #[schemars(extend("default" = "1KiB"))]
    pub(super) progress: Option<At<RawSize>>,
    /// How long a client's connection is kept between requests. Longer than the minute after which many clients and
    /// load balancers let go of one, so that it is they who close.
    #[schemars(extend("default" = "75s"))]
    pub(super) idle_timeout: Option<At<RawDuration>>,
    /// How long a connection that has changed its protocol, such as a WebSocket, may stay silent. An hour, since not all
    /// of them send pings.
    #[schemars(extend("default" = "1h"))]
    pub(super) tunnel_timeout: Option<At<RawDuration>>,
    /// Size of a request's head, HTTP/2's decoded one included; more is answered 431. Cookies of real clients stay
    /// below 16 KiB.
    #[schemars(extend("default" = "32KiB"))]
    pub(super) head_size: Option<At<RawSize>>,
    /// Size of a request's path and query; more is answered 414. RFC 9110 section 4.1 recommends 8000 at the least.
    #[schemars(extend("default" = "8KiB"))]
    pub(super) target_size: Option<At<RawSize>>,
    /// Header fields of a request; more is answered 431. Browsers send some twenty.
    #[schemars(range(min = 16, max = 1000), extend("default" = 100))]
    pub(super) head_fields: Option<At<RawNumber>>,
    /// Size of a request's body; more is answered 413. Unlimited unless set: bodies stream through without being held,
    /// and the upstream has a limit of its own.
    pub(super) body_size: Option<At<RawSize>>,
    /// Requests at once on one HTTP/2 connection: what RFC 9113 section 6.5.2 recommends at the least.
    #[schemars(range(min = 1, max = 1000), extend("default" = 100))]
    pub(super) http2_streams: Option<At<RawNumber>>,
    /// Client connections at once, over all workers; further ones are closed at once. Each may need two file
    /// descriptors, and sixteen thousand stay below the 65536 that services are usually given.
    #[schemars(range(min = 1, max = 1_000_000), extend("default" = 16000))]
    pub(super) connections: Option<At<RawNumber>>,
    /// The same from one address, in IPv6 from one /64, so that no single client takes all. Many thousands, since a
    /// whole company may come from one.
    #[schemars(range(min = 1, max = 1_000_000), extend("default" = 12000))]
    pub(super) address_connections: Option<At<RawNumber>>,
    /// Requests on one connection; then the client has to make a new one, so that none lives for ever and load spreads
    /// over the workers again.
    #[schemars(range(min = 1, max = 1_000_000_000), extend("default" = 10000))]
    pub(super) connection_requests: Option<At<RawNumber>>,
    /// Passwords verified at once (bcrypt, Argon2), "auto" for one per core. Each keeps a core busy for milliseconds
    /// and Argon2 takes 19 MiB; tokens cost nothing of it.
    #[schemars(range(min = 1, max = 1024), extend("default" = "auto"))]
    pub(super) password_checks: Option<At<RawCount>>,
    /// How long requests may take to end once Portcullis is told to stop; "0s" to cut them at once. The same half
    /// minute that Kubernetes grants.
    #[schemars(extend("default" = "30s"))]
    pub(super) drain_timeout: Option<At<RawDuration>>,
}

/// How wrong credentials are slowed down. Counted are those that were presented and are wrong, by name *and* address: who
/// guesses at a name from elsewhere never locks out its user.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a table")]
pub(super) struct RawLockout {
    /// Whether they are slowed down at all.
    #[schemars(extend("default" = true))]
    pub(super) enabled: Option<At<bool>>,
    /// Wrong tries for one name from one address before there is a wait: more than a person mistypes, or a client has
    /// under way when its token is exchanged.
    #[schemars(range(min = 1, max = 1_000_000), extend("default" = 10))]
    pub(super) failures: Option<At<RawNumber>>,
    /// Wrong tries from one address over all names before everybody there has to wait: a whole office may share an
    /// address. An IPv6 client counts as its network of 64 bits.
    #[schemars(range(min = 1, max = 1_000_000), extend("default" = 100))]
    pub(super) address_failures: Option<At<RawNumber>>,
    /// The first wait. Each further wrong try doubles it. While it lasts the answer is 429 and nothing is verified.
    #[schemars(extend("default" = "1s"))]
    pub(super) first_wait: Option<At<RawDuration>>,
    /// The longest wait: some hundred guesses a day, and nobody who mends a client has to wait for long.
    #[schemars(extend("default" = "15m"))]
    pub(super) longest_wait: Option<At<RawDuration>>,
    /// After how long one wrong try is forgotten, so that mistakes now and then never add up. As long as the longest
    /// wait, so that guessing more slowly gains nothing.
    #[schemars(extend("default" = "15m"))]
    pub(super) forget: Option<At<RawDuration>>,
    /// Names and addresses kept, over all workers; more push out those that matter least. Each takes some 50 bytes,
    /// so this is 5 MB once an attack has filled it.
    #[schemars(range(min = 1000, max = 10_000_000), extend("default" = 100_000))]
    pub(super) entries: Option<At<RawNumber>>,
}

/// How many requests are allowed: "600/minute", or by second or hour. All of them may come at once, and from then on one
/// at a time, evenly spread; what is more is answered 429.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a table")]
pub(super) struct RawRateLimit {
    /// For each user; `rate_limit` in a user's entry of the access document counts in its place. Off unless set.
    #[schemars(pattern(r"^[0-9]*[1-9][0-9]*/(second|minute|hour)$"))]
    pub(super) user: Option<At<String>>,
    /// For each client address, with or without credentials; an IPv6 client counts as its network of 64 bits. Off
    /// unless set: a whole office may share an address.
    #[schemars(pattern(r"^[0-9]*[1-9][0-9]*/(second|minute|hour)$"))]
    pub(super) address: Option<At<String>>,
    /// Users, and as many addresses, kept over all workers; more push out those that are furthest from their limit.
    #[schemars(range(min = 1000, max = 10_000_000), extend("default" = 100_000))]
    pub(super) entries: Option<At<RawNumber>>,
}

/// The record of every request: who, what, and what was decided.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a table")]
pub(super) struct RawAudit {
    /// Where entries go, one JSON object a line: "stdout", "off", or a file, written with a "/": "../log/audit.jsonl".
    #[schemars(pattern(r"^(stdout|off|.*/.*[^/])$"), extend("default" = "stdout"))]
    pub(super) to: Option<At<String>>,
}

/// The control panel, where users, tokens and permissions are changed by mouse. Whoever is to sign in needs a password,
/// which `portcullis user password` sets.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a table")]
pub(super) struct RawPanel {
    /// The address for the panel, over HTTPS with the certificates of `tls`: keep it from clients of the API. Off unless
    /// set.
    #[schemars(pattern(r":[0-9]+$"))]
    pub(super) https: Option<At<String>>,
    /// How long somebody who does nothing stays signed in: a lunch break is too long for a screen that others can reach.
    #[schemars(extend("default" = "30m"))]
    pub(super) idle_timeout: Option<At<RawDuration>>,
    /// How long somebody stays signed in at the most: a working day.
    #[schemars(extend("default" = "10h"))]
    pub(super) session_timeout: Option<At<RawDuration>>,
}

/// What is for those who run Portcullis, and not for clients.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a table")]
pub(super) struct RawOps {
    /// The address for /metrics, /healthz and /readyz, over plain HTTP and without credentials: keep it from clients.
    /// Off unless set.
    #[schemars(pattern(r":[0-9]+$"))]
    pub(super) http: Option<At<String>>,
    /// The socket by which `portcullis lockout` speaks to the gateway that runs: a file that only the gateway's own user
    /// can open. Off unless set.
    pub(super) socket: Option<At<String>>,
}

/// What the process may do once its sockets are bound and its files read.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a table")]
pub(super) struct RawProcess {
    /// The user to become where Portcullis is started as root, which it needs only for ports below 1024 and for keys that
    /// root alone may read. This user must be able to read the access document and the TLS files too, since they are read
    /// again. Off unless set.
    #[schemars(pattern(r"^[^:\s]+$"))]
    pub(super) user: Option<At<String>>,
    /// The group to become, in place of the user's own. All other groups are left. Off unless set.
    #[schemars(pattern(r"^[^:\s]+$"))]
    pub(super) group: Option<At<String>>,
    /// Whether the kernel closes the file system (Landlock) but for the directories of the access document, of the TLS
    /// files and of the audit file, and for what finding the upstream's address takes: what a fault in the gateway could
    /// not reach, nobody can make it read. A kernel without Landlock is warned of.
    #[schemars(extend("default" = true))]
    pub(super) sandbox: Option<At<bool>>,
}

/// By hand, since an untagged enum would only say that nothing matched.
impl<'de> Deserialize<'de> for RawAuthorization {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;

        impl<'de> de::Visitor<'de> for Visitor {
            type Value = RawAuthorization;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("\"strip\", \"keep\", or a table with user and password_file")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<RawAuthorization, E> {
                Ok(RawAuthorization::Word(text.to_owned()))
            }

            fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> Result<RawAuthorization, A::Error> {
                RawAccount::deserialize(de::value::MapAccessDeserializer::new(map)).map(RawAuthorization::Account)
            }
        }

        deserializer.deserialize_any(Visitor)
    }
}
