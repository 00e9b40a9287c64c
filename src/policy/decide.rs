//! The decision: whether an identity may do what a target asks for.
//!
//! [`Policy::decide`] is the only place a [`Permit`] comes from, and a request without a permit has no way to be
//! forwarded. What no resource covers and what a resource does not list is denied.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use http::Method;

use super::permission::{Permission, Requirement};
use super::resource::{Resource, Rule};
use super::routes::Leaf;
use super::users::{Identity, User};
use super::{Policy, Target};

/// A target and what the policy has for it: the first half of a decision, which needs no identity.
#[derive(Clone, Debug)]
pub struct Asked {
    target: Target,
    place: Result<Place, Uncovered>,
}

/// The rule that governs a target.
#[derive(Clone, Debug)]
struct Place {
    resource: Arc<Resource>,
    pattern: usize,
    /// `None` where the resource does not list the method.
    rule: Option<usize>,
}

/// Why no rule governs a target.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Uncovered {
    NoResource,
    Format(Box<str>),
}

impl Asked {
    /// What one pattern of a resource has for a target.
    pub(super) fn at(resource: Option<(&Arc<Resource>, usize)>, target: Target) -> Self {
        let place = resource.ok_or(Uncovered::NoResource).map(|(resource, pattern)| {
            // HEAD is GET without the body (RFC 9110 section 9.3.2), so it takes what GET takes.
            let method = if target.method() == Method::HEAD { &Method::GET } else { target.method() };
            let rule = resource.rules.iter().position(|rule| rule.method == *method);
            Place { resource: Arc::clone(resource), pattern, rule }
        });
        Self { place, target }
    }

    /// What is asked for.
    #[must_use]
    pub fn target(&self) -> &Target {
        &self.target
    }

    /// Whether this is answered without asking for credentials.
    #[must_use]
    pub fn is_public(&self) -> bool {
        self.rule().is_some_and(|rule| rule.requirement == Requirement::Public)
    }

    /// The resource that covers the path.
    #[must_use]
    pub fn resource(&self) -> Option<&Resource> {
        self.place.as_ref().ok().map(|place| &*place.resource)
    }

    /// The pattern of that resource that covers the path, as the document writes it.
    #[must_use]
    pub fn pattern(&self) -> Option<String> {
        let place = self.place.as_ref().ok()?;
        place.resource.patterns.get(place.pattern).map(ToString::to_string)
    }

    /// The rule of that resource for the method.
    #[must_use]
    pub fn rule(&self) -> Option<&Rule> {
        let place = self.place.as_ref().ok()?;
        place.resource.rules.get(place.rule?)
    }
}

/// The verdict.
#[derive(Debug)]
pub enum Decision {
    /// Yes, and the proof of it.
    Permit(Permit),
    /// No, and why.
    Denial(Denial),
}

/// Proof that a request may be forwarded: who asked for what under which rule. Only [`Policy::decide`] makes one.
///
/// It cannot be forged:
/// ```compile_fail
/// use portcullis::policy::{Asked, Permit};
/// fn forge(asked: Asked) -> Permit {
///     Permit { identity: None, asked }
/// }
/// ```
/// Reading one is free to all:
/// ```
/// use portcullis::policy::{Permit, Target};
/// fn target(permit: &Permit) -> &Target {
///     permit.asked().target()
/// }
/// ```
#[derive(Debug)]
pub struct Permit {
    identity: Option<Identity>,
    asked: Asked,
}

impl Permit {
    /// Who asks; `None` only for what is public.
    #[must_use]
    pub fn identity(&self) -> Option<&Identity> {
        self.identity.as_ref()
    }

    /// What is asked for, and the rule that allows it.
    #[must_use]
    pub fn asked(&self) -> &Asked {
        &self.asked
    }
}

/// A refusal that no change of credentials' spelling can lift: it takes another document.
#[derive(Debug)]
pub struct Denial {
    reason: DenialReason,
    identity: Option<Identity>,
    asked: Asked,
}

impl Denial {
    /// Why.
    #[must_use]
    pub fn reason(&self) -> &DenialReason {
        &self.reason
    }

    /// Who asked, where that is known.
    #[must_use]
    pub fn identity(&self) -> Option<&Identity> {
        self.identity.as_ref()
    }

    /// What was asked for.
    #[must_use]
    pub fn asked(&self) -> &Asked {
        &self.asked
    }
}

/// Why a request is denied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DenialReason {
    /// Nobody has proved to be anyone, and this is not public.
    Unauthenticated,
    /// The user may not come from this address.
    Address,
    /// No resource covers the path.
    NoResource,
    /// The path ends in a format that the resource does not list, so servers may disagree which resource it names.
    Format(Box<str>),
    /// The resource does not list the method.
    Method,
    /// These permissions are not held.
    Missing(Box<[Permission]>),
}

impl fmt::Display for DenialReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unauthenticated => f.write_str("credentials are required"),
            Self::Address => f.write_str("this user may not use the API from this address"),
            Self::NoResource => f.write_str("no resource covers this path"),
            Self::Format(format) => write!(f, "the resource does not list the format \"{format}\""),
            Self::Method => f.write_str("the resource does not list this method"),
            Self::Missing(missing) => {
                let (words, verb) = if missing.len() == 1 { ("permission", "is") } else { ("permissions", "are") };
                write!(f, "the {words}")?;
                for (place, permission) in missing.iter().enumerate() {
                    write!(f, "{} {}", if place == 0 { "" } else { " and" }, permission.as_str())?;
                }
                write!(f, " {verb} missing")
            }
        }
    }
}

impl Policy {
    /// Finds the rule for a target.
    #[must_use]
    pub fn ask(&self, target: Target) -> Asked {
        match self.locate(target.matched()) {
            Ok(leaf) => Asked::at(self.resources.get(leaf.resource).map(|resource| (resource, leaf.pattern)), target),
            Err(uncovered) => Asked { place: Err(uncovered), target },
        }
    }

    /// Decides. Without an identity only what is public is permitted.
    #[must_use]
    pub fn decide(&self, identity: Option<Identity>, asked: Asked) -> Decision {
        let asker = identity.as_ref().map(|identity| (identity.user(), Some(identity.address())));
        match self.objection(asker, &asked) {
            None => Decision::Permit(Permit { identity, asked }),
            Some(reason) => Decision::Denial(Denial { reason, identity, asked }),
        }
    }

    /// Asks hypothetically: what [`Self::decide`] would say, had this user proved to be one.
    ///
    /// For `explain` and for the expectations in a document, which know a name and no secret. The answer opens nothing:
    /// it is no [`Permit`] and cannot become one. Whether the user has API access is not looked at, since without it
    /// nobody gets as far as a decision. Without an address, the user is taken to come from where they may.
    ///
    /// # Errors
    /// The reason for which the user would be denied.
    pub fn would_allow(&self, user: &User, address: Option<IpAddr>, asked: &Asked) -> Result<(), DenialReason> {
        self.objection(Some((user, address)), asked).map_or(Ok(()), Err)
    }

    fn objection(&self, asker: Option<(&User, Option<IpAddr>)>, asked: &Asked) -> Option<DenialReason> {
        if asked.is_public() {
            return None;
        }
        let Some((user, address)) = asker else {
            return Some(DenialReason::Unauthenticated);
        };
        if address.is_some_and(|address| !user.may_come_from(address)) {
            return Some(DenialReason::Address);
        }
        match &asked.place {
            Err(Uncovered::NoResource) => return Some(DenialReason::NoResource),
            Err(Uncovered::Format(format)) => return Some(DenialReason::Format(format.clone())),
            Ok(_) => {}
        }
        let Some(rule) = asked.rule() else {
            return Some(DenialReason::Method);
        };
        match &rule.requirement {
            Requirement::Public | Requirement::Authenticated => None,
            Requirement::All(required) => {
                let lacks = |id: &&super::PermissionId| !user.held.contains(**id);
                let missing: Box<[_]> =
                    required.iter().filter(lacks).filter_map(|id| self.permission(*id)).cloned().collect();
                (!missing.is_empty()).then_some(DenialReason::Missing(missing))
            }
        }
    }

    /// Finds the leaf for a path, in whichever of its spellings the upstream may read it.
    fn locate(&self, path: &str) -> Result<Leaf, Uncovered> {
        let plain = self.routes.find(path);
        let Some((stem, format)) = self.split_format(path) else {
            return plain.ok_or(Uncovered::NoResource);
        };
        // Without its format, `.json` is nothing and `...json` a dot segment: neither names anything.
        let name = stem.rsplit('/').next().unwrap_or_default();
        let named = if name.bytes().all(|byte| byte == b'.') { None } else { self.routes.find(stem) };
        let lists = |leaf: Leaf| self.resources.get(leaf.resource).is_some_and(|found| found.lists(format));
        match (plain, named) {
            (Some(plain), Some(named)) if plain == named => Ok(plain),
            (_, Some(named)) if lists(named) => Ok(named),
            (None, None) => Err(Uncovered::NoResource),
            // The document names this very file, format and all.
            (Some(plain), _) if self.is_literal_end(plain) => Ok(plain),
            // An upstream that knows the format would read another resource than the one whose rule would apply.
            _ => Err(Uncovered::Format(format.into())),
        }
    }

    /// Splits off the last segment's suffix, where it is a format that some resource lists, in any case.
    fn split_format<'p>(&self, path: &'p str) -> Option<(&'p str, &'p str)> {
        let dot = path.bytes().rposition(|byte| byte == b'.')?;
        let (stem, suffix) = (path.get(..dot)?, path.get(dot + 1..)?);
        self.formats.iter().any(|format| format.eq_ignore_ascii_case(suffix)).then_some((stem, suffix))
    }

    fn is_literal_end(&self, leaf: Leaf) -> bool {
        let resource = self.resources.get(leaf.resource);
        resource.and_then(|found| found.patterns.get(leaf.pattern)).is_some_and(|pattern| pattern.ends_literally())
    }
}

#[cfg(test)]
mod tests {
    use http::Method;

    use super::super::{Grant, Pattern, Permission, PolicyBuilder, UserEntry};
    use super::{Decision, DenialReason, Policy, Requirement, Resource, Rule, Target};

    fn law() -> (Policy, crate::policy::User) {
        let mut builder = PolicyBuilder::default();
        let view = builder.require(&Permission::parse("orders.view").unwrap());
        let edit = builder.require(&Permission::parse("orders.edit").unwrap());
        let rule = |method, requirement| Rule { method, requirement, label: "".into() };
        builder.resource(Resource {
            name: "Orders".into(),
            patterns: [Pattern::parse("/orders").unwrap()].into(),
            formats: ["json".into()].into(),
            rules: [
                rule(Method::GET, Requirement::All([view].into())),
                rule(Method::PUT, Requirement::All([view, edit].into())),
                rule(Method::OPTIONS, Requirement::Public),
            ]
            .into(),
        });
        let grants = vec![Grant::parse("orders.view").unwrap()];
        let entry = UserEntry { name: "amy".into(), grants, networks: Vec::new(), ..UserEntry::default() };
        let user = builder.user(entry).unwrap();
        (builder.finish().unwrap(), user)
    }

    #[test]
    fn each_denial_has_its_own_reason() {
        let (policy, amy) = law();
        let missing = DenialReason::Missing([Permission::parse("orders.edit").unwrap()].into());
        for (method, path, reason) in [
            ("GET", "/orders", None),
            ("HEAD", "/orders.json", None),
            ("OPTIONS", "/orders", None),
            ("PUT", "/orders", Some(missing)),
            ("DELETE", "/orders", Some(DenialReason::Method)),
            ("get", "/orders", Some(DenialReason::Method)),
            ("GET", "/ordersX", Some(DenialReason::NoResource)),
            ("GET", "/orders/1", Some(DenialReason::NoResource)),
        ] {
            let asked = policy.ask(Target::parse(method, path).unwrap());
            assert_eq!(policy.would_allow(&amy, None, &asked).err(), reason, "{method} {path}");
        }
    }

    #[test]
    fn without_an_identity_only_what_is_public_is_permitted() {
        let (policy, _) = law();
        for (method, path, permitted) in
            [("OPTIONS", "/orders", true), ("GET", "/orders", false), ("DELETE", "/orders", false), ("GET", "/", false)]
        {
            let decision = policy.decide(None, policy.ask(Target::parse(method, path).unwrap()));
            assert_eq!(matches!(decision, Decision::Permit(_)), permitted, "{method} {path}");
        }
    }
}
