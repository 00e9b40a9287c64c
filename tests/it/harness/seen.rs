//! What a corpus says that the upstream has to see.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{Received, bytes};

/// A request as the upstream has to see it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Seen {
    pub(crate) line: String,
    /// Fields with all their values.
    #[serde(default)]
    fields: BTreeMap<String, Vec<String>>,
    /// Fields that must not be there.
    #[serde(default)]
    lacks: Vec<String>,
    #[serde(default)]
    body: String,
    #[serde(default)]
    trailers: BTreeMap<String, String>,
}

impl Seen {
    /// Compares all that reached the upstream with what has to.
    pub(crate) fn compare(expected: &[Self], received: &[Received], shown: &str) {
        let lines: Vec<_> = received.iter().map(|one| one.head.line.as_str()).collect();
        assert_eq!(lines, expected.iter().map(|one| one.line.as_str()).collect::<Vec<_>>(), "{shown}");
        for (expected, received) in expected.iter().zip(received) {
            expected.is(received, shown);
            one_reading(received, shown);
        }
    }

    fn is(&self, received: &Received, shown: &str) {
        let head = &received.head;
        for (name, values) in &self.fields {
            assert_eq!(&head.values(name), values, "{name} for {shown}");
        }
        for name in &self.lacks {
            assert!(!head.has(name), "{name} for {shown}");
        }
        assert!(received.body.complete, "half a body for {shown}");
        assert_eq!(received.body.kept, bytes(&self.body), "{shown}");
        let trailers: Vec<_> = self.trailers.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
        assert_eq!(received.body.trailers, trailers, "{shown}");
    }
}

/// Whatever goes on has one reading, for the most lenient and for the strictest of servers.
fn one_reading(received: &Received, shown: &str) {
    let head = &received.head;
    assert_eq!(head.values("host").len(), 1, "{shown}");
    let (lengths, codings) = (head.values("content-length"), head.values("transfer-encoding"));
    assert!(lengths.len() + codings.len() < 2, "{shown}");
    assert!(lengths.iter().all(|length| length.bytes().all(|byte| byte.is_ascii_digit())), "{shown}");
    assert!(codings.iter().all(|coding| coding == "chunked"), "{shown}");
    assert!(!head.has("authorization") && head.values("x-remote-user") == ["amy"], "{shown}");
    let text = head.text().replace("\r\n", "");
    assert!(!text.contains(|c: char| c.is_control() && c != '\t'), "{shown}");
    for (name, _) in &head.fields {
        let token = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte));
        assert!(token && !name.is_empty(), "{name:?} for {shown}");
    }
    let lines = head.text().matches("\r\n").count();
    assert_eq!(lines, head.fields.len() + 2, "a line that is no field: {shown}");
}
