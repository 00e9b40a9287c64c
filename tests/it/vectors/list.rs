//! One file of the list, read and checked.

use std::collections::BTreeSet;

use serde::Deserialize;

use crate::harness::{AMY, corpus, user};

/// The host that every request names.
pub(super) const HOST: &str = "shop.example";

/// A file: what it is about, what its access document covers, and its vectors.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct List {
    about: String,
    #[serde(default)]
    rules: Vec<Rule>,
    #[serde(rename = "vector")]
    pub(super) vectors: Vec<Vector>,
}

/// A resource of the access document.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Rule {
    paths: Vec<String>,
    methods: Vec<String>,
    #[serde(default)]
    formats: Vec<String>,
    /// Whether the one who asks may use it.
    granted: bool,
}

/// A request line, and what has to become of it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Vector {
    target: Option<String>,
    /// In place of a target that is no UTF-8: its bytes, in hexadecimal digits.
    bytes: Option<String>,
    #[serde(default)]
    method: Option<String>,
    /// The only protocol in which this is one request line.
    over: Option<Over>,
    pub(super) expect: Expect,
    /// What is matched and sent, without the query.
    path: Option<String>,
    reason: String,
    #[serde(default)]
    cve: Vec<String>,
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub(super) enum Expect {
    /// It is permitted, and reaches the upstream.
    Accept,
    /// It is read, and no rule permits it.
    Deny,
    /// It has no single reading.
    Refuse,
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub(super) enum Over {
    Http1,
    Http2,
}

/// The files there are, as Rust would name them.
pub(super) fn names() -> BTreeSet<String> {
    corpus::names("vectors")
}

impl List {
    pub(super) fn load(name: &str) -> Self {
        let list: Self = corpus::load("vectors", name, |list: &Self| &list.about);
        list.vectors.iter().for_each(Vector::check);
        list
    }

    /// The access document; what a file without rules asks for is all permitted.
    pub(super) fn document(&self) -> String {
        let mut text = user(AMY, "api_access = true\npermissions = [\"paths.use\"]");
        let all = Rule {
            paths: vec!["/**".to_owned()],
            methods: ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"].map(str::to_owned).to_vec(),
            formats: Vec::new(),
            granted: true,
        };
        let rules = if self.rules.is_empty() { std::slice::from_ref(&all) } else { &self.rules };
        for (place, rule) in rules.iter().enumerate() {
            let needs = if rule.granted { "paths.use" } else { "paths.keep" };
            let permissions: Vec<_> = rule.methods.iter().map(|method| format!("{method} = \"{needs}\"")).collect();
            text.push_str(&format!(
                "\n[[resources]]\nname = \"{place}\"\npaths = {:?}\nformats = {:?}\npermissions = {{ {} }}\n",
                rule.paths,
                rule.formats,
                permissions.join(", ")
            ));
        }
        text
    }

    /// The vectors that are one request line in a protocol.
    pub(super) fn over(&self, over: Over) -> impl Iterator<Item = &Vector> {
        self.vectors.iter().filter(move |vector| vector.over.is_none_or(|only| only == over))
    }
}

impl Vector {
    fn check(&self) {
        assert!(self.target.is_some() != self.bytes.is_some(), "a target or its bytes: {self:?}");
        assert_eq!(self.path.is_some(), self.expect != Expect::Refuse, "a path, where there is one: {self:?}");
        let sentence = self.reason.ends_with(['.', '?']) && self.reason.starts_with(|c: char| !c.is_lowercase());
        assert!(sentence, "a reason is a sentence: {self:?}");
        corpus::cited(&self.reason, &self.cve);
    }

    pub(super) fn method(&self) -> &str {
        self.method.as_deref().unwrap_or("GET")
    }

    pub(super) fn target(&self) -> Vec<u8> {
        match (&self.target, &self.bytes) {
            (Some(text), _) => text.clone().into_bytes(),
            (None, digits) => {
                let digits = digits.as_deref().unwrap_or_default().split_whitespace();
                digits.map(|byte| u8::from_str_radix(byte, 16).unwrap()).collect()
            }
        }
    }

    /// The target, where it is text.
    pub(super) fn text(&self) -> Option<&str> {
        self.target.as_deref()
    }

    /// The target in absolute-form, and what stands before its path.
    pub(super) fn is_absolute(&self) -> bool {
        self.text().is_some_and(|text| text.contains("://") && !text.starts_with('/'))
    }

    /// What the upstream has to be asked for: the canonical path, and the query as it came.
    pub(super) fn sent(&self) -> String {
        let path = self.path.clone().expect("only what is read is sent");
        match self.text().and_then(|text| text.split_once('?')) {
            Some((_, query)) => format!("{path}?{query}"),
            None => path,
        }
    }

    /// Whether any server would take this for HTTP, so that it is for the gate to refuse and not for a parser before it.
    pub(super) fn is_http(&self) -> bool {
        let token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
        let in_uri = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~:@!$&'()*+,;=/?%".contains(&byte);
        let target = self.target();
        // Over HTTP/2 a CONNECT with a path is no request.
        let method = self.method() != "CONNECT" && !self.method().is_empty() && self.method().bytes().all(token);
        method && target.starts_with(b"/") && target.into_iter().all(in_uri)
    }
}
