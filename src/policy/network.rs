//! Networks in CIDR notation (RFC 4632, RFC 4291): from where a user may come.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// An address block such as `10.0.0.0/8` or `2001:db8::/32`. One address alone is a block of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    first: IpAddr,
    prefix: u8,
}

/// Why a text is not a network.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NetworkError {
    /// Not an address with an optional prefix length.
    Form,
    /// Bits behind the prefix are set: most likely another prefix was meant. Holds the block's true first address.
    HostBits(Network),
}

impl fmt::Display for NetworkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Form => f.write_str("a network is an address and a prefix length, such as \"10.0.0.0/8\""),
            Self::HostBits(network) => write!(f, "bits behind the prefix are set: write \"{network}\""),
        }
    }
}

impl std::error::Error for NetworkError {}

impl Network {
    /// Reads a network.
    ///
    /// # Errors
    /// [`NetworkError`], with the block that was probably meant where bits behind the prefix are set.
    pub fn parse(text: &str) -> Result<Self, NetworkError> {
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| NetworkError::Form)?;
        let widest = if address.is_ipv4() { 32 } else { 128 };
        let prefix = match prefix {
            Some(digits) if digits.starts_with('+') => return Err(NetworkError::Form),
            Some(digits) => digits.parse::<u8>().ok().filter(|p| *p <= widest).ok_or(NetworkError::Form)?,
            None => widest,
        };
        let first = mask(address, prefix);
        let network = Self { first, prefix };
        if first == address { Ok(network) } else { Err(NetworkError::HostBits(network)) }
    }

    /// Whether an address lies in this block. An IPv4 client on an IPv6 socket (`::ffff:10.0.0.1`) counts as IPv4.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        address.is_ipv4() == self.first.is_ipv4() && mask(address, self.prefix) == self.first
    }

    /// Whether all of another network is in this one.
    #[must_use]
    pub fn includes(&self, other: &Self) -> bool {
        self.prefix <= other.prefix && self.contains(other.first)
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.first, self.prefix)
    }
}

/// Clears the bits behind the prefix.
fn mask(address: IpAddr, prefix: u8) -> IpAddr {
    let prefix = u32::from(prefix);
    match address {
        IpAddr::V4(v4) => {
            let keep = u32::MAX.checked_shl(32u32.saturating_sub(prefix)).unwrap_or(0);
            Ipv4Addr::from(u32::from(v4) & keep).into()
        }
        IpAddr::V6(v6) => {
            let keep = u128::MAX.checked_shl(128u32.saturating_sub(prefix)).unwrap_or(0);
            Ipv6Addr::from(u128::from(v6) & keep).into()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Network, NetworkError};

    #[test]
    fn blocks_contain_their_addresses() {
        for (block, address, inside) in [
            ("10.0.0.0/8", "10.255.0.1", true),
            ("10.0.0.0/8", "11.0.0.1", false),
            ("10.0.0.0/8", "::ffff:10.1.2.3", true),
            ("10.0.0.0/8", "::a00:1", false),
            ("0.0.0.0/0", "203.0.113.9", true),
            ("0.0.0.0/0", "::1", false),
            ("127.0.0.1", "127.0.0.1", true),
            ("127.0.0.1", "127.0.0.2", false),
            ("2001:db8::/32", "2001:db8:ffff::1", true),
            ("2001:db8::/32", "2001:db9::1", false),
            ("::/0", "::1", true),
        ] {
            let network = Network::parse(block).unwrap();
            assert_eq!(network.contains(address.parse().unwrap()), inside, "{block} {address}");
        }
    }

    #[test]
    fn what_is_not_a_block_is_an_error() {
        for bad in ["", "10.0.0.0/33", "::/129", "10.0.0/8", "10.0.0.0/-1", "10.0.0.0/+8", "host", "10.0.0.0/8/8"] {
            assert_eq!(Network::parse(bad), Err(NetworkError::Form), "{bad}");
        }
        let meant = Network::parse("10.0.0.0/8").unwrap();
        assert_eq!(Network::parse("10.1.2.3/8"), Err(NetworkError::HostBits(meant)));
    }
}
