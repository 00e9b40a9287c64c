//! One file of the corpus, read.

use std::collections::BTreeSet;

use serde::Deserialize;

use crate::harness::{AMY, HOST, Kind, Seen, basic, block, bytes, corpus, flags, frame};

/// A file: what it is about, and its cases.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct List {
    about: String,
    #[serde(rename = "case")]
    pub(super) cases: Vec<Case>,
}

/// A name and a value.
type Field = (String, String);

/// One stream, and what has to become of it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Case {
    pub(super) name: String,
    /// The pseudo-header fields; those below if it is not there.
    pseudo: Option<Vec<Field>>,
    method: Option<String>,
    scheme: Option<String>,
    authority: Option<String>,
    path: Option<String>,
    /// Before them.
    #[serde(default)]
    before: Vec<Field>,
    /// Behind them, and behind the credentials.
    #[serde(default)]
    fields: Vec<Field>,
    /// The payloads of DATA frames. Without one the head ends the stream.
    #[serde(default)]
    data: Vec<String>,
    /// A second head, that ends the stream.
    trailers: Option<Vec<Field>>,
    /// The status; any refusal where it is not there and nothing has to be seen.
    pub(super) status: Option<u16>,
    /// The fault is in a body, so that a part of it may have gone on.
    #[serde(default)]
    pub(super) late: bool,
    #[serde(default)]
    pub(super) seen: Vec<Seen>,
    #[serde(default)]
    cve: Vec<String>,
}

pub(super) fn names() -> BTreeSet<String> {
    corpus::names("http2")
}

impl List {
    pub(super) fn load(name: &str) -> Self {
        let list: Self = corpus::load("http2", name, |list: &Self| &list.about);
        corpus::distinct(name, list.cases.iter().map(|case| case.name.as_str()));
        list.cases.iter().for_each(|case| corpus::cited(&case.name, &case.cve));
        list
    }
}

impl Case {
    /// The frames of it, on a stream.
    pub(super) fn frames(&self, stream: u32) -> Vec<u8> {
        let end = |last: bool| if last { flags::END_STREAM } else { 0 };
        let alone = self.data.is_empty() && self.trailers.is_none();
        let mut frames = frame(Kind::HEADERS, flags::END_HEADERS | end(alone), stream, &block(&self.head()));
        for (place, data) in self.data.iter().enumerate() {
            let last = place + 1 == self.data.len() && self.trailers.is_none();
            frames.extend(frame(Kind::DATA, end(last), stream, &bytes(data)));
        }
        if let Some(trailers) = &self.trailers {
            let block = block(&trailers.iter().map(raw).collect::<Vec<_>>());
            frames.extend(frame(Kind::HEADERS, flags::END_HEADERS | flags::END_STREAM, stream, &block));
        }
        frames
    }

    fn head(&self) -> Vec<(Vec<u8>, Vec<u8>)> {
        let mut head: Vec<_> = self.before.iter().map(raw).collect();
        match &self.pseudo {
            Some(pseudo) => head.extend(pseudo.iter().map(raw)),
            None => {
                let usual = |own: &Option<String>, usual: &str| bytes(own.as_deref().unwrap_or(usual));
                head.push((
                    b":method".to_vec(),
                    usual(&self.method, if self.data.is_empty() { "GET" } else { "POST" }),
                ));
                head.push((b":scheme".to_vec(), usual(&self.scheme, "https")));
                head.push((b":authority".to_vec(), usual(&self.authority, HOST)));
                let path = if self.data.is_empty() { "/play/sized/2" } else { "/play/echo" };
                head.push((b":path".to_vec(), usual(&self.path, path)));
            }
        }
        head.push((b"authorization".to_vec(), basic(AMY).into_bytes()));
        head.extend(self.fields.iter().map(raw));
        head
    }
}

fn raw((name, value): &Field) -> (Vec<u8>, Vec<u8>) {
    (bytes(name), bytes(value))
}
