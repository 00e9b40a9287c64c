//! Lock-out by a clock that the tests turn: who has to wait, who does not, what is forgotten, and that it cannot grow.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;
use std::time::Duration;

use super::{Begun, Claimed, Locked, Lockout};
use crate::record::{Metrics, Scope};
use crate::settings;

const SECOND: u64 = 1_000_000_000;
const MINUTE: u64 = 60 * SECOND;
const HOME: &str = "192.0.2.1";
const AWAY: &str = "192.0.2.2";

fn settings() -> settings::Lockout {
    settings::Lockout {
        enabled: true,
        failures: 3,
        address_failures: 8,
        first_wait: Duration::from_secs(1),
        longest_wait: Duration::from_secs(8),
        forget: Duration::from_secs(60),
        entries: 100_000,
    }
}

fn lockout() -> Lockout {
    Lockout::new(&settings(), &Arc::new(Metrics::new()))
}

/// Presents credentials: whether they are right is known, whether it counts is the question.
fn present(lockout: &Lockout, address: &str, name: &str, right: bool, now: u64) -> Result<Option<Begun>, Locked> {
    let attempt = lockout.attempt(address.parse().unwrap(), Some(name), now)?;
    let key = lockout.name(name);
    if right { lockout.proved(attempt, key, now).map(|()| None) } else { lockout.failed(attempt, key, now) }
}

fn wrong(lockout: &Lockout, address: &str, name: &str, times: usize, now: u64) {
    for _ in 0..times {
        present(lockout, address, name, false, now).unwrap();
    }
}

fn locked(scope: Scope, seconds: u64) -> Result<Option<Begun>, Locked> {
    Err(Locked { wait: Duration::from_secs(seconds), scope })
}

fn failures(lockout: &Lockout, now: u64) -> Vec<(String, Claimed, u64)> {
    let entries = lockout.entries(["amy", "bob"].into_iter(), now);
    entries.into_iter().map(|entry| (entry.address, entry.user, entry.failures)).collect()
}

#[test]
fn the_right_token_waits_like_a_wrong_one_and_neither_counts() {
    let lockout = lockout();
    wrong(&lockout, HOME, "amy", 2, 0);
    let begun = present(&lockout, HOME, "amy", false, 0).unwrap().unwrap();
    assert_eq!(begun, Begun { failures: 3, wait: Duration::from_secs(1), scope: Scope::User, first: true });
    for right in [true, false, true] {
        assert_eq!(present(&lockout, HOME, "amy", right, 0), locked(Scope::User, 1));
    }
    // The wait is over, and the next wrong try doubles it: those in between did not.
    let begun = present(&lockout, HOME, "amy", false, SECOND).unwrap().unwrap();
    assert_eq!((begun.failures, begun.wait, begun.first), (4, Duration::from_secs(2), false));
    assert_eq!(present(&lockout, HOME, "amy", true, 3 * SECOND), Ok(None));
    // And that has cleared the pair.
    wrong(&lockout, HOME, "amy", 2, 3 * SECOND);
    assert_eq!(present(&lockout, HOME, "amy", true, 3 * SECOND), Ok(None));
}

#[test]
fn nobody_locks_a_user_out_from_elsewhere() {
    let lockout = lockout();
    wrong(&lockout, AWAY, "amy", 3, 0);
    assert_eq!(present(&lockout, AWAY, "amy", true, 0), locked(Scope::User, 1));
    assert_eq!(present(&lockout, HOME, "amy", true, 0), Ok(None));
    assert_eq!(present(&lockout, AWAY, "bob", true, 0), Ok(None), "nor another user of the same address");
    // A success at home clears nothing abroad.
    assert_eq!(present(&lockout, AWAY, "amy", true, 0), locked(Scope::User, 1));
}

#[test]
fn an_address_that_tries_many_names_waits_with_all_of_them() {
    let lockout = lockout();
    for name in 0..7 {
        wrong(&lockout, AWAY, &format!("name{name}"), 1, 0);
    }
    let begun = present(&lockout, AWAY, "name7", false, 0).unwrap().unwrap();
    assert_eq!((begun.failures, begun.scope), (8, Scope::Address));
    assert_eq!(present(&lockout, AWAY, "amy", true, 0), locked(Scope::Address, 1));
    let malformed = lockout.attempt(AWAY.parse().unwrap(), None, 0);
    assert_eq!(malformed.unwrap_err().scope, Scope::Address, "also what cannot be read");
    assert_eq!(present(&lockout, HOME, "amy", true, 0), Ok(None));
    // A success does not clear the address.
    assert_eq!(present(&lockout, AWAY, "amy", true, SECOND), Ok(None));
    let begun = present(&lockout, AWAY, "name8", false, SECOND).unwrap().unwrap();
    assert_eq!((begun.failures, begun.wait, begun.scope), (9, Duration::from_secs(2), Scope::Address));
}

#[test]
fn a_client_that_was_set_up_wrongly_locks_out_itself_alone() {
    let lockout = lockout();
    let mut now = 0;
    for _ in 0..2000 {
        if let Ok(Some(begun)) = present(&lockout, HOME, "broken", false, now) {
            assert_eq!(begun.scope, Scope::User);
        }
        assert_eq!(present(&lockout, HOME, "amy", true, now), Ok(None));
        now += SECOND / 2;
    }
}

#[test]
fn tries_at_once_are_no_way_around() {
    let lockout = lockout();
    let address: IpAddr = HOME.parse().unwrap();
    let key = lockout.name("amy");
    let begun: Vec<_> = (0..50).map(|_| lockout.attempt(address, Some("amy"), 0).unwrap()).collect();
    let told: Vec<_> = begun.iter().map(|attempt| lockout.failed(*attempt, key, 0)).collect();
    assert_eq!(told.iter().filter(|told| told.is_ok()).count(), 3, "the others learn nothing and are not counted");
    assert_eq!(lockout.proved(begun[49], key, 0).unwrap_err().scope, Scope::User, "not even that they are right");
    assert_eq!(failures(&lockout, 0)[0], (HOME.to_owned(), Claimed::User("amy".to_owned()), 3));
}

#[test]
fn what_is_forgotten_leaves_no_trace() {
    let lockout = lockout();
    wrong(&lockout, HOME, "amy", 2, 0);
    assert!(!lockout.attempt(HOME.parse().unwrap(), Some("amy"), 0).unwrap().is_clean());
    lockout.sweep(2 * MINUTE - 1);
    assert_eq!(failures(&lockout, 2 * MINUTE - 1).len(), 2);
    lockout.sweep(2 * MINUTE);
    assert!(failures(&lockout, 0).is_empty());
    assert!(lockout.attempt(HOME.parse().unwrap(), Some("amy"), 0).unwrap().is_clean());
}

#[test]
fn entries_tell_users_and_hide_other_names() {
    let lockout = lockout();
    wrong(&lockout, HOME, "amy", 1, 0);
    wrong(&lockout, "2001:db8::1", "pcl_aTokenInPlaceOfAName", 2, 0);
    wrong(&lockout, "2001:db8::2", "pcl_aTokenInPlaceOfAName", 1, 0);
    let network = "2001:db8::/64".to_owned();
    assert_eq!(
        failures(&lockout, 0),
        [
            (network.clone(), Claimed::Unknown, 3),
            (network, Claimed::Any, 3),
            (HOME.to_owned(), Claimed::Any, 1),
            (HOME.to_owned(), Claimed::User("amy".to_owned()), 1),
        ]
    );
}

#[test]
fn clearing_takes_all_an_address_or_one_name_of_it() {
    for (address, user, cleared, left) in [
        (None, None, 6, 0),
        (Some(HOME), None, 3, 3),
        (Some(HOME), Some("amy"), 1, 5),
        (Some(HOME), Some("nobody"), 1, 5),
        (Some(AWAY), Some("bob"), 0, 6),
        (Some("192.0.2.3"), None, 0, 6),
    ] {
        let lockout = lockout();
        for (address, name) in [(HOME, "amy"), (HOME, "nobody"), (AWAY, "amy"), (AWAY, "nobody")] {
            wrong(&lockout, address, name, 1, 0);
        }
        let address = address.map(|address| address.parse().unwrap());
        assert_eq!(lockout.clear(address, user), cleared, "{address:?} {user:?}");
        assert_eq!(failures(&lockout, 0).len(), left);
    }
    let lockout = lockout();
    wrong(&lockout, HOME, "amy", 3, 0);
    lockout.clear(Some(HOME.parse().unwrap()), None);
    assert!(lockout.attempt(HOME.parse().unwrap(), Some("amy"), 0).unwrap().is_clean());
    assert_eq!(present(&lockout, HOME, "amy", true, 0), Ok(None));
}

#[test]
fn when_credentials_change_names_are_forgiven_and_addresses_are_not() {
    let lockout = lockout();
    wrong(&lockout, HOME, "amy", 3, 0);
    wrong(&lockout, HOME, "nobody", 3, 0);
    lockout.forgive();
    assert_eq!(failures(&lockout, 0), [(HOME.to_owned(), Claimed::Any, 6)]);
    assert_eq!(present(&lockout, HOME, "amy", true, 0), Ok(None));
}

#[test]
fn a_million_addresses_stay_within_the_bound() {
    let lockout = lockout();
    // Somebody who has been locked out stays so, whatever flood follows.
    wrong(&lockout, HOME, "amy", 3, 0);
    let mut now = 0;
    while let Err(locked) = present(&lockout, HOME, "amy", false, now) {
        now += u64::try_from(locked.wait.as_nanos()).unwrap();
    }
    for number in 0..1_000_000u32 {
        let address: IpAddr = if number % 2 == 0 {
            Ipv4Addr::from_bits(0x0a00_0000 + number).into()
        } else {
            Ipv6Addr::from_bits((0x2001_0db8_u128 << 96) + (u128::from(number) << 64)).into()
        };
        let attempt = lockout.attempt(address, Some("amy"), now).unwrap();
        lockout.failed(attempt, lockout.name("amy"), now).unwrap();
    }
    let mut held = 0;
    lockout.table.each(|_, _| held += 1);
    assert!((90_000..=100_000).contains(&held), "{held} entries");
    let bytes = lockout.table.bytes();
    assert!(bytes <= 5_100_000, "{bytes} bytes");
    assert_eq!(present(&lockout, HOME, "amy", true, now).unwrap_err().scope, Scope::User);
    assert_eq!(lockout.entries(std::iter::empty(), now).len(), held);
}

#[test]
fn all_that_was_noted_of_sources_is_taken_back_in_the_end() {
    let lockout = Lockout::new(&settings::Lockout { entries: 1000, ..settings() }, &Arc::new(Metrics::new()));
    for number in 0..20_000u32 {
        let address = Ipv4Addr::from_bits(0x0a00_0000 + number);
        let attempt = lockout.attempt(address.into(), Some("x"), 0).unwrap();
        lockout.failed(attempt, lockout.name("x"), 0).unwrap();
    }
    lockout.sweep(u64::MAX);
    for number in 0..20_000u32 {
        let address = Ipv4Addr::from_bits(0x0a00_0000 + number);
        assert!(lockout.attempt(address.into(), Some("x"), 0).unwrap().is_clean());
    }
}
