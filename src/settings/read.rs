//! Reads the text of a file of settings into [`RawSettings`].
//!
//! serde ends at its first fault. Here each key is tried by itself, those that fail are told and left out, and the rest
//! is read as a whole: so a fault in one key hides none in another.

use serde::Deserialize;
use serde_json::Value;
use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue, Deserializer};

use crate::fault::nearest;

use super::check::{Check, Problem, Told};
use super::raw::RawSettings;
use super::schema;

/// A key and its value, with their places.
type Entry<'t> = (Spanned<DeString<'t>>, Spanned<DeValue<'t>>);

/// Reads the settings as they are written.
pub(super) fn read(check: &mut Check<'_>) -> Result<RawSettings, Told> {
    // Only the first fault of the syntax: what is not closed makes faults of all the lines behind it.
    let document = DeTable::parse(check.text()).map_err(|error| tell(&error, "", check))?;
    let sound = sift(document.into_inner(), check);
    deserialize(sound).map_err(|error| tell(&error, "", check))
}

/// Tells the keys that cannot be read and hands back the others.
fn sift<'t>(document: DeTable<'t>, check: &mut Check<'_>) -> DeTable<'t> {
    let mut sound = DeTable::new();
    for (key, value) in document {
        let name = key.get_ref().to_string();
        let Some(part) = schema::keys(schema::schema()).and_then(|keys| keys.get(&name)) else {
            unknown(&key, "", schema::schema(), check);
            continue;
        };
        let span = value.span();
        match value.into_inner() {
            DeValue::Table(table) if schema::keys(part).is_some() => {
                let kept = sift_part((&key, table), part, check);
                sound.insert(key, Spanned::new(span, DeValue::Table(kept)));
            }
            value => {
                let value = Spanned::new(span, value);
                if fits(one((key.clone(), value.clone())), &name, check) {
                    sound.insert(key, value);
                }
            }
        }
    }
    sound
}

/// The same for the keys of one table.
fn sift_part<'t>(
    (key, table): (&Spanned<DeString<'t>>, DeTable<'t>),
    part: &Value,
    check: &mut Check<'_>,
) -> DeTable<'t> {
    let mut kept = DeTable::new();
    for (name, value) in table {
        let path = format!("{}.{}", key.get_ref(), name.get_ref());
        let Some(known) = schema::keys(part).and_then(|keys| keys.get(&**name.get_ref())) else {
            unknown(&name, key.get_ref(), part, check);
            continue;
        };
        let trial = Spanned::new(value.span(), DeValue::Table(one((name.clone(), value.clone()))));
        if all_known(&value, &path, known, check) && fits(one((key.clone(), trial)), &path, check) {
            kept.insert(name, value);
        }
    }
    kept
}

/// Whether every key within a value is known.
fn all_known(value: &Spanned<DeValue<'_>>, path: &str, known: &Value, check: &mut Check<'_>) -> bool {
    match (value.get_ref(), schema::keys(known), schema::items(known)) {
        (DeValue::Table(table), Some(keys), _) => {
            let strange: Vec<_> = table.keys().filter(|key| !keys.contains_key(&**key.get_ref())).collect();
            for key in &strange {
                unknown(key, path, known, check);
                check.spoil(path);
            }
            strange.is_empty()
        }
        (DeValue::Array(array), _, Some(items)) => {
            let judged: Vec<_> = array.iter().map(|value| all_known(value, path, items, check)).collect();
            judged.into_iter().all(|known| known)
        }
        _ => true,
    }
}

fn fits(document: DeTable<'_>, path: &str, check: &mut Check<'_>) -> bool {
    let trial = deserialize(document);
    if let Err(error) = &trial {
        tell(error, path, check);
        check.spoil(path);
    }
    trial.is_ok()
}

fn deserialize(document: DeTable<'_>) -> Result<RawSettings, toml::de::Error> {
    RawSettings::deserialize(Deserializer::from(Spanned::new(0..0, document)))
}

fn one<'t>((key, value): Entry<'t>) -> DeTable<'t> {
    DeTable::from_iter([(key, value)])
}

fn tell(error: &toml::de::Error, path: &str, check: &mut Check<'_>) -> Told {
    check.tell(error.span().unwrap_or(0..0), path, Problem::new(error.message()))
}

/// Tells a key that there is not, with the one that was meant, or the table that it belongs in.
fn unknown(key: &Spanned<DeString<'_>>, path: &str, table: &Value, check: &mut Check<'_>) {
    let name = key.get_ref();
    let known = || schema::keys(table).into_iter().flat_map(|keys| keys.keys()).map(String::as_str);
    let place = if path.is_empty() { "no key of the settings".to_owned() } else { format!("no key of [{path}]") };
    let problem = Problem::new(format!("{:?} is {place}", &**name));
    let problem = match (nearest(name, known()), elsewhere(name, path)) {
        (Some(meant), _) => {
            check.spoil(&if path.is_empty() { meant.to_owned() } else { format!("{path}.{meant}") });
            problem.help(format!("write {meant:?}"))
        }
        (None, Some(place)) => problem.help(place),
        (None, None) => problem.help(format!("there are {}", known().collect::<Vec<_>>().join(", "))),
    };
    // What a key that is not known holds is not known either: it may be a password.
    check.tell(key.span(), "", problem.secret());
}

/// Where a key would be known.
fn elsewhere(name: &str, path: &str) -> Option<String> {
    let root = schema::keys(schema::schema())?;
    if !path.is_empty() && root.contains_key(name) {
        return Some(format!("{name:?} stands above the first table"));
    }
    let holds = |schema: &Value| schema::keys(schema).is_some_and(|keys| keys.contains_key(name));
    let table = root.iter().find(|(_, schema)| holds(schema));
    table.map(|(table, _)| format!("{name:?} belongs in [{table}]"))
}
