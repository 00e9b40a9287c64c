//! The JSON Schema of the settings: for editors, and for `read`, which asks it which keys there are.

use std::sync::LazyLock;

use schemars::Schema;
use schemars::generate::SchemaSettings;
use schemars::transform::{RecursiveTransform, Transform};
use serde_json::Value;

use super::raw::RawSettings;

static SCHEMA: LazyLock<Value> = LazyLock::new(|| {
    // Draft 7, since editors that check TOML know no later one; inlined, so that every key is found by walking down.
    let mut settings = SchemaSettings::draft07();
    settings.inline_subschemas = true;
    let mut schema = settings.into_generator().into_root_schema_for::<RawSettings>();
    RecursiveTransform(tidy).transform(&mut schema);
    schema.to_value()
});

/// The JSON Schema of the settings.
pub(super) fn schema() -> &'static Value {
    &SCHEMA
}

/// The keys that a table may have; `None` where there should be no table.
pub(super) fn keys(schema: &Value) -> Option<&serde_json::Map<String, Value>> {
    let variants = schema.get("anyOf").and_then(Value::as_array).into_iter().flatten();
    std::iter::once(schema).chain(variants).find_map(|schema| schema.get("properties")?.as_object())
}

/// What stands in a list.
pub(super) fn items(schema: &Value) -> Option<&Value> {
    schema.get("items")
}

/// Optional keys are left out, for TOML has no null to write instead; and a description has no lines of its own.
fn tidy(schema: &mut Schema) {
    if let Some(Value::String(description)) = schema.get_mut("description") {
        *description = description.replace('\n', " ");
    }
    let null = Value::from("null");
    if let Some(Value::Array(types)) = schema.get_mut("type") {
        types.retain(|kind| *kind != null);
        if let [only] = types.as_slice() {
            let only = only.clone();
            schema.insert("type".into(), only);
        }
    }
    let Some(Value::Array(variants)) = schema.get_mut("anyOf") else { return };
    variants.retain(|variant| variant.get("type") != Some(&null));
    if let [Value::Object(only)] = variants.as_mut_slice() {
        let only = std::mem::take(only);
        schema.remove("anyOf");
        only.into_iter().filter(|(key, _)| key != "description").for_each(|(key, value)| {
            schema.insert(key, value);
        });
    }
}
