//! Words as a shell takes them, for commands that are printed to be pasted.

use std::path::Path;

/// A path as one word of a shell command.
pub(super) fn path(path: &Path) -> String {
    word(&path.to_string_lossy())
}

/// A text as one word of a shell command, quoted where that is needed.
pub(super) fn word(text: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-_./:=@,+".contains(&b);
    if !text.is_empty() && text.bytes().all(plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::word;

    #[test]
    fn only_what_needs_quotes_gets_them() {
        for (text, quoted) in [
            ("/tmp/a-b_c.pem", "/tmp/a-b_c.pem"),
            ("", "''"),
            ("a b", "'a b'"),
            ("it's", r"'it'\''s'"),
            ("$(id)", "'$(id)'"),
        ] {
            assert_eq!(word(text), quoted);
        }
    }
}
