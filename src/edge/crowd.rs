//! How many connections there are, in all and from one address.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// The connections of all workers. It is asked once for each connection, never for a request.
#[derive(Debug)]
pub(crate) struct Crowd {
    most: usize,
    most_of_one: u32,
    all: AtomicUsize,
    /// No more entries than there are connections.
    of_one: Mutex<HashMap<IpAddr, u32>>,
}

impl Crowd {
    pub(crate) fn new(most: usize, most_of_one: u32) -> Arc<Self> {
        Arc::new(Self { most, most_of_one, all: AtomicUsize::new(0), of_one: Mutex::default() })
    }

    /// Lets a connection in, unless there are too many.
    pub(super) fn admit(self: &Arc<Self>, address: IpAddr) -> Option<Place> {
        let key = prefix(address);
        let mut place = Place { crowd: Arc::clone(self), key: None };
        if self.all.fetch_add(1, Ordering::Relaxed) >= self.most {
            return None;
        }
        let mut of_one = self.of_one.lock().unwrap_or_else(PoisonError::into_inner);
        let count = of_one.entry(key).or_default();
        if *count >= self.most_of_one {
            return None;
        }
        *count += 1;
        place.key = Some(key);
        Some(place)
    }

    fn leave(&self, key: Option<IpAddr>) {
        self.all.fetch_sub(1, Ordering::Relaxed);
        let Some(key) = key else { return };
        let mut of_one = self.of_one.lock().unwrap_or_else(PoisonError::into_inner);
        if let Entry::Occupied(mut count) = of_one.entry(key) {
            *count.get_mut() -= 1;
            if *count.get() == 0 {
                count.remove();
            }
        }
    }
}

/// A connection's place, given back on drop.
#[derive(Debug)]
pub(super) struct Place {
    crowd: Arc<Crowd>,
    key: Option<IpAddr>,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.crowd.leave(self.key);
    }
}

/// What counts as one address: in IPv6, where a subscriber is given at least a /64, all of that.
fn prefix(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).into(),
        address @ IpAddr::V4(_) => address,
    }
}

#[cfg(test)]
mod tests {
    use super::Crowd;

    #[test]
    fn nobody_takes_all_places() {
        let crowd = Crowd::new(4, 2);
        let admit = |address: &str| crowd.admit(address.parse().unwrap());
        let one = [admit("192.0.2.1"), admit("::ffff:192.0.2.1")];
        assert!(one.iter().all(Option::is_some) && admit("192.0.2.1").is_none());
        let two = [admit("2001:db8::1"), admit("2001:db8::2:3")];
        assert!(two.iter().all(Option::is_some), "what was refused took no place");
        assert!(admit("2001:db8:0:1::1").is_none(), "there are as many as may be");
        drop(one);
        assert!(admit("2001:db8::4").is_none() && admit("2001:db8:0:1::1").is_some());
        drop(two);
        assert!(crowd.of_one.lock().unwrap().is_empty());
    }
}
