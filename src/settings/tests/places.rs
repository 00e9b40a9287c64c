//! That keys reach their places, table by table.

use super::{ALL, faults, good, with};
use crate::settings::Process;

#[test]
fn every_limit_reaches_its_place() {
    let settings = good(ALL);
    let limits = &settings.limits;
    let timeouts = [limits.handshake_timeout, limits.header_timeout, limits.idle_timeout, limits.drain_timeout];
    assert_eq!(timeouts.map(|t| t.as_secs()), [2, 3, 4, 0]);
    let timeouts = [limits.body_timeout, limits.send_timeout, limits.tunnel_timeout];
    assert_eq!((timeouts.map(|t| t.as_secs()), limits.progress), ([5, 6, 7], 9));
    assert_eq!((limits.target_size, limits.connection_requests, limits.address_connections), (2048, 10, 11));
    assert_eq!((limits.head_size, limits.head_fields, limits.body_size), (8192, 16, Some(5)));
    assert_eq!((limits.http2_streams, limits.connections, limits.password_checks.get()), (6, 7, 8));
}

#[test]
fn every_key_about_coming_too_often_reaches_its_place() {
    let settings = good(ALL);
    let lockout = &settings.lockout;
    assert_eq!((lockout.enabled, lockout.failures, lockout.address_failures, lockout.entries), (false, 2, 3, 7000));
    assert_eq!([lockout.first_wait, lockout.longest_wait, lockout.forget].map(|t| t.as_secs()), [4, 5, 6]);
    let rates = [settings.rate_limit.user, settings.rate_limit.address].map(|rate| rate.unwrap().to_string());
    assert_eq!((rates.join(" ").as_str(), settings.rate_limit.entries), ("8/second 9/hour", 10_000));
    assert_eq!(settings.ops.socket.as_deref(), Some("config/../run/ops.sock".as_ref()));
}

#[test]
fn the_keys_of_tls_and_of_the_process_reach_their_places() {
    let settings = good(ALL);
    assert_eq!(settings.tls.hsts, None);
    assert_eq!(settings.process, Process { user: Some("gate".into()), group: Some("keys".into()), sandbox: false });
}

#[test]
fn for_how_long_clients_remember_is_a_duration_or_off() {
    for (written, seconds) in
        [("\"1h\"", Some(3600)), ("\"0s\"", Some(0)), ("\"365d\"", Some(31_536_000)), ("\"off\"", None)]
    {
        let settings = good(&with("tls", &format!("hsts = {written}")));
        assert_eq!(settings.tls.hsts.map(|age| age.as_secs()), seconds, "{written}");
    }
    for written in ["\"on\"", "\"180\"", "180", "\"4000d\""] {
        assert_eq!(faults(&with("tls", &format!("hsts = {written}"))).len(), 1, "{written}");
    }
}

#[test]
fn a_group_without_a_user_is_a_fault() {
    let told = faults(&with("process", "group = \"keys\""));
    assert!(told[0].message.starts_with("process.group: there is no process.user"), "{told:?}");
    for name in ["", "a:b", "a b"] {
        assert_eq!(faults(&with("process", &format!("user = \"{name}\""))).len(), 1, "{name:?}");
    }
}
