//! `config/access.toml` against the table of the store API: every row, in every spelling, asks for the permission that
//! the table names. Asked of the policy, and of a running gateway.

use std::fs;
use std::path::Path;
use std::time::SystemTime;

use portcullis::policy::{DenialReason, Target};
use portcullis::source::document::{Format, Law, read};

use crate::harness::{Ask, Gateway, Http2, user};

/// One row of the table, with ids in the place of what is open in its path.
struct Row {
    method: String,
    path: String,
    permission: String,
}

fn file(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

fn rows() -> Vec<Row> {
    let table = file("tests/data/store-api-v2.tsv");
    let row = |line: &str| {
        let columns: Vec<&str> = line.split('\t').collect();
        let open = |segment: &str| if segment.starts_with('{') { "4711".to_owned() } else { segment.to_owned() };
        let path = columns[1].split('/').map(open).collect::<Vec<_>>().join("/");
        Row { method: columns[0].to_owned(), path, permission: columns[4].to_owned() }
    };
    let rows: Vec<Row> = table.lines().filter(|line| !line.starts_with('#')).map(row).collect();
    assert!(rows.len() > 250, "the table has {} rows", rows.len());
    rows
}

impl Row {
    /// The same resource, as the store API lets it be written.
    fn spellings(&self) -> [String; 5] {
        let path = &self.path;
        [path.clone(), format!("{path}/"), format!("{path}.json"), format!("{path}.xml"), format!("{path}.xml/")]
    }

    fn needs_a_permission(&self) -> bool {
        self.permission != "authenticated"
    }
}

/// All permissions of the table.
fn permissions(rows: &[Row]) -> Vec<String> {
    let mut all: Vec<String> =
        rows.iter().filter(|row| row.needs_a_permission()).map(|row| row.permission.clone()).collect();
    all.sort_unstable();
    all.dedup();
    all
}

fn token(name: &str) -> String {
    format!("pcl_tokenOf {name}")
}

/// The committed resources and roles, with two users for each permission: one who holds it alone, and one who holds
/// all the others.
fn document(permissions: &[String]) -> String {
    let committed = file("config/access.toml");
    let mut text = committed;
    let mut add = |name: &str, granted: &[&String]| {
        let granted = granted.iter().map(|one| format!("\"{one}\"")).collect::<Vec<_>>().join(", ");
        text.push_str(&user((name, &token(name)), &format!("api_access = true\npermissions = [{granted}]")));
    };
    for permission in permissions {
        add(&format!("only {permission}"), &[permission]);
        let others: Vec<&String> = permissions.iter().filter(|other| *other != permission).collect();
        add(&format!("all but {permission}"), &others);
    }
    add("nothing", &[]);
    text
}

fn law(text: &str) -> Law {
    read("access.toml", text, Format::Toml, SystemTime::now()).unwrap_or_else(|faults| panic!("{faults}"))
}

#[test]
fn the_policy_names_the_permission_of_the_table() {
    let rows = rows();
    let law = law(&document(&permissions(&rows)));
    let may = |name: &str, method: &str, path: &str| {
        let asked = law.policy.ask(Target::parse(method, path).unwrap());
        law.policy.would_allow(law.users.get(name).unwrap(), None, &asked)
    };
    for row in &rows {
        for path in row.spellings() {
            let case = format!("{} {path}", row.method);
            let asked = law.policy.ask(Target::parse(&row.method, &path).unwrap());
            assert_eq!(
                &*asked.rule().unwrap_or_else(|| panic!("{case} is not covered")).label,
                row.permission,
                "{case}"
            );
            if !row.needs_a_permission() {
                assert_eq!(may("nothing", &row.method, &path), Ok(()), "{case}");
                continue;
            }
            assert_eq!(may(&format!("only {}", row.permission), &row.method, &path), Ok(()), "{case}");
            let denied = may(&format!("all but {}", row.permission), &row.method, &path);
            let Err(DenialReason::Missing(missing)) = denied else { panic!("{case}: {denied:?}") };
            assert_eq!(missing.iter().map(|one| one.as_str()).collect::<Vec<_>>(), [&row.permission], "{case}");
        }
    }
}

#[test]
fn the_table_and_the_document_know_the_same_permissions() {
    let (rows, law) = (rows(), law(&file("config/access.toml")));
    let required = law.policy.permissions().iter().map(|one| one.as_str().to_owned());
    let mut required: Vec<String> = required.filter(|name| !name.starts_with("panel.")).collect();
    required.sort_unstable();
    assert_eq!(required, permissions(&rows));
}

async fn ask(http2: &Http2, row: &Row, path: &str, user: &str) -> (u16, String) {
    let answer = http2.ask(&Ask::new(&row.method, path).by((user, &token(user)))).await;
    (answer.status(), answer.text())
}

#[tokio::test]
async fn the_gateway_asks_for_the_permission_of_the_table() {
    let rows = rows();
    let gateway = Gateway::guarding(document(&permissions(&rows)));
    let http2 = gateway.http2().await;
    for row in &rows {
        for path in row.spellings() {
            let case = format!("{} {path}", row.method);
            let holder =
                if row.needs_a_permission() { format!("only {}", row.permission) } else { "nothing".to_owned() };
            assert_eq!(ask(&http2, row, &path, &holder).await.0, 200, "{case}");
            let received = gateway.upstream.only();
            assert_eq!(received.head.line, format!("{} {path} HTTP/1.1", row.method));
            assert_eq!(received.head.value("x-remote-user"), Some(holder));
            gateway.upstream.forget();
            if row.needs_a_permission() {
                let (status, body) = ask(&http2, row, &path, &format!("all but {}", row.permission)).await;
                let missing = format!("the permission {} is missing", row.permission);
                assert!(status == 403 && body.contains(&missing), "{case}: {status} {body}");
                assert!(gateway.upstream.received().is_empty(), "{case} reached the upstream");
            }
        }
    }
    gateway.upstream.assert_nothing_reached().await;
}
