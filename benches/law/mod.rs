//! The law that `benches/admit.rs` and `examples/instructions.rs` judge by, and the requests that they have judged.

use std::error::Error;
use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::{ACCEPT, ACCEPT_ENCODING, AUTHORIZATION, HOST, USER_AGENT};
use http::{Method, Request, StatusCode};
use portcullis::fuzzing::{Arrived, Gateway};
use portcullis::policy::{
    Grant, Pattern, Permission, PolicyBuilder, Requirement, Resource, Rule, Token, TokenHash, UserEntry, Users,
};
use portcullis::settings::Lockout;
use portcullis::source::document::Law;
use tokio::io::DuplexStream;

pub(crate) type Failure = Box<dyn Error>;

/// How much law there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Size {
    pub(crate) users: usize,
    pub(crate) resources: usize,
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} users, {} resources", self.users, self.resources)
    }
}

/// What a request comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Case {
    Permitted,
    WrongToken,
    UnknownUser,
    /// The user may view, and wants to delete.
    Denied,
}

impl Case {
    pub(crate) const ALL: [Self; 4] = [Self::Permitted, Self::WrongToken, Self::UnknownUser, Self::Denied];

    /// What it has to be answered; `None` where it may pass.
    pub(crate) fn refused(self) -> Option<StatusCode> {
        match self {
            Self::Permitted => None,
            Self::WrongToken | Self::UnknownUser => Some(StatusCode::UNAUTHORIZED),
            Self::Denied => Some(StatusCode::FORBIDDEN),
        }
    }

    /// Where it comes from. Who guesses has an address of their own, for it is kept in mind.
    fn address(self) -> IpAddr {
        let host = if self.refused() == Some(StatusCode::UNAUTHORIZED) { 2 } else { 1 };
        IpAddr::from([192, 0, 2, host])
    }
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Permitted => "permitted",
            Self::WrongToken => "wrong token",
            Self::UnknownUser => "unknown user",
            Self::Denied => "method not permitted",
        })
    }
}

/// A gateway under a law of some size.
pub(crate) struct World {
    pub(crate) size: Size,
    pub(crate) gateway: Gateway,
}

impl World {
    /// Every user has one token and one role, with which each resource may be viewed. Wrong credentials are counted as
    /// the settings have it, but for a threshold that is never reached: who is locked out would cost less.
    pub(crate) fn new(size: Size, accept: impl Fn(DuplexStream) + 'static) -> Result<Self, Failure> {
        let lockout = Lockout {
            enabled: true,
            failures: 1_000_000,
            address_failures: 1_000_000,
            first_wait: Duration::from_secs(1),
            longest_wait: Duration::from_secs(900),
            forget: Duration::from_secs(900),
            entries: 100_000,
        };
        Ok(Self { size, gateway: Gateway::with_lockout(law(size)?, &lockout, accept)? })
    }

    /// The request with this number. Users and resources take turns, all of them and in no order that memory follows.
    pub(crate) fn arrive(&self, case: Case, number: usize) -> Result<Arrived, Failure> {
        let (user, resource) = (turn(number, 15_485_863, self.size.users), turn(number, 7919, self.size.resources));
        let method = if case == Case::Denied { Method::DELETE } else { Method::GET };
        let head = Request::builder()
            .method(method)
            .uri(path(resource))
            .header(HOST, "api.example.com")
            .header(USER_AGENT, "Warehouse/4.2")
            .header(ACCEPT, "application/json")
            .header(ACCEPT_ENCODING, "gzip")
            .header(AUTHORIZATION, credentials(case, user));
        let (head, ()) = head.body(())?.into_parts();
        Ok(self.gateway.arrive(case.address(), head))
    }
}

/// A place among `count`, which share no factor with the step.
fn turn(number: usize, step: usize, count: usize) -> usize {
    number.wrapping_mul(step) % count
}

/// The path of a thing that a resource has.
pub(crate) fn path(resource: usize) -> String {
    format!("/api/v2/area{resource}/1234?fields=name,price")
}

/// What a user presents. Names and tokens are as long whatever they are worth.
pub(crate) fn credentials(case: Case, user: usize) -> String {
    let text = match case {
        Case::Permitted | Case::Denied => format!("user-{user:07}:{}", token(user)),
        Case::WrongToken => format!("user-{user:07}:{}", token(user + 1)),
        Case::UnknownUser => format!("none-{user:07}:{}", token(user)),
    };
    format!("Basic {}", STANDARD.encode(text))
}

/// As long as those that are generated.
fn token(user: usize) -> String {
    format!("pcl_{user:049}")
}

fn law(size: Size) -> Result<Law, Failure> {
    let mut policy = PolicyBuilder::default();
    let mut grants = Vec::with_capacity(size.resources);
    for place in 0..size.resources {
        let (resource, view) = resource(&mut policy, place)?;
        policy.resource(resource);
        grants.push(view);
    }
    let role = policy.role("clerk", grants);
    let users: Option<Vec<_>> = (0..size.users)
        .map(|place| {
            let hash = TokenHash::of(token(place).as_bytes());
            policy.user(UserEntry {
                name: format!("user-{place:07}").into(),
                api_access: true,
                tokens: vec![Token { hash, label: None, created: None, expires: None }],
                roles: vec![role],
                ..UserEntry::default()
            })
        })
        .collect();
    let users = Users::new(users.ok_or("a name that cannot be sent")?);
    let policy = policy.finish().map_err(|ties| format!("{} patterns tie", ties.len()))?;
    Ok(Law { users, policy, warnings: Vec::new(), allow_no_users: false, expectations: 0 })
}

/// A resource, and what lets it be viewed.
fn resource(policy: &mut PolicyBuilder, place: usize) -> Result<(Resource, Grant), Failure> {
    let mut rule = |method, word| -> Result<Rule, Failure> {
        let label = format!("area{place}.{word}");
        let needed = policy.require(&Permission::parse(&label)?);
        Ok(Rule { method, requirement: Requirement::All([needed].into()), label: label.into() })
    };
    let rules = [rule(Method::GET, "view")?, rule(Method::PUT, "edit")?, rule(Method::DELETE, "edit")?];
    let patterns = [format!("/api/v2/area{place}"), format!("/api/v2/area{place}/{{id}}")];
    let patterns = patterns.iter().map(|text| Pattern::parse(text)).collect::<Result<_, _>>()?;
    let resource = Resource { name: format!("Area {place}").into(), patterns, formats: [].into(), rules: rules.into() };
    Ok((resource, Grant::parse(&format!("area{place}.view"))?))
}
