//! From the text of a description, YAML or JSON, to its shape.

use std::ops::Range;

use super::shape::Document;
use crate::fault::{Fault, Faults, Source};

/// Longer than any description that people can read, by far.
const LIMIT: usize = 32 << 20;

/// Reads a description. `name` is what faults call it.
pub(super) fn parse(name: &str, bytes: &[u8]) -> Result<Document, Faults> {
    if bytes.len() > LIMIT {
        let message = format!("this is longer than {} MiB, the most that is read of a description", LIMIT >> 20);
        return Err(one(Source::new(name, "").fault(0..0, message)));
    }
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let valid = error.valid_up_to();
        let text = String::from_utf8_lossy(bytes.get(..valid).unwrap_or_default());
        one(Source::new(name, &text).fault(valid..valid, "this is no text in UTF-8"))
    })?;
    let source = Source::new(name, text.strip_prefix('\u{feff}').unwrap_or(text));
    let document = if source.text().trim_start().starts_with('{') { json(&source) } else { yaml(&source) }?;
    version(&document).map_or(Ok(document), |message| {
        let help = "OpenAPI 3.0 and 3.1, and Swagger 2.0, begin with such a line: openapi: 3.1.0, or swagger: \"2.0\"";
        Err(one(source.fault(0..0, message).help(help)))
    })
}

fn one(fault: Fault) -> Faults {
    Faults::new(vec![fault])
}

/// Why a description is none that is read.
fn version(document: &Document) -> Option<String> {
    match (&document.openapi, &document.swagger) {
        (None, None) => Some("this is no OpenAPI description: it has neither \"openapi\" nor \"swagger\"".to_owned()),
        (Some(openapi), _) => {
            let known = ["3.0", "3.1"].iter().any(|one| openapi.0 == *one || openapi.0.starts_with(&format!("{one}.")));
            (!known).then(|| format!("OpenAPI {:?} is not read", openapi.0))
        }
        (None, Some(swagger)) => (swagger.0 != "2.0").then(|| format!("Swagger {:?} is not read", swagger.0)),
    }
}

fn json(source: &Source<'_>) -> Result<Document, Faults> {
    serde_json::from_str(source.text()).map_err(|error| {
        let told = error.to_string();
        let message = told.rsplit_once(" at line ").map_or(&*told, |(message, _)| message);
        one(source.fault(place(source.text(), error.line(), error.column()), message))
    })
}

fn yaml(source: &Source<'_>) -> Result<Document, Faults> {
    // By aliases of aliases a few lines can grow to millions of values.
    let options = serde_saphyr::options! {
        alias_limits: serde_saphyr::alias_limits! { max_total_replayed_events: 100_000 },
        budget: serde_saphyr::budget! {
            max_depth: 128,
            max_events: 10_000_000,
            max_nodes: 5_000_000,
            max_documents: 1,
        },
    };
    serde_saphyr::from_str_with_options(source.text(), options).map_err(|error| {
        let location = error.location();
        let number = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
        let (line, column) = location.map_or((1, 1), |place| (number(place.line()), number(place.column())));
        let told = error.without_snippet().to_string();
        one(source.fault(place(source.text(), line, column), plain(&told)))
    })
}

/// A message without the places at its end, of which the first is said in front of it.
fn plain(told: &str) -> &str {
    let line = told.lines().next().unwrap_or_default();
    let message = line.split(" at line ").next().unwrap_or_default();
    message.trim_end_matches(" (used").trim_end_matches(" (defined")
}

/// The place of a line and a column, both from 1.
fn place(text: &str, line: usize, column: usize) -> Range<usize> {
    let start: usize = text.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
    let rest = text.get(start..).unwrap_or_default();
    let within: usize =
        rest.chars().take_while(|c| *c != '\n').take(column.saturating_sub(1)).map(char::len_utf8).sum();
    start + within..start + within
}
