//! The name of a user.

use std::fmt;
use std::ops::Deref;
use std::str;

/// As many bytes as leave a name no longer than three words of memory.
const SHORT: usize = 22;

/// A name that lies in memory where its user lies, where it is short: to compare it is no further wait for memory.
#[derive(Clone)]
pub struct Name(Text);

#[derive(Clone)]
enum Text {
    Short { length: u8, bytes: [u8; SHORT] },
    Long(Box<str>),
}

impl From<&str> for Name {
    fn from(text: &str) -> Self {
        let mut bytes = [0; SHORT];
        match (bytes.get_mut(..text.len()), u8::try_from(text.len())) {
            (Some(place), Ok(length)) => {
                place.copy_from_slice(text.as_bytes());
                Self(Text::Short { length, bytes })
            }
            _ => Self(Text::Long(text.into())),
        }
    }
}

impl Name {
    /// Whether such a name lies where its user lies.
    pub(super) fn is_short(text: &str) -> bool {
        text.len() <= SHORT
    }

    /// What is compared and hashed.
    pub(super) fn as_bytes(&self) -> &[u8] {
        match &self.0 {
            // As long as what it was made of.
            Text::Short { length, bytes } => bytes.get(..usize::from(*length)).unwrap_or_default(),
            Text::Long(text) => text.as_bytes(),
        }
    }
}

impl Deref for Name {
    type Target = str;

    fn deref(&self) -> &str {
        match &self.0 {
            // It was made of a text.
            Text::Short { .. } => str::from_utf8(self.as_bytes()).unwrap_or_default(),
            Text::Long(text) => text,
        }
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self)
    }
}

#[cfg(test)]
mod tests {
    use super::{Name, SHORT};

    #[test]
    fn a_name_is_what_it_was_made_of() {
        assert_eq!(size_of::<Name>(), 24);
        for text in ["", "maria", "Überraschung", &"x".repeat(SHORT), &"x".repeat(SHORT + 1), &"é".repeat(400)] {
            let name = Name::from(text);
            assert_eq!((&*name, name.as_bytes(), &*name.clone()), (text, text.as_bytes(), text));
            assert_eq!(format!("{name:?} {name}"), format!("{text:?} {text}"));
        }
    }
}
