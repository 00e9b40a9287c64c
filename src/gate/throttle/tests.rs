//! The throttle as the gate uses it: limits by user and by address, and what is off costs and keeps nothing.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::{Limited, Throttle};
use crate::policy::{PolicyBuilder, Rate, User, UserEntry};
use crate::record::{Metrics, Scope};
use crate::settings;

fn throttle(user: Option<&str>, address: Option<&str>, enabled: bool) -> (Throttle, Arc<Metrics>, Instant) {
    let rate = |text: &str| Rate::parse(text).unwrap();
    let lockout = settings::Lockout {
        enabled,
        failures: 1,
        address_failures: 1,
        first_wait: Duration::from_secs(60),
        longest_wait: Duration::from_secs(60),
        forget: Duration::from_secs(60),
        entries: 1000,
    };
    let rates = settings::RateLimit { user: user.map(rate), address: address.map(rate), entries: 1000 };
    let (metrics, epoch) = (Arc::new(Metrics::new()), Instant::now());
    (Throttle::new(&lockout, &rates, &metrics, epoch), metrics, epoch)
}

fn user(name: &str, rate: Option<&str>) -> User {
    let rate_limit = rate.map(|text| Rate::parse(text).unwrap());
    PolicyBuilder::default().user(UserEntry { name: name.into(), rate_limit, ..UserEntry::default() }).unwrap()
}

#[test]
fn a_users_own_rate_counts_in_place_of_the_one_for_all() {
    let (throttle, _, now) = throttle(Some("2/second"), None, true);
    let (amy, bob, carol) = (user("amy", None), user("bob", Some("1/second")), user("carol", Some("3/second")));
    for (user, allowed, wait) in [(&amy, 2, 500), (&bob, 1, 1000), (&carol, 3, 334)] {
        for _ in 0..allowed {
            assert_eq!(throttle.authenticated(user, now), Ok(()), "{}", user.name);
        }
        let refused = throttle.authenticated(user, now).unwrap_err();
        assert_eq!(refused.scope, Scope::User);
        assert_eq!(refused.wait.as_nanos().div_ceil(1_000_000), wait, "{}", user.name);
        assert_eq!(throttle.authenticated(user, now + refused.wait), Ok(()), "{}", user.name);
    }
}

#[test]
fn addresses_are_limited_whoever_asks() {
    let (throttle, _, now) = throttle(None, Some("1/minute"), true);
    let ask = |address: &str, later| throttle.arrived(address.parse::<IpAddr>().unwrap(), now + later);
    assert_eq!(ask("2001:db8::1", Duration::ZERO), Ok(()));
    let wait = Duration::from_secs(60);
    assert_eq!(ask("2001:db8::2", Duration::ZERO), Err(Limited { wait, scope: Scope::Address }), "one /64");
    assert_eq!(ask("2001:db8:0:1::1", Duration::ZERO), Ok(()));
    assert_eq!(ask("192.0.2.1", Duration::ZERO), Ok(()));
    assert!(ask("::ffff:192.0.2.1", Duration::ZERO).is_err());
    assert_eq!(ask("192.0.2.1", wait), Ok(()));
}

#[test]
fn what_is_off_refuses_and_keeps_nothing() {
    let (throttle, metrics, now) = throttle(None, None, false);
    let address: IpAddr = "192.0.2.1".parse().unwrap();
    for _ in 0..100 {
        assert_eq!(throttle.arrived(address, now), Ok(()));
        assert_eq!(throttle.authenticated(&user("amy", None), now), Ok(()));
        let attempt = throttle.attempt(address, Some("amy"), now).unwrap();
        assert_eq!(throttle.judged(attempt, throttle.name("amy"), false, now), Ok(None));
    }
    assert_eq!((throttle.clear(None, None), throttle.locked_out(std::iter::empty(), now)), (None, None));
    assert!(!metrics.encode().lines().any(|line| line.starts_with("portcullis_table") && !line.ends_with(" 0")));
}

#[test]
fn sweeping_gives_back_what_has_lost_its_meaning() {
    let (throttle, metrics, now) = throttle(Some("1/second"), Some("1/second"), true);
    let address: IpAddr = "192.0.2.1".parse().unwrap();
    throttle.arrived(address, now).unwrap();
    throttle.authenticated(&user("amy", None), now).unwrap();
    let attempt = throttle.attempt(address, Some("amy"), now).unwrap();
    throttle.judged(attempt, throttle.name("amy"), false, now).unwrap();
    let held = || {
        let (text, mut counts) = (metrics.encode(), Vec::new());
        for table in ["lockout", "address_rate", "user_rate"] {
            let series = format!("portcullis_table_entries{{table=\"{table}\"}} ");
            counts.push(text.lines().find_map(|line| line.strip_prefix(&series)).unwrap().parse::<u32>().unwrap());
        }
        counts
    };
    assert_eq!(held(), [2, 1, 1]);
    throttle.sweep(now + Duration::from_millis(999));
    assert_eq!(held(), [2, 1, 1]);
    throttle.sweep(now + Duration::from_secs(1));
    assert_eq!(held(), [2, 0, 0]);
    throttle.sweep(now + Duration::from_secs(60));
    assert_eq!(held(), [0, 0, 0]);
}
