//! Keeps secrets out of what is shown: tokens, hashes and passwords appear in no fault in full.
//!
//! There are two ways to know a secret. In a tree, by its place: whatever a user's entry holds beside the few keys that
//! are known to be harmless is hidden, so that a password behind a misspelt key is hidden too. In any text, by its form.
//! Of a comment nothing is known, and a former token is just what people keep in one, so no comment is shown.

use std::borrow::Cow;
use std::ops::Range;

use super::lines::{Lines, Span};
use super::node::{Node, Value};
use super::shape;
use super::suggest::nearest;

/// What stands for hidden text.
pub(super) const ELLIPSIS: char = '…';

/// How many digits of a long hexadecimal number stay visible, so that a person can tell one from another.
const VISIBLE_DIGITS: usize = 4;

/// Hexadecimal numbers of this length could be keys or hashes.
const LONG_NUMBER: usize = 24;

/// The scalars of a document that no fault may show, in the order of the text.
pub(super) fn secrets(root: &Node<'_>, lines: &Lines<'_>) -> Vec<Span> {
    let mut spans = Vec::new();
    if let Value::Table(table) = &root.value {
        for entry in &table.entries {
            match &*entry.key {
                "users" => each(&entry.value, &mut spans, user),
                key if shape::DOCUMENT_KEYS.contains(&key) => {}
                key => {
                    everything(&entry.value, &mut spans);
                    if !is_key(key, shape::DOCUMENT_KEYS) {
                        spans.push(entry.key_span);
                    }
                }
            }
        }
    } else {
        everything(root, &mut spans);
    }
    spans.sort_unstable();
    spans.iter().map(|span| inner(*span, lines)).collect()
}

/// The keys and scalars with a `#` in them that begins no comment, in the order of the text.
pub(super) fn no_comments(root: &Node<'_>, lines: &Lines<'_>) -> Vec<Span> {
    fn collect(node: &Node<'_>, lines: &Lines<'_>, spans: &mut Vec<Span>) {
        let keep = |span: Span, spans: &mut Vec<Span>| {
            if lines.slice(span).contains('#') {
                spans.push(span);
            }
        };
        match &node.value {
            Value::Table(table) => {
                for entry in &table.entries {
                    keep(entry.key_span, spans);
                    collect(&entry.value, lines, spans);
                }
            }
            Value::List(items) => items.iter().for_each(|item| collect(item, lines, spans)),
            Value::Bool(_) | Value::Null | Value::Text(_) | Value::Number | Value::Moment(_) => keep(node.span, spans),
        }
    }
    let mut spans = Vec::new();
    collect(root, lines, &mut spans);
    spans.sort_unstable();
    spans
}

/// What stands behind the `#` of a comment on a TOML line; `others` are the spans of [`no_comments`].
pub(super) fn comment(line: Span, lines: &Lines<'_>, others: &[Span]) -> Option<Range<usize>> {
    let text = lines.slice(line);
    let is_comment = |place: &usize| {
        let before = others.partition_point(|other| other.start <= *place);
        let last = before.checked_sub(1).and_then(|last| others.get(last));
        last.is_none_or(|other| other.end <= *place)
    };
    let start = text.match_indices('#').map(|(place, _)| line.start + place).find(is_comment)?;
    (start + 1 < line.end).then_some(start + 1..line.end)
}

fn each(users: &Node<'_>, spans: &mut Vec<Span>, user: fn(&Node<'_>, &mut Vec<Span>)) {
    match &users.value {
        Value::Table(table) => table.entries.iter().for_each(|entry| user(&entry.value, spans)),
        Value::List(items) => items.iter().for_each(|item| user(item, spans)),
        _ => everything(users, spans),
    }
}

fn user(node: &Node<'_>, spans: &mut Vec<Span>) {
    let Value::Table(table) = &node.value else {
        return everything(node, spans);
    };
    for entry in &table.entries {
        match &*entry.key {
            "title" | "api_access" | "roles" | "permissions" | "addresses" | "rate_limit" => continue,
            "tokens" => each(&entry.value, spans, token),
            _ => everything(&entry.value, spans),
        }
        if !is_key(&entry.key, shape::USER_KEYS) {
            spans.push(entry.key_span);
        }
    }
}

fn token(node: &Node<'_>, spans: &mut Vec<Span>) {
    let Value::Table(table) = &node.value else {
        return everything(node, spans);
    };
    for entry in table.entries.iter().filter(|entry| !matches!(&*entry.key, "label" | "created" | "expires")) {
        everything(&entry.value, spans);
        if !is_key(&entry.key, shape::TOKEN_KEYS) {
            spans.push(entry.key_span);
        }
    }
}

/// Whether an unknown key is a word that somebody took for a key, and no secret that slipped into a key's place.
pub(super) fn is_key(key: &str, known: &[&str]) -> bool {
    key.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_') || nearest(key, known).is_some()
}

fn everything(node: &Node<'_>, spans: &mut Vec<Span>) {
    match &node.value {
        Value::Table(table) => table.entries.iter().for_each(|entry| everything(&entry.value, spans)),
        Value::List(items) => items.iter().for_each(|item| everything(item, spans)),
        Value::Bool(_) | Value::Null => {}
        Value::Text(_) | Value::Number | Value::Moment(_) => spans.push(node.span),
    }
}

/// What of a scalar is hidden: not its quotes, nor the scheme and the first digits of a hash.
fn inner(span: Span, lines: &Lines<'_>) -> Span {
    let text = lines.slice(span);
    let body = text.trim_matches(['"', '\'']);
    let quotes = text.find(body).unwrap_or(0);
    let start = span.start + quotes + visible(body);
    Span { start, end: (span.start + quotes + body.len()).max(start) }
}

/// How much of the beginning of a hash only names its kind.
fn visible(body: &str) -> usize {
    if let Some(digits) = body.strip_prefix("sha256:") {
        let shown = digits.bytes().take(VISIBLE_DIGITS).take_while(u8::is_ascii_hexdigit).count();
        return if digits.len() > LONG_NUMBER { body.len() - digits.len() + shown } else { body.len() - digits.len() };
    }
    scheme(body).unwrap_or(0)
}

/// The length of `$2y$` or `$argon2id$` at the beginning.
fn scheme(text: &str) -> Option<usize> {
    let name = text.strip_prefix('$')?.split_once('$')?.0;
    let named = (1..=16).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    named.then_some(name.len() + 2)
}

/// The parts of any text that look like a secret.
pub(super) fn suspicious(text: &str) -> Vec<Range<usize>> {
    let mut found: Vec<Range<usize>> = Vec::new();
    let mut place = 0;
    while let Some(rest) = text.get(place..).filter(|rest| !rest.is_empty()) {
        let character = rest.chars().next().map_or(1, char::len_utf8);
        let (skip, hidden) = secret_at(rest).unwrap_or((character, 0));
        if hidden > 0 {
            found.push(place + skip..place + skip + hidden);
        }
        place += skip + hidden;
    }
    found
}

/// A secret that begins here: how much of it may be seen, and how much is hidden.
fn secret_at(rest: &str) -> Option<(usize, usize)> {
    let prefix = crate::policy::TOKEN_PREFIX;
    if let Some(body) = rest.strip_prefix(prefix) {
        let hidden = body.bytes().take_while(|b| b.is_ascii_alphanumeric() || *b == b'_').count();
        return Some((prefix.len(), hidden));
    }
    if let Some((seen, body)) = scheme(rest).and_then(|seen| Some((seen, rest.get(seen..)?))) {
        let hash = |b: u8| b.is_ascii_alphanumeric() || b"./+=,$-_".contains(&b);
        let hidden = body.bytes().take_while(|b| hash(*b)).count();
        return (hidden >= LONG_NUMBER / 3).then_some((seen, hidden));
    }
    let digits = rest.bytes().take_while(u8::is_ascii_hexdigit).count();
    match digits {
        0 => None,
        LONG_NUMBER.. => Some((VISIBLE_DIGITS, digits - VISIBLE_DIGITS)),
        _ => Some((digits, 0)),
    }
}

/// A text with everything that looks like a secret hidden.
pub(super) fn hide(text: &str) -> Cow<'_, str> {
    let ranges = suspicious(text);
    if ranges.is_empty() {
        return text.into();
    }
    let mut shown = String::with_capacity(text.len());
    let mut place = 0;
    for range in ranges {
        shown.push_str(text.get(place..range.start).unwrap_or(""));
        shown.push(ELLIPSIS);
        place = range.end;
    }
    shown.push_str(text.get(place..).unwrap_or(""));
    shown.into()
}

/// The parts of a line that does not parse which may not be shown: there a secret cannot be known by its place.
///
/// A line that begins with the name of something harmless is shown. Of any other line only the grammar and the words of
/// the document's own language are.
pub(super) fn unknown_words(line: &str) -> Vec<Range<usize>> {
    let lower = line.to_ascii_lowercase();
    let first = line.split(|c: char| !is_word(c)).find(|word| !word.is_empty()).unwrap_or("");
    let telling = ["token", "hash", "panel", "pass", "secret", "user"].iter().any(|word| lower.contains(word));
    if shape::is_harmless(first) && !telling {
        return Vec::new();
    }
    let mut hidden = Vec::new();
    let mut place = 0;
    for part in line.split_inclusive(|c| !is_word(c)) {
        let word = part.trim_end_matches(|c| !is_word(c));
        if !word.is_empty() && !shape::is_known(word) {
            hidden.push(place..place + word.len());
        }
        place += part.len();
    }
    hidden
}

fn is_word(c: char) -> bool {
    !c.is_whitespace() && !"=:,[]{}\"'.#".contains(c)
}

#[cfg(test)]
mod tests {
    use super::{hide, unknown_words};

    #[test]
    fn what_looks_like_a_secret_is_hidden() {
        let long = "0123456789abcdef0123456789abcdef";
        for (text, shown) in [
            ("products.edit", "products.edit"),
            ("faced 12345 facade", "faced 12345 facade"),
            ("\"pcl_4fJx9_a\" x", "\"pcl_…\" x"),
            ("pcl_", "pcl_"),
            (&format!("sha256:{long}{long}!"), "sha256:0123…!"),
            ("$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$aGFzaA é", "$argon2id$… é"),
            ("é$2y$10$abcdefghijklmnopqrstuv\"", "é$2y$…\""),
            ("$apr1$salt$hashhash", "$apr1$…"),
            ("/a/$x$b", "/a/$x$b"),
        ] {
            assert_eq!(hide(text), shown, "{text}");
        }
    }

    #[test]
    fn a_broken_line_shows_its_grammar() {
        for (line, hidden) in [
            ("name = \"Products", vec![]),
            ("  GET = \"products.view\", ", vec![]),
            ("tokens = [\"hunter2, ", vec!["hunter2"]),
            ("  hunter2,", vec!["hunter2"]),
            ("amy = { title = \"A", vec!["amy", "A"]),
            ("{\"roles\": [\"x\"], \"users\": {\"amy\": {\"tokens\": [\"y", vec!["x", "amy", "y"]),
        ] {
            let found: Vec<_> = unknown_words(line).into_iter().map(|range| &line[range]).collect();
            assert_eq!(found, hidden, "{line}");
        }
    }
}
