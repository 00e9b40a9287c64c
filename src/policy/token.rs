//! Stored tokens: the hash a document holds, and comparing it with what a client sent.
//!
//! A token is 256 random bits, so one fast hash is enough: there is nothing to guess, and no request pays for a slow
//! one. Passwords brought along from elsewhere are another matter, see [`PasswordHash`].

use std::fmt;
use std::ops::Deref;
use std::slice;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use sha2::{Digest, Sha256};
use subtle::{Choice, ConstantTimeEq};

/// How every generated token begins, so that leaked ones can be searched for.
pub const PREFIX: &str = "pcl_";

/// The SHA-256 of a token, written `sha256:` and 64 hexadecimal digits.
///
/// ```
/// use portcullis::policy::TokenHash;
///
/// let hash = TokenHash::of(b"secret");
/// assert_eq!(TokenHash::parse(&hash.to_string()), Some(hash));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct TokenHash([u8; 32]);

impl TokenHash {
    /// Stands in where a user has no token to compare with.
    pub(super) const NOBODY: Self = Self([0; 32]);

    /// The hash of a token as a client sends it.
    #[must_use]
    pub fn of(secret: &[u8]) -> Self {
        Self(Sha256::digest(secret).into())
    }

    /// Reads `sha256:` and 64 hexadecimal digits of either case; `None` for anything else.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix("sha256:").filter(|digits| digits.len() == 64)?;
        let mut bytes = [0; 32];
        for (byte, pair) in bytes.iter_mut().zip(digits.as_bytes().chunks(2)) {
            let [high, low] = pair else { return None };
            let nibble = |digit: u8| char::from(digit).to_digit(16).and_then(|n| u8::try_from(n).ok());
            *byte = nibble(*high)? << 4 | nibble(*low)?;
        }
        Some(Self(bytes))
    }

    /// The first eight bytes: as good as one of a kind, and too little to be taken for the hash. For noting things of a
    /// token that is proved, never for proving one.
    #[must_use]
    pub const fn mark(&self) -> u64 {
        let [a, b, c, d, e, f, g, h, ..] = self.0;
        u64::from_be_bytes([a, b, c, d, e, f, g, h])
    }

    /// Compares in time that does not depend on the contents.
    pub(super) fn matches(&self, other: &Self) -> Choice {
        // Word by word, for byte by byte is eight times the work.
        self.words().zip(other.words()).fold(Choice::from(1), |equal, (a, b)| equal & a.ct_eq(&b))
    }

    fn words(&self) -> impl Iterator<Item = u64> {
        self.0.as_chunks::<8>().0.iter().map(|word| u64::from_ne_bytes(*word))
    }
}

impl fmt::Display for TokenHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("sha256:")?;
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// Shows that there is a hash, and not which: an error text must not help to look one up.
impl fmt::Debug for TokenHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenHash(..)")
    }
}

/// How long before its end a token is said to end soon: time enough for somebody to be back from a holiday.
const SOON: Duration = Duration::from_hours(14 * 24);

/// One token of a user. What a request asks of it is in front.
#[derive(Clone, Debug)]
#[repr(C)]
pub struct Token {
    /// What the document stores of it.
    pub hash: TokenHash,
    /// From this moment on it is refused.
    pub expires: Option<SystemTime>,
    /// What a person calls it.
    pub label: Option<Box<str>>,
    /// When it was made, as the document says.
    pub created: Option<SystemTime>,
}

impl Token {
    /// Whether it no longer counts.
    #[must_use]
    pub fn expired(&self, now: SystemTime) -> bool {
        self.expires.is_some_and(|end| now >= end)
    }

    /// Whether it counts, and will not for much longer.
    #[must_use]
    pub fn ends_soon(&self, now: SystemTime) -> bool {
        self.expires.is_some_and(|end| end.duration_since(now).is_ok_and(|left| !left.is_zero() && left <= SOON))
    }
}

/// The tokens of a user. Nearly everybody has one, which then lies in memory where the user lies.
#[derive(Clone, Debug)]
pub enum Tokens {
    /// One.
    One(Token),
    /// More, or none.
    Others(Box<[Token]>),
}

impl From<Vec<Token>> for Tokens {
    fn from(tokens: Vec<Token>) -> Self {
        match <[Token; 1]>::try_from(tokens) {
            Ok([one]) => Self::One(one),
            Err(others) => Self::Others(others.into()),
        }
    }
}

impl Deref for Tokens {
    type Target = [Token];

    fn deref(&self) -> &[Token] {
        match self {
            Self::One(one) => slice::from_ref(one),
            Self::Others(others) => others,
        }
    }
}

impl<'t> IntoIterator for &'t Tokens {
    type Item = &'t Token;
    type IntoIter = slice::Iter<'t, Token>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// A stored password hash in PHC or crypt form (`$argon2id$…`, `$2y$…`), checked for form where the document is read.
///
/// Verifying one costs milliseconds by design, so it is never done on a thread that serves requests.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash(Arc<str>);

impl PasswordHash {
    /// Wraps a hash whose form has been checked.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self(text.into())
    }

    /// The stored text, for a verifier.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Everything but salt and hash: two of one cost take equally long to verify.
    pub(super) fn cost(&self) -> &str {
        let body = self.0.trim_start_matches('$');
        let fields = if body.starts_with("argon2") { 3 } else { 2 };
        body.match_indices('$').nth(fields - 1).map_or(body, |(end, _)| body.split_at(end).0)
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash(..)")
    }
}

/// Verifies passwords. The gate implements it on the argon2 and bcrypt crates; this room stays free of both.
pub trait VerifyPassword {
    /// Whether `secret` is the password that `stored` was made from.
    fn verify(&self, stored: &PasswordHash, secret: &[u8]) -> bool;
}

#[cfg(test)]
mod tests {
    use super::{PasswordHash, Token, TokenHash, Tokens};

    #[test]
    fn only_a_whole_sha256_is_a_hash() {
        let good = format!("sha256:{}", "aB".repeat(32));
        assert!(TokenHash::parse(&good).is_some());
        let short = good.get(..70).unwrap();
        let long = format!("{good}0");
        let other = good.replace("sha256:", "sha512:");
        let odd = good.replace('a', "g");
        let wide = good.replace("aB", "é");
        for bad in ["", "sha256:", short, &long, &other, &odd, &wide] {
            assert!(TokenHash::parse(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn a_mark_is_how_the_hash_begins() {
        let hash = TokenHash::of(b"x");
        assert!(hash.to_string().starts_with(&format!("sha256:{:016x}", hash.mark())));
    }

    #[test]
    fn tokens_come_in_any_number() {
        let token = |secret: &[u8]| Token { hash: TokenHash::of(secret), label: None, created: None, expires: None };
        for number in 0..4u8 {
            let tokens: Vec<_> = (0..number).map(|secret| token(&[secret])).collect();
            let kept = Tokens::from(tokens.clone());
            assert!(kept.iter().map(|token| token.hash).eq(tokens.iter().map(|token| token.hash)));
            assert_eq!(matches!(kept, Tokens::One(_)), number == 1);
        }
    }

    #[test]
    fn debug_shows_no_hash() {
        let hash = TokenHash::of(b"x");
        assert!(!format!("{hash:?}").contains(hash.to_string().trim_start_matches("sha256:")));
        assert!(!format!("{:?}", PasswordHash::new("$2y$10$abc")).contains("abc"));
    }

    #[test]
    fn cost_leaves_out_salt_and_hash() {
        for (stored, cost) in [
            ("$argon2id$v=19$m=19456,t=2,p=1$c2FsdA$aGFzaA", "argon2id$v=19$m=19456,t=2,p=1"),
            ("$2y$10$abcdefghijklmnopqrstuv", "2y$10"),
        ] {
            assert_eq!(PasswordHash::new(stored).cost(), cost);
        }
    }
}
