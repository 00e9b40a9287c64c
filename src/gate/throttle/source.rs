//! Where requests come from, as far as it is counted: one IPv4 address, or one IPv6 network of 64 bits.
//!
//! An IPv6 client has all addresses of its /64 and could use another one for each try (RFC 4291, RFC 6177).

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// One source of requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Source {
    V4(u32),
    /// The upper half of the address.
    V6(u64),
}

impl Source {
    /// Where an address belongs. An IPv4 client of an IPv6 socket is an IPv4 client.
    pub(super) fn of(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(v4) => Self::V4(v4.to_bits()),
            IpAddr::V6(v6) => Self::V6(u64::try_from(v6.to_bits() >> 64).unwrap_or(u64::MAX)),
        }
    }

    /// The number that it is; two sources may have the same.
    pub(super) fn bits(self) -> u64 {
        match self {
            Self::V4(bits) => bits.into(),
            Self::V6(bits) => bits,
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::V4(bits) => Ipv4Addr::from_bits(*bits).fmt(f),
            Self::V6(bits) => write!(f, "{}/64", Ipv6Addr::from_bits(u128::from(*bits) << 64)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Source;

    #[test]
    fn an_address_belongs_to_itself_or_to_its_64_bits() {
        for (address, shown) in [
            ("192.0.2.7", "192.0.2.7"),
            ("::ffff:192.0.2.7", "192.0.2.7"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
            ("2001:db8:1:2::", "2001:db8:1:2::/64"),
            ("::1", "::/64"),
        ] {
            assert_eq!(Source::of(address.parse().unwrap()).to_string(), shown);
        }
    }
}
