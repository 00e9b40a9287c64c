//! The records of one area: a table of JSON objects by id, which only ever grows its ids.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

/// One record, without its id.
pub(super) type Fields = Map<String, Value>;

/// The records of one area.
#[derive(Debug)]
pub(super) struct Table {
    /// What a record cannot be without.
    required: &'static [&'static str],
    records: BTreeMap<u64, Fields>,
    /// Ids of deleted records are not given again: a client may still hold them.
    next: u64,
}

/// Why a record is not taken: the field that is missing or empty.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct MissingField(pub(super) &'static str);

impl Table {
    /// A table whose first record gets the id `first`.
    pub(super) fn new(required: &'static [&'static str], first: u64, records: Vec<Fields>) -> Self {
        let records: BTreeMap<_, _> = (first..).zip(records).collect();
        let next = records.last_key_value().map_or(first, |(id, _)| id.saturating_add(1));
        Self { required, records, next }
    }

    /// One page of the records, in the order of their ids.
    pub(super) fn page(&self, page: usize, limit: usize) -> Vec<Value> {
        let before = page.saturating_sub(1).saturating_mul(limit);
        self.records.iter().skip(before).take(limit).map(|(id, fields)| shown(*id, fields)).collect()
    }

    pub(super) fn count(&self) -> usize {
        self.records.len()
    }

    pub(super) fn get(&self, id: u64) -> Option<Value> {
        self.records.get(&id).map(|fields| shown(id, fields))
    }

    pub(super) fn create(&mut self, fields: Fields) -> Result<Value, MissingField> {
        self.check(&fields)?;
        let id = self.next;
        self.next = self.next.saturating_add(1);
        let created = shown(id, &fields);
        self.records.insert(id, fields);
        Ok(created)
    }

    /// Puts the given fields over those of a record; `None` where there is no such record.
    pub(super) fn edit(&mut self, id: u64, fields: Fields) -> Option<Result<Value, MissingField>> {
        let mut edited = self.records.get(&id)?.clone();
        edited.extend(fields);
        if let Err(missing) = self.check(&edited) {
            return Some(Err(missing));
        }
        let shown = shown(id, &edited);
        self.records.insert(id, edited);
        Some(Ok(shown))
    }

    /// Whether there was such a record.
    pub(super) fn delete(&mut self, id: u64) -> bool {
        self.records.remove(&id).is_some()
    }

    pub(super) fn clear(&mut self) {
        self.records.clear();
    }

    fn check(&self, fields: &Fields) -> Result<(), MissingField> {
        let empty = |name: &&&str| fields.get(**name).is_none_or(|value| value.is_null() || value == "");
        self.required.iter().find(empty).map_or(Ok(()), |name| Err(MissingField(name)))
    }
}

/// A record as clients see it. The id is the table's own, whatever a client wrote into that field.
fn shown(id: u64, fields: &Fields) -> Value {
    let mut fields = fields.clone();
    fields.insert("id".to_owned(), id.into());
    Value::Object(fields)
}
