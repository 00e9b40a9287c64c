//! The shape of an access document: which keys there are and what kind of value each has.
//!
//! What comes out is what the document says, in texts that still know their place. What it means is for [`super::check`].

use super::fields::{Fields, Text, texts, wrong};
use super::node::{Entry, Node, Value};
use super::report::{Report, quote};

pub(in crate::source) const DOCUMENT_KEYS: &[&str] =
    &["$schema", "allow_no_users", "resources", "roles", "users", "expect"];
pub(in crate::source) const RESOURCE_KEYS: &[&str] = &["name", "paths", "formats", "permissions"];
pub(in crate::source) const USER_KEYS: &[&str] =
    &["title", "api_access", "tokens", "roles", "permissions", "addresses", "rate_limit", "panel"];
pub(in crate::source) const TOKEN_KEYS: &[&str] = &["hash", "label", "created", "expires"];
pub(in crate::source) const EXPECT_KEYS: &[&str] = &["user", "request", "decision"];
/// The methods that a resource may list.
pub(in crate::source) const METHODS: &[&str] = &["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

/// What an access document says.
#[derive(Debug, Default)]
pub(super) struct Document<'n> {
    pub(super) allow_no_users: bool,
    pub(super) resources: Section<Resource<'n>>,
    pub(super) roles: Section<Role<'n>>,
    pub(super) users: Section<User<'n>>,
    pub(super) expectations: Vec<Expectation<'n>>,
}

/// The entries of one kind.
#[derive(Debug)]
pub(super) struct Section<T> {
    pub(super) items: Vec<T>,
    /// Whether all there are could be read. Where not, nothing is concluded from the absence of one.
    pub(super) whole: bool,
}

impl<T> Default for Section<T> {
    fn default() -> Self {
        Self { items: Vec::new(), whole: true }
    }
}

#[derive(Debug)]
pub(super) struct Resource<'n> {
    pub(super) name: Option<Text<'n>>,
    pub(super) paths: Vec<Text<'n>>,
    pub(super) formats: Vec<Text<'n>>,
    /// Each method and what it needs.
    pub(super) rules: Vec<(Text<'n>, Needs<'n>)>,
}

#[derive(Debug)]
pub(super) enum Needs<'n> {
    One(Text<'n>),
    All(Vec<Text<'n>>),
}

impl<'n> Needs<'n> {
    pub(super) fn texts(&self) -> &[Text<'n>] {
        match self {
            Self::One(text) => std::slice::from_ref(text),
            Self::All(texts) => texts,
        }
    }
}

#[derive(Debug)]
pub(super) struct Role<'n> {
    pub(super) name: Text<'n>,
    pub(super) grants: Vec<Text<'n>>,
}

#[derive(Debug)]
pub(super) struct User<'n> {
    pub(super) name: Text<'n>,
    pub(super) title: Option<Text<'n>>,
    pub(super) api_access: bool,
    pub(super) tokens: Vec<Token<'n>>,
    pub(super) roles: Vec<Text<'n>>,
    pub(super) permissions: Vec<Text<'n>>,
    pub(super) addresses: Vec<Text<'n>>,
    pub(super) rate_limit: Option<Text<'n>>,
    pub(super) panel: Option<Text<'n>>,
}

#[derive(Debug)]
pub(super) struct Token<'n> {
    pub(super) hash: Text<'n>,
    pub(super) label: Option<Text<'n>>,
    pub(super) created: Option<Text<'n>>,
    pub(super) expires: Option<Text<'n>>,
}

#[derive(Debug)]
pub(super) struct Expectation<'n> {
    /// Nobody, where there is none.
    pub(super) user: Option<Text<'n>>,
    pub(super) request: Text<'n>,
    pub(super) decision: Text<'n>,
}

/// Reads the shape of a document.
pub(super) fn document<'n>(root: &'n Node<'_>, report: &mut Report<'_>) -> Document<'n> {
    let Some(fields) = Fields::open(root, "an access document", DOCUMENT_KEYS, report) else {
        return Document::default();
    };
    fields.text("$schema", report);
    let mut document = Document {
        allow_no_users: fields.flag("allow_no_users", report).unwrap_or(false),
        resources: tables(&fields, "resources", report, resource),
        roles: named(&fields, "roles", report, role),
        users: named(&fields, "users", report, user),
        expectations: tables(&fields, "expect", report, expectation).items,
    };
    // An unknown key may be a section under a wrong name.
    document.resources.whole &= fields.known || fields.get("resources").is_some();
    document.roles.whole &= fields.known || fields.get("roles").is_some();
    document.users.whole &= fields.known || fields.get("users").is_some();
    document
}

/// Reads a list of tables. `one` gives nothing where it could not read its table whole.
fn tables<'n, 't, T>(
    fields: &Fields<'n, 't>,
    key: &str,
    report: &mut Report<'_>,
    one: fn(&'n Node<'t>, &mut Report<'_>) -> (Option<T>, bool),
) -> Section<T> {
    let mut section = Section::default();
    let Some(node) = fields.get(key) else { return section };
    let Value::List(items) = &node.value else {
        let (kind, help) = (node.kind(report.format), report.format.how_to_list(key, node));
        let message = format!("{key:?} must be a list of {}s, not {kind}", report.format.table_word());
        report.helped(node.span, message, || help);
        section.whole = false;
        return section;
    };
    for item in items {
        let (read, whole) = one(item, report);
        section.whole &= whole;
        section.items.extend(read);
    }
    section
}

/// Reads a table of named entries.
fn named<'n, 't, T>(
    fields: &Fields<'n, 't>,
    key: &str,
    report: &mut Report<'_>,
    one: fn(Text<'n>, &'n Node<'t>, &mut Report<'_>) -> T,
) -> Section<T> {
    let Some(node) = fields.get(key) else { return Section::default() };
    let Value::Table(table) = &node.value else {
        wrong(node, &format!("{key:?}"), report.format.table(), report);
        return Section { items: Vec::new(), whole: false };
    };
    let name = |entry: &'n Entry<'t>| Text { value: &entry.key, span: entry.key_span };
    let items = table.entries.iter().map(|entry| one(name(entry), &entry.value, report)).collect();
    Section { items, whole: true }
}

fn resource<'n>(node: &'n Node<'_>, report: &mut Report<'_>) -> (Option<Resource<'n>>, bool) {
    let Some(fields) = Fields::open(node, "a resource", RESOURCE_KEYS, report) else {
        return (None, false);
    };
    fields.require("name", report);
    fields.require("paths", report);
    let (rules, whole) = match fields.require("permissions", report) {
        Some(node) => rules(node, report),
        None => (Vec::new(), false),
    };
    let read = Resource {
        name: fields.text("name", report),
        paths: fields.some_texts("paths", "the resource would cover nothing", report),
        formats: fields.texts("formats", report),
        rules,
    };
    (Some(read), whole)
}

fn rules<'n>(node: &'n Node<'_>, report: &mut Report<'_>) -> (Vec<(Text<'n>, Needs<'n>)>, bool) {
    let Value::Table(table) = &node.value else {
        let expected = format!("{} such as {{ GET = \"products.view\" }}", report.format.table());
        wrong(node, "\"permissions\" of a resource", &expected, report);
        return (Vec::new(), false);
    };
    if table.entries.is_empty() {
        report.fault(node.span, "\"permissions\" is empty: every method would be denied");
    }
    let entries = table.entries.iter();
    let read: Vec<_> = entries
        .filter_map(|entry| {
            let method = Text { value: &entry.key, span: entry.key_span };
            needs(&entry.value, &entry.key, report).map(|needs| (method, needs))
        })
        .collect();
    let whole = read.len() == table.entries.len();
    (read, whole)
}

fn needs<'n>(node: &'n Node<'_>, method: &str, report: &mut Report<'_>) -> Option<Needs<'n>> {
    match &node.value {
        Value::Text(value) => Some(Needs::One(Text { value, span: node.span })),
        Value::List(items) if items.is_empty() => {
            report.fault(node.span, "an empty list requires nothing: write \"authenticated\" or \"public\"");
            None
        }
        Value::List(_) => Some(Needs::All(texts(node, method, report))),
        _ => {
            wrong(node, "what a method needs", "a permission or a list of permissions", report);
            None
        }
    }
}

fn role<'n>(name: Text<'n>, node: &'n Node<'_>, report: &mut Report<'_>) -> Role<'n> {
    Role { name, grants: texts(node, name.value, report) }
}

fn user<'n>(name: Text<'n>, node: &'n Node<'_>, report: &mut Report<'_>) -> User<'n> {
    let mut user = User {
        name,
        title: None,
        api_access: false,
        tokens: Vec::new(),
        roles: Vec::new(),
        permissions: Vec::new(),
        addresses: Vec::new(),
        rate_limit: None,
        panel: None,
    };
    if let Some(fields) = Fields::open(node, "a user", USER_KEYS, report) {
        user.title = fields.text("title", report);
        user.api_access = fields.flag("api_access", report).unwrap_or(false);
        user.tokens = tokens(&fields, report);
        user.roles = fields.texts("roles", report);
        user.permissions = fields.texts("permissions", report);
        user.addresses = fields.some_texts("addresses", "remove it to allow any address", report);
        user.rate_limit = fields.text("rate_limit", report);
        user.panel = fields.text("panel", report);
    }
    user
}

fn tokens<'n>(fields: &Fields<'n, '_>, report: &mut Report<'_>) -> Vec<Token<'n>> {
    let Some(node) = fields.get("tokens") else { return Vec::new() };
    let Value::List(items) = &node.value else {
        wrong(node, "\"tokens\"", "a list of hashes", report);
        return Vec::new();
    };
    items.iter().filter_map(|item| token(item, report)).collect()
}

fn token<'n>(node: &'n Node<'_>, report: &mut Report<'_>) -> Option<Token<'n>> {
    if let Value::Text(value) = &node.value {
        let hash = Text { value, span: node.span };
        return Some(Token { hash, label: None, created: None, expires: None });
    }
    let fields = Fields::open(node, "a token", TOKEN_KEYS, report)?;
    fields.require("hash", report);
    let (label, hash) = (fields.text("label", report), fields.text("hash", report));
    let (created, expires) = (moment(&fields, "created", report), moment(&fields, "expires", report));
    Some(Token { hash: hash?, label, created, expires })
}

/// A date, or a date and time, as text or as TOML's own.
fn moment<'n>(fields: &Fields<'n, '_>, key: &str, report: &mut Report<'_>) -> Option<Text<'n>> {
    let node = fields.get(key)?;
    match &node.value {
        Value::Moment(value) => Some(Text { value, span: node.span }),
        Value::Text(value) => Some(Text { value, span: node.span }),
        _ => {
            wrong(node, &quote(key), "a date and time", report);
            None
        }
    }
}

fn expectation<'n>(node: &'n Node<'_>, report: &mut Report<'_>) -> (Option<Expectation<'n>>, bool) {
    let Some(fields) = Fields::open(node, "an expectation", EXPECT_KEYS, report) else {
        return (None, false);
    };
    fields.require("request", report);
    fields.require("decision", report);
    let user = fields.text("user", report);
    let (request, decision) = (fields.text("request", report), fields.text("decision", report));
    // A user of the wrong kind is not nobody.
    let readable = user.is_some() || fields.get("user").is_none();
    let read = request.zip(decision).filter(|_| readable);
    (read.map(|(request, decision)| Expectation { user, request, decision }), true)
}

/// Whether a line that begins with this word, and does not parse, may be shown.
pub(super) fn is_harmless(word: &str) -> bool {
    let more = ["title", "api_access", "addresses", "rate_limit", "label", "created", "expires", "request", "decision"];
    let sections = ["resources", "roles", "expect", "allow_no_users"];
    [RESOURCE_KEYS, METHODS, &more, &sections].iter().any(|words| words.contains(&word))
}

/// Whether a word belongs to the language of access documents.
pub(super) fn is_known(word: &str) -> bool {
    let values = ["true", "false", "allow", "deny", "public", "authenticated"];
    [DOCUMENT_KEYS, RESOURCE_KEYS, USER_KEYS, TOKEN_KEYS, EXPECT_KEYS, METHODS, &values]
        .iter()
        .any(|words| words.contains(&word))
}
