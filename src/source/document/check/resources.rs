//! Resources: names, path patterns, formats, and what each method requires.

use std::collections::HashMap;

use http::Method;

use super::super::fields::Text;
use super::super::report::{Report, meant, quote};
use super::super::shape::{METHODS, Needs, Resource as Raw, Section};
use super::super::suggest::nearest;
use crate::policy::{
    Pattern, Permission, PermissionError, PermissionId, PolicyBuilder, Requirement, Resource, Rule, Spot, Tie,
};

/// The resources as they were added to the policy, by their places in it.
pub(super) struct Added<'n> {
    resources: Vec<(&'n str, Vec<Text<'n>>)>,
    /// Whether every requirement could be read, so that it is known what nothing requires.
    pub(super) whole: bool,
}

/// Adds all resources, with whatever of each is right, so that one fault does not hide another.
pub(super) fn add<'n>(raw: &Section<Raw<'n>>, builder: &mut PolicyBuilder, report: &mut Report<'_>) -> Added<'n> {
    let mut added = Added { resources: Vec::new(), whole: raw.whole };
    let mut named = HashMap::new();
    for raw in &raw.items {
        if let Some(text) = raw.name {
            super::name(text, "a resource's name", report);
            if let Some(first) = named.insert(text.value, text.span) {
                let message = format!("resource {} is there already, at {}", quote(text.value), report.place(first));
                report.fault(text.span, message);
            }
        }
        let (patterns, texts) = patterns(&raw.paths, report);
        let mut rules = Vec::with_capacity(raw.rules.len());
        for (method, needs) in &raw.rules {
            added.whole &= !needs.texts().iter().any(|text| is_lost(text.value));
            let (method, requirement) = (method_of(*method, report), requirement(needs, builder, report));
            let rule = |(method, (requirement, label))| Rule { method, requirement, label };
            rules.extend(method.zip(requirement).map(rule));
        }
        let name = raw.name.map_or("", |text| text.value);
        builder.resource(Resource {
            name: name.into(),
            patterns: patterns.into(),
            formats: formats(&raw.formats, report).into(),
            rules: rules.into(),
        });
        added.resources.push((name, texts));
    }
    added
}

fn patterns<'n>(paths: &[Text<'n>], report: &mut Report<'_>) -> (Vec<Pattern>, Vec<Text<'n>>) {
    let mut read = Vec::with_capacity(paths.len());
    for text in paths {
        match Pattern::parse(text.value) {
            Ok(pattern) => read.push((pattern, *text)),
            Err(error) => report.helped(text.span, format!("path {}: {error}", quote(text.value)), || {
                let repaired = format!("/{}", text.value.trim_matches('/'));
                (repaired != text.value && Pattern::parse(&repaired).is_ok()).then(|| meant(repaired))
            }),
        }
    }
    read.into_iter().unzip()
}

fn formats(formats: &[Text<'_>], report: &mut Report<'_>) -> Vec<Box<str>> {
    let is_format = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    let mut read: Vec<Box<str>> = Vec::with_capacity(formats.len());
    for text in formats {
        if is_format(text.value) {
            read.push(text.value.into());
            continue;
        }
        let message = format!("format {}: a format is letters a-z and digits, such as \"json\"", quote(text.value));
        report.helped(text.span, message, || {
            let repaired = text.value.trim_start_matches('.').to_ascii_lowercase();
            is_format(&repaired).then(|| meant(repaired))
        });
    }
    read
}

fn method_of(text: Text<'_>, report: &mut Report<'_>) -> Option<Method> {
    if METHODS.contains(&text.value) {
        return Method::from_bytes(text.value.as_bytes()).ok();
    }
    let message = match text.value {
        "HEAD" => "HEAD follows GET: remove it".to_owned(),
        "CONNECT" | "TRACE" => format!("{} is never forwarded: remove it", text.value),
        other => format!("unknown method {}", quote(other)),
    };
    let is_real = matches!(text.value, "HEAD" | "CONNECT" | "TRACE");
    report.helped(text.span, message, || {
        let help = || nearest(text.value, METHODS).map_or_else(|| format!("methods are {}", METHODS.join(", ")), meant);
        (!is_real).then(help)
    });
    None
}

/// What a method needs, and in which words. All of a list is looked at, whatever is wrong with a part of it.
fn requirement(
    needs: &Needs<'_>,
    builder: &mut PolicyBuilder,
    report: &mut Report<'_>,
) -> Option<(Requirement, Box<str>)> {
    match needs {
        Needs::One(Text { value: "public", .. }) => Some((Requirement::Public, "public".into())),
        Needs::One(Text { value: "authenticated", .. }) => Some((Requirement::Authenticated, "authenticated".into())),
        Needs::One(text) => {
            let id = required(*text, builder, report)?;
            Some((Requirement::All([id].into()), text.value.into()))
        }
        Needs::All(texts) => {
            let ids: Vec<_> = texts.iter().map(|text| required(*text, builder, report)).collect();
            let ids: Option<Box<[PermissionId]>> = ids.into_iter().collect();
            let words: Vec<_> = texts.iter().map(|text| text.value).collect();
            // A list of which nothing could be read would be satisfied by anyone.
            let ids = ids.filter(|ids| !ids.is_empty())?;
            Some((Requirement::All(ids), words.join(" + ").into()))
        }
    }
}

fn required(text: Text<'_>, builder: &mut PolicyBuilder, report: &mut Report<'_>) -> Option<PermissionId> {
    match Permission::parse(text.value) {
        Ok(permission) => Some(builder.require(&permission)),
        Err(error) => {
            let message = match error {
                PermissionError::Reserved => format!("{} stands alone, not in a list", quote(text.value)),
                _ => format!("permission {}: {error}", quote(text.value)),
            };
            let lower = lower(text.value);
            report.helped(text.span, message, || lower.as_ref().map(|permission| meant(permission.as_str())));
            // It counts as what was meant, so that those who hold that are not reported as well.
            lower.map(|permission| builder.require(&permission))
        }
    }
}

/// Whether a requirement says so little that what somebody is granted may be what was meant.
fn is_lost(text: &str) -> bool {
    matches!(Permission::parse(text), Err(error) if error != PermissionError::Reserved) && lower(text).is_none()
}

fn lower(text: &str) -> Option<Permission> {
    Permission::parse(&text.to_ascii_lowercase()).ok()
}

impl Added<'_> {
    /// Reports patterns of which neither can win.
    pub(super) fn report(&self, ties: &[Tie], report: &mut Report<'_>) {
        for tie in ties {
            let (Some((_, first)), Some((_, second))) = (self.find(tie.first), self.find(tie.second)) else { continue };
            let at = report.place(first.span);
            let owner = if tie.first.resource == tie.second.resource {
                format!("the same resource, at {at}")
            } else {
                format!("resource {}, at {at}", quote(self.find(tie.first).map_or("", |(name, _)| name)))
            };
            let (message, help) = collision(first, second, tie.format.as_deref(), &owner);
            report.helped(second.span, message, || Some(help));
        }
    }

    fn find(&self, spot: Spot) -> Option<(&str, Text<'_>)> {
        let (name, texts) = self.resources.get(spot.resource)?;
        Some((name, *texts.get(spot.pattern)?))
    }
}

/// In which words two patterns collide, and what can be done.
fn collision(first: Text<'_>, second: Text<'_>, format: Option<&str>, owner: &str) -> (String, String) {
    let mine = quote(second.value);
    match format {
        Some(format) => {
            let spelt = quote(&format!("{}.{format}", second.value));
            let message = format!("path {mine} may also be spelt {spelt}, which is a path of {owner}");
            (message, format!("remove the format {}, or that path", quote(format)))
        }
        None if second.value == first.value => {
            (format!("path {mine} is also a path of {owner}"), "remove one of the two".to_owned())
        }
        None => {
            let message = format!("path {mine} covers what {} covers, a path of {owner}", quote(first.value));
            (message, "the more specific path wins, and neither of these is: remove one".to_owned())
        }
    }
}
