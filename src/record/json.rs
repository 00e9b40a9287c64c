//! Writes one JSON object as one line. Called for audit entries alone; it knows nothing of them.
//!
//! By hand, because a line is written for every request and a general serializer costs several times as much. Whatever
//! a client can choose goes through [`Line::text`], which leaves nothing in it that could end the line, move a cursor
//! or reorder what a person reads (CVE-2024-45808, CVE-2025-25294).

use std::io::Write;
use std::net::IpAddr;
use std::time::SystemTime;

use super::stamp::Stamps;

/// One line, being written.
#[derive(Debug)]
pub(super) struct Line<'o> {
    out: &'o mut Vec<u8>,
    /// Where the line begins: with the comma that stands before each member, which becomes the brace.
    start: usize,
}

/// What stands before a member's value: its key and all around it.
macro_rules! key {
    ($name:literal) => {
        concat!(",\"", $name, "\":")
    };
}
pub(super) use key;

/// Room for a usual line, made once and not as it grows.
const USUAL: usize = 768;

impl<'o> Line<'o> {
    pub(super) fn open(out: &'o mut Vec<u8>) -> Self {
        out.reserve(USUAL);
        let start = out.len();
        Self { out, start }
    }

    /// A member whose value may hold anything.
    pub(super) fn text(&mut self, key: &'static str, value: Option<&str>) {
        self.key(key);
        match value {
            Some(value) => string(self.out, value),
            None => self.null(),
        }
    }

    /// A member whose value is known to have nothing to escape, such as a word of the gateway's own.
    pub(super) fn plain(&mut self, key: &'static str, value: &[u8]) {
        self.key(key);
        self.out.push(b'"');
        self.out.extend_from_slice(value);
        self.out.push(b'"');
    }

    pub(super) fn time(&mut self, key: &'static str, time: SystemTime, stamps: &mut Stamps) {
        self.key(key);
        let place = self.out.len();
        self.out.push(b'"');
        if stamps.write(time, self.out) {
            self.out.push(b'"');
        } else {
            self.out.truncate(place);
            self.null();
        }
    }

    pub(super) fn address(&mut self, key: &'static str, address: Option<IpAddr>) {
        let Some(address) = address else {
            return self.text(key, None);
        };
        self.key(key);
        self.out.push(b'"');
        match address {
            // By hand, for the standard library's way takes several times as long.
            IpAddr::V4(address) => {
                for (place, octet) in address.octets().into_iter().enumerate() {
                    if place > 0 {
                        self.out.push(b'.');
                    }
                    self.out.extend_from_slice(itoa::Buffer::new().format(octet).as_bytes());
                }
            }
            IpAddr::V6(address) => {
                // Writing to memory cannot fail.
                let _ = write!(self.out, "{address}");
            }
        }
        self.out.push(b'"');
    }

    pub(super) fn number(&mut self, key: &'static str, value: Option<u64>) {
        self.key(key);
        match value {
            Some(value) => self.out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes()),
            None => self.null(),
        }
    }

    pub(super) fn close(self) {
        if let Some(first) = self.out.get_mut(self.start) {
            *first = b'{';
        }
        self.out.extend_from_slice(b"}\n");
    }

    /// `key` as [`key!`] makes it.
    #[inline]
    fn key(&mut self, key: &'static str) {
        self.out.extend_from_slice(key.as_bytes());
    }

    fn null(&mut self) {
        self.out.extend_from_slice(b"null");
    }
}

fn string(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    // All of it is looked at, which is done for many bytes at once.
    let usual = |byte: u8| (b' '..=b'~').contains(&byte) & (byte != b'"') & (byte != b'\\');
    if text.bytes().fold(true, |all, byte| all & usual(byte)) {
        out.extend_from_slice(text.as_bytes());
    } else {
        text.chars().for_each(|character| escaped(out, character));
    }
    out.push(b'"');
}

fn escaped(out: &mut Vec<u8>, character: char) {
    let mut room = [0; 4];
    match character {
        '"' => out.extend_from_slice(b"\\\""),
        '\\' => out.extend_from_slice(b"\\\\"),
        '\n' => out.extend_from_slice(b"\\n"),
        '\r' => out.extend_from_slice(b"\\r"),
        '\t' => out.extend_from_slice(b"\\t"),
        _ if invisible(character) => {
            for unit in character.encode_utf16(&mut [0; 2]) {
                let _ = write!(out, "\\u{unit:04x}");
            }
        }
        _ => out.extend_from_slice(character.encode_utf8(&mut room).as_bytes()),
    }
}

/// What shows as nothing or changes how its neighbours show: control characters, line and paragraph separators, joiners
/// and marks of direction, byte order marks, tags.
fn invisible(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}')
        || matches!(character, '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}')
        || matches!(character, '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, proptest};
    use proptest::{prop_assert, prop_assert_eq};

    use super::{Line, invisible};

    fn written(value: &str) -> String {
        let mut out = Vec::new();
        let mut line = Line::open(&mut out);
        line.text(key!("k"), Some(value));
        line.close();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn what_could_mislead_is_escaped() {
        for (text, json) in [
            ("", r#""""#),
            ("amy", r#""amy""#),
            ("é€😀", r#""é€😀""#),
            ("a\"b", r#""a\"b""#),
            ("a\\b", r#""a\\b""#),
            ("a\r\n\tb", r#""a\r\n\tb""#),
            ("\0\u{1b}[31m\u{7f}", r#""\u0000\u001b[31m\u007f""#),
            ("\u{85}\u{9b}", r#""\u0085\u009b""#),
            ("\u{2028}\u{2029}", r#""\u2028\u2029""#),
            ("\u{202e}gpj\u{feff}", r#""\u202egpj\ufeff""#),
            ("\u{e0041}", r#""\udb40\udc41""#),
        ] {
            assert_eq!(written(text), format!("{{\"k\":{json}}}\n"), "{text:?}");
        }
    }

    #[test]
    fn members_are_separated_and_absent_ones_null() {
        let mut out = b"{}\n".to_vec();
        let mut line = Line::open(&mut out);
        line.text(key!("a"), None);
        line.number(key!("b"), Some(u64::MAX));
        line.plain(key!("c"), b"word");
        line.number(key!("d"), None);
        line.address(key!("e"), None);
        line.close();
        let expected = "{}\n{\"a\":null,\"b\":18446744073709551615,\"c\":\"word\",\"d\":null,\"e\":null}\n";
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }

    #[test]
    fn addresses_are_written_as_everybody_writes_them() {
        for text in ["0.0.0.0", "192.0.2.7", "255.255.255.255", "127.0.0.1", "::1", "2001:db8::7", "::ffff:192.0.2.7"] {
            let mut out = Vec::new();
            let mut line = Line::open(&mut out);
            line.address(key!("a"), Some(text.parse().unwrap()));
            line.close();
            assert_eq!(String::from_utf8(out).unwrap(), format!("{{\"a\":\"{text}\"}}\n"));
        }
    }

    proptest! {
        #[test]
        fn any_text_comes_back_from_one_visible_line(text in any::<String>()) {
            let line = written(&text);
            prop_assert_eq!(line.matches('\n').count(), 1);
            prop_assert!(!line.trim_end_matches('\n').chars().any(invisible), "{}", line);
            let parsed: serde_json::Value = serde_json::from_str(&line).unwrap();
            prop_assert_eq!(parsed["k"].as_str(), Some(&*text));
        }
    }
}
