//! JSON into nodes, strictly as RFC 8259 has it: no comments, no trailing commas, no second spelling of anything.
//!
//! Two parsers have to agree. The one with spans is lenient in corners (control characters in strings, other spaces), so
//! the text is also read by serde_json, which is not, and which in turn would not tell of a key that is there twice.

use jsonc_parser::ast::{ObjectProp, ObjectPropName, Value as Ast};
use jsonc_parser::common::{Range, Ranged};
use jsonc_parser::{CollectOptions, ParseOptions};
use serde::de::IgnoredAny;

use super::super::lines::Span;
use super::super::report::Report;
use super::{Entry, Node, Table, Value};

const STRICT: ParseOptions = ParseOptions {
    allow_comments: false,
    allow_loose_object_property_names: false,
    allow_trailing_commas: false,
    allow_missing_commas: false,
    allow_single_quoted_strings: false,
    allow_hexadecimal_numbers: false,
    allow_unary_plus_numbers: false,
    allow_bare_decimal_point_numbers: false,
    allow_non_finite_numbers: false,
    allow_extended_string_escapes: false,
};

pub(super) fn parse<'t>(text: &'t str, report: &mut Report<'t>) -> Node<'t> {
    // Nesting is capped by the parser.
    let found = match jsonc_parser::parse_to_ast(text, &CollectOptions::default(), &STRICT) {
        Ok(parsed) => parsed.value,
        Err(error) => {
            report.broken(span(error.range()), &lower_first(&error.kind().to_string()), None);
            return nothing();
        }
    };
    if let Err(error) = serde_json::from_str::<IgnoredAny>(text) {
        let start = report.lines.offset(error.line().saturating_sub(1), error.column().saturating_sub(1));
        let told = error.to_string();
        let message = told.rsplit_once(" at line ").map_or(&*told, |(message, _)| message);
        report.broken(Span { start, end: start }, message, None);
        return nothing();
    }
    found.map_or_else(nothing, |value| node(value, report))
}

fn nothing<'t>() -> Node<'t> {
    Node { span: Span::default(), value: Value::Table(Table::default()) }
}

fn node<'t>(value: Ast<'t>, report: &mut Report<'t>) -> Node<'t> {
    let span = span(value.range());
    let value = match value {
        Ast::StringLit(text) => Value::Text(text.value),
        Ast::NumberLit(_) => Value::Number,
        Ast::BooleanLit(boolean) => Value::Bool(boolean.value),
        Ast::NullKeyword(_) => Value::Null,
        Ast::Array(array) => Value::List(array.elements.into_iter().map(|item| node(item, report)).collect()),
        Ast::Object(object) => {
            let entries = object.properties.into_iter().map(|property| entry(property, report)).collect();
            Value::Table(Table::unique(entries, report))
        }
    };
    Node { span, value }
}

fn entry<'t>(property: ObjectProp<'t>, report: &mut Report<'t>) -> Entry<'t> {
    let key_span = span(property.name.range());
    let key = match property.name {
        ObjectPropName::String(text) => text.value,
        ObjectPropName::Word(word) => word.value.into(),
    };
    Entry { key, key_span, value: node(property.value, report) }
}

fn span(range: Range) -> Span {
    Span { start: range.start, end: range.end }
}

fn lower_first(message: &str) -> String {
    let mut rest = message.chars();
    rest.next().map_or_else(String::new, |first| first.to_lowercase().chain(rest).collect())
}
