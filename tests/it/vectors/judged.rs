//! What the law makes of each vector, without a gateway around it.

use std::time::SystemTime;

use http::{Method, Uri};
use portcullis::policy::{Target, TargetError};
use portcullis::source::document::{Format, read};

use super::list::{Expect, HOST, List, Vector};
use crate::harness::AMY;

pub(super) fn run(list: &List) {
    let text = list.document();
    let law = read("access.toml", &text, Format::Toml, SystemTime::now()).unwrap_or_else(|faults| panic!("{faults}"));
    let amy = law.users.get(AMY.0).unwrap();
    for vector in &list.vectors {
        let target = match (parse(vector), vector.expect) {
            (None, _) => continue,
            (Some(Err(_)), Expect::Refuse) => continue,
            (Some(Ok(target)), Expect::Accept | Expect::Deny) => target,
            (Some(Ok(target)), Expect::Refuse) => panic!("read as {target}: {vector:?}"),
            (Some(Err(error)), _) => panic!("{error}: {vector:?}"),
        };
        assert_eq!(target.path_and_query().as_str(), vector.sent(), "{vector:?}");
        let judged = law.policy.would_allow(amy, None, &law.policy.ask(target));
        assert_eq!(judged.is_ok(), vector.expect == Expect::Accept, "{judged:?}: {vector:?}");
    }
}

/// Reads a vector as the gate would; `None` where it is no text.
fn parse(vector: &Vector) -> Option<Result<Target, TargetError>> {
    let text = vector.text()?;
    if !vector.is_absolute() {
        return Some(Target::parse(vector.method(), text));
    }
    // As in the gate, a target for another host, or with a user in it, gets no further.
    let (scheme, rest) = text.split_once("://").unwrap();
    let is_ours = ["http", "https"].iter().any(|ours| scheme.eq_ignore_ascii_case(ours));
    let origin = rest.strip_prefix(HOST).filter(|_| is_ours);
    if !origin.is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '?'])) || text.contains('#') {
        return Some(Err(TargetError::Form));
    }
    let (method, uri): (Method, Uri) = (vector.method().parse().unwrap(), text.parse().unwrap());
    Some(Target::read(&method, uri.path_and_query().unwrap()))
}
