//! Reading what several commands need: the access document, and the rule for a request.

use std::path::Path;

use http::Method;
use serde::Serialize;

use super::answer::Failure;
use crate::policy::{Asked, Policy, Requirement, Rule};
use crate::server;
use crate::source::document::Law;

/// The access document in a file.
pub(super) fn law(path: &Path) -> Result<Law, Failure> {
    server::access(path).map_err(|error| Failure::Faults(error.to_string()))
}

/// The rule for a request, in the document's words.
#[derive(Debug, Default, Serialize)]
pub(super) struct Governing {
    pub(super) resource: Option<String>,
    pub(super) pattern: Option<String>,
    /// Permissions, or `public` or `authenticated`; empty where no rule governs the request.
    pub(super) requires: Vec<String>,
}

impl Governing {
    pub(super) fn of(policy: &Policy, asked: &Asked) -> Self {
        Self {
            resource: asked.resource().map(|resource| resource.name.to_string()),
            pattern: asked.pattern(),
            requires: asked.rule().map(|rule| requires(policy, rule)).unwrap_or_default(),
        }
    }

    /// As rows of a table.
    pub(super) fn rows(&self) -> Vec<Vec<String>> {
        let needs = (!self.requires.is_empty()).then(|| self.requires.join(" and "));
        let rows = [("resource", self.resource.clone()), ("pattern", self.pattern.clone()), ("needs", needs)];
        rows.into_iter().filter_map(|(name, value)| Some(vec![name.to_owned(), value?])).collect()
    }
}

/// What a rule requires, in the document's words.
pub(super) fn requires(policy: &Policy, rule: &Rule) -> Vec<String> {
    match &rule.requirement {
        Requirement::Public => vec!["public".to_owned()],
        Requirement::Authenticated => vec!["authenticated".to_owned()],
        Requirement::All(_) => policy.required(rule).iter().map(ToString::to_string).collect(),
    }
}

/// What a method that is not listed may have been meant to be: methods are compared letter by letter.
pub(super) fn method_advice(method: &Method) -> Option<String> {
    let upper = method.as_str().to_ascii_uppercase();
    (upper != method.as_str()).then(|| format!("methods are written in capitals: {upper}"))
}
