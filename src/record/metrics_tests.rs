//! The metrics' text: it tells what was counted, and holds no label that a client could choose.

use std::time::{Duration, UNIX_EPOCH};

use super::super::sample;
use super::{Decided, Entry, Listener, Metrics, Reason, Reloaded, StatusClass, unix_seconds};

/// Everything after the name and labels of one line.
fn value(metrics: &Metrics, series: &str) -> Option<String> {
    let text = metrics.encode();
    text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' ').map(str::to_owned))
}

fn assert_value(metrics: &Metrics, series: &str, expected: &str) {
    assert_eq!(value(metrics, series).as_deref(), Some(expected), "{series}\n{}", metrics.encode());
}

#[test]
fn a_request_is_counted_once_in_each_place() {
    let metrics = Metrics::new();
    let mut entry = sample::entry();
    (entry.decision, entry.reason, entry.status) = (Decided::Permit, Reason::Ok, Some(204));
    (entry.upstream, entry.total) = (Some(Duration::from_millis(4)), Duration::from_millis(6));
    metrics.record_request(&entry);
    (entry.decision, entry.reason, entry.status) = (Decided::Deny, Reason::MissingPermission, Some(403));
    (entry.upstream, entry.total) = (None, Duration::from_micros(20));
    metrics.record_request(&entry);
    for (series, expected) in [
        (r#"portcullis_requests_total{decision="permit",status_class="2xx"}"#, "1"),
        (r#"portcullis_requests_total{decision="deny",status_class="4xx"}"#, "1"),
        (r#"portcullis_requests_total{decision="deny",status_class="2xx"}"#, "0"),
        (r#"portcullis_rejections_total{reason="missing_permission"}"#, "1"),
        (r#"portcullis_rejections_total{reason="ok"}"#, "0"),
        ("portcullis_request_duration_seconds_count", "2"),
        ("portcullis_request_duration_seconds_sum", "0.00602"),
        (r#"portcullis_request_duration_seconds_bucket{le="0.0001"}"#, "1"),
        (r#"portcullis_request_duration_seconds_bucket{le="0.01"}"#, "2"),
        (r#"portcullis_request_duration_seconds_bucket{le="+Inf"}"#, "2"),
        ("portcullis_upstream_duration_seconds_count", "1"),
        (r#"portcullis_upstream_duration_seconds_bucket{le="0.0025"}"#, "0"),
        (r#"portcullis_upstream_duration_seconds_bucket{le="0.005"}"#, "1"),
    ] {
        assert_value(&metrics, series, expected);
    }
}

#[test]
fn every_decision_class_and_reason_has_its_own_counter() {
    for decision in Decided::ALL {
        for status in [None, Some(101), Some(200), Some(304), Some(404), Some(502)] {
            let metrics = Metrics::new();
            metrics.record_request(&Entry { decision, status, ..sample::entry() });
            let class = StatusClass::of(status);
            let series = format!(r#"portcullis_requests_total{{decision="{decision}",status_class="{class}"}}"#);
            assert_value(&metrics, &series, "1");
        }
    }
    for reason in Reason::ALL.into_iter().filter(|reason| *reason != Reason::Ok) {
        let metrics = Metrics::new();
        metrics.record_request(&Entry { reason, ..sample::entry() });
        assert_value(&metrics, &format!(r#"portcullis_rejections_total{{reason="{reason}"}}"#), "1");
    }
}

#[test]
fn connections_close_when_dropped() {
    let metrics = Metrics::new();
    let first = metrics.connection_opened(Listener::Https);
    let second = metrics.connection_opened(Listener::Https);
    drop(first);
    let _http = metrics.connection_opened(Listener::Http);
    assert_value(&metrics, r#"portcullis_connections{listener="https"}"#, "1");
    assert_value(&metrics, r#"portcullis_connections_opened_total{listener="https"}"#, "2");
    assert_value(&metrics, r#"portcullis_connections{listener="http"}"#, "1");
    drop(second);
    assert_value(&metrics, r#"portcullis_connections{listener="https"}"#, "0");
    assert_value(&metrics, r#"portcullis_connections_opened_total{listener="ops"}"#, "0");
}

#[test]
fn reloads_tell_what_is_in_force() {
    let metrics = Metrics::new();
    metrics.access_loaded(7, 3, UNIX_EPOCH + Duration::from_secs(1_000));
    metrics.reload_failed(Reloaded::Access);
    metrics.certificates_loaded(&[], UNIX_EPOCH + Duration::from_secs(2_000));
    for (series, expected) in [
        ("portcullis_reload_generation", "7"),
        ("portcullis_users", "3"),
        (r#"portcullis_reload_last_success_timestamp_seconds{what="access"}"#, "1000"),
        (r#"portcullis_reload_last_ok{what="access"}"#, "0"),
        (r#"portcullis_reload_failures_total{what="access"}"#, "1"),
        (r#"portcullis_reload_last_success_timestamp_seconds{what="tls"}"#, "2000"),
        (r#"portcullis_reload_last_ok{what="tls"}"#, "1"),
        (r#"portcullis_reload_failures_total{what="tls"}"#, "0"),
    ] {
        assert_value(&metrics, series, expected);
    }
    metrics.access_loaded(8, 4, UNIX_EPOCH + Duration::from_secs(3_000));
    assert_value(&metrics, r#"portcullis_reload_last_ok{what="access"}"#, "1");
}

#[test]
fn certificates_replace_the_ones_before() {
    let metrics = Metrics::new();
    let at = |seconds| UNIX_EPOCH + Duration::from_secs(seconds);
    metrics.certificates_loaded(&[("a".into(), at(1)), ("b\"\n".into(), at(2))], at(0));
    let series = |name: &str| format!(r#"portcullis_certificate_expiry_timestamp_seconds{{certificate="{name}"}}"#);
    assert_value(&metrics, &series("a"), "1");
    assert_value(&metrics, &series(r#"b\"\n"#), "2");
    metrics.certificates_loaded(&[("c".into(), at(3)), ("a".into(), at(4))], at(0));
    assert_value(&metrics, &series("a"), "4");
    assert_value(&metrics, &series("c"), "3");
    assert_eq!(value(&metrics, &series(r#"b\"\n"#)), None);
}

#[test]
fn single_counters_count() {
    let metrics = Metrics::new();
    metrics.tls_handshake_failed();
    metrics.upstream_connection_opened();
    metrics.upstream_retried();
    metrics.streams_cut(1);
    metrics.audit_dropped(5);
    let version = format!(r#"portcullis_build_info{{version="{}"}}"#, env!("CARGO_PKG_VERSION"));
    for (series, expected) in [
        ("portcullis_tls_handshake_failures_total", "1"),
        ("portcullis_upstream_connections_opened_total", "1"),
        ("portcullis_upstream_retries_total", "1"),
        ("portcullis_streams_cut_total", "1"),
        ("portcullis_audit_dropped_total", "5"),
        (&version, "1"),
    ] {
        assert_value(&metrics, series, expected);
    }
}

#[test]
fn nothing_that_a_client_sends_becomes_a_label() {
    let metrics = Metrics::new();
    let series = |text: String| text.lines().filter(|line| !line.starts_with('#')).count();
    let before = series(metrics.encode());
    for n in 0..100 {
        let mut entry = sample::entry();
        entry.claim(&format!("client-{n}"));
        entry.line = super::super::RequestLine::raw("GET", &format!("/client-{n}"));
        entry.detail = Some(format!("client-{n}").into());
        entry.status = Some(100 + n * 9);
        metrics.record_request(&entry);
    }
    let text = metrics.encode();
    assert!(!text.contains("client-"), "{text}");
    assert_eq!(series(text), before);
}

#[test]
fn every_metric_has_help_and_one_unit() {
    let text = Metrics::new().encode();
    for line in text.lines().filter_map(|line| line.strip_prefix("# TYPE ")) {
        let name = line.split(' ').next().unwrap();
        assert!(name.starts_with("portcullis_"), "{name}");
        assert!(text.contains(&format!("# HELP {name} ")), "{name}");
        assert!(!name.contains("seconds_seconds") && !name.ends_with("_total"), "{name}");
    }
    assert!(!text.contains(".."), "help texts get their full stop from the encoder");
}

#[test]
fn times_before_1970_are_negative() {
    assert_eq!(unix_seconds(UNIX_EPOCH - Duration::from_secs(5)), -5);
}
