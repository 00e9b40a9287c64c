//! Reads HTTP Basic credentials (RFC 7617) from a request's headers.
//!
//! Three outcomes are kept apart: none were presented, something was presented that is no credential, and a name with a
//! secret. What they are worth is for `policy::Users` to say.

use std::net::IpAddr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderMap;
use http::header::AUTHORIZATION;
use zeroize::{Zeroize as _, Zeroizing};

use crate::policy::Credentials;

/// What a request presents.
pub(super) enum Presented {
    /// No Authorization header.
    Nothing,
    /// A scheme that is not Basic, or Basic with something else than base64 of `name:secret` behind it.
    Malformed,
    /// More than one Authorization header: two servers could take different ones.
    Several,
    /// A name and a secret.
    Basic(Basic),
}

/// A decoded `name:secret`, wiped from memory when dropped.
pub(super) struct Basic {
    text: Zeroizing<String>,
    colon: usize,
}

impl Basic {
    /// The claimed user name.
    pub(super) fn name(&self) -> &str {
        self.text.split_at_checked(self.colon).map_or("", |(name, _)| name)
    }

    /// The token or password: everything behind the first colon, further colons with it.
    pub(super) fn secret(&self) -> &[u8] {
        self.text.as_bytes().get(self.colon + 1..).unwrap_or_default()
    }

    /// The claim as the policy judges it.
    pub(super) fn from(&self, address: IpAddr) -> Credentials<'_> {
        Credentials { name: self.name(), secret: self.secret(), address }
    }
}

/// Reads what a request presents.
pub(super) fn read(headers: &HeaderMap) -> Presented {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let Some(value) = values.next() else {
        return Presented::Nothing;
    };
    if values.next().is_some() {
        return Presented::Several;
    }
    basic(value.as_bytes()).map_or(Presented::Malformed, Presented::Basic)
}

fn basic(value: &[u8]) -> Option<Basic> {
    let (scheme, rest) = value.split_at_checked(5)?;
    if !scheme.eq_ignore_ascii_case(b"basic") {
        return None;
    }
    // One space by the grammar of RFC 9110 section 11.4; more are seen in the field and change nothing.
    let encoded = rest.strip_prefix(b" ")?.trim_ascii();
    // Moved on, and not copied, so that there is one place to wipe.
    let text = match String::from_utf8(STANDARD.decode(encoded).ok()?) {
        Ok(text) => Zeroizing::new(text),
        Err(error) => {
            error.into_bytes().zeroize();
            return None;
        }
    };
    if has_control(&text) {
        return None;
    }
    let colon = memchr::memchr(b':', text.as_bytes())?;
    Some(Basic { text, colon })
}

/// RFC 7617 section 2 forbids control characters in both parts.
fn has_control(text: &str) -> bool {
    if text.is_ascii() {
        // All of them are looked at, which is done for many at once.
        text.bytes().fold(false, |found, byte| found | byte.is_ascii_control())
    } else {
        text.chars().any(char::is_control)
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use http::header::AUTHORIZATION;
    use http::{HeaderMap, HeaderValue};

    use super::{Presented, read};

    fn headers(values: &[&str]) -> HeaderMap {
        let values = values.iter().map(|value| (AUTHORIZATION, HeaderValue::from_str(value).unwrap()));
        values.collect()
    }

    fn name_and_secret(value: &str) -> Option<(String, String)> {
        match read(&headers(&[value])) {
            Presented::Basic(basic) => {
                Some((basic.name().to_owned(), String::from_utf8(basic.secret().to_vec()).unwrap()))
            }
            Presented::Nothing | Presented::Malformed | Presented::Several => None,
        }
    }

    /// Compiles only for what is wiped when it is dropped.
    fn wiped<T: zeroize::ZeroizeOnDrop>(_: &T) {}

    #[test]
    fn what_is_decoded_is_wiped() {
        let Presented::Basic(basic) = read(&headers(&["Basic YW15OnNlY3JldA=="])) else { panic!("credentials") };
        wiped(&basic.text);
        assert!(!format!("{:?}", basic.from([127, 0, 0, 1].into())).contains("secret"));
    }

    #[test]
    fn a_name_and_a_secret() {
        for (scheme, text, name, secret) in [
            ("Basic", "amy:secret", "amy", "secret"),
            ("basic", "amy:secret", "amy", "secret"),
            ("BASIC", "amy:se:cr:et", "amy", "se:cr:et"),
            ("Basic ", "amy:", "amy", ""),
            ("Basic", ":secret", "", "secret"),
            ("Basic", "zoë:pässword €", "zoë", "pässword €"),
            ("Basic", "amy: spaced ", "amy", " spaced "),
        ] {
            let value = format!("{scheme} {}", STANDARD.encode(text));
            assert_eq!(name_and_secret(&value), Some((name.to_owned(), secret.to_owned())), "{value}");
        }
    }

    #[test]
    fn what_is_no_credential() {
        for value in [
            "Basic",
            "Basic ",
            "Basic YW15",
            "Basic YW15OnNlY3JldA",
            "Basic YW15OnNlY3JldA===",
            "Basic YW15OnNlY3J ldA==",
            "BasicYW15OnNlY3JldA==",
            "Basic\tYW15OnNlY3JldA==",
            "Bearer YW15OnNlY3JldA==",
            "Digest username=\"amy\"",
            "Basic YW15OnNlY3JldA==, Basic YW15OnNlY3JldA==",
        ] {
            assert!(matches!(read(&headers(&[value])), Presented::Malformed), "{value}");
        }
        for text in [&b"amy\0:x"[..], b"amy:x\n", b"amy:\x7f", b"amy:\xff", b"\xc0\xaf:x", b"amy:\xc2\x85"] {
            let value = format!("Basic {}", STANDARD.encode(text));
            assert!(matches!(read(&headers(&[&value])), Presented::Malformed), "{text:?}");
        }
    }

    #[test]
    fn none_and_several() {
        assert!(matches!(read(&headers(&[])), Presented::Nothing));
        let one = "Basic YW15OnNlY3JldA==";
        assert!(matches!(read(&headers(&[one, one])), Presented::Several));
    }
}
