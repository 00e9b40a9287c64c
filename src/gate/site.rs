//! The site that a connection was made to, where the gateway has several.
//!
//! TLS proves to a client that it has reached the host it named; a request on that connection for another site's host
//! was proved nothing of the kind, and is answered 421 (RFC 9110 section 15.5.20; CVE-2025-23048 is what comes of it
//! otherwise). Which hosts belong to which site the edge knows, from its certificates.

use std::cell::RefCell;

use http::HeaderValue;
use http::uri::Authority;

/// A connection's site.
pub(crate) struct Site {
    /// Whether a host is this site's, or nobody's.
    serves: Box<dyn Fn(&str) -> bool>,
    /// The last host that is, as it was written: nearly always that of all requests of a connection.
    known: RefCell<Option<HeaderValue>>,
}

impl Site {
    /// `serves` is asked with a host alone, without a port.
    pub(crate) fn new(serves: impl Fn(&str) -> bool + 'static) -> Self {
        Self { serves: Box::new(serves), known: RefCell::default() }
    }

    /// Whether a request that names this host may come by this connection. An address is in no name's place, so it is
    /// for no site in particular.
    pub(super) fn serves(&self, host: &HeaderValue) -> bool {
        if self.known.borrow().as_ref() == Some(host) {
            return true;
        }
        let authority = Authority::try_from(host.as_bytes()).ok();
        let served = authority.is_some_and(|authority| {
            let name = authority.host();
            is_address(name) || (self.serves)(name.strip_suffix('.').unwrap_or(name))
        });
        if served {
            *self.known.borrow_mut() = Some(host.clone());
        }
        served
    }
}

fn is_address(host: &str) -> bool {
    host.starts_with('[') || host.parse::<std::net::Ipv4Addr>().is_ok()
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::rc::Rc;

    use http::HeaderValue;

    use super::Site;

    #[test]
    fn hosts_are_compared_without_port_and_dot_and_asked_about_once() {
        let asked = Rc::new(Cell::new(0));
        let count = Rc::clone(&asked);
        let site = Site::new(move |host| {
            count.set(count.get() + 1);
            host.eq_ignore_ascii_case("a.example")
        });
        let serves = |host: &'static str| site.serves(&HeaderValue::from_static(host));
        for host in ["a.example", "A.Example:8443", "a.example.", "a.example.:1"] {
            let before = asked.get();
            assert!(serves(host) && serves(host), "{host}");
            assert_eq!(asked.get(), before + 1, "{host}");
        }
        for host in ["b.example", "b.example:443", "a.example.b.example", "", "a b"] {
            assert!(!serves(host), "{host}");
        }
        let before = asked.get();
        assert!(serves("127.0.0.1") && serves("[::1]:8443"));
        assert_eq!(asked.get(), before, "addresses are nobody's");
    }
}
