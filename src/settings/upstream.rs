//! The API behind the gateway: its servers, how it is reached, and what it sees of the client's credentials.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::HeaderValue;
use http::uri::Authority;
use zeroize::Zeroizing;

use super::check::{Check, Problem, Told};
use super::limits::TIMEOUT;
use super::raw::{RawAccount, RawAuthorization, RawUpstream};
use super::value::At;

/// The API behind the gateway. Used by `gate::upstream`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upstream {
    /// The servers, at least one, which take turns.
    pub servers: Vec<Server>,
    /// What becomes of the client's Authorization header.
    pub authorization: Authorization,
    /// Authorities for HTTPS servers; `None` for the public ones.
    pub ca: Option<PathBuf>,
    /// For connecting.
    pub connect_timeout: Duration,
    /// From the end of the request to the head of the answer.
    pub response_timeout: Duration,
    /// For the next piece of an answer that has begun.
    pub read_timeout: Duration,
    /// For an unused connection.
    pub idle_timeout: Duration,
    /// Unused connections that each worker keeps for each server.
    pub max_idle: u32,
}

/// One server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    /// How it is spoken to.
    pub scheme: Scheme,
    /// Its host, a name or an address, and its port where one is written.
    pub authority: Authority,
}

/// How a server is spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// In clear.
    Http,
    /// Over TLS.
    Https,
}

/// What becomes of the client's Authorization header.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Authorization {
    /// It is removed.
    #[default]
    Strip,
    /// It is passed on.
    Keep,
    /// This is sent in its place; marked sensitive, so `Debug` does not show it.
    Replace(HeaderValue),
}

impl Server {
    /// The host to connect to, without the brackets of an IPv6 address.
    #[must_use]
    pub fn host(&self) -> &str {
        self.authority.host().trim_matches(['[', ']'])
    }

    /// The host where it is an address, so that there is no name to look up.
    #[must_use]
    pub fn ip(&self) -> Option<IpAddr> {
        self.host().parse().ok()
    }

    /// The port to connect to.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.authority.port_u16().unwrap_or(match self.scheme {
            Scheme::Http => 80,
            Scheme::Https => 443,
        })
    }

    fn parse(text: &str) -> Result<Self, Problem> {
        // Before all else, so that no other fault shows a password that was put here.
        if text.contains('@') {
            let help = "write authorization = { user = \"…\", password_file = \"…\" }";
            return Err(Problem::new("a server's URL has no user and password in it").help(help).secret());
        }
        let Some((scheme, rest)) = text.split_once("://") else {
            return Err(Problem::new(format!("{text:?} has no scheme")).help(format!("write \"http://{text}\"")));
        };
        let scheme = match scheme {
            "http" => Scheme::Http,
            "https" => Scheme::Https,
            other => return Err(Problem::new(format!("{other:?} is neither \"http\" nor \"https\""))),
        };
        if let Some(end) = rest.find(['/', '?', '#']) {
            let bare = rest.get(..end).unwrap_or(rest);
            let problem = Problem::new("a server has no path and no query: it is sent those of the request");
            return Err(problem.help(format!("write \"{scheme}://{bare}\"")));
        }
        let server = Self { scheme, authority: authority(rest)? };
        if server.port() == 0 {
            return Err(Problem::new("nothing can be reached on port 0"));
        }
        Ok(server)
    }
}

impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.scheme, self.authority)
    }
}

impl fmt::Display for Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Http => "http",
            Self::Https => "https",
        })
    }
}

impl Upstream {
    pub(super) fn check(raw: At<RawUpstream>, check: &mut Check<'_>) -> Result<Self, Told> {
        let At { value: raw, span } = raw;
        let servers = check
            .required(&span, "upstream.servers", raw.servers, "[\"http://127.0.0.1:9001\"]")
            .and_then(|list| servers(&list, check));
        let authorization = match raw.authorization {
            Some(raw) => Authorization::check(raw, check),
            None => Ok(Authorization::default()),
        };
        let ca = check.optional_path("upstream.ca", raw.ca.as_ref());
        let mut time = |name: &str, raw, seconds| {
            check.amount(&format!("upstream.{name}"), raw, Duration::from_secs(seconds), TIMEOUT)
        };
        let connect_timeout = time("connect_timeout", raw.connect_timeout.as_ref(), 5);
        let response_timeout = time("response_timeout", raw.response_timeout.as_ref(), 60);
        let read_timeout = time("read_timeout", raw.read_timeout.as_ref(), 300);
        let idle_timeout = time("idle_timeout", raw.idle_timeout.as_ref(), 4);
        let max_idle = check.number("upstream.max_idle", raw.max_idle.as_ref(), 64, 0..=65535);
        Ok(Self {
            servers: servers?,
            authorization: authorization?,
            ca: ca?,
            connect_timeout: connect_timeout?,
            response_timeout: response_timeout?,
            read_timeout: read_timeout?,
            idle_timeout: idle_timeout?,
            max_idle: max_idle?,
        })
    }
}

impl Authorization {
    fn check(raw: At<RawAuthorization>, check: &mut Check<'_>) -> Result<Self, Told> {
        let At { value, span } = raw;
        let key = "upstream.authorization";
        match value {
            RawAuthorization::Word(value) => {
                let words = [("strip", false), ("keep", true)];
                let keep = check.choice(key, Some(&At { value, span }), &words, false)?;
                Ok(if keep { Self::Keep } else { Self::Strip })
            }
            RawAuthorization::Account(account) => account_header(account, &span, check).map(Self::Replace),
        }
    }
}

/// Reads a list of servers.
pub(super) fn servers(list: &At<Vec<At<String>>>, check: &mut Check<'_>) -> Result<Vec<Server>, Told> {
    let key = "upstream.servers";
    if list.value.is_empty() {
        let problem = Problem::new("the list is empty").help("for example: servers = [\"http://127.0.0.1:9001\"]");
        return Err(check.tell(list.span.clone(), key, problem));
    }
    let mut told = None;
    let mut servers = Vec::new();
    for raw in &list.value {
        match check.value(key, raw, |text| Server::parse(text)) {
            Ok(server) if servers.contains(&server) => {
                told = Some(check.tell(raw.span.clone(), key, Problem::new(format!("{server} is listed twice"))));
            }
            Ok(server) => servers.push(server),
            Err(fault) => told = Some(fault),
        }
    }
    told.map_or(Ok(servers), Err)
}

/// Reads a host and a port more strictly than a URI does: it must be possible to connect to it.
fn authority(text: &str) -> Result<Authority, Problem> {
    let no_host = || Problem::new(format!("{text:?} is not a host and a port, such as \"store.internal:9001\""));
    let authority: Authority = text.parse().map_err(|_| no_host())?;
    let host = authority.host();
    let port = text.strip_prefix(host).ok_or_else(no_host)?;
    if !port.is_empty() && authority.port_u16().is_none() {
        return Err(Problem::new(format!("{:?} is not a port", port.trim_start_matches(':'))));
    }
    let sound = match host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
        Some(v6) => v6.parse::<Ipv6Addr>().is_ok(),
        None if host.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') => host.parse::<Ipv4Addr>().is_ok(),
        None => host.strip_suffix('.').unwrap_or(host).split('.').all(label),
    };
    if sound { Ok(authority) } else { Err(no_host()) }
}

/// One part of a host name. Underscores are in no host name of the internet's, but in many of a container network.
fn label(text: &str) -> bool {
    (1..=63).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

fn account_header(account: RawAccount, span: &Range<usize>, check: &mut Check<'_>) -> Result<HeaderValue, Told> {
    let user_key = "upstream.authorization.user";
    let file_key = "upstream.authorization.password_file";
    let user = check.required(span, user_key, account.user, "\"portcullis\"").and_then(|raw| {
        check.value(user_key, &raw, |user| match user.chars().find(|c| *c == ':' || c.is_control()) {
            Some(c) => Err(Problem::new(format!("{c:?} cannot be in a user name (RFC 7617 section 2)"))),
            None if user.is_empty() => Err(Problem::new("the user name is empty")),
            None => Ok(user.clone()),
        })
    });
    let password = check.required(span, file_key, account.password_file, "\"upstream.password\"").and_then(|raw| {
        let path = check.path(file_key, &raw)?;
        check.value(file_key, &raw, |_| password(&path))
    });
    let (user, password) = (user?, password?);
    let pair = Zeroizing::new([user.as_bytes(), b":", &password].concat());
    // Room for all of it, so that no copy is left behind in memory by growing.
    let mut header = Zeroizing::new(String::with_capacity(6 + pair.len().div_ceil(3) * 4));
    header.push_str("Basic ");
    STANDARD.encode_string(&*pair, &mut header);
    let made = HeaderValue::from_str(&header).map_err(|_| Problem::new("it makes no header value"));
    let mut value = made.map_err(|problem| check.tell(span.clone(), "upstream.authorization", problem))?;
    value.set_sensitive(true);
    Ok(value)
}

/// The password in a file, without the line break that editors put behind it.
fn password(path: &Path) -> Result<Zeroizing<Vec<u8>>, Problem> {
    let place = path.display();
    let mut password = std::fs::read(path)
        .map(Zeroizing::new)
        .map_err(|error| Problem::new(format!("{place} cannot be read: {error}")))?;
    for end in [b'\n', b'\r'] {
        if password.last() == Some(&end) {
            password.pop();
        }
    }
    if password.is_empty() {
        return Err(Problem::new(format!("{place} holds no password")));
    }
    if password.iter().any(u8::is_ascii_control) {
        let problem = Problem::new(format!("{place} has a control character in it"));
        return Err(problem.help("the file holds the password alone, on one line"));
    }
    Ok(password)
}
