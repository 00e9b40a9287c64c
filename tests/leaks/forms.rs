//! How a secret can be written: as it is, escaped, encoded.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};

/// Shorter ones stand in ordinary text by chance.
pub(crate) const SHORTEST: usize = 8;

/// All forms of a secret that are looked for, each with what it is called.
pub(crate) fn forms(secret: &str) -> Vec<(&'static str, String)> {
    let mut forms = vec![("as it is", secret.to_owned())];
    let quoted = format!("{secret:?}");
    forms.push(("in a Rust text", quoted.trim_matches('"').to_owned()));
    let json = serde_json::Value::from(secret).to_string();
    forms.push(("in a JSON text", json.trim_matches('"').to_owned()));
    let bytes = secret.as_bytes();
    forms.push(("in hexadecimal", bytes.iter().map(|byte| format!("{byte:02x}")).collect()));
    forms.push(("in hexadecimal, upper case", bytes.iter().map(|byte| format!("{byte:02X}")).collect()));
    forms.push(("as a list of bytes", bytes.iter().map(u8::to_string).collect::<Vec<_>>().join(", ")));
    forms.push(("every byte percent-encoded", bytes.iter().map(|byte| format!("%{byte:02X}")).collect()));
    forms.push(("every byte percent-encoded, lower case", bytes.iter().map(|byte| format!("%{byte:02x}")).collect()));
    let reserved = |byte: &u8, upper: bool| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => char::from(*byte).to_string(),
        byte if upper => format!("%{byte:02X}"),
        byte => format!("%{byte:02x}"),
    };
    forms.push(("percent-encoded", bytes.iter().map(|byte| reserved(byte, true)).collect()));
    forms.push(("percent-encoded, lower case", bytes.iter().map(|byte| reserved(byte, false)).collect()));
    for before in 0..3 {
        for (name, encoded) in base64(bytes, before) {
            forms.push((name, encoded));
        }
    }
    forms.retain(|(_, written)| written.len() >= SHORTEST);
    forms
}

/// In base64 a text looks different with the number of bytes before it. What its neighbours have a part in is left out.
fn base64(bytes: &[u8], before: usize) -> [(&'static str, String); 2] {
    let whole = [&[0].repeat(before), bytes].concat();
    let (start, end) = ((before * 8).div_ceil(6), whole.len() * 8 / 6);
    let part = |encoded: String| encoded.get(start..end).unwrap_or_default().to_owned();
    [("in base64", part(STANDARD_NO_PAD.encode(&whole))), ("in base64 for URLs", part(URL_SAFE_NO_PAD.encode(&whole)))]
}

#[test]
fn base64_is_found_wherever_it_begins() {
    let secret = "a token that is long enough";
    for before in ["", "a", "ab", "amy:", "somebody:"] {
        for after in ["", "!", "!!"] {
            let written = STANDARD_NO_PAD.encode(format!("{before}{secret}{after}"));
            let found =
                forms(secret).iter().any(|(name, form)| *name == "in base64" && written.contains(form.as_str()));
            assert!(found, "{before}{secret}{after}");
        }
    }
}
