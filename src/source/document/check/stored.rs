//! Stored secrets: the hash of a token, or of a password brought along from elsewhere.
//!
//! What is not a hash may be a secret in clear, so no error here holds any of the text.

use std::fmt;

use argon2::{Params, Version};
use bcrypt::HashParts;

use crate::policy::{PasswordHash, TokenHash};

/// Costs of bcrypt that can be verified in bearable time.
const BCRYPT_COSTS: std::ops::RangeInclusive<u32> = 4..=16;
/// Most memory for argon2id, in KiB: 1 GiB.
const MOST_MEMORY: u32 = 1 << 20;
const MOST_PASSES: u32 = 64;
const MOST_LANES: u32 = 16;

/// What a document stores in place of a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Stored {
    Token(TokenHash),
    Password(PasswordHash),
}

/// Why a text is none of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum NotStored {
    /// A secret in clear, most likely.
    Clear,
    /// 64 hexadecimal digits alone.
    Bare,
    /// `sha256:` and something other than 64 hexadecimal digits.
    Sha256,
    /// The hash of nothing, or of a line break alone.
    Nothing,
    /// A scheme that is not accepted.
    Scheme(Box<str>),
    /// A bcrypt hash that is cut short or has a character too many.
    Bcrypt,
    BcryptCost,
    /// Not a whole argon2id hash.
    Argon2,
    Argon2Cost,
}

impl fmt::Display for NotStored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Clear => f.write_str("this is no hash: a token is never stored in clear"),
            Self::Bare => f.write_str("this hash does not say of which kind it is"),
            Self::Sha256 => f.write_str("\"sha256:\" is followed by 64 hexadecimal digits"),
            Self::Nothing => f.write_str("this is the hash of an empty token, which anyone could present"),
            Self::Scheme(scheme) => write!(f, "hashes of the kind \"{scheme}\" are not accepted"),
            Self::Bcrypt => f.write_str("this is no whole bcrypt hash, which has 60 characters"),
            Self::BcryptCost => f.write_str("the cost of a bcrypt hash must be from 04 to 16"),
            Self::Argon2 => f.write_str("this is no whole argon2id hash"),
            Self::Argon2Cost => {
                f.write_str("an argon2id hash may ask for at most 1 GiB of memory, 64 passes and 16 lanes")
            }
        }
    }
}

impl NotStored {
    /// What to do about it.
    pub(super) fn help(&self) -> &'static str {
        match self {
            Self::Clear | Self::Sha256 | Self::Nothing => {
                "store what `portcullis token hash` prints for it: \"sha256:\" and 64 digits"
            }
            Self::Bare => "if it is the SHA-256 of a token, write \"sha256:\" in front of it",
            Self::Scheme(_) => "accepted are \"sha256:\", \"$2a$\", \"$2b$\", \"$2y$\" and \"$argon2id$\"",
            Self::Bcrypt => "copy the hash whole, or make a new one",
            Self::BcryptCost | Self::Argon2Cost => "make a new hash: verifying this one would hold up everyone else",
            Self::Argon2 => "it has the form \"$argon2id$v=19$m=19456,t=2,p=1$SALT$HASH\"",
        }
    }
}

/// Reads what a document stores for a token.
pub(super) fn token(text: &str) -> Result<Stored, NotStored> {
    if text.starts_with('$') {
        return password(text).map(Stored::Password);
    }
    if text.starts_with("sha256:") {
        let hash = TokenHash::parse(text).ok_or(NotStored::Sha256)?;
        let empty = [&b""[..], b"\n", b"\r\n"].iter().any(|nothing| hash == TokenHash::of(nothing));
        return if empty { Err(NotStored::Nothing) } else { Ok(Stored::Token(hash)) };
    }
    if let Some((scheme, _)) = text.strip_prefix('{').and_then(|rest| rest.split_once('}')) {
        return Err(scheme_error(scheme, "{", "}"));
    }
    let bare = text.len() == 64 && text.bytes().all(|b| b.is_ascii_hexdigit());
    Err(if bare { NotStored::Bare } else { NotStored::Clear })
}

/// Reads the hash of a password.
pub(super) fn password(text: &str) -> Result<PasswordHash, NotStored> {
    let scheme = text.strip_prefix('$').and_then(|rest| rest.split_once('$')).map(|(scheme, _)| scheme);
    match scheme {
        None => Err(NotStored::Clear),
        Some("2a" | "2b" | "2y") => bcrypt(text),
        Some("argon2id") => argon2id(text),
        Some(other) => Err(scheme_error(other, "$", "$")),
    }
}

/// Names a scheme, if it is a name and not a part of somebody's password.
fn scheme_error(scheme: &str, before: &str, after: &str) -> NotStored {
    const KNOWN: &[&str] = &[
        "1",
        "2",
        "2x",
        "5",
        "6",
        "7",
        "y",
        "gy",
        "apr1",
        "sha1",
        "argon2i",
        "argon2d",
        "scrypt",
        "pbkdf2",
        "pbkdf2-sha256",
        "pbkdf2-sha512",
        "SHA",
        "SSHA",
        "SHA256",
        "SSHA256",
        "SHA512",
        "SSHA512",
        "MD5",
        "SMD5",
        "CRYPT",
        "PLAIN",
    ];
    if KNOWN.contains(&scheme) {
        NotStored::Scheme(format!("{before}{scheme}{after}").into())
    } else {
        NotStored::Clear
    }
}

fn bcrypt(text: &str) -> Result<PasswordHash, NotStored> {
    // The verifier's own parser, so that nothing is accepted that could never be verified. It reads "+4" as a cost.
    let digits = text.get(4..6).filter(|cost| cost.bytes().all(|b| b.is_ascii_digit()));
    let parts: HashParts = digits.and_then(|_| text.parse().ok()).ok_or(NotStored::Bcrypt)?;
    if !BCRYPT_COSTS.contains(&parts.get_cost()) {
        return Err(NotStored::BcryptCost);
    }
    Ok(PasswordHash::new(text))
}

fn argon2id(text: &str) -> Result<PasswordHash, NotStored> {
    let parsed = argon2::PasswordHash::new(text).map_err(|_| NotStored::Argon2)?;
    let whole = parsed.salt.is_some() && parsed.hash.is_some();
    let version = parsed.version.map_or(Ok(Version::V0x13), Version::try_from);
    let params = Params::try_from(&parsed).ok().filter(|_| whole && version.is_ok()).ok_or(NotStored::Argon2)?;
    let bearable = params.m_cost() <= MOST_MEMORY && params.t_cost() <= MOST_PASSES && params.p_cost() <= MOST_LANES;
    if bearable { Ok(PasswordHash::new(text)) } else { Err(NotStored::Argon2Cost) }
}

#[cfg(test)]
mod tests {
    use super::{NotStored, Stored, password, token};
    use crate::policy::TokenHash;

    const BCRYPT: &str = "$2b$10$abcdefghijklmnopqrstuuMJ1BGOKS5OAMlsxgvYHpMXlMQPK4Wba";
    const ARGON2: &str = "$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHRzYWx0$aGFzaGhhc2hoYXNoaGFzaA";

    #[test]
    fn hashes_are_read() {
        let hash = TokenHash::of(b"x");
        assert_eq!(token(&hash.to_string()), Ok(Stored::Token(hash)));
        assert_eq!(token(&hash.to_string().to_uppercase().replace("SHA", "sha")), Ok(Stored::Token(hash)));
        for text in [BCRYPT, &BCRYPT.replace("$2b$", "$2y$"), &BCRYPT.replace("$2b$", "$2a$"), ARGON2] {
            assert!(matches!(token(text), Ok(Stored::Password(_))), "{text}");
        }
        // What is accepted can be verified: a wrong password is a no, not an error.
        assert!(!bcrypt::verify("x", BCRYPT).unwrap());
    }

    #[test]
    fn what_is_no_hash_is_told_apart() {
        use NotStored as N;
        let scheme = |name: &str| N::Scheme(name.into());
        for (text, error) in [
            ("", N::Clear),
            ("pcl_abc", N::Clear),
            ("hunter2", N::Clear),
            ("$hunter2", N::Clear),
            ("$hunter$2", N::Clear),
            ("{hunter}2", N::Clear),
            (&"a1".repeat(32), N::Bare),
            ("sha256:", N::Sha256),
            (&format!("sha256:{}", "a".repeat(63)), N::Sha256),
            ("sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", N::Nothing),
            (&TokenHash::of(b"\n").to_string(), N::Nothing),
            ("$apr1$x$y", scheme("$apr1$")),
            ("{SHA}x", scheme("{SHA}")),
            ("$argon2i$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$aGFzaA", scheme("$argon2i$")),
            ("$argon2d$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$aGFzaA", scheme("$argon2d$")),
            ("$6$salt$hash", scheme("$6$")),
            (&BCRYPT.replace("$2b$", "$2x$"), scheme("$2x$")),
            (&BCRYPT.replace("Wba", "Wb"), N::Bcrypt),
            (&BCRYPT.replace("Wba", "Wé"), N::Bcrypt),
            (&BCRYPT.replace("$10$", "$+4$"), N::Bcrypt),
            (&BCRYPT.replace("$10$", "$17$"), N::BcryptCost),
            (&BCRYPT.replace("$10$", "$03$"), N::BcryptCost),
            ("$argon2id$", N::Argon2),
            ("$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHRzYWx0", N::Argon2),
            (&ARGON2.replace("v=19", "v=18"), N::Argon2),
            (&ARGON2.replace("t=2", "t=0"), N::Argon2),
            (&ARGON2.replace("t=2", "x=2"), N::Argon2),
            (&ARGON2.replace("m=19456", "m=1048577"), N::Argon2Cost),
            (&ARGON2.replace("t=2", "t=65"), N::Argon2Cost),
            (&ARGON2.replace("p=1", "p=17"), N::Argon2Cost),
        ] {
            assert_eq!(token(text), Err(error), "{text}");
        }
        assert_eq!(password("sha256:abc"), Err(NotStored::Clear));
    }
}
