//! Development certificates as others see them: x509-parser, rustls, OpenSSL and the file system.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustls::{ClientConfig, ClientConnection, RootCertStore, ServerConfig, ServerConnection};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tempfile::TempDir;
use x509_parser::extensions::{GeneralName, ParsedExtension};
use x509_parser::oid_registry::OID_EC_P256;
use x509_parser::prelude::{FromDer, X509Certificate};

use super::{AuthorityFault, Error, Generated, generate, generate_in, write};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const FILES: [&str; 4] = ["ca.pem", "ca.key", "server.pem", "server.key"];

fn hosts() -> Vec<String> {
    ["localhost", "*.shop.test", "127.0.0.1", "::1"].map(str::to_owned).to_vec()
}

fn made() -> Generated {
    generate(&hosts(), SystemTime::now()).unwrap()
}

fn chain(pem: &str) -> Vec<CertificateDer<'static>> {
    CertificateDer::pem_slice_iter(pem.as_bytes()).map(Result::unwrap).collect()
}

fn with_certificate<T>(der: &CertificateDer<'_>, read: impl FnOnce(&X509Certificate<'_>) -> T) -> T {
    let (rest, parsed) = X509Certificate::from_der(der).unwrap();
    assert!(rest.is_empty());
    read(&parsed)
}

fn seconds(time: SystemTime) -> i64 {
    i64::try_from(time.duration_since(UNIX_EPOCH).unwrap().as_secs()).unwrap()
}

fn subject_key(certificate: &X509Certificate<'_>) -> Vec<u8> {
    let found = certificate.iter_extensions().find_map(|extension| match extension.parsed_extension() {
        ParsedExtension::SubjectKeyIdentifier(id) => Some(id.0.to_vec()),
        _ => None,
    });
    found.expect("a subject key identifier")
}

fn authority_key(certificate: &X509Certificate<'_>) -> Vec<u8> {
    let found = certificate.iter_extensions().find_map(|extension| match extension.parsed_extension() {
        ParsedExtension::AuthorityKeyIdentifier(id) => id.key_identifier.as_ref().map(|id| id.0.to_vec()),
        _ => None,
    });
    found.expect("an authority key identifier")
}

fn on_p256(certificate: &X509Certificate<'_>) -> bool {
    let parameters = certificate.public_key().algorithm.parameters.as_ref();
    parameters.and_then(|curve| curve.as_oid().ok()) == Some(OID_EC_P256)
}

#[test]
fn the_authority_can_sign_servers_and_nothing_else() {
    let made = made();
    let certificates = chain(&made.authority.certificate);
    assert_eq!(certificates.len(), 1);
    with_certificate(&certificates[0], |ca| {
        let constraints = ca.basic_constraints().unwrap().expect("basic constraints");
        assert!(constraints.critical && constraints.value.ca);
        assert_eq!(constraints.value.path_len_constraint, Some(0));
        let usage = ca.key_usage().unwrap().expect("key usage");
        assert!(usage.critical && usage.value.key_cert_sign() && usage.value.crl_sign());
        assert!(!usage.value.digital_signature());
        assert!(on_p256(ca));
        assert_eq!(ca.subject(), ca.issuer());
    });
}

#[test]
fn the_server_certificate_says_what_clients_look_for() {
    let now = SystemTime::now();
    let made = generate(&hosts(), now).unwrap();
    let certificates = chain(&made.server.certificate);
    assert_eq!(certificates.len(), 2);
    assert_eq!(certificates[1..], chain(&made.authority.certificate));
    let authority = with_certificate(&certificates[1], subject_key);
    with_certificate(&certificates[0], |server| {
        let names = &server.subject_alternative_name().unwrap().expect("names").value.general_names;
        assert!(names.iter().eq(&[
            GeneralName::DNSName("localhost"),
            GeneralName::DNSName("*.shop.test"),
            GeneralName::IPAddress(&[127, 0, 0, 1]),
            GeneralName::IPAddress(&[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]),
        ]));
        let purposes = server.extended_key_usage().unwrap().expect("purposes").value;
        assert!(purposes.server_auth && !purposes.client_auth && !purposes.any);
        assert!(!server.is_ca() && on_p256(server));
        assert_eq!(authority_key(server), authority);
        assert_ne!(subject_key(server), authority);

        let validity = server.validity();
        let (start, end) = (validity.not_before.timestamp(), validity.not_after.timestamp());
        assert!(start < seconds(now) && end > seconds(now + 390 * DAY));
        assert!(end - start <= seconds(UNIX_EPOCH + 397 * DAY), "{} days", (end - start) / seconds(UNIX_EPOCH + DAY));
    });
}

#[test]
fn two_certificates_share_neither_key_nor_serial_number() {
    let (one, two) = (made(), made());
    assert_ne!(*one.authority.key, *two.authority.key);
    assert_ne!(*one.server.key, *two.server.key);
    let serial = |pem: &str| with_certificate(&chain(pem)[0], |certificate| certificate.raw_serial().to_vec());
    assert_ne!(serial(&one.server.certificate), serial(&two.server.certificate));
    assert_ne!(serial(&one.authority.certificate), serial(&two.authority.certificate));
}

#[test]
fn debug_shows_no_key() {
    let made = made();
    let shown = format!("{made:?}");
    assert!(shown.contains("BEGIN CERTIFICATE") && !shown.contains("PRIVATE KEY"), "{shown}");
}

/// A handshake in memory, in which the client trusts the authority alone.
fn handshake(made: &Generated, name: &str) -> Result<(), rustls::Error> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let key = PrivateKeyDer::from_pem_slice(made.server.key.as_bytes()).unwrap();
    let server = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain(&made.server.certificate), key)?;
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(chain(&made.authority.certificate));
    let client = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    let mut server = ServerConnection::new(Arc::new(server))?;
    let mut client = ClientConnection::new(Arc::new(client), ServerName::try_from(name.to_owned()).unwrap())?;
    while client.is_handshaking() || server.is_handshaking() {
        let mut bytes = Vec::new();
        client.write_tls(&mut bytes).unwrap();
        server.read_tls(&mut bytes.as_slice()).unwrap();
        server.process_new_packets()?;
        let mut bytes = Vec::new();
        server.write_tls(&mut bytes).unwrap();
        client.read_tls(&mut bytes.as_slice()).unwrap();
        client.process_new_packets()?;
    }
    Ok(())
}

#[test]
fn rustls_accepts_the_pair_for_its_hosts_only() {
    let made = made();
    for host in ["localhost", "api.shop.test", "127.0.0.1", "::1"] {
        handshake(&made, host).unwrap_or_else(|error| panic!("{host}: {error}"));
    }
    for host in ["shop.test", "a.b.shop.test", "127.0.0.2", "example.com"] {
        assert!(handshake(&made, host).is_err(), "{host}");
    }
    let mixed = Generated { authority: self::made().authority, server: made.server };
    assert!(handshake(&mixed, "localhost").is_err(), "another authority");
}

#[test]
fn openssl_accepts_the_files() {
    let dir = TempDir::new().unwrap();
    let paths = write(dir.path(), &made(), false).unwrap();
    let verify = |host: &str| {
        let mut command = Command::new("openssl");
        command.args(["verify", "-x509_strict", "-purpose", "sslserver", "-verify_hostname", host, "-CAfile"]);
        command.arg(&paths.authority).arg(&paths.server).output().expect("openssl runs")
    };
    let good = verify("localhost");
    assert!(good.status.success(), "{}", String::from_utf8_lossy(&good.stderr));
    assert!(!verify("example.com").status.success());
}

fn contents(dir: &Path) -> Vec<String> {
    FILES.map(|name| fs::read_to_string(dir.join(name)).unwrap()).to_vec()
}

#[test]
fn files_are_whole_and_keys_are_private() {
    let dir = TempDir::new().unwrap();
    let out = dir.path().join("new/certs");
    let made = made();
    let paths = write(&out, &made, false).unwrap();
    assert!(!paths.authority_kept);
    let [ca, ca_key, server, server_key] = contents(&out).try_into().unwrap();
    assert_eq!((&ca, &server), (&made.authority.certificate, &made.server.certificate));
    assert_eq!((&ca_key, &server_key), (&*made.authority.key, &*made.server.key));
    for (name, private) in [("ca.pem", false), ("ca.key", true), ("server.pem", false), ("server.key", true)] {
        let mode = fs::metadata(out.join(name)).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode == 0o600, private, "{name}: {mode:o}");
    }
    assert_eq!(fs::read_dir(&out).unwrap().count(), 4, "nothing else is left behind");
}

#[test]
fn what_exists_is_overwritten_by_force_only() {
    let dir = TempDir::new().unwrap();
    let now = SystemTime::now();
    for taken in ["server.pem", "server.key"] {
        let path = dir.path().join(taken);
        fs::write(&path, "mine").unwrap();
        let made = generate_in(dir.path(), &hosts(), now).unwrap();
        let error = write(dir.path(), &made, false).expect_err(taken);
        assert!(matches!(&error, Error::Exists(named) if *named == path), "{error}");
        assert_eq!(fs::read_to_string(&path).unwrap(), "mine");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "nothing was written");
        write(dir.path(), &made, true).unwrap();
        assert_ne!(fs::read_to_string(&path).unwrap(), "mine");
        let mode = fs::metadata(dir.path().join("server.key")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "also where another mode was");
        FILES.iter().for_each(|name| fs::remove_file(dir.path().join(name)).unwrap());
    }
}

#[test]
fn an_authority_is_made_once() {
    let dir = TempDir::new().unwrap();
    let now = SystemTime::now();
    write(dir.path(), &generate_in(dir.path(), &hosts(), now).unwrap(), false).unwrap();
    let before = contents(dir.path());

    let again = generate_in(dir.path(), &["other.test".to_owned()], now).unwrap();
    assert!(write(dir.path(), &again, true).unwrap().authority_kept);
    let after = contents(dir.path());
    assert_eq!(after[..2], before[..2]);
    assert_ne!(after[2], before[2]);
    handshake(&again, "other.test").unwrap();

    let stranger = write(dir.path(), &made(), true).expect_err("another authority");
    assert!(matches!(&stranger, Error::OtherAuthority(path) if path.ends_with("ca.pem")), "{stranger}");
    assert_eq!(contents(dir.path()), after);
}

#[test]
fn a_server_certificate_ends_with_its_authority() {
    let dir = TempDir::new().unwrap();
    let now = SystemTime::now();
    write(dir.path(), &generate(&hosts(), now - 3600 * DAY).unwrap(), false).unwrap();
    let made = generate_in(dir.path(), &hosts(), now).unwrap();
    let [server, authority] = chain(&made.server.certificate).try_into().unwrap();
    let end = |der| with_certificate(der, |certificate| certificate.validity().not_after.timestamp());
    assert_eq!(end(&server), end(&authority));
}

#[test]
fn an_authority_that_cannot_sign_is_named() {
    let now = SystemTime::now();
    let (ours, other) = (made(), made());
    let (cert, key) = (&*ours.authority.certificate, &**ours.authority.key);
    let old = generate(&hosts(), now - 4000 * DAY).unwrap();
    for (certificate, key, file, fault) in [
        ("none", key, "ca.pem", AuthorityFault::NoCertificate),
        (cert, "none", "ca.key", AuthorityFault::NoKey),
        (&ours.server.certificate, &**ours.server.key, "ca.pem", AuthorityFault::NotAuthority),
        (&old.authority.certificate, &**old.authority.key, "ca.pem", AuthorityFault::NotValidNow),
        (cert, &**other.authority.key, "ca.key", AuthorityFault::OtherKey),
    ] {
        let dir = TempDir::new().unwrap();
        fs::write(dir.path().join("ca.pem"), certificate).unwrap();
        fs::write(dir.path().join("ca.key"), key).unwrap();
        let error = generate_in(dir.path(), &hosts(), now).expect_err(file);
        let expected = dir.path().join(file);
        assert!(
            matches!(&error, Error::Authority { file, fault: found } if *file == expected && *found == fault),
            "{fault:?}: {error}"
        );
    }
}

#[test]
fn half_an_authority_is_not_replaced() {
    for (there, missing) in [("ca.pem", "ca.key"), ("ca.key", "ca.pem")] {
        let dir = TempDir::new().unwrap();
        fs::write(dir.path().join(there), "mine").unwrap();
        for error in [
            generate_in(dir.path(), &hosts(), SystemTime::now()).expect_err(there),
            write(dir.path(), &made(), true).expect_err(there),
        ] {
            assert!(matches!(&error, Error::HalfAuthority { missing: named, .. } if named.ends_with(missing)));
        }
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }
}

#[test]
fn a_file_that_cannot_be_written_is_named() {
    let dir = TempDir::new().unwrap();
    let file = dir.path().join("file");
    fs::write(&file, "").unwrap();
    let error = write(&file.join("certs"), &made(), false).expect_err("a file is no directory");
    assert!(error.to_string().starts_with(&file.join("certs").display().to_string()), "{error}");
}

#[test]
fn a_key_is_wiped_and_not_shown() {
    /// Compiles only for what is wiped when it is dropped.
    fn wiped<T: zeroize::ZeroizeOnDrop>(_: &T) {}
    let made = made();
    wiped(&made.server.key);
    let shown = format!("{made:?}");
    assert!(shown.contains("BEGIN CERTIFICATE") && !shown.contains("PRIVATE KEY"), "{shown}");
}
