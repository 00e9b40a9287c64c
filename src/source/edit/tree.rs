//! A document's text, taken apart so that it can be changed and put together again.
//!
//! What is common to `toml` and `json`.

use super::{json, toml};
use crate::source::document::Format;

/// What a change writes.
#[derive(Clone, Debug)]
pub(super) enum Value {
    Flag(bool),
    Text(String),
}

/// The text of a document, taken apart so that it can be put together again without loss. Users and keys that there are
/// not are nobody's, and nothing happens to them.
pub(super) trait Tree {
    /// Adds a user with nothing in it, behind the others.
    fn add_user(&mut self, user: &str);
    /// Takes a user out, and the comment that stands right above it.
    fn remove_user(&mut self, user: &str);
    /// Sets what stands behind a key.
    fn set(&mut self, user: &str, key: &str, value: &Value);
    /// Takes a key out, and the comments on its line and right above it.
    fn unset(&mut self, user: &str, key: &str);
    /// The text behind a key.
    fn get(&self, user: &str, key: &str) -> Option<String>;
    /// The texts of a list; an empty one for whatever in it is no text.
    fn texts(&self, user: &str, key: &str) -> Vec<String>;
    /// Puts a text at the end of a list, which is made where there is none.
    fn push(&mut self, user: &str, key: &str, text: &str);
    /// Takes one out of a list, and the comment on its line.
    fn take(&mut self, user: &str, key: &str, index: usize);
    /// The tokens, in the order of the document.
    fn tokens(&self, user: &str) -> Vec<StoredToken>;
    /// Writes all tokens anew.
    fn set_tokens(&mut self, user: &str, tokens: &[StoredToken]);
    /// The whole text.
    fn text(&self) -> String;
}

/// A token as a document has it: what it says of the token, key by key.
#[derive(Clone, Debug, Default)]
pub(super) struct StoredToken(pub(super) Vec<(String, String)>);

impl StoredToken {
    /// The keys that a token may have, in the order in which they are written.
    pub(super) const KEYS: [&'static str; 4] = ["hash", "label", "created", "expires"];

    pub(super) fn get(&self, key: &str) -> Option<&str> {
        self.0.iter().find(|(name, _)| name == key).map(|(_, value)| value.as_str())
    }

    pub(super) fn set(&mut self, key: &str, value: String) {
        self.0.retain(|(name, _)| name != key);
        self.0.push((key.to_owned(), value));
    }
}

/// Takes a text apart; `None` where it is not of this format.
pub(super) fn tree(text: &str, format: Format) -> Option<Box<dyn Tree>> {
    Some(match format {
        Format::Toml => Box::new(toml::TomlTree::read(text)?),
        Format::Json => Box::new(json::JsonTree::read(text)?),
    })
}

/// What is not let as far as the tree, which would not keep it.
#[derive(Clone, Copy)]
pub(super) struct Around {
    /// A byte order mark.
    mark: bool,
    /// Lines end as on Windows.
    windows: bool,
    /// The last line has no end.
    open: bool,
}

impl Around {
    /// Takes it off a text.
    pub(super) fn take_off(text: &str) -> (Self, String) {
        let (mark, inner) = text.strip_prefix('\u{feff}').map_or((false, text), |inner| (true, inner));
        let (windows, open) = (inner.contains("\r\n"), !inner.ends_with('\n'));
        let inner = if windows { inner.replace("\r\n", "\n") } else { inner.to_owned() };
        (Self { mark, windows, open }, if open { inner + "\n" } else { inner })
    }

    /// Puts it on again.
    pub(super) fn put_on(self, inner: &str) -> String {
        let inner = if self.open { inner.strip_suffix('\n').unwrap_or(inner) } else { inner };
        let inner = if self.windows { inner.replace('\n', "\r\n") } else { inner.to_owned() };
        if self.mark { format!("\u{feff}{inner}") } else { inner }
    }
}
