//! One file of the corpus, read.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use crate::harness::{bytes, corpus};

/// A file: what it is about, and its cases.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct List {
    about: String,
    #[serde(rename = "case")]
    pub(super) cases: Vec<Case>,
}

/// What an upstream says, and what the client gets of it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Case {
    pub(super) name: String,
    #[serde(default = "get")]
    pub(super) method: String,
    send: String,
    /// Whether it closes the connection behind that.
    #[serde(default)]
    pub(super) closes: bool,
    /// What it says when its client has got the answer, before anything is asked of it again.
    later: Option<String>,
    /// What the client gets.
    pub(super) status: u16,
    #[serde(default)]
    body: String,
    /// The body breaks off.
    #[serde(default)]
    pub(super) breaks: bool,
    #[serde(default)]
    pub(super) fields: BTreeMap<String, Vec<String>>,
    #[serde(default)]
    pub(super) lacks: Vec<String>,
    /// Statuses of interim answers before it, over HTTP/1.
    #[serde(default)]
    pub(super) interim: Vec<u16>,
    /// Whether the connection carries the next request.
    #[serde(default)]
    pub(super) reused: bool,
}

fn get() -> String {
    "GET".to_owned()
}

pub(super) fn names() -> BTreeSet<String> {
    corpus::names("http1-answers")
}

impl List {
    pub(super) fn load(name: &str) -> Self {
        let list: Self = corpus::load("http1-answers", name, |list: &Self| &list.about);
        corpus::distinct(name, list.cases.iter().map(|case| case.name.as_str()));
        list
    }
}

impl Case {
    pub(super) fn said(&self) -> Vec<u8> {
        bytes(&self.send)
    }

    pub(super) fn later(&self) -> Option<Vec<u8>> {
        self.later.as_deref().map(bytes)
    }

    pub(super) fn body(&self) -> Vec<u8> {
        bytes(&self.body)
    }
}
