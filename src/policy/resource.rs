//! Resources: named parts of the upstream API, and what each method of them needs.

use http::Method;

use super::pattern::Pattern;
use super::permission::Requirement;

/// A named part of the upstream API.
#[derive(Clone, Debug)]
pub struct Resource {
    /// The name, for people.
    pub name: Box<str>,
    /// The paths covered.
    pub patterns: Box<[Pattern]>,
    /// Suffixes that spell the same target, without the dot.
    pub formats: Box<[Box<str>]>,
    /// What each listed method needs.
    pub rules: Box<[Rule]>,
}

/// What one method of a resource needs.
#[derive(Clone, Debug)]
pub struct Rule {
    /// The method; GET stands for HEAD too.
    pub method: Method,
    /// What it needs.
    pub requirement: Requirement,
    /// The requirement in the document's words, for logs and answers: `products.view`, or `a.view + b.view`.
    pub label: Box<str>,
}

impl Resource {
    pub(super) fn lists(&self, format: &str) -> bool {
        self.formats.iter().any(|listed| **listed == *format)
    }
}
