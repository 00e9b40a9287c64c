//! Making passwords for the control panel: what one has to be, and the hash that a document stores of it.
//!
//! Called by the commands and the panel. They are verified by the room `gate`, as those that were brought along.

use std::error::Error;
use std::fmt;

use argon2::{Argon2, PasswordHasher};

use crate::policy::PasswordHash;

/// Fewer characters than this are guessed, however slow the hash.
pub const FEWEST_CHARACTERS: usize = 12;
/// More bytes than this are no password, but a file that was named by mistake.
pub const MOST_BYTES: usize = 1024;

/// Why there is no hash of a password. Never says any of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PasswordError {
    /// It has fewer than [`FEWEST_CHARACTERS`].
    Short,
    /// It has more than [`MOST_BYTES`].
    Long,
    /// A character that nobody can type, such as a tab.
    Control,
    /// It is no text in UTF-8, which is what a browser would send.
    NotUtf8,
    /// The system has no random bytes, or too little memory.
    System,
}

impl fmt::Display for PasswordError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Short => {
                write!(f, "a password has at least {FEWEST_CHARACTERS} characters: several words, for example")
            }
            Self::Long => write!(f, "a password has at most {MOST_BYTES} bytes"),
            Self::Control => f.write_str("a password has no control characters, such as tabs"),
            Self::NotUtf8 => f.write_str("a password is text in UTF-8"),
            Self::System => f.write_str("it cannot be hashed: the system has no random bytes, or too little memory"),
        }
    }
}

impl Error for PasswordError {}

/// The argon2id hash of a password, with a salt of its own.
///
/// ```
/// use portcullis::source::password::{PasswordError, hash};
///
/// assert!(hash(b"correct horse battery").unwrap().as_str().starts_with("$argon2id$"));
/// assert_eq!(hash(b"correct hor").unwrap_err(), PasswordError::Short);
/// ```
///
/// # Errors
/// [`PasswordError`]
pub fn hash(password: &[u8]) -> Result<PasswordHash, PasswordError> {
    check(password)?;
    // What OWASP recommends: 19 MiB, two passes, one lane.
    let hash = Argon2::default().hash_password(password).map_err(|_| PasswordError::System)?;
    Ok(PasswordHash::new(&hash.to_string()))
}

fn check(password: &[u8]) -> Result<(), PasswordError> {
    if password.len() > MOST_BYTES {
        return Err(PasswordError::Long);
    }
    let text = std::str::from_utf8(password).map_err(|_| PasswordError::NotUtf8)?;
    if text.chars().any(char::is_control) {
        return Err(PasswordError::Control);
    }
    if text.chars().nth(FEWEST_CHARACTERS - 1).is_none() {
        return Err(PasswordError::Short);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use argon2::{Argon2, PasswordVerifier};

    use super::{PasswordError, check, hash};

    #[test]
    fn a_hash_is_of_its_password_and_of_no_other() {
        let (one, other) = (hash(b"correct horse battery").unwrap(), hash(b"correct horse battery").unwrap());
        assert_ne!(one, other, "each has a salt of its own");
        assert!(one.as_str().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{}", one.as_str());
        let stored = argon2::PasswordHash::new(one.as_str()).unwrap();
        assert!(Argon2::default().verify_password(b"correct horse battery", &stored).is_ok());
        assert!(Argon2::default().verify_password(b"correct horse batterx", &stored).is_err());
    }

    #[test]
    fn what_is_no_password_is_told_apart() {
        for (password, told) in [
            (&b"12 characters"[..], Ok(())),
            ("zwölfzeichen".as_bytes(), Ok(())),
            (b"11 of them.", Err(PasswordError::Short)),
            ("éééééé".as_bytes(), Err(PasswordError::Short)),
            (b"", Err(PasswordError::Short)),
            (b"a tab\tis in here", Err(PasswordError::Control)),
            (b"not UTF-8 at all: \xff", Err(PasswordError::NotUtf8)),
            (&[b'x'; 1024], Ok(())),
            (&[b'x'; 1025], Err(PasswordError::Long)),
        ] {
            assert_eq!(check(password), told, "{password:?}");
        }
    }
}
