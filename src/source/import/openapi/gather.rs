//! From the shape of a description to resources: paths that are spelt in several ways become one, and those with the same
//! requirements share a resource.

use std::collections::{BTreeSet, HashMap, HashSet};

use super::area::{Area, action, doubt};
use super::path::{self, Path};
use super::shape::{Document, Operation, PathItem, Server};

/// How many references to references are followed.
const REFERENCES: usize = 8;

/// One resource, as it is to be written.
#[derive(Debug)]
pub(super) struct Resource {
    pub(super) label: String,
    pub(super) patterns: Vec<String>,
    pub(super) formats: BTreeSet<&'static str>,
    /// Methods and the permissions they need, in the order in which they are written.
    pub(super) rules: Vec<(&'static str, String)>,
    /// What a person should look at.
    pub(super) notes: Vec<String>,
}

/// What a description comes to.
#[derive(Debug, Default)]
pub(super) struct Gathered {
    pub(super) resources: Vec<Resource>,
    /// What cannot be said, and why.
    pub(super) left_out: Vec<String>,
}

/// One path of the description.
struct Row<'d> {
    written: &'d str,
    path: Path,
    item: &'d PathItem,
}

pub(super) fn gather(document: &Document) -> Gathered {
    let mut gathered = Gathered::default();
    let base = base(document, &mut gathered.left_out);
    let mut rows = Vec::new();
    for (written, item) in document.paths.iter().flat_map(|paths| &paths.0) {
        match row(document, &base, written, item.as_ref()) {
            Ok(row) => rows.push(row),
            Err(why) => gathered.left_out.push(format!("{written}: {why}")),
        }
    }
    let is_public = document.security.as_ref().is_some_and(Vec::is_empty);
    let mut joined = Joined { is_public, ..Joined::default() };
    for rows in by_shape(rows, &mut gathered.left_out) {
        joined.add(&rows, &mut gathered.left_out);
    }
    gathered.resources = joined.resources;
    gathered
}

/// What all paths have in front.
fn base(document: &Document, left_out: &mut Vec<String>) -> String {
    let servers = document.servers.as_deref().unwrap_or_default();
    let read = match &document.base_path {
        Some(path) => path::from_root(path).map_err(|why| format!("basePath {path:?}: {why}")),
        None => first_base(servers, left_out),
    };
    read.unwrap_or_else(|why| {
        left_out.push(format!("{why}: write what all paths have in front yourself"));
        String::new()
    })
}

fn first_base(servers: &[Server], left_out: &mut Vec<String>) -> Result<String, String> {
    let Some(first) = servers.first() else { return Ok(String::new()) };
    let base = path::base(first)?;
    for other in servers.iter().skip(1) {
        if path::base(other).as_ref() != Ok(&base) {
            left_out.push(format!("the server {:?}: the paths below are those of {:?}", other.url, first.url));
        }
    }
    Ok(base)
}

fn row<'d>(
    document: &'d Document,
    base: &str,
    written: &'d str,
    item: Option<&'d PathItem>,
) -> Result<Row<'d>, String> {
    let item = referred(document, item.ok_or("there is nothing about it")?)?;
    let own = item.servers.as_deref().and_then(<[_]>::first).map(path::base).transpose()?;
    let path = path::read(own.as_deref().unwrap_or(base), written)?;
    Ok(Row { written, path, item })
}

/// The path that is meant, where another one of the same file is named instead.
fn referred<'d>(document: &'d Document, mut item: &'d PathItem) -> Result<&'d PathItem, String> {
    for _ in 0..REFERENCES {
        let Some(reference) = &item.reference else { return Ok(item) };
        let name = |prefix: &str| Some(reference.strip_prefix(prefix)?.replace("~1", "/").replace("~0", "~"));
        let (paths, name) = match (name("#/paths/"), name("#/components/pathItems/")) {
            (Some(name), _) => (document.paths.as_ref(), name),
            (_, Some(name)) => (document.components.as_ref().and_then(|inner| inner.path_items.as_ref()), name),
            (None, None) => return Err(format!("it is described elsewhere, at {reference:?}")),
        };
        let found = paths.and_then(|paths| paths.get(&name)).and_then(Option::as_ref);
        item = found.ok_or_else(|| format!("there is no {reference:?}"))?;
    }
    Err("what it refers to refers to something else, and so on".to_owned())
}

/// Brings paths of one shape together, in their order. A path that is described with one format only keeps it.
fn by_shape<'d>(rows: Vec<Row<'d>>, left_out: &mut Vec<String>) -> Vec<Vec<Row<'d>>> {
    let mut spellings: HashMap<String, HashSet<Option<&str>>> = HashMap::new();
    for row in &rows {
        spellings.entry(row.path.shape.clone()).or_default().insert(row.path.format);
    }
    let mut places: HashMap<String, usize> = HashMap::new();
    let mut groups: Vec<Vec<Row<'_>>> = Vec::new();
    for mut row in rows {
        let ways = spellings.get(&row.path.shape);
        let has_plain = ways.is_some_and(|ways| ways.contains(&None));
        if let Some(format) = row.path.format {
            if row.path.any_end && !has_plain {
                left_out.push(format!(
                    "{}: a wildcard stands for a whole segment; {:?} with formats = [{format:?}] would cover it, and also \
                     the path without .{format}",
                    row.written, row.path.pattern
                ));
                continue;
            }
            if ways.is_some_and(|ways| ways.len() == 1) {
                row.path.pattern = format!("{}.{format}", row.path.pattern);
                row.path.shape = format!("{}.{format}", row.path.shape);
                row.path.format = None;
            }
        }
        let next = groups.len();
        let place = *places.entry(row.path.shape.clone()).or_insert(next);
        match groups.get_mut(place) {
            Some(group) => group.push(row),
            None => groups.push(vec![row]),
        }
    }
    groups
}

/// Resources so far, and which of them has which requirements.
#[derive(Default)]
struct Joined {
    resources: Vec<Resource>,
    by_rules: HashMap<Requirements, usize>,
    labels: HashMap<String, String>,
    /// Whether no credentials are asked for where an operation does not say so itself.
    is_public: bool,
}

/// The area, the formats and the rules.
type Requirements = (String, BTreeSet<&'static str>, Vec<(&'static str, String)>);

impl Joined {
    /// Adds the spellings of one path.
    fn add(&mut self, rows: &[Row<'_>], left_out: &mut Vec<String>) {
        let Some(first) = rows.first() else { return };
        let (mut rules, mut notes, mut area): (Vec<(&'static str, String)>, _, _) = (Vec::new(), Vec::new(), None);
        for row in rows {
            for (method, operation) in row.item.operations() {
                let its = Area::of(tag(operation), row.written);
                self.look(method, operation, row, &mut notes);
                let Some(action) = action(method) else { continue };
                let permission = format!("{}.{action}", its.word);
                match rules.iter().find(|(known, _)| *known == method) {
                    None => rules.push((method, permission)),
                    Some((_, known)) if *known == permission => {}
                    Some((_, known)) => {
                        notes.push(format!(
                            "{method} {}: {permission} by its tag, {known} by another spelling",
                            row.written
                        ));
                    }
                }
                area.get_or_insert(its);
            }
        }
        let Some(area) = area else {
            left_out.push(format!("{}: no method is described that a resource could list", first.written));
            return;
        };
        rules.sort_by_key(|(method, _)| ["GET", "POST", "PUT", "PATCH", "DELETE"].iter().position(|one| one == method));
        let formats = rows.iter().filter_map(|row| row.path.format).collect();
        self.join(&area, first.path.pattern.clone(), (area.word.clone(), formats, rules), notes);
    }

    /// Puts a path where others with the same requirements are.
    fn join(&mut self, area: &Area, pattern: String, requirements: Requirements, notes: Vec<String>) {
        let label = self.labels.entry(area.word.clone()).or_insert_with(|| area.label.clone()).clone();
        let next = self.resources.len();
        let place = *self.by_rules.entry(requirements.clone()).or_insert(next);
        if let Some(resource) = self.resources.get_mut(place) {
            resource.patterns.push(pattern);
            resource.notes.extend(notes);
        } else {
            let (_, formats, rules) = requirements;
            self.resources.push(Resource { label, patterns: vec![pattern], formats, rules, notes });
        }
    }

    /// Notes what a person should look at.
    fn look(&self, method: &str, operation: &Operation, row: &Row<'_>, notes: &mut Vec<String>) {
        let mut note = |text: &str| notes.push(format!("{method} {}: {text}", row.written));
        match method {
            "HEAD" if row.item.operations().any(|(other, _)| other == "GET") => {}
            "HEAD" => note("left out, for HEAD follows GET, which is not described"),
            "OPTIONS" => note("left out; where browsers ask before other requests, OPTIONS = \"public\" lets them"),
            "TRACE" => note("left out, for it is never forwarded"),
            _ => {}
        }
        if action(method).is_none() {
            return;
        }
        if let Some(doubt) = doubt(method, row.written) {
            note(doubt);
        }
        match &operation.security {
            Some(ways) if ways.is_empty() => {
                note("needs no credentials by the description; \"public\" lets everybody in")
            }
            Some(ways) if ways.iter().any(|way| way.0.is_empty()) => {
                note("may do without credentials by the description; \"public\" lets everybody in");
            }
            None if self.is_public => note("needs no credentials by the description; \"public\" lets everybody in"),
            _ => {}
        }
        if operation.servers.as_ref().is_some_and(|servers| !servers.is_empty()) {
            note("has a server of its own in the description, which may have another path in front");
        }
    }
}

fn tag(operation: &Operation) -> Option<&str> {
    operation.tags.as_deref()?.first().map(|tag| tag.0.as_str())
}
