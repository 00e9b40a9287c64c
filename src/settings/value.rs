//! Values as they are written: with their place in the file, and in the forms a person may choose.
//!
//! Used by `raw` for its fields. What a duration or a size comes to is for `units`.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, Deserialize, Deserializer, Unexpected};
use toml::Spanned;

/// A value, and the bytes of the file that it stands in.
#[derive(Clone, Debug, Default)]
pub(super) struct At<T> {
    pub(super) value: T,
    pub(super) span: Range<usize>,
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for At<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let spanned = Spanned::<T>::deserialize(deserializer)?;
        Ok(Self { span: spanned.span(), value: spanned.into_inner() })
    }
}

/// The place of a value is no part of its form.
impl<T: JsonSchema> JsonSchema for At<T> {
    fn inline_schema() -> bool {
        T::inline_schema()
    }

    fn schema_name() -> Cow<'static, str> {
        T::schema_name()
    }

    fn schema_id() -> Cow<'static, str> {
        T::schema_id()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        T::json_schema(generator)
    }
}

/// A number, or text.
#[derive(Clone, Debug)]
pub(super) enum Scalar {
    Number(i64),
    Text(String),
}

/// A duration such as `"10s"`. A bare number is taken too, so as to say that its unit is missing.
#[derive(Clone, Debug)]
pub(super) struct RawDuration(pub(super) Scalar);

/// A duration, or `"off"`.
#[derive(Clone, Debug)]
pub(super) struct RawAge(pub(super) Scalar);

/// A size such as `"64KiB"`, or a number of bytes.
#[derive(Clone, Debug)]
pub(super) struct RawSize(pub(super) Scalar);

/// A number, or `"auto"`.
#[derive(Clone, Debug)]
pub(super) struct RawCount(pub(super) Scalar);

/// A whole number.
#[derive(Clone, Copy, Debug)]
pub(super) struct RawNumber(pub(super) i64);

impl<'de> Deserialize<'de> for RawDuration {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Visitor("a duration such as \"10s\"")).map(Self)
    }
}

impl<'de> Deserialize<'de> for RawAge {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Visitor("a duration such as \"180d\", or \"off\"")).map(Self)
    }
}

impl<'de> Deserialize<'de> for RawSize {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Visitor("a size such as \"64KiB\"")).map(Self)
    }
}

impl<'de> Deserialize<'de> for RawCount {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Visitor("a whole number or \"auto\"")).map(Self)
    }
}

impl<'de> Deserialize<'de> for RawNumber {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let expected = "a whole number";
        match deserializer.deserialize_any(Visitor(expected))? {
            Scalar::Number(number) => Ok(Self(number)),
            Scalar::Text(text) => Err(de::Error::invalid_type(Unexpected::Str(&text), &expected)),
        }
    }
}

/// Takes a number or text; holds what to ask for where it is neither.
struct Visitor(&'static str);

impl de::Visitor<'_> for Visitor {
    type Value = Scalar;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<Scalar, E> {
        Ok(Scalar::Number(number))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Scalar, E> {
        Ok(Scalar::Text(text.to_owned()))
    }
}

impl JsonSchema for RawDuration {
    fn schema_name() -> Cow<'static, str> {
        "Duration".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "pattern": "^[0-9]+(ms|s|m|h|d)$" })
    }
}

impl JsonSchema for RawAge {
    fn schema_name() -> Cow<'static, str> {
        "Age".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "pattern": "^(off|[0-9]+(ms|s|m|h|d))$" })
    }
}

impl JsonSchema for RawSize {
    fn schema_name() -> Cow<'static, str> {
        "Size".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": ["string", "integer"], "pattern": "^[0-9]+(B|KiB|MiB|GiB)?$", "minimum": 1 })
    }
}

impl JsonSchema for RawCount {
    fn schema_name() -> Cow<'static, str> {
        "Count".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": ["string", "integer"], "pattern": "^auto$" })
    }
}

impl JsonSchema for RawNumber {
    fn schema_name() -> Cow<'static, str> {
        "Number".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "integer" })
    }
}
