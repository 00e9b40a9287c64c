//! An entry, a user and a policy for this room's tests.

use std::net::{IpAddr, Ipv4Addr};
use std::time::{Duration, UNIX_EPOCH};

use http::{Method, Version};

use super::entry::Entry;
use super::id::RequestId;
use crate::policy::{
    Authentication, Credentials, Identity, Pattern, Permission, Policy, PolicyBuilder, Requirement, Resource, Rule,
    Target, Token, TokenHash, UserEntry, Users,
};

const ADDRESS: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 7));

pub(super) fn entry() -> Entry {
    let time = UNIX_EPOCH + Duration::from_micros(1_782_864_000_000_042);
    let id = RequestId::new(0x0123_4567_89ab_cdef_0123_4567_89ab_cdef);
    Entry::new(time, id, ADDRESS, Version::HTTP_11, 7)
}

pub(super) fn policy() -> Policy {
    let mut builder = PolicyBuilder::default();
    let edit = builder.require(&Permission::parse("products.edit").unwrap());
    let requirement = Requirement::All([edit].into());
    builder.resource(Resource {
        name: "Products".into(),
        patterns: [Pattern::parse("/api/products/**").unwrap()].into(),
        formats: [].into(),
        rules: [Rule { method: Method::PUT, requirement, label: "products.edit".into() }].into(),
    });
    builder.finish().unwrap()
}

pub(super) fn target(method: &str, target: &str) -> Target {
    Target::parse(method, target).unwrap()
}

pub(super) fn amy() -> Identity {
    let token = Token { hash: TokenHash::of(b"hush"), label: None, created: None, expires: None };
    let entry = UserEntry { name: "amy".into(), api_access: true, tokens: vec![token], ..UserEntry::default() };
    let users = Users::new(vec![PolicyBuilder::default().user(entry).unwrap()]);
    let presented = Credentials { name: "amy", secret: b"hush", address: ADDRESS };
    match users.authenticate(&presented, UNIX_EPOCH) {
        Authentication::Proven(identity) => identity,
        other => panic!("{other:?}"),
    }
}
