//! Access documents with secrets in them: no fault shows one, and every place that a fault names is in the text.

use portcullis::source::document::{Fault, Format, read};

use crate::now;

/// What is known by its form, wherever it stands: what stands for it in an input, the secret, and what is never shown.
const KNOWN_BY_FORM: [(&str, &str, &str); 3] = [
    ("%T", "pcl_S3cretS3cretS3cretS3cretS3cretS3cretS3cretS3", "S3cret"),
    (
        "%H",
        "sha256:0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c4b5a69788796a5b4c3d2e1f0",
        "4b5a69788796a5b4c3d2e1f00f1e2d3c4b5a69788796a5b4c3d2e1f0",
    ),
    ("%B", "$2b$10$abcdefghijklmnopqrstuuMJ1BGOKS5OAMlsxgvYHpMXlMQPK4Wba", "abcdefghijklmnopqrstuuMJ1BGOKS5O"),
];

/// What is known by its place alone.
const KNOWN_BY_PLACE: &str = "Tr0ub4dor";

/// TOML that puts it in its place, for a line that begins with this sign.
const PLACES: [(&str, &str); 4] = [
    ("%U", "[users.eve]\ntokens = [\"Tr0ub4dor\""),
    ("%V", "[users.eve]\npanel = \"Tr0ub4dor\""),
    ("%W", "[users.eve]\npasword = \"Tr0ub4dor\""),
    ("%X", "[[users.eve.tokens]]\nhash = \"Tr0ub4dor\""),
];

/// Reads an input as a TOML document.
pub fn toml(input: &str) {
    if !has_secret(input) {
        let (text, placed) = planted_toml(input);
        judge(&text, Format::Toml, placed);
    }
}

/// Reads an input as a JSON document.
pub fn json(input: &str) {
    match input.strip_prefix("%U") {
        _ if has_secret(input) => {}
        Some(rest) => judge(&format!("{{\"users\": {{\"eve\": {{\"tokens\": [\"Tr0ub4dor\"{rest}"), Format::Json, true),
        None => judge(input, Format::Json, false),
    }
}

/// Whether an input has a part of a secret without a sign for it. There it is but a word.
fn has_secret(input: &str) -> bool {
    KNOWN_BY_FORM.iter().any(|(_, _, hidden)| input.contains(hidden)) || input.contains(KNOWN_BY_PLACE)
}

/// The text with a secret in its place. Only where all that stands before it is a whole document: in an open text or list
/// the same line would be something else, and nobody could say what.
fn planted_toml(input: &str) -> (String, bool) {
    let mut start = 0;
    for line in input.split_inclusive('\n') {
        let place = PLACES.iter().find(|(sign, _)| line.starts_with(sign));
        let before = &input[..start];
        start += line.len();
        if let Some((sign, planted)) = place
            && before.parse::<toml::Table>().is_ok()
        {
            return (format!("{before}{planted}{}{}", &line[sign.len()..], &input[start..]), true);
        }
    }
    (input.to_owned(), false)
}

fn judge(text: &str, format: Format, placed: bool) {
    let text = KNOWN_BY_FORM.iter().fold(text.to_owned(), |text, (sign, secret, _)| text.replace(sign, secret));
    let (law, faults) = match read("access", &text, format, now()) {
        Ok(law) => (law.warnings, None),
        Err(faults) => (Vec::new(), Some(faults)),
    };
    let listed = faults.as_deref().unwrap_or(&law);
    assert!(faults.is_none() || !listed.is_empty(), "refused without a reason");
    let mut shown = serde_json::to_string(listed).expect("JSON");
    for fault in listed {
        is_inside(&text, fault);
        shown += &fault.to_string();
    }
    for (_, _, hidden) in KNOWN_BY_FORM {
        assert!(!shown.contains(hidden), "{text}\n--- shows {hidden}\n{shown}");
    }
    assert!(!placed || !shown.contains(KNOWN_BY_PLACE), "{text}\n--- shows it\n{shown}");
}

fn is_inside(text: &str, fault: &Fault) {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let line = text.split('\n').nth(fault.place.line.wrapping_sub(1)).unwrap_or_else(|| panic!("no line for {fault}"));
    assert!((1..=line.chars().count() + 1).contains(&fault.place.column), "no column for {fault}");
}
