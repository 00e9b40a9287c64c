//! Request ids: unique, cheap, and the same in the answer's `X-Request-Id`, the upstream's request and the audit line.
//!
//! Each worker owns one [`RequestIds`]. An id names a request and proves nothing, so it need not be hard to guess.

use std::cell::Cell;
use std::fmt::{self, Write as _};
use std::io;

use http::HeaderValue;

/// The name of one request: 128 bits, written as 32 lowercase hexadecimal digits. They are kept as these, since nothing
/// else is ever asked of them.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct RequestId([u8; 32]);

impl RequestId {
    pub(super) fn new(number: u128) -> Self {
        let mut digits = [b'0'; 32];
        for (pair, byte) in digits.as_chunks_mut::<2>().0.iter_mut().zip(number.to_be_bytes()) {
            *pair = [digit(byte >> 4), digit(byte & 0xf)];
        }
        Self(digits)
    }

    /// The 32 digits.
    #[must_use]
    pub const fn digits(&self) -> &[u8; 32] {
        &self.0
    }

    /// The id as a header value.
    #[must_use]
    pub fn header(&self) -> HeaderValue {
        // Hexadecimal digits are a legal value, so the other branch is never taken.
        HeaderValue::from_bytes(&self.0).unwrap_or_else(|_| HeaderValue::from_static("-"))
    }
}

const fn digit(value: u8) -> u8 {
    if value < 10 { b'0' + value } else { b'a' + (value - 10) }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|digit| f.write_char(char::from(*digit)))
    }
}

impl fmt::Debug for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RequestId({self})")
    }
}

/// Makes the ids of one worker: a random half that differs between workers and runs, and a counter that differs
/// between requests. No system call and no shared state after the first.
#[derive(Debug)]
pub struct RequestIds {
    worker: u64,
    count: Cell<u64>,
}

impl RequestIds {
    /// A generator with a random half of its own.
    ///
    /// # Errors
    /// Where the system has no random bytes to give.
    pub fn seeded() -> io::Result<Self> {
        let random = || getrandom::u64().map_err(|error| io::Error::other(format!("no seed for request ids: {error}")));
        Ok(Self { worker: random()?, count: Cell::new(random()?) })
    }

    /// The next id.
    #[must_use]
    pub fn fresh(&self) -> RequestId {
        let count = self.count.get();
        self.count.set(count.wrapping_add(1));
        RequestId::new(u128::from(self.worker) << 64 | u128::from(scatter(count)))
    }
}

/// Spreads a counter over 64 bits, so that ids that follow each other differ at a glance. One to one (the finalizer of
/// splitmix64), so two counts never meet.
fn scatter(count: u64) -> u64 {
    let mixed = (count ^ (count >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::{RequestId, RequestIds};

    #[test]
    fn digits_header_and_display_agree() {
        for (id, text) in [
            (RequestId::new(0), "00000000000000000000000000000000"),
            (RequestId::new(u128::MAX), "ffffffffffffffffffffffffffffffff"),
            (RequestId::new(0x0123_4567_89ab_cdef_0000_0000_0000_00fa), "0123456789abcdef00000000000000fa"),
        ] {
            assert_eq!(id.to_string(), text);
            assert_eq!(id.digits(), text.as_bytes());
            assert_eq!(id.header(), text);
        }
    }

    #[test]
    fn ids_differ_within_and_between_workers() {
        let workers = [RequestIds::seeded().unwrap(), RequestIds::seeded().unwrap()];
        let ids: HashSet<_> = workers.iter().flat_map(|ids| (0..10_000).map(|_| ids.fresh())).collect();
        assert_eq!(ids.len(), 20_000);
    }
}
