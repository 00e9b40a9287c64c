//! One file of the corpus, read and checked.

use std::collections::BTreeSet;

use serde::Deserialize;

use crate::harness::{Seen, bytes, corpus};

/// A file: what it is about, what its cases have in common, and the cases.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct List {
    about: String,
    /// What a case says that does not say otherwise.
    #[serde(default)]
    usual: Usual,
    #[serde(rename = "case")]
    pub(super) cases: Vec<Case>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Usual {
    line: Option<String>,
    fields: Option<String>,
    body: Option<String>,
}

/// Bytes, and what has to become of them.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Case {
    pub(super) name: String,
    /// All of the bytes, in place of the parts below.
    send: Option<String>,
    line: Option<String>,
    host: Option<String>,
    credentials: Option<String>,
    fields: Option<String>,
    body: Option<String>,
    /// The statuses that the client gets, one after the other.
    answers: Option<Vec<u16>>,
    /// What becomes of the connection.
    then: Option<Then>,
    /// The fault is in a body, so that a part of it may have gone on where it does not come at once.
    #[serde(default)]
    pub(super) late: bool,
    /// What reaches the upstream. Nothing, where it is not there.
    #[serde(default)]
    pub(super) seen: Vec<Seen>,
    #[serde(default)]
    cve: Vec<String>,
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub(super) enum Then {
    /// It ends.
    Close,
    /// It carries another request.
    Open,
}

/// The files there are, as Rust would name them.
pub(super) fn names() -> BTreeSet<String> {
    corpus::names("http1")
}

impl List {
    pub(super) fn load(name: &str) -> Self {
        let list: Self = corpus::load("http1", name, |list: &Self| &list.about);
        corpus::distinct(name, list.cases.iter().map(|case| case.name.as_str()));
        list.cases.iter().for_each(|case| corpus::cited(&case.name, &case.cve));
        list
    }

    /// The bytes of a case.
    pub(super) fn bytes(&self, case: &Case) -> Vec<u8> {
        if let Some(all) = &case.send {
            return bytes(all);
        }
        let usual = |own: &Option<String>, usual: &Option<String>, otherwise: &str| {
            own.clone().or_else(|| usual.clone()).unwrap_or_else(|| otherwise.to_owned())
        };
        let host = case.host.as_deref().unwrap_or(r"Host: {host}\r\n");
        let credentials = case.credentials.as_deref().unwrap_or("{amy}");
        let line = usual(&case.line, &self.usual.line, "GET /play/sized/2 HTTP/1.1");
        let fields = usual(&case.fields, &self.usual.fields, "");
        let body = usual(&case.body, &self.usual.body, "");
        bytes(&format!(r"{line}\r\n{host}{credentials}{fields}\r\n{body}"))
    }
}

impl Case {
    pub(super) fn answers(&self) -> Vec<u16> {
        self.answers
            .clone()
            .unwrap_or_else(|| vec![if self.seen.is_empty() { 400 } else { 200 }; self.seen.len().max(1)])
    }

    /// What is refused ends its connection, if nothing else is said.
    pub(super) fn then(&self) -> Then {
        self.then.unwrap_or(if self.seen.is_empty() { Then::Close } else { Then::Open })
    }
}
