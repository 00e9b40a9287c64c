//! Access documents for tests, and who is in them.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use portcullis::policy::TokenHash;

use crate::kept;

/// The user who may play with the upstream, and her token.
pub(crate) const AMY: (&str, &str) = ("amy", "pcl_amysTokenNobodyMayEverSee");
/// A user with no permission at all.
pub(crate) const PLAIN: (&str, &str) = ("plain", "pcl_plainTokenNobodyMayEverSee");

/// Every secret that the tests present or configure; none of them may ever stand in a log.
pub(crate) const SECRETS: [&str; 8] = [
    AMY.1,
    PLAIN.1,
    "pcl_offTokenNobodyMayEverSee",
    "pcl_lateTokenNobodyMayEverSee",
    "pcl_farTokenNobodyMayEverSee",
    "pcl_nearTokenNobodyMayEverSee",
    "pcl_wrongTokenNobodyMayEverSee",
    "upstream-password-nobody-may-see",
];

/// The value of an Authorization header.
pub(crate) fn basic((name, secret): (&str, &str)) -> String {
    format!("Basic {}", STANDARD.encode(format!("{name}:{secret}")))
}

/// A user of an access document; `more` are lines of TOML.
pub(crate) fn user((name, secret): (&str, &str), more: &str) -> String {
    kept::credentials(name, secret);
    let hash = TokenHash::of(secret.as_bytes());
    format!("\n[users.\"{name}\"]\ntokens = [\"{hash}\"]\n{more}\n")
}

/// The access document of most tests: what is under `/play` is Amy's.
pub(crate) fn document() -> String {
    let mut document = RESOURCES.to_owned();
    let [_, _, off, late, far, near, ..] = SECRETS;
    let users = [
        user(AMY, "api_access = true\npermissions = [\"play.use\", \"orders.view\"]"),
        user(PLAIN, "api_access = true"),
        user(("off", off), "api_access = false\npermissions = [\"play.use\"]"),
        user(
            ("far", far),
            "api_access = true\npermissions = [\"play.use\"]\naddresses = [\"10.0.0.0/8\", \"2001:db8::/32\"]",
        ),
        user(("near", near), "api_access = true\npermissions = [\"play.use\"]\naddresses = [\"127.0.0.0/8\"]"),
    ];
    document.extend(users);
    kept::credentials("late", late);
    let hash = TokenHash::of(late.as_bytes());
    let expired = "[users.late]\napi_access = true\npermissions = [\"play.use\"]\n[[users.late.tokens]]\n";
    write!(document, "{expired}hash = \"{hash}\"\nexpires = 2020-01-01T00:00:00Z\n").unwrap();
    document
}

const RESOURCES: &str = r#"
[[resources]]
name = "Play"
paths = ["/play/**"]
permissions = { GET = "play.use", POST = "play.use", PUT = "play.use", PATCH = "play.use", DELETE = "play.use", OPTIONS = "play.use" }

[[resources]]
name = "Orders"
paths = ["/orders", "/orders/{id}"]
formats = ["json", "xml"]
permissions = { GET = "orders.view", POST = ["orders.view", "orders.create"], DELETE = "orders.delete" }

[[resources]]
name = "Time"
paths = ["/time"]
permissions = { GET = "authenticated" }

[[resources]]
name = "Health"
paths = ["/health"]
permissions = { GET = "public" }
"#;
