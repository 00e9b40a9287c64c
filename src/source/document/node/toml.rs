//! TOML into nodes. The parser recovers from errors, so all of them are found at once.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::super::lines::Span;
use super::super::report::Report;
use super::{Entry, Node, Table, Value, report_duplicate};

/// What the parser says about a key that is there twice.
const DUPLICATE: &str = "duplicate key";

pub(super) fn parse<'t>(text: &'t str, report: &mut Report<'t>) -> Node<'t> {
    // Nesting is capped by the parser, dotted keys included.
    let (root, errors) = DeTable::parse_recoverable(text);
    let (duplicates, errors): (Vec<_>, Vec<_>) = errors.iter().partition(|error| error.message() == DUPLICATE);
    for error in errors {
        let span = error.span().map_or_else(Span::default, Span::from);
        report.broken(span, error.message(), None);
    }
    // What follows a header that does not parse is read into some other table, so it means nothing.
    let is_header = |number: usize| report.lines.slice(report.lines.line(number)).trim_start().starts_with('[');
    if report.broken_lines().any(is_header) {
        return Node { span: Span::default(), value: Value::Table(Table::default()) };
    }
    for error in duplicates {
        let second = error.span().map_or_else(Span::default, Span::from);
        let first = if report.is_full() { None } else { first_of(text, second, report) };
        report_duplicate(report.lines.slice(second).trim_matches(['"', '\'']), second, first, report);
    }
    let span = Span::from(root.span());
    Node { span, value: Value::Table(table(root.into_inner())) }
}

fn node(value: Spanned<DeValue<'_>>) -> Node<'_> {
    let span = Span::from(value.span());
    let value = match value.into_inner() {
        DeValue::String(text) => Value::Text(text),
        DeValue::Boolean(value) => Value::Bool(value),
        DeValue::Integer(_) | DeValue::Float(_) => Value::Number,
        DeValue::Datetime(moment) => Value::Moment(moment.to_string().into()),
        DeValue::Array(items) => Value::List(items.into_iter().map(node).collect()),
        DeValue::Table(entries) => Value::Table(table(entries)),
    };
    Node { span, value }
}

/// The parser sorts by key; people read in the order they wrote.
fn table(entries: DeTable<'_>) -> Table<'_> {
    let entry = |(key, value): (Spanned<_>, _)| Entry {
        key_span: Span::from(key.span()),
        key: key.into_inner(),
        value: node(value),
    };
    let mut entries: Vec<_> = entries.into_iter().map(entry).collect();
    entries.sort_by_key(|entry| entry.key_span);
    Table { entries }
}

/// Where a key or header was first, which the parser does not tell: the nearest line before that begins in the same
/// way. A key's table ends at a header; a header may be anywhere before.
fn first_of(text: &str, second: Span, report: &Report<'_>) -> Option<Span> {
    let line = report.lines.line(report.lines.number(second.start));
    let header = text.get(line.start..)?.trim_start().starts_with('[');
    let same = text.get(line.start..second.end)?.trim_start();
    let is_end = |c: char| if header { c == ']' } else { c == '=' || c == '.' };
    let begins_same = |line: &str| {
        let rest = line.trim_start().strip_prefix(same);
        rest.is_some_and(|rest| rest.trim_start().starts_with(is_end))
    };
    for number in (0..report.lines.number(second.start)).rev() {
        let span = report.lines.line(number);
        let line = report.lines.slice(span);
        if begins_same(line) {
            let start = span.start + line.len() - line.trim_start().len() + same.len();
            return Some(Span { start: start.checked_sub(second.end - second.start)?, end: start });
        }
        if !header && line.trim_start().starts_with('[') {
            return None;
        }
    }
    None
}
