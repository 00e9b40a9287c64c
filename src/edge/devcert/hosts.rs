//! Reading host names into what a certificate can hold.

use std::net::IpAddr;

use rcgen::SanType;
use rustls_pki_types::DnsName;

use super::Error;

/// Names for a certificate, each once and in the order given.
pub(super) fn read(hosts: &[String]) -> Result<Vec<SanType>, Error> {
    let mut names = Vec::with_capacity(hosts.len());
    for host in hosts {
        let name = name(host)?;
        if !names.contains(&name) {
            names.push(name);
        }
    }
    if names.is_empty() { Err(Error::NoHosts) } else { Ok(names) }
}

fn name(host: &str) -> Result<SanType, Error> {
    if let Ok(address) = host.parse::<IpAddr>() {
        return Ok(SanType::IpAddress(address));
    }
    let wrong = |advice| Error::Host { host: host.to_owned(), advice };
    if !host.is_ascii() {
        return Err(wrong("write an international name in its \"xn--\" form"));
    }
    if host.contains(['/', ':', '[', ']']) {
        return Err(wrong("name the host alone, without scheme, port, path or brackets"));
    }
    let plain = match host.split_once('*') {
        None => host,
        // What clients accept: the whole first label, and not a whole top-level domain (RFC 6125 section 6.4.3).
        Some(("", rest)) if !rest.contains('*') && rest.matches('.').count() >= 2 => {
            rest.strip_prefix('.').ok_or_else(|| wrong(WILDCARD))?
        }
        Some(_) => return Err(wrong(WILDCARD)),
    };
    if plain.ends_with('.') || DnsName::try_from(plain).is_err() {
        return Err(wrong("a host is an IP address, or labels of up to 63 letters, digits and hyphens joined by dots"));
    }
    let name = host.to_ascii_lowercase();
    Ok(SanType::DnsName(name.try_into()?))
}

const WILDCARD: &str = "a wildcard is the whole first label with two more behind it, such as \"*.shop.test\"";

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use rcgen::SanType;

    use super::{Error, read};

    fn dns(name: &str) -> SanType {
        SanType::DnsName(name.try_into().unwrap())
    }

    #[test]
    fn names_wildcards_and_addresses_are_taken() {
        let hosts = ["localhost", "Shop.Test", "*.shop.test", "xn--mller-kva.test", "a_b", "127.0.0.1", "::1"];
        let names = read(&hosts.map(str::to_owned)).unwrap();
        let addresses = ["127.0.0.1", "::1"].map(|text| SanType::IpAddress(text.parse::<IpAddr>().unwrap()));
        let mut expected = ["localhost", "shop.test", "*.shop.test", "xn--mller-kva.test", "a_b"].map(dns).to_vec();
        expected.extend(addresses);
        assert_eq!(names, expected);
    }

    #[test]
    fn a_name_is_held_once() {
        assert_eq!(read(&["localhost", "LOCALHOST"].map(str::to_owned)).unwrap(), [dns("localhost")]);
    }

    #[test]
    fn what_no_client_would_match_is_refused_by_name() {
        let long = "a".repeat(64);
        for bad in [
            "",
            ".",
            "a..b",
            "shop.test.",
            "-a",
            "a-",
            "local host",
            "localhost:8443",
            "https://localhost",
            "[::1]",
            "müller.test",
            "*",
            "*.test",
            "*.",
            "a.*.test",
            "w*.shop.test",
            "*.*.shop.test",
            "*x.shop.test",
            "10.0.0.300",
            "10.0.0.0/8",
            "a\0b",
            &long,
        ] {
            let error = read(&["localhost".to_owned(), bad.to_owned()]).expect_err(bad);
            assert!(matches!(&error, Error::Host { host, .. } if host == bad), "{bad}: {error}");
            assert!(error.to_string().contains(&format!("{bad:?}")), "{error}");
        }
        assert!(matches!(read(&[]), Err(Error::NoHosts)));
    }
}
