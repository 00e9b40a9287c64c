//! The settings as a whole: every key reaches its place, the sample tells the truth, and the schema says what the
//! reader does.

mod faults;
mod places;

use std::fs;
use std::path::Path;
use std::time::Duration;

use serde_json::Value;

use super::schema::{keys, schema};
use super::{Answers, Audit, Authorization, Process, Scheme, Settings, SettingsError, TlsVersion, settings_schema};
use crate::fault::{Fault, Faults};

const SAMPLE: &str = include_str!("../../../config/portcullis.toml");

/// What must be there, and nothing else.
pub(super) const LEAST: &str = r#"
access = "access.toml"
[listen]
https = ["0.0.0.0:8443"]
[tls]
certificate = "server.pem"
key = "server.key"
[upstream]
servers = ["http://127.0.0.1:9001"]
"#;

/// Every key, with another value than its default.
const ALL: &str = r#"
access = "/etc/portcullis/access.json"
state = "../run/state.json"
answers = "problem"
realm = "It's mine"
[listen]
https = ["[::1]:0", "127.0.0.1:0", "127.0.0.1:0"]
http = ["0.0.0.0:80"]
workers = 3
backlog = 7
[tls]
certificate = "a.pem"
key = "a.key"
client_ca = "ca.pem"
minimum = "1.3"
hsts = "off"
[[tls.certificates]]
certificate = "b.pem"
key = "b.key"
[upstream]
servers = ["http://store.internal:9001", "https://[::1]", "https://STORE_2."]
authorization = "keep"
ca = "up.pem"
connect_timeout = "1s"
response_timeout = "2m"
read_timeout = "3m"
idle_timeout = "500ms"
max_idle = 0
[limits]
handshake_timeout = "2s"
header_timeout = "3s"
idle_timeout = "4s"
body_timeout = "5s"
send_timeout = "6s"
tunnel_timeout = "7s"
progress = 9
head_size = "8KiB"
target_size = "2KiB"
head_fields = 16
body_size = 5
http2_streams = 6
connections = 7
address_connections = 11
connection_requests = 10
password_checks = 8
drain_timeout = "0s"
[lockout]
enabled = false
failures = 2
address_failures = 3
first_wait = "4s"
longest_wait = "5s"
forget = "6s"
entries = 7000
[rate_limit]
user = "8/second"
address = "9/hour"
entries = 10000
[audit]
to = "../log/audit.jsonl"
[ops]
http = "127.0.0.1:9090"
socket = "../run/ops.sock"
[process]
user = "gate"
group = "keys"
sandbox = false
"#;

fn parse(text: &str) -> Result<Settings, Faults> {
    Settings::parse("portcullis.toml", text, Path::new("config"))
}

fn good(text: &str) -> Settings {
    parse(text).unwrap_or_else(|faults| panic!("{faults}"))
}

fn faults(text: &str) -> Vec<Fault> {
    parse(text).expect_err(text).as_slice().to_vec()
}

/// The least settings with one more key in a table, or with another value for one.
fn with(table: &str, line: &str) -> String {
    let name = line.split([' ', '=']).next().unwrap();
    let mut document: toml::Table = LEAST.parse().unwrap();
    let value = line.parse::<toml::Table>().unwrap_or_else(|error| panic!("{line}: {error}"))[name].clone();
    let place = match table {
        "" => &mut document,
        _ => document.entry(table).or_insert_with(|| toml::Table::new().into()).as_table_mut().unwrap(),
    };
    place.insert(name.to_owned(), value);
    document.to_string()
}

/// Every key that is not a table: its table (empty for the top), its name and its schema.
fn leaves() -> Vec<(String, String, &'static Value)> {
    let mut leaves = Vec::new();
    for (name, part) in keys(schema()).unwrap() {
        match keys(part) {
            Some(inner) => leaves.extend(inner.iter().map(|(key, leaf)| (name.clone(), key.clone(), leaf))),
            None => leaves.push((String::new(), name.clone(), part)),
        }
    }
    leaves
}

#[test]
fn the_least_settings_have_safe_defaults() {
    let settings = good(LEAST);
    let cores = std::thread::available_parallelism().unwrap();
    assert_eq!((settings.access.as_path(), settings.state), (Path::new("config/access.toml"), None));
    assert_eq!((settings.answers, settings.realm.as_str()), (Answers::Store, "Store API"));
    assert_eq!((settings.listen.workers, settings.listen.backlog), (cores, 1024));
    assert!(settings.listen.http.is_empty() && settings.ops.http.is_none() && settings.tls.client_ca.is_none());
    assert_eq!((settings.tls.minimum, settings.tls.more.len()), (TlsVersion::V1_2, 0));
    assert_eq!(settings.upstream.authorization, Authorization::Strip);
    assert_eq!((settings.upstream.idle_timeout, settings.upstream.max_idle), (Duration::from_secs(4), 64));
    assert_eq!((settings.limits.body_size, settings.limits.head_size), (None, 32768));
    assert_eq!((settings.limits.password_checks, settings.audit), (cores, Audit::Stdout));
    assert!(settings.lockout.enabled && settings.rate_limit.user.is_none() && settings.rate_limit.address.is_none());
    assert_eq!(settings.tls.hsts, Some(Duration::from_secs(180 * 24 * 3600)));
    assert_eq!(settings.process, Process { user: None, group: None, sandbox: true });
}

#[test]
fn every_key_reaches_its_place() {
    let settings = good(ALL);
    assert_eq!(settings.access, Path::new("/etc/portcullis/access.json"));
    assert_eq!(settings.state.as_deref(), Some("config/../run/state.json".as_ref()));
    assert_eq!((settings.answers, settings.realm.as_str()), (Answers::Problem, "It's mine"));
    assert_eq!(settings.listen.https.len(), 3, "port 0 is never twice the same");
    assert_eq!((settings.listen.workers.get(), settings.listen.backlog), (3, 7));
    assert_eq!(settings.tls.more[0].key, Path::new("config/b.key"));
    assert_eq!(
        (settings.tls.client_ca.as_deref(), settings.tls.minimum),
        (Some("config/ca.pem".as_ref()), TlsVersion::V1_3)
    );
    let upstream = &settings.upstream;
    let servers: Vec<_> = upstream.servers.iter().map(|s| (s.scheme, s.host(), s.port())).collect();
    assert_eq!(
        servers,
        [(Scheme::Http, "store.internal", 9001), (Scheme::Https, "::1", 443), (Scheme::Https, "STORE_2.", 443)]
    );
    assert_eq!(
        (&upstream.authorization, upstream.ca.as_deref()),
        (&Authorization::Keep, Some("config/up.pem".as_ref()))
    );
    let timeouts = [upstream.connect_timeout, upstream.response_timeout, upstream.read_timeout, upstream.idle_timeout];
    assert_eq!((timeouts.map(|t| t.as_millis()), upstream.max_idle), ([1000, 120_000, 180_000, 500], 0));
    assert_eq!(settings.audit, Audit::File("config/../log/audit.jsonl".into()));
    assert_eq!(settings.ops.http, Some("127.0.0.1:9090".parse().unwrap()));
}

/// The sample with the `#` taken from every `# key = value`, and the keys whose remarks say that they are off.
fn uncommented() -> (String, Vec<&'static str>) {
    let (mut text, mut off, mut remarks) = (String::new(), Vec::new(), String::new());
    for line in SAMPLE.lines() {
        let bare = line.strip_prefix("# ").unwrap_or(line);
        let key = bare.split_once(" = ").map_or("", |(key, _)| key);
        let is_key = !key.is_empty() && key.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
        if is_key && remarks.contains("Off unless set") {
            off.push(key);
        }
        text.push_str(if is_key { bare } else { line });
        text.push('\n');
        if line.is_empty() { remarks.clear() } else { remarks.push_str(line) }
    }
    (text, off)
}

#[test]
fn the_sample_loads_as_it_is() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/portcullis.toml");
    let settings = Settings::load(&path).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(settings.listen.https, ["0.0.0.0:8443".parse().unwrap()]);
    assert!(settings.tls.first.certificate.ends_with("config/../certs/server.pem"));
}

#[test]
fn the_comments_of_the_sample_tell_the_defaults() {
    let (text, off) = uncommented();
    let expected = [
        "state",
        "http",
        "certificates",
        "client_ca",
        "ca",
        "body_size",
        "user",
        "address",
        "https",
        "http",
        "socket",
        "user",
        "group",
    ];
    assert_eq!(off, expected);
    let mut all = good(&text);
    assert_eq!(std::mem::take(&mut all.listen.http).len(), 1);
    assert_eq!(std::mem::take(&mut all.tls.more).len(), 1);
    assert!(all.tls.client_ca.take().is_some() && all.upstream.ca.take().is_some() && all.ops.http.take().is_some());
    assert!(all.panel.https.take().is_some());
    assert!(all.rate_limit.user.take().is_some() && all.rate_limit.address.take().is_some());
    assert!(all.ops.socket.take().is_some() && all.state.take().is_some());
    assert_eq!(all.limits.body_size.take(), Some(10 << 20));
    assert!(all.process.user.take().is_some() && all.process.group.take().is_some());
    assert_eq!(all, good(SAMPLE));
}

#[test]
fn the_sample_has_every_key_and_fits_the_schema() {
    let shown: toml::Table = uncommented().0.parse().unwrap();
    for (table, key, _) in leaves() {
        let part = if table.is_empty() { Some(&shown) } else { shown.get(&table).and_then(toml::Value::as_table) };
        assert!(part.is_some_and(|part| part.contains_key(&key)), "{table}.{key} is not in the sample");
    }
    let validator = jsonschema::validator_for(&settings_schema()).unwrap();
    for document in [shown, SAMPLE.parse().unwrap(), ALL.parse().unwrap()] {
        let value = serde_json::to_value(&document).unwrap();
        let problems: Vec<_> = validator.iter_errors(&value).map(|problem| problem.to_string()).collect();
        assert!(problems.is_empty(), "{problems:?}");
    }
}

#[test]
#[expect(clippy::disallowed_methods, reason = "how a golden file is renewed")]
fn the_schema_file_is_current() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("schema/settings.json");
    let current = serde_json::to_string_pretty(&settings_schema()).unwrap() + "\n";
    if std::env::var_os("BLESS").is_some() {
        fs::write(&path, &current).unwrap();
    }
    assert!(fs::read_to_string(&path).unwrap() == current, "schema/settings.json: renew it with BLESS=1");
}

/// Whether the schema takes a text, once it is known that the reader says the same.
fn valid(validator: &jsonschema::Validator, text: &str) -> bool {
    let document: toml::Table = text.parse().unwrap();
    let valid = validator.is_valid(&serde_json::to_value(document).unwrap());
    assert_eq!(valid, parse(text).is_ok(), "{text}");
    valid
}

#[test]
fn the_schema_says_what_the_reader_does() {
    let (plain, validator) = (good(LEAST), jsonschema::validator_for(&settings_schema()).unwrap());
    for (table, key, leaf) in leaves() {
        assert!(leaf["description"].as_str().is_some_and(|text| !text.is_empty()), "{table}.{key}: no description");
        let with = |value: &dyn std::fmt::Display| with(&table, &format!("{key} = {value}"));
        if let Some(default) = leaf.get("default") {
            assert!(valid(&validator, &with(default)), "{table}.{key}");
            assert_eq!(good(&with(default)), plain, "{table}.{key}: the default is not {default}");
        }
        for (bound, beyond) in [("minimum", -1), ("maximum", 1)] {
            let Some(value) = leaf.get(bound).and_then(Value::as_i64) else { continue };
            assert!(!valid(&validator, &with(&(value + beyond))), "{table}.{key}");
            // What is a text too has other bounds, which a schema cannot say.
            assert!(
                ["head_size", "target_size", "progress"].contains(&&*key) || valid(&validator, &with(&value)),
                "{table}.{key}"
            );
        }
        for word in leaf.get("enum").and_then(Value::as_array).into_iter().flatten() {
            assert!(valid(&validator, &with(word)), "{table}.{key}");
        }
    }
}

#[test]
fn the_schema_has_the_tables_that_the_reader_has() {
    let validator = jsonschema::validator_for(&settings_schema()).unwrap();
    for required in ["access", "listen", "tls", "upstream"] {
        let mut document: toml::Table = LEAST.parse().unwrap();
        document.remove(required);
        assert!(!valid(&validator, &document.to_string()), "{required}");
    }
    for (name, known) in [
        ("limits", true),
        ("audit", true),
        ("ops", true),
        ("process", true),
        ("lockout", true),
        ("rate_limit", true),
        ("panel", true),
        ("pannel", false),
    ] {
        assert_eq!(valid(&validator, &format!("{LEAST}[{name}]\n")), known, "{name}");
    }
}

#[test]
fn every_key_names_itself_in_its_faults() {
    for (table, key, _) in leaves() {
        let path = if table.is_empty() { key.clone() } else { format!("{table}.{key}") };
        let told = faults(&with(&table, &format!("{key} = 1.5")));
        assert_eq!(told.len(), 1, "{told:?}");
        assert!(
            told[0].message.starts_with(&format!("{path}: invalid type: floating point `1.5`, expected ")),
            "{told:?}"
        );
        assert!(!told[0].message.contains("Raw") && !told[0].message.contains("struct"), "{told:?}");
    }
}

fn with_password(content: &[u8]) -> Result<Settings, SettingsError> {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("secret"), content).unwrap();
    let text = with("upstream", "authorization = { user = \"amy\", password_file = \"secret\" }");
    fs::write(dir.path().join("portcullis.toml"), text).unwrap();
    Settings::load(&dir.path().join("portcullis.toml"))
}

#[test]
fn a_password_file_makes_a_header_that_is_not_shown() {
    for content in ["s3:cret", "s3:cret\n", "s3:cret\r\n"] {
        let settings = with_password(content.as_bytes()).unwrap();
        let Authorization::Replace(header) = &settings.upstream.authorization else { panic!("{settings:?}") };
        assert_eq!(header, "Basic YW15OnMzOmNyZXQ=", "{content:?}");
        assert!(!format!("{settings:?}").contains("YW15OnMzOmNyZXQ="));
    }
    for (content, message) in [
        (&b""[..], "secret holds no password"),
        (b"\n", "secret holds no password"),
        (b"one\ntwo\n", "secret has a control character in it"),
    ] {
        let error = with_password(content).unwrap_err().to_string();
        assert!(error.contains(message) && !error.contains("two"), "{error}");
    }
}

#[test]
fn what_cannot_be_read_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("none.toml");
    let error = Settings::load(&path).unwrap_err().to_string();
    assert!(error.starts_with(&format!("{}: cannot be read: ", path.display())), "{error}");
    let told = faults(&with("upstream", "authorization = { user = \"a\", password_file = \"no/such\" }"));
    assert!(
        told[0].message.starts_with("upstream.authorization.password_file: config/no/such cannot be read: "),
        "{told:?}"
    );
}
