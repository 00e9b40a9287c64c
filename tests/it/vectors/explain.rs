//! What `portcullis explain` says of each vector that can be an argument.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use super::list::{Expect, List, Vector};
use crate::harness::AMY;

pub(super) fn run(list: &List) {
    let dir = tempfile::tempdir().unwrap();
    let config = dir.path().join("portcullis.toml");
    let access = dir.path().join("access.toml");
    fs::write(&access, list.document()).unwrap();
    fs::set_permissions(&access, Permissions::from_mode(0o600)).unwrap();
    let rest = "[listen]\nhttps = [\"127.0.0.1:0\"]\n[tls]\ncertificate = \"a\"\nkey = \"b\"\n\
                [upstream]\nservers = [\"http://127.0.0.1:1\"]\n";
    fs::write(&config, format!("access = \"access.toml\"\n{rest}")).unwrap();
    // It takes a path, so the absolute form is nothing to ask about; and no argument has a NUL.
    let asked = list.vectors.iter().filter(|vector| !vector.is_absolute());
    for vector in asked {
        let Some(target) = vector.text().filter(|text| !text.contains('\0')) else { continue };
        if vector.method().contains('\0') {
            continue;
        }
        let (code, told) = explain(&config, vector, target);
        match vector.expect {
            Expect::Accept => assert_eq!(code, 0, "{told} for {vector:?}"),
            Expect::Deny => assert_eq!((code, &told["status"]), (1, &Value::from(403)), "{told} for {vector:?}"),
            Expect::Refuse => assert_eq!((code, &told["status"]), (1, &Value::from(400)), "{told} for {vector:?}"),
        }
        let sent = if vector.expect == Expect::Refuse { Value::Null } else { vector.sent().into() };
        assert_eq!(told["sent"], sent, "{vector:?}");
    }
}

fn explain(config: &Path, vector: &Vector, target: &str) -> (i32, Value) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_portcullis"));
    command.arg("explain").arg("--json").arg("--config").arg(config).arg("--");
    let done = command.args([AMY.0, vector.method(), target]).output().unwrap();
    let shown = String::from_utf8_lossy(&done.stdout);
    let told = serde_json::from_str(&shown)
        .unwrap_or_else(|error| panic!("{error}: {shown}{} for {vector:?}", String::from_utf8_lossy(&done.stderr)));
    (done.status.code().unwrap(), told)
}
