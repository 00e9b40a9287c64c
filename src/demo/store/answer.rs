//! Answering: from a method, a path and a body to a reply, over tables behind one lock. No I/O.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use axum::extract::Query;
use axum::http::{Method, StatusCode, Uri};
use serde::Deserialize;
use serde_json::{Value, json};

use super::routes::{Place, Spelling};
use super::samples;
use super::table::{Fields, MissingField, Table};

/// The most records a client may have in one page.
const LIMIT: usize = 250;

/// All that the store holds.
#[derive(Debug)]
pub(super) struct Store {
    /// Held for one table operation, never while waiting, so the standard lock does.
    tables: Mutex<BTreeMap<&'static str, Table>>,
}

/// What is answered: a status, and what the body holds under which name.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) status: StatusCode,
    pub(super) content: Option<(String, Value)>,
}

/// A request that the store does not take.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) status: StatusCode,
    pub(super) message: String,
    /// The methods that would be right, where the method is what is wrong.
    pub(super) allow: Option<&'static str>,
}

impl Refusal {
    pub(super) fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self { status, message: message.into(), allow: None }
    }

    fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "The requested resource was not found.")
    }

    fn method(allow: &'static str) -> Self {
        let message = format!("This resource answers to {allow} only.");
        Self { allow: Some(allow), ..Self::new(StatusCode::METHOD_NOT_ALLOWED, message) }
    }
}

impl From<MissingField> for Refusal {
    fn from(MissingField(name): MissingField) -> Self {
        Self::new(StatusCode::BAD_REQUEST, format!("The field \"{name}\" is required."))
    }
}

/// Which part of a list is asked for.
#[derive(Debug, Deserialize)]
struct Paging {
    page: Option<usize>,
    limit: Option<usize>,
}

impl Store {
    /// A store with sample records.
    pub(super) fn sample() -> Self {
        Self { tables: Mutex::new(samples::tables()) }
    }

    pub(super) fn answer(
        &self,
        method: &Method,
        spelling: &Spelling<'_>,
        uri: &Uri,
        body: &[u8],
    ) -> Result<Reply, Refusal> {
        let place = Place::read(spelling.path).ok_or_else(Refusal::not_found)?;
        // HEAD is answered like GET; the body is left out where the answer is written to the socket.
        let method = if method == Method::HEAD { &Method::GET } else { method };
        match place {
            Place::Time => only_get(method, || found("time", json!({ "time": unix_time() }))),
            Place::Store => only_get(method, || found("store", samples::store())),
            Place::Count(area) => {
                self.within(area, |table| only_get(method, || found("count", json!({ "count": table.count() }))))
            }
            Place::All(area) => self.within(area, |table| all(table, area, method, uri, body)),
            Place::One(area, id) => self.within(area, |table| one(table, (area, id), method, body)),
        }
    }

    fn within<F>(&self, area: &str, act: F) -> Result<Reply, Refusal>
    where
        F: FnOnce(&mut Table) -> Result<Reply, Refusal>,
    {
        // A table is whole between any two operations on it, also after a panic.
        let mut tables = self.tables.lock().unwrap_or_else(PoisonError::into_inner);
        tables.get_mut(area).map_or_else(|| Err(Refusal::not_found()), act)
    }
}

fn all(table: &mut Table, area: &str, method: &Method, uri: &Uri, body: &[u8]) -> Result<Reply, Refusal> {
    match *method {
        Method::GET => {
            let (page, limit) = paging(uri)?;
            Ok(found(area, table.page(page, limit).into()))
        }
        Method::POST => {
            let created = table.create(fields(body)?)?;
            Ok(Reply { status: StatusCode::CREATED, ..found(singular(area), created) })
        }
        Method::DELETE => {
            table.clear();
            Ok(gone())
        }
        _ => Err(Refusal::method("GET, HEAD, POST, DELETE")),
    }
}

fn one(table: &mut Table, (area, id): (&str, u64), method: &Method, body: &[u8]) -> Result<Reply, Refusal> {
    match *method {
        Method::GET => {
            let record = table.get(id).ok_or_else(Refusal::not_found)?;
            Ok(found(singular(area), record))
        }
        Method::PUT => {
            let edited = table.edit(id, fields(body)?).ok_or_else(Refusal::not_found)??;
            Ok(found(singular(area), edited))
        }
        Method::DELETE if table.delete(id) => Ok(gone()),
        Method::DELETE => Err(Refusal::not_found()),
        _ => Err(Refusal::method("GET, HEAD, PUT, DELETE")),
    }
}

fn only_get(method: &Method, reply: impl FnOnce() -> Reply) -> Result<Reply, Refusal> {
    if method == Method::GET { Ok(reply()) } else { Err(Refusal::method("GET, HEAD")) }
}

fn found(root: &str, value: Value) -> Reply {
    Reply { status: StatusCode::OK, content: Some((root.to_owned(), value)) }
}

fn gone() -> Reply {
    Reply { status: StatusCode::NO_CONTENT, content: None }
}

/// What one record of an area is called: the areas here all end in a plain `s`.
pub(super) fn singular(area: &str) -> &str {
    area.strip_suffix('s').unwrap_or(area)
}

fn paging(uri: &Uri) -> Result<(usize, usize), Refusal> {
    let wrong = || Refusal::new(StatusCode::BAD_REQUEST, format!("page counts from 1, limit is 1 to {LIMIT}."));
    let Query(Paging { page, limit }) = Query::try_from_uri(uri).map_err(|_| wrong())?;
    let (page, limit) = (page.unwrap_or(1), limit.unwrap_or(50));
    if page == 0 || limit == 0 || limit > LIMIT { Err(wrong()) } else { Ok((page, limit)) }
}

fn fields(body: &[u8]) -> Result<Fields, Refusal> {
    serde_json::from_slice(body)
        .map_err(|_| Refusal::new(StatusCode::BAD_REQUEST, "The body is not a JSON object with the record's fields."))
}

fn unix_time() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |passed| passed.as_secs())
}
