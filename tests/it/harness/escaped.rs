//! Bytes as the corpora write them, so that a person can read what is on the wire.

use super::{AMY, HOST, basic};

/// Bytes as the files write them: a line's end in the file is none, and `\r`, `\n`, `\t`, `\\` and `\x0b` are what they
/// are in most languages. `{host}` and `{amy}` stand for the host and the field with the credentials, `{a*9}` for nine
/// times what stands before the last `*`.
pub(crate) fn bytes(text: &str) -> Vec<u8> {
    let mut out = Vec::new();
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        match c {
            '\n' => {}
            '\\' => out.push(escape(&mut rest)),
            '{' => {
                let word: String = rest.by_ref().take_while(|c| *c != '}').collect();
                match (word.as_str(), word.rsplit_once('*')) {
                    ("amy", _) => out.extend(format!("Authorization: {}\r\n", basic(AMY)).bytes()),
                    ("host", _) => out.extend(HOST.bytes()),
                    (_, Some((what, times))) => out.extend(bytes(what).repeat(times.parse().unwrap())),
                    (word, None) => panic!("{{{word}}} stands for nothing"),
                }
            }
            c => out.extend(c.to_string().bytes()),
        }
    }
    out
}

fn escape(rest: &mut std::str::Chars<'_>) -> u8 {
    match rest.next() {
        Some('r') => b'\r',
        Some('n') => b'\n',
        Some('t') => b'\t',
        Some('\\') => b'\\',
        Some('x') => u8::from_str_radix(&rest.by_ref().take(2).collect::<String>(), 16).unwrap(),
        other => panic!("\\{other:?} is no escape"),
    }
}
