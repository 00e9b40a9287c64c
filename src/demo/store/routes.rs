//! Reading a path: which of its spellings it is, and which part of the store it names.

use axum::http::HeaderMap;
use axum::http::header::ACCEPT;

/// The form of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    Json,
    Xml,
}

/// A path without its slash and suffix, and the form of answer that was asked for.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Spelling<'p> {
    pub(super) path: &'p str,
    pub(super) format: Format,
}

impl<'p> Spelling<'p> {
    /// Takes one slash off the end, then a suffix. A suffix counts more than what `Accept` says.
    pub(super) fn read(path: &'p str, headers: &HeaderMap) -> Self {
        let path = path.strip_suffix('/').unwrap_or(path);
        match path.rsplit_once('.') {
            Some((stem, "json")) if !stem.ends_with('/') => Self { path: stem, format: Format::Json },
            Some((stem, "xml")) if !stem.ends_with('/') => Self { path: stem, format: Format::Xml },
            _ => Self { path, format: accepted(headers) },
        }
    }
}

/// The first of the two media types that is named; weights are not looked at.
fn accepted(headers: &HeaderMap) -> Format {
    let values = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let ranges = values.flat_map(|value| value.split(','));
    let named = ranges.filter_map(|range| match range.split(';').next().unwrap_or_default().trim() {
        "application/json" => Some(Format::Json),
        "application/xml" | "text/xml" => Some(Format::Xml),
        _ => None,
    });
    named.into_iter().next().unwrap_or(Format::Json)
}

/// A part of the store.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Place<'p> {
    Time,
    Store,
    All(&'p str),
    Count(&'p str),
    One(&'p str, u64),
}

impl<'p> Place<'p> {
    /// The part that a path names, if it has the form of one.
    pub(super) fn read(path: &'p str) -> Option<Self> {
        let rest = path.strip_prefix("/api/v2/")?;
        match rest.split_once('/') {
            None if rest == "time" => Some(Self::Time),
            None if rest == "store" => Some(Self::Store),
            None => Some(Self::All(rest)),
            Some((area, "count")) => Some(Self::Count(area)),
            Some((area, id)) => Some(Self::One(area, id.parse().ok()?)),
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::http::header::ACCEPT;
    use axum::http::{HeaderMap, HeaderValue};

    use super::{Format, Place, Spelling};

    #[test]
    fn every_spelling_names_the_same_path() {
        for (path, stem, format) in [
            ("/api/v2/products", "/api/v2/products", Format::Json),
            ("/api/v2/products/", "/api/v2/products", Format::Json),
            ("/api/v2/products.json", "/api/v2/products", Format::Json),
            ("/api/v2/products.xml", "/api/v2/products", Format::Xml),
            ("/api/v2/products.xml/", "/api/v2/products", Format::Xml),
            ("/api/v2/products.XML", "/api/v2/products.XML", Format::Json),
            ("/api/v2/.xml", "/api/v2/.xml", Format::Json),
            ("/api/v2/products//", "/api/v2/products/", Format::Json),
        ] {
            assert_eq!(Spelling::read(path, &HeaderMap::new()), Spelling { path: stem, format }, "{path}");
        }
    }

    #[test]
    fn accept_decides_where_no_suffix_does() {
        for (accept, path, format) in [
            ("application/xml", "/a", Format::Xml),
            ("text/html, application/xml;q=0.9, */*;q=0.8", "/a", Format::Xml),
            ("application/json, application/xml", "/a", Format::Json),
            ("*/*", "/a", Format::Json),
            ("application/xml", "/a.json", Format::Json),
            ("application/json", "/a.xml", Format::Xml),
        ] {
            let headers = HeaderMap::from_iter([(ACCEPT, HeaderValue::from_static(accept))]);
            assert_eq!(Spelling::read(path, &headers).format, format, "{accept} {path}");
        }
    }

    #[test]
    fn places_are_read_from_whole_paths() {
        for (path, place) in [
            ("/api/v2/time", Some(Place::Time)),
            ("/api/v2/store", Some(Place::Store)),
            ("/api/v2/orders", Some(Place::All("orders"))),
            ("/api/v2/orders/count", Some(Place::Count("orders"))),
            ("/api/v2/orders/100", Some(Place::One("orders", 100))),
            ("/api/v2/orders/100/products", None),
            ("/api/v2/orders/first", None),
            ("/api/v1/orders", None),
            ("/", None),
        ] {
            assert_eq!(Place::read(path), place, "{path}");
        }
    }
}
