use std::sync::Arc;
use std::time::SystemTime;

use rustls::crypto::aws_lc_rs;
use rustls::{NamedGroup, ServerConfig, SupportedProtocolVersion};
use zeroize::Zeroizing;

use super::{Pair, TlsMaterial, check};
use crate::edge::devcert;
use crate::edge::sites::Sites;

/// All that is spoken: authenticated encryption alone, and a fresh key exchange with each.
const SUITES: [&str; 9] = [
    "TLS13_AES_256_GCM_SHA384",
    "TLS13_AES_128_GCM_SHA256",
    "TLS13_CHACHA20_POLY1305_SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
    "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
    "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
    "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
    "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
    "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
];

const VERSIONS: &[&SupportedProtocolVersion] = &[&rustls::version::TLS13, &rustls::version::TLS12];

fn pair(hosts: &[&str]) -> Pair {
    let hosts: Vec<_> = hosts.iter().map(|host| (*host).to_owned()).collect();
    let made = devcert::generate(&hosts, SystemTime::now()).unwrap().server;
    Pair {
        certificate: ("server.pem".to_owned(), made.certificate.into_bytes()),
        key: ("server.key".to_owned(), Zeroizing::new(made.key.as_bytes().to_vec())),
    }
}

fn sites(pairs: Vec<Pair>) -> Arc<Sites> {
    check(&TlsMaterial { pairs, client_ca: None, versions: VERSIONS }).unwrap().sites
}

fn configs(sites: &Sites) -> Vec<Arc<ServerConfig>> {
    ["a.example", "b.example"].map(|name| Arc::clone(sites.choose(Some(name)).unwrap().1)).to_vec()
}

#[test]
fn only_these_suites_are_spoken_and_the_hybrid_group_comes_first() {
    for config in configs(&sites(vec![pair(&["a.example"]), pair(&["b.example"])])) {
        let provider = config.crypto_provider();
        let suites: Vec<_> = provider.cipher_suites.iter().map(|suite| format!("{:?}", suite.suite())).collect();
        assert_eq!(suites, SUITES);
        let groups: Vec<_> = provider.kx_groups.iter().map(|group| group.name()).collect();
        let expected = [NamedGroup::X25519MLKEM768, NamedGroup::X25519, NamedGroup::secp256r1, NamedGroup::secp384r1];
        assert_eq!(groups, expected);
        assert_eq!((config.max_early_data_size, config.alpn_protocols.len()), (0, 2));
    }
}

#[test]
fn a_ticket_is_of_one_site_and_of_one_load_and_is_forgotten_within_half_a_day() {
    let pairs = || vec![pair(&["a.example"]), pair(&["b.example"])];
    let (first, second) = (configs(&sites(pairs())), configs(&sites(pairs())));
    let ticket = first[0].ticketer.encrypt(b"a session").unwrap();
    assert_eq!(first[0].ticketer.decrypt(&ticket).as_deref(), Some(&b"a session"[..]));
    for other in [&first[1], &second[0], &second[1]] {
        assert_eq!(other.ticketer.decrypt(&ticket), None);
    }
    assert!(first[0].ticketer.enabled() && first[0].ticketer.lifetime() <= 12 * 3600);
    assert!(aws_lc_rs::Ticketer::new().unwrap().decrypt(&ticket).is_none());
}

#[test]
fn the_name_that_is_asked_for_chooses_the_pair() {
    let named = sites(vec![pair(&["a.example", "*.a.example"]), pair(&["b.example"])]);
    let number = |sites: &Sites, name| sites.choose(name).map(|(number, _)| number);
    for (name, expected) in [
        (None, Some(0)),
        (Some("a.example"), Some(0)),
        (Some("X.A.example"), Some(0)),
        (Some("B.EXAMPLE"), Some(1)),
        (Some("x.y.a.example"), None),
        (Some("x.b.example"), None),
        (Some("example"), None),
    ] {
        assert_eq!(number(&named, name), expected, "{name:?}");
    }
    let nameless = sites(vec![pair(&["a.example"]), pair(&["127.0.0.1"]), pair(&["::1"])]);
    assert_eq!(number(&nameless, Some("any.example")), Some(1), "the first without a name is for all others");
    assert_eq!(number(&nameless, Some("a.example")), Some(0));
    assert_eq!(number(&nameless, None), Some(0));
    assert!(named.are_several() && !sites(vec![pair(&["127.0.0.1"])]).are_several());
}

#[test]
fn a_key_is_wiped_and_not_shown() {
    /// Compiles only for what is wiped when it is dropped.
    fn wiped<T: zeroize::ZeroizeOnDrop>(_: &T) {}
    let pair = pair(&["a.example"]);
    wiped(&pair.key.1);
    wiped(&pair.key().unwrap());
    assert_eq!(format!("{pair:?}"), "Pair { certificate: \"server.pem\", key: \"server.key\" }");
}
