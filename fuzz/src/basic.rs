//! RFC 7617 credentials, read in the plainest way there is: a reference for the gateway's own reader.
//!
//! It knows of std and of nothing else.

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// The name and the secret of one Authorization value.
pub fn read(value: &[u8]) -> Option<(String, Vec<u8>)> {
    let (scheme, rest) = (value.get(..6)?, value.get(6..)?);
    if !scheme.eq_ignore_ascii_case(b"basic ") {
        return None;
    }
    let text = String::from_utf8(decode(rest.trim_ascii())?).ok()?;
    if text.chars().any(char::is_control) {
        return None;
    }
    let (name, secret) = text.split_once(':')?;
    Some((name.to_owned(), secret.as_bytes().to_vec()))
}

/// Base64 as RFC 4648 section 4 has it: padded, and without a bit set that means nothing.
fn decode(text: &[u8]) -> Option<Vec<u8>> {
    let mut decoded = Vec::new();
    let mut groups = text.chunks(4).peekable();
    while let Some(group) = groups.next() {
        let padding = group.iter().rev().take_while(|byte| **byte == b'=').count();
        if group.len() != 4 || padding > 2 || padding > 0 && groups.peek().is_some() {
            return None;
        }
        let mut bits = 0_u32;
        for byte in &group[..4 - padding] {
            bits = bits << 6 | u32::try_from(ALPHABET.iter().position(|one| one == byte)?).ok()?;
        }
        bits <<= 6 * padding;
        let bytes = &bits.to_be_bytes()[1..];
        if bytes[3 - padding..].iter().any(|byte| *byte != 0) {
            return None;
        }
        decoded.extend_from_slice(&bytes[..3 - padding]);
    }
    Some(decoded)
}

/// The same as text that a client would send.
pub fn encode(bytes: &[u8]) -> String {
    let mut text = String::new();
    for group in bytes.chunks(3) {
        let bits = group.iter().fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - group.len()));
        for place in 0..4 {
            let digit = usize::try_from(bits >> (18 - 6 * place) & 63).unwrap();
            text.push(if place <= group.len() { char::from(ALPHABET[digit]) } else { '=' });
        }
    }
    text
}
