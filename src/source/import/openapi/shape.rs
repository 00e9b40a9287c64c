//! As much of an OpenAPI description as is needed: paths, methods, tags, and whether credentials are asked for.
//!
//! Everything else in it is passed over. What may be absent may also be null.

use std::collections::HashSet;
use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::{Deserializer, Error, IgnoredAny, MapAccess, Visitor};

#[derive(Debug, Deserialize)]
#[serde(expecting = "a description of an API")]
pub(super) struct Document {
    pub(super) openapi: Option<Word>,
    pub(super) swagger: Option<Word>,
    pub(super) servers: Option<Vec<Server>>,
    #[serde(rename = "basePath")]
    pub(super) base_path: Option<String>,
    pub(super) security: Option<Vec<Pairs<IgnoredAny>>>,
    pub(super) paths: Option<Pairs<Option<PathItem>>>,
    pub(super) components: Option<Components>,
}

#[derive(Debug, Deserialize)]
#[serde(expecting = "components by their kind")]
pub(super) struct Components {
    #[serde(rename = "pathItems")]
    pub(super) path_items: Option<Pairs<Option<PathItem>>>,
}

#[derive(Debug, Deserialize)]
#[serde(expecting = "a server with its url")]
pub(super) struct Server {
    pub(super) url: String,
    pub(super) variables: Option<Pairs<Variable>>,
}

#[derive(Debug, Deserialize)]
#[serde(expecting = "a variable with its default")]
pub(super) struct Variable {
    pub(super) default: Option<Word>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(expecting = "a path's methods")]
pub(super) struct PathItem {
    #[serde(rename = "$ref")]
    pub(super) reference: Option<String>,
    pub(super) servers: Option<Vec<Server>>,
    get: Option<Operation>,
    head: Option<Operation>,
    post: Option<Operation>,
    put: Option<Operation>,
    patch: Option<Operation>,
    delete: Option<Operation>,
    options: Option<Operation>,
    trace: Option<Operation>,
}

#[derive(Debug, Deserialize)]
#[serde(expecting = "an operation")]
pub(super) struct Operation {
    pub(super) tags: Option<Vec<Word>>,
    pub(super) security: Option<Vec<Pairs<IgnoredAny>>>,
    pub(super) servers: Option<Vec<Server>>,
}

impl PathItem {
    /// The operations by their methods.
    pub(super) fn operations(&self) -> impl Iterator<Item = (&'static str, &Operation)> {
        let all = [
            ("GET", &self.get),
            ("HEAD", &self.head),
            ("POST", &self.post),
            ("PUT", &self.put),
            ("PATCH", &self.patch),
            ("DELETE", &self.delete),
            ("OPTIONS", &self.options),
            ("TRACE", &self.trace),
        ];
        all.into_iter().filter_map(|(method, operation)| Some((method, operation.as_ref()?)))
    }
}

/// A text, or a number that stands where a text is meant: `openapi: 3.0`.
#[derive(Debug)]
pub(super) struct Word(pub(super) String);

impl<'de> Deserialize<'de> for Word {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Words;

        impl Visitor<'_> for Words {
            type Value = Word;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Word, E> {
                Ok(Word(text.to_owned()))
            }

            fn visit_u64<E: Error>(self, number: u64) -> Result<Word, E> {
                Ok(Word(number.to_string()))
            }

            fn visit_i64<E: Error>(self, number: i64) -> Result<Word, E> {
                Ok(Word(number.to_string()))
            }

            fn visit_f64<E: Error>(self, number: f64) -> Result<Word, E> {
                // With a point, also where nothing is behind it.
                Ok(Word(format!("{number:?}")))
            }

            fn visit_bool<E: Error>(self, flag: bool) -> Result<Word, E> {
                Ok(Word(flag.to_string()))
            }
        }

        deserializer.deserialize_any(Words)
    }
}

/// The entries of a map in their order. Extensions, which begin with `x-`, are passed over.
#[derive(Debug)]
pub(super) struct Pairs<V>(pub(super) Vec<(String, V)>);

impl<'de, V: Deserialize<'de>> Deserialize<'de> for Pairs<V> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries<V>(PhantomData<V>);

        impl<'de, V: Deserialize<'de>> Visitor<'de> for Entries<V> {
            type Value = Pairs<V>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a map")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Pairs<V>, A::Error> {
                let (mut pairs, mut known) = (Vec::new(), HashSet::new());
                while let Some(key) = map.next_key::<String>()? {
                    if key.starts_with("x-") {
                        map.next_value::<IgnoredAny>()?;
                        continue;
                    }
                    if !known.insert(key.clone()) {
                        return Err(A::Error::custom(format_args!("{key:?} is there twice")));
                    }
                    pairs.push((key, map.next_value()?));
                }
                Ok(Pairs(pairs))
            }
        }

        deserializer.deserialize_map(Entries(PhantomData))
    }
}

impl<V> Pairs<V> {
    pub(super) fn get(&self, key: &str) -> Option<&V> {
        self.0.iter().find(|(name, _)| name == key).map(|(_, value)| value)
    }
}
