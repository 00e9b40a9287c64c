//! The [`Entry`]: what is told of one request. It is the audit log and the access log at once.
//!
//! The gate makes one as the request arrives and fills it on the way, so that there is something to tell however the
//! request ends. An entry never holds a credential, and of the request line only what cannot be one: the query is left
//! out, because keys and tokens are passed in queries.

use std::net::IpAddr;
use std::time::{Duration, SystemTime};

use http::{Method, Version};

use super::id::RequestId;
use super::json::{Line, key};
use super::stamp::Stamps;
use super::words::{Decided, Reason};
use crate::policy::{Asked, Identity, TOKEN_PREFIX};

/// A claimed user name is cut to this many characters.
const LONGEST_CLAIM: usize = 200;

/// The method of a request line that could not be read is cut to this many bytes.
const LONGEST_RAW_METHOD: usize = 32;

/// The target of a request line that could not be read is cut to this many bytes.
const LONGEST_RAW_TARGET: usize = 1024;

/// What is told of one request.
#[derive(Clone, Debug)]
pub struct Entry {
    /// When the request arrived.
    pub time: SystemTime,
    /// Its name, as client and upstream are told it.
    pub id: RequestId,
    /// Where it came from.
    pub address: IpAddr,
    /// The version of HTTP it came with.
    pub protocol: Version,
    /// The user name that was claimed, whether or not it was proved; set by [`Self::claim`].
    pub claimed: Option<Box<str>>,
    /// Who it is proved to come from.
    pub user: Option<Identity>,
    /// What was asked for.
    pub line: RequestLine,
    /// What was decided.
    pub decision: Decided,
    /// Why it ended as it did.
    pub reason: Reason,
    /// What else an administrator should know and the client is not told.
    pub detail: Option<Box<str>>,
    /// The status of the answer; `None` where the client went away before it.
    pub status: Option<u16>,
    /// Bytes of body received from the client.
    pub bytes_in: u64,
    /// Bytes of body sent to the client.
    pub bytes_out: u64,
    /// The time that the gateway itself took.
    pub own: Duration,
    /// The time from handing the request to the upstream to the head of its answer; `None` if it was not forwarded.
    pub upstream: Option<Duration>,
    /// The time from the request's arrival to the end of the answer.
    pub total: Duration,
    /// The generation of the snapshot that judged it.
    pub generation: u64,
}

/// How far the request line was read.
#[derive(Clone, Debug)]
pub enum RequestLine {
    /// Not at all.
    Unread,
    /// It is not a target. Made by [`Self::raw`].
    Raw {
        /// The method as sent.
        method: Box<str>,
        /// The request target as sent, without what may be secret.
        target: Box<str>,
    },
    /// It is a target, and the policy was asked about it.
    Asked(Asked),
}

impl Entry {
    /// An entry for a request that has just arrived. Until more is known it tells what is true if nothing more comes:
    /// that the client went away.
    #[must_use]
    pub fn new(time: SystemTime, id: RequestId, address: IpAddr, protocol: Version, generation: u64) -> Self {
        Self {
            time,
            id,
            address,
            protocol,
            claimed: None,
            user: None,
            line: RequestLine::Unread,
            decision: Decided::Reject,
            reason: Reason::ClientGone,
            detail: None,
            status: None,
            bytes_in: 0,
            bytes_out: 0,
            own: Duration::ZERO,
            upstream: None,
            total: Duration::ZERO,
            generation,
        }
    }

    /// Notes the user name that a client claims. A token in its place, which is a common slip, is not kept.
    pub fn claim(&mut self, name: &str) {
        let token = memchr::memmem::find(name.as_bytes(), TOKEN_PREFIX.as_bytes());
        let shown = token.and_then(|token| name.get(..token + TOKEN_PREFIX.len())).unwrap_or(name);
        let end = match shown.len() {
            ..=LONGEST_CLAIM => None,
            _ => shown.char_indices().nth(LONGEST_CLAIM),
        };
        self.claimed = shown.get(..end.map_or(shown.len(), |(end, _)| end)).map(Into::into);
    }

    /// Appends the entry as one line of JSON. The members are always these, in this order; what is absent is null. Lines
    /// of changes stand between them (see [`Change`](super::Change)): those have a member `event`, and this never has.
    ///
    /// | member | value |
    /// |---|---|
    /// | `time` | when the request arrived, RFC 3339 in UTC with microseconds |
    /// | `id` | the request id, as in `X-Request-Id` |
    /// | `address` | the client's address |
    /// | `protocol` | `HTTP/1.1`, `HTTP/2.0` |
    /// | `claimed` | the user name in the credentials, proved or not |
    /// | `user` | the user it is proved to come from |
    /// | `method` | the method |
    /// | `path` | the canonical path, or what came in its place; never the query |
    /// | `resource` | the name of the resource that covers the path |
    /// | `permission` | what that resource requires for the method |
    /// | `decision` | a word of [`Decided`] |
    /// | `reason` | a word of [`Reason`] |
    /// | `detail` | more about the reason |
    /// | `status` | the status of the answer |
    /// | `bytes_in`, `bytes_out` | bytes of body from and to the client |
    /// | `own_us`, `upstream_us`, `total_us` | microseconds taken by the gateway, by the upstream, and in all |
    /// | `generation` | the generation of the access document that judged it |
    pub fn write_json(&self, stamps: &mut Stamps, out: &mut Vec<u8>) {
        let asked = self.line.asked();
        let mut line = Line::open(out);
        line.time(key!("time"), self.time, stamps);
        line.plain(key!("id"), self.id.digits());
        line.address(key!("address"), Some(self.address));
        line.plain(key!("protocol"), protocol(self.protocol).as_bytes());
        line.text(key!("claimed"), self.claimed.as_deref());
        line.text(key!("user"), self.user.as_ref().map(|identity| &*identity.user().name));
        line.text(key!("method"), self.line.method());
        line.text(key!("path"), self.line.path());
        line.text(key!("resource"), asked.and_then(Asked::resource).map(|resource| &*resource.name));
        line.text(key!("permission"), asked.and_then(Asked::rule).map(|rule| &*rule.label));
        line.plain(key!("decision"), self.decision.as_str().as_bytes());
        line.plain(key!("reason"), self.reason.as_str().as_bytes());
        line.text(key!("detail"), self.detail.as_deref());
        line.number(key!("status"), self.status.map(u64::from));
        line.number(key!("bytes_in"), Some(self.bytes_in));
        line.number(key!("bytes_out"), Some(self.bytes_out));
        line.number(key!("own_us"), Some(micros(self.own)));
        line.number(key!("upstream_us"), self.upstream.map(micros));
        line.number(key!("total_us"), Some(micros(self.total)));
        line.number(key!("generation"), Some(self.generation));
        line.close();
    }
}

impl RequestLine {
    /// A request line that is not a target, cut to what an audit line has room for.
    #[must_use]
    pub fn raw(method: &str, target: &str) -> Self {
        let method = method.get(..method.floor_char_boundary(LONGEST_RAW_METHOD)).unwrap_or_default();
        let target = without_secrets(target);
        let target = target.get(..target.floor_char_boundary(LONGEST_RAW_TARGET)).unwrap_or_default();
        Self::Raw { method: method.into(), target: target.into() }
    }

    pub(super) fn asked(&self) -> Option<&Asked> {
        match self {
            Self::Asked(asked) => Some(asked),
            Self::Unread | Self::Raw { .. } => None,
        }
    }

    pub(super) fn method(&self) -> Option<&str> {
        match self {
            Self::Unread => None,
            Self::Raw { method, .. } => Some(method),
            Self::Asked(asked) => Some(Method::as_str(asked.target().method())),
        }
    }

    pub(super) fn path(&self) -> Option<&str> {
        match self {
            Self::Unread => None,
            Self::Raw { target, .. } => Some(target),
            Self::Asked(asked) => Some(asked.target().path()),
        }
    }
}

/// Leaves out of a target what may be secret: the query, also where its `?` is escaped, and anything that may hold a
/// user name and password before a host.
fn without_secrets(target: &str) -> &str {
    if !target.starts_with('/') && target.contains('@') {
        return "(not shown: it may hold a password)";
    }
    let marks = ["?", "#", "%3f", "%3F", "%23"];
    let end = marks.iter().filter_map(|mark| target.find(mark)).min();
    end.and_then(|end| target.get(..end)).unwrap_or(target)
}

fn protocol(version: Version) -> &'static str {
    match version {
        Version::HTTP_09 => "HTTP/0.9",
        Version::HTTP_10 => "HTTP/1.0",
        Version::HTTP_11 => "HTTP/1.1",
        Version::HTTP_2 => "HTTP/2.0",
        Version::HTTP_3 => "HTTP/3.0",
        _ => "HTTP",
    }
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use http::Version;

    use super::super::sample;
    use super::{Decided, Entry, Reason, RequestLine, Stamps};

    fn json(entry: &Entry) -> String {
        let mut out = Vec::new();
        entry.write_json(&mut Stamps::default(), &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_full_line_is_golden() {
        let mut entry = sample::entry();
        entry.protocol = Version::HTTP_2;
        entry.claim("amy");
        entry.user = Some(sample::amy());
        entry.line = RequestLine::Asked(sample::policy().ask(sample::target("PUT", "/api/products/%37?key=hush")));
        entry.decision = Decided::Permit;
        entry.reason = Reason::Ok;
        entry.detail = Some("second \"try\"".into());
        entry.status = Some(200);
        (entry.bytes_in, entry.bytes_out) = (12, 3456);
        entry.own = Duration::from_nanos(21_900);
        entry.upstream = Some(Duration::from_millis(3));
        entry.total = Duration::from_micros(3_100);
        let golden = concat!(
            r#"{"time":"2026-07-01T00:00:00.000042Z","id":"0123456789abcdef0123456789abcdef","address":"192.0.2.7","#,
            r#""protocol":"HTTP/2.0","claimed":"amy","user":"amy","method":"PUT","path":"/api/products/7","#,
            r#""resource":"Products","permission":"products.edit","decision":"permit","reason":"ok","#,
            r#""detail":"second \"try\"","status":200,"bytes_in":12,"bytes_out":3456,"#,
            r#""own_us":21,"upstream_us":3000,"total_us":3100,"generation":7}"#,
            "\n"
        );
        assert_eq!(json(&entry), golden);
    }

    #[test]
    fn an_untouched_entry_tells_that_the_client_went_away() {
        let golden = concat!(
            r#"{"time":"2026-07-01T00:00:00.000042Z","id":"0123456789abcdef0123456789abcdef","address":"192.0.2.7","#,
            r#""protocol":"HTTP/1.1","claimed":null,"user":null,"method":null,"path":null,"#,
            r#""resource":null,"permission":null,"decision":"reject","reason":"client_gone","#,
            r#""detail":null,"status":null,"bytes_in":0,"bytes_out":0,"#,
            r#""own_us":0,"upstream_us":null,"total_us":0,"generation":7}"#,
            "\n"
        );
        assert_eq!(json(&sample::entry()), golden);
    }

    #[test]
    fn a_claim_is_cut_and_is_no_token() {
        let mut entry = sample::entry();
        let long = "é".repeat(300);
        for (name, kept) in [
            ("amy", "amy"),
            ("", ""),
            (&*long, &*"é".repeat(200)),
            ("pcl_4fzYh2", "pcl_"),
            ("amy:pcl_4fzYh2", "amy:pcl_"),
        ] {
            entry.claim(name);
            assert_eq!(entry.claimed.as_deref(), Some(kept), "{name}");
        }
    }

    #[test]
    fn a_raw_line_holds_no_secret() {
        let long = format!("/{}", "é".repeat(600));
        let cut = format!("/{}", "é".repeat(511));
        for (target, kept) in [
            ("/a//b", "/a//b"),
            ("/..;/admin?token=hush", "/..;/admin"),
            ("/a#hush", "/a"),
            ("/a%3ftoken=hush", "/a"),
            ("/a%3Ftoken=hush", "/a"),
            ("/a%23hush?b", "/a"),
            ("*", "*"),
            ("http://store/a?hush", "http://store/a"),
            ("http://amy:hush@store/a", "(not shown: it may hold a password)"),
            ("amy:hush@store:443", "(not shown: it may hold a password)"),
            (&*long, &*cut),
        ] {
            let line = RequestLine::raw("GET", target);
            assert_eq!(line.path(), Some(kept), "{target}");
        }
        assert_eq!(RequestLine::raw(&"X".repeat(40), "/").method(), Some(&*"X".repeat(32)));
    }
}
