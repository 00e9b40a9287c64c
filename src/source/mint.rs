//! Making API tokens: `pcl_`, 256 random bits in base 62, and a checksum against slips of the hand.
//!
//! Called by the commands and the panel, for people to copy and paste. A gateway never looks at a checksum: it would
//! tell a stranger which tokens are not worth trying.

use std::fmt;

use zeroize::Zeroizing;

use crate::policy::{TOKEN_PREFIX, TokenHash};

const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/// 62^43 is the first power of 62 above 2^256.
const SECRET: usize = 43;
/// 62^6 is the first above 2^32.
const CHECKSUM: usize = 6;

/// A new token. It is shown once, to whoever it is for; the document gets its hash.
pub struct NewToken(Zeroizing<String>);

impl NewToken {
    /// The token itself.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What the document stores.
    #[must_use]
    pub fn hash(&self) -> TokenHash {
        TokenHash::of(self.0.as_bytes())
    }
}

/// Leaves the token out.
impl fmt::Debug for NewToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NewToken(..)")
    }
}

/// Makes a token.
///
/// ```
/// use portcullis::source::mint::{checksum_ok, mint};
///
/// let token = mint().unwrap();
/// assert!(token.as_str().starts_with("pcl_") && checksum_ok(token.as_str()));
/// ```
///
/// # Errors
/// Where the system has no random bytes.
pub fn mint() -> Result<NewToken, getrandom::Error> {
    let mut random = Zeroizing::new([0; 32]);
    getrandom::fill(&mut *random)?;
    Ok(token(&random))
}

/// Whether a text has the form of a generated token, checksum included.
#[must_use]
pub fn checksum_ok(text: &str) -> bool {
    let Some(body) = text.strip_prefix(TOKEN_PREFIX).filter(|body| body.bytes().all(|b| DIGITS.contains(&b))) else {
        return false;
    };
    let parts = body.split_at_checked(SECRET).filter(|(_, sum)| sum.len() == CHECKSUM);
    parts.is_some_and(|(secret, sum)| *checksum(secret) == sum)
}

fn token(random: &[u8; 32]) -> NewToken {
    let secret = base62::<SECRET>(Zeroizing::new(*random).as_mut_slice());
    let sum = checksum(&secret);
    // Joined with room for all of it, so that no copy is left behind.
    let mut text = Zeroizing::new(String::with_capacity(TOKEN_PREFIX.len() + SECRET + CHECKSUM));
    [TOKEN_PREFIX, &secret, &sum].iter().for_each(|part| text.push_str(part));
    NewToken(text)
}

fn checksum(secret: &str) -> Zeroizing<String> {
    base62::<CHECKSUM>(&mut crc32fast::hash(secret.as_bytes()).to_be_bytes())
}

/// Writes a number, given as its bytes from the highest, with exactly `N` digits. The bytes are used up.
fn base62<const N: usize>(number: &mut [u8]) -> Zeroizing<String> {
    let mut digits = Zeroizing::new([0; N]);
    for place in digits.iter_mut().rev() {
        let digit = divide(number);
        *place = DIGITS.get(usize::from(digit)).copied().unwrap_or(b'0');
    }
    Zeroizing::new(digits.iter().map(|digit| char::from(*digit)).collect())
}

/// Divides a number by 62 in place, and returns the remainder.
fn divide(number: &mut [u8]) -> u8 {
    let mut rest = 0u16;
    for byte in number {
        let value = rest << 8 | u16::from(*byte);
        *byte = (value / 62) as u8;
        rest = value % 62;
    }
    rest as u8
}

#[cfg(test)]
mod tests {
    use super::{base62, checksum_ok, mint, token};

    #[test]
    fn numbers_are_written_in_base_62() {
        for (number, digits) in [(0u32, "000000"), (61, "00000z"), (62, "000010"), (u32::MAX, "4gfFC3")] {
            assert_eq!(*base62::<6>(&mut number.to_be_bytes()), digits, "{number}");
        }
        assert_eq!(token(&[0; 32]).as_str().get(4..47), Some("0".repeat(43).as_str()));
        let most = token(&[0xff; 32]);
        assert_eq!(most.as_str().len(), 53);
        assert_ne!(most.as_str().get(4..5), Some("0"), "43 digits are needed for the greatest number");
    }

    #[test]
    fn every_slip_of_one_character_is_found() {
        let token = mint().unwrap();
        let text = token.as_str();
        assert!(checksum_ok(text));
        for place in 0..text.len() {
            let other = if text[place..].starts_with('x') { "y" } else { "x" };
            assert!(!checksum_ok(&format!("{}{other}{}", &text[..place], &text[place + 1..])), "{place}");
            assert!(!checksum_ok(&format!("{}{}", &text[..place], &text[place + 1..])), "without {place}");
        }
        for bad in ["", "pcl_", "pcl_é", &format!("{text}0"), &format!("{text} ")] {
            assert!(!checksum_ok(bad), "{bad}");
        }
    }

    #[test]
    fn no_two_are_the_same_and_none_is_shown() {
        let (one, other) = (mint().unwrap(), mint().unwrap());
        assert_ne!(one.as_str(), other.as_str());
        assert!(one.hash() != other.hash());
        assert_eq!(format!("{one:?}"), "NewToken(..)");
        wiped(&one.0);
    }

    /// Compiles only for what is wiped when it is dropped.
    fn wiped<T: zeroize::ZeroizeOnDrop>(_: &T) {}
}
