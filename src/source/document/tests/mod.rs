//! Tests of the whole reader: text in, law or faults out.

mod both;
mod faults;
mod golden;
mod random;
mod secrets;
mod syntax;

use std::time::{Duration, SystemTime};

use super::{Faults, Format, Law, Place, read};
use both::{EXAMPLE_JSON, EXAMPLE_TOML};

/// The example of the contract in both formats.
const EXAMPLE: [&str; 2] = [EXAMPLE_TOML, EXAMPLE_JSON];

/// The first of December 2026.
fn now() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_796_083_200)
}

fn toml(text: &str) -> Result<Law, Faults> {
    read("access.toml", text, Format::Toml, now())
}

fn json(text: &str) -> Result<Law, Faults> {
    read("access.json", text, Format::Json, now())
}

/// A resource for the snippets of tests to refer to.
const TOML: &str = r#"
[[resources]]
name = "Products"
paths = ["/products"]
permissions = { GET = "products.view", PUT = "products.edit" }
"#;

const JSON: &str = r#"{"name": "Products", "paths": ["/products"],
    "permissions": {"GET": "products.view", "PUT": "products.edit"}}"#;

/// The document that a snippet is a part of: of JSON, another resource or more keys.
fn whole(format: Format, snippet: &str) -> String {
    match format {
        Format::Toml if snippet.trim_start_matches('»').starts_with('[') => format!("{TOML}{snippet}"),
        Format::Toml => format!("{snippet}{TOML}"),
        Format::Json if snippet.trim_start_matches('»').starts_with('{') => {
            format!("{{\"resources\": [{JSON},\n{snippet}]}}")
        }
        Format::Json => format!("{{\"resources\": [{JSON}],\n{snippet}}}"),
    }
}

/// Takes the mark out of a text, and says where it was.
fn marked(text: &str) -> (String, Place) {
    let before = text.split('»').next().unwrap();
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap().chars().count() + 1;
    (text.replace('»', ""), Place { line, column })
}
