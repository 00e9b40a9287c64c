//! The JSON Schema of access documents, for editors: `portcullis schema access` prints it.
//!
//! The types here mirror what `document::shape` reads, with the words that an editor shows. Nothing is ever read into
//! them, because a document with a hundred faults must be told all of them; a test holds the two together.

#![allow(dead_code, reason = "the types are only described, never made")]

use std::collections::BTreeMap;

use schemars::generate::SchemaSettings;
use schemars::transform::{RecursiveTransform, Transform};
use schemars::{JsonSchema, Schema};
use serde_json::Value;

/// The JSON Schema of access documents, TOML and JSON alike.
#[must_use]
pub fn access_schema() -> Value {
    // Draft 7, since editors that check TOML know no later one.
    let mut schema = SchemaSettings::draft07().into_generator().into_root_schema_for::<Document>();
    RecursiveTransform(tidy).transform(&mut schema);
    schema.to_value()
}

/// A key that may be left out may not be null instead, and a description has no lines of its own.
fn tidy(schema: &mut Schema) {
    if let Some(Value::String(description)) = schema.get_mut("description") {
        *description = description.replace('\n', " ");
    }
    if let Some(Value::Array(kinds)) = schema.get_mut("type") {
        kinds.retain(|kind| kind.as_str() != Some("null"));
    }
    if let Some(Value::Array(variants)) = schema.get_mut("anyOf") {
        variants.retain(|variant| variant.get("type").and_then(Value::as_str) != Some("null"));
    }
}

/// What the API behind Portcullis consists of, and who may use which part of it. Saved changes take effect at once; a
/// document with any fault is refused whole, and the last good one stays in force.
#[derive(JsonSchema)]
#[schemars(title = "Portcullis access document", deny_unknown_fields)]
struct Document {
    /// Where an editor finds this schema. It means nothing to Portcullis.
    #[schemars(rename = "$schema")]
    schema: Option<String>,
    /// Says that having no users is meant. Without it, a document that suddenly has none is refused.
    #[schemars(extend("default" = false))]
    allow_no_users: Option<bool>,
    /// The parts of the API. What no resource covers is denied.
    resources: Option<Vec<Resource>>,
    /// Named sets of permissions, for users to hold.
    roles: Option<BTreeMap<String, Vec<Granted>>>,
    /// The users by name: the name that credentials carry.
    #[schemars(extend("propertyNames" = {"pattern": "^[^:]*$", "minLength": 1, "maxLength": 200}))]
    users: Option<BTreeMap<String, User>>,
    /// Tests inside the policy: a document that does not meet them is refused.
    expect: Option<Vec<Expectation>>,
}

/// A named part of the API: one or more path patterns, and the permission that each method needs.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Resource {
    /// The name, for people. No two resources have the same.
    #[schemars(length(min = 1, max = 200))]
    name: String,
    /// The paths covered. "{name}" stands for one segment, "/**" at the end for this path and everything below it. The
    /// most specific pattern wins.
    #[schemars(length(min = 1), inner(pattern(r"^/")), extend("uniqueItems" = true))]
    paths: Vec<String>,
    /// Suffixes that spell the same target: with "json", products.json is products.
    #[schemars(inner(pattern(r"^[a-z0-9]+$")), extend("uniqueItems" = true))]
    formats: Option<Vec<String>>,
    /// What each method needs. A method that is not listed is denied; HEAD follows GET.
    #[schemars(extend("minProperties" = 1))]
    permissions: Rules,
}

/// What each method needs.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, rename_all = "UPPERCASE")]
struct Rules {
    get: Option<Requirement>,
    post: Option<Requirement>,
    put: Option<Requirement>,
    patch: Option<Requirement>,
    delete: Option<Requirement>,
    options: Option<Requirement>,
}

/// A permission such as "products.view", "authenticated" for any user with API access, "public" for a method that asks
/// for no credentials, or a list of permissions that are all needed.
#[derive(JsonSchema)]
#[schemars(untagged)]
enum Requirement {
    One(#[schemars(pattern(r"^(public|authenticated|[a-z0-9_-]+(\.[a-z0-9_-]+)+)$"))] String),
    All(
        #[schemars(
            length(min = 1),
            inner(pattern(r"^[a-z0-9_-]+(\.[a-z0-9_-]+)+$")),
            extend("uniqueItems" = true)
        )]
        Vec<String>,
    ),
}

/// What is granted: a permission, an area ("products.*") or everything ("*").
#[derive(JsonSchema)]
#[schemars(transparent)]
struct Granted(#[schemars(pattern(r"^(\*|[a-z0-9_-]+(\.[a-z0-9_-]+)*\.(\*|[a-z0-9_-]+))$"))] String);

/// A user: a program or a person.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct User {
    /// What people call this user.
    title: Option<String>,
    /// Whether this user may use the API.
    #[schemars(extend("default" = false))]
    api_access: Option<bool>,
    /// Hashes of the tokens that prove to be this user, any number. `portcullis token hash` makes one of a token.
    tokens: Option<Vec<Token>>,
    /// The roles held.
    #[schemars(extend("uniqueItems" = true))]
    roles: Option<Vec<String>>,
    /// Permissions beyond those of the roles.
    #[schemars(extend("uniqueItems" = true))]
    permissions: Option<Vec<Granted>>,
    /// The networks from which this user may come, such as "10.0.0.0/8". Without it: any.
    #[schemars(length(min = 1), extend("uniqueItems" = true))]
    addresses: Option<Vec<String>>,
    /// How many requests this user may make, such as "600/minute", in place of what the settings say for all users. All
    /// of them may come at once, and from then on one at a time, evenly spread; what is more is answered 429.
    #[schemars(pattern(r"^[0-9]*[1-9][0-9]*/(second|minute|hour)$"))]
    rate_limit: Option<String>,
    /// The hash of the password with which this user may sign in to the control panel: argon2id. What the user may do
    /// there is a matter of the permissions panel.users.view, panel.users.edit and panel.audit.view.
    #[schemars(pattern(r"^\$argon2id\$"))]
    panel: Option<String>,
}

/// A token, alone or with what is to be remembered about it.
#[derive(JsonSchema)]
#[schemars(untagged)]
enum Token {
    Hash(Hash),
    Remembered(Remembered),
}

/// The hash of a token: "sha256:" and 64 hexadecimal digits. Or of one password brought along from elsewhere: bcrypt
/// ("$2y$…") or argon2id ("$argon2id$…").
#[derive(JsonSchema)]
#[schemars(transparent)]
struct Hash(
    #[schemars(pattern(r"^(sha256:[0-9A-Fa-f]{64}|\$2[aby]\$[0-9]{2}\$[./A-Za-z0-9]{53}|\$argon2id\$.+)$"))] String,
);

/// A token with what is to be remembered about it.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Remembered {
    hash: Hash,
    /// What people call it.
    label: Option<String>,
    /// When it was made: a date, or a date and time.
    created: Option<String>,
    /// From when on it is refused: a date and time, or a date for the first moment of that day in UTC.
    expires: Option<String>,
}

/// A request, and what has to become of it.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Expectation {
    /// The user's name. Without it: a request without credentials.
    user: Option<String>,
    /// A method and a path: "DELETE /api/v2/products/7".
    #[schemars(pattern(r"^[A-Z]+ /"))]
    request: String,
    decision: Verdict,
}

/// What has to become of a request.
#[derive(JsonSchema)]
#[schemars(rename_all = "lowercase")]
enum Verdict {
    Allow,
    Deny,
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::document::shape;
    use super::access_schema;

    /// The keys that the schema has for a type.
    fn keys(schema: &Value, of: &str) -> Vec<String> {
        let at = if of.is_empty() { schema } else { &schema["definitions"][of] };
        assert_eq!(at["additionalProperties"], json!(false), "{of}");
        let mut keys: Vec<_> = at["properties"].as_object().unwrap().keys().cloned().collect();
        keys.sort();
        keys
    }

    #[test]
    fn the_schema_has_the_keys_that_are_read() {
        let schema = access_schema();
        for (of, read) in [
            ("", shape::DOCUMENT_KEYS),
            ("Resource", shape::RESOURCE_KEYS),
            ("Rules", shape::METHODS),
            ("User", shape::USER_KEYS),
            ("Remembered", shape::TOKEN_KEYS),
            ("Expectation", shape::EXPECT_KEYS),
        ] {
            let mut read: Vec<_> = read.iter().map(ToString::to_string).collect();
            read.sort();
            assert_eq!(keys(&schema, of), read, "{of}");
        }
    }

    #[test]
    #[expect(clippy::disallowed_methods, reason = "how a golden file is renewed")]
    fn the_schema_file_is_current() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/schema/access.json");
        let current = serde_json::to_string_pretty(&access_schema()).unwrap() + "\n";
        if std::env::var_os("BLESS").is_some() {
            std::fs::write(path, &current).unwrap();
        }
        assert!(std::fs::read_to_string(path).unwrap() == current, "schema/access.json: renew it with BLESS=1");
    }

    #[test]
    fn documents_validate_as_they_are_read() {
        let schema = access_schema();
        let validator = jsonschema::validator_for(&schema).unwrap();
        let sample: Value = toml::from_str(include_str!("../../config/access.toml")).unwrap();
        // What TOML has as a date and time, JSON has as text.
        let sample = plain(sample);
        assert!(validator.is_valid(&sample), "{:?}", validator.iter_errors(&sample).next().map(|e| e.to_string()));
        for (good, document) in [
            (true, json!({})),
            (true, json!({"$schema": "x", "allow_no_users": true, "users": {}})),
            (false, json!({"user": {}})),
            (false, json!({"resources": [{"name": "A", "paths": ["/a"]}]})),
            (false, json!({"resources": [{"name": "A", "paths": [], "permissions": {"GET": "a.b"}}]})),
            (false, json!({"resources": [{"name": "A", "paths": ["/a"], "permissions": {"HEAD": "a.b"}}]})),
            (true, json!({"resources": [{"name": "A", "paths": ["/a"], "permissions": {"GET": ["a.b", "a.c"]}}]})),
            (false, json!({"resources": [{"name": "A", "paths": ["/a"], "permissions": {"GET": ["a.*"]}}]})),
            (false, json!({"resources": [{"name": "A", "paths": ["/a"], "permissions": {"GET": ["public"]}}]})),
            (false, json!({"users": {"a:b": {}}})),
            (true, json!({"users": {"amy": {"permissions": ["*", "a.*", "a.b"]}}})),
            (false, json!({"users": {"amy": {"permissions": ["*.a"]}}})),
            (false, json!({"users": {"amy": {"tokens": ["pcl_secret"]}}})),
            (true, json!({"users": {"amy": {"rate_limit": "600/minute"}}})),
            (false, json!({"users": {"amy": {"rate_limit": "0/minute"}}})),
            (false, json!({"users": {"amy": {"rate_limit": "600/min"}}})),
            (false, json!({"users": {"amy": {"api_access": "yes"}}})),
            (false, json!({"expect": [{"request": "GET /a", "decision": "maybe"}]})),
            (true, json!({"expect": [{"request": "GET /a", "decision": "deny"}]})),
            (false, json!({"expect": [{"user": null, "request": "GET /a", "decision": "deny"}]})),
            (false, json!({"expect": null})),
        ] {
            assert_eq!(validator.is_valid(&document), good, "{document}");
        }
    }

    fn plain(value: Value) -> Value {
        match value {
            Value::Object(mut map) => match map.remove("$__toml_private_datetime") {
                Some(moment) => moment,
                None => map.into_iter().map(|(key, value)| (key, plain(value))).collect(),
            },
            Value::Array(items) => items.into_iter().map(plain).collect(),
            other => other,
        }
    }
}
