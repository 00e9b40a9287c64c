//! From a path as a description writes it to a path pattern.

use super::shape::Server;
use crate::policy::Pattern;

/// Endings that are other spellings of a path, where the path is described without them or with both.
const FORMATS: [&str; 2] = ["json", "xml"];

/// What a path of a description comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Path {
    /// The pattern, without a format.
    pub(super) pattern: String,
    /// The pattern with its wildcards alike: two paths of one shape are one.
    pub(super) shape: String,
    /// What it ends in, as `json` behind `/orders.json`.
    pub(super) format: Option<&'static str>,
    /// Whether its last segment is a wildcard.
    pub(super) any_end: bool,
}

/// Reads a path. `base` is what stands in front of all of them, without a slash at its end.
///
/// # Errors
/// Why it cannot be said in an access document.
pub(super) fn read(base: &str, path: &str) -> Result<Path, String> {
    if !path.starts_with('/') {
        return Err("it does not begin with \"/\"".to_owned());
    }
    if path.contains(['?', '#']) {
        return Err("a query or fragment is no part of a path, and permissions do not depend on it".to_owned());
    }
    let whole = format!("{base}{path}");
    let whole = whole.strip_suffix('/').filter(|rest| !rest.is_empty()).unwrap_or(&whole);
    let (whole, format) = without_format(whole);
    let mut segments = Vec::new();
    for segment in whole.split('/').skip(1) {
        segments.push(read_segment(segment)?);
    }
    let any_end = segments.last().is_some_and(|last| last.starts_with('{'));
    let pattern = format!("/{}", segments.join("/"));
    Pattern::parse(&pattern).map_err(|error| error.to_string())?;
    let alike: Vec<_> = segments.iter().map(|one| if one.starts_with('{') { "{}" } else { one.as_str() }).collect();
    Ok(Path { pattern, shape: format!("/{}", alike.join("/")), format, any_end })
}

fn without_format(path: &str) -> (&str, Option<&'static str>) {
    let found = FORMATS.into_iter().find_map(|format| {
        let stem = path.strip_suffix(format)?.strip_suffix('.')?;
        (!stem.ends_with('/') && !stem.is_empty()).then_some((stem, Some(format)))
    });
    found.unwrap_or((path, None))
}

fn read_segment(segment: &str) -> Result<String, String> {
    let Some(name) = segment.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) else {
        let partly = format!("{segment:?} is a wildcard for a part of a segment, and there are only whole ones");
        return if segment.contains(['{', '}']) { Err(partly) } else { Ok(segment.to_owned()) };
    };
    if name.contains(['{', '}']) {
        return Err(format!("{segment:?} is several wildcards in one segment"));
    }
    if name.starts_with(['+', '/', '.', ';', '?', '&', '#']) || name.ends_with('*') {
        return Err(format!("{segment:?} stands for several segments: \"/**\" at the end of a path would"));
    }
    // The name is for the reader only.
    let plain = |c: char| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' };
    let name: String = name.chars().map(plain).collect();
    Ok(if name.is_empty() { "{any}".to_owned() } else { format!("{{{name}}}") })
}

/// The path in a server's address, without a slash at its end.
///
/// # Errors
/// Why there is none.
pub(super) fn base(server: &Server) -> Result<String, String> {
    let mut url = server.url.clone();
    for (name, variable) in server.variables.iter().flat_map(|variables| &variables.0) {
        let default = variable.default.as_ref().map_or("", |default| default.0.as_str());
        url = url.replace(&format!("{{{name}}}"), default);
    }
    let path = match url.split_once("//") {
        Some((scheme, rest)) if scheme.is_empty() || scheme.ends_with(':') => {
            rest.find('/').and_then(|slash| rest.get(slash..)).unwrap_or_default()
        }
        _ => &url,
    };
    let path = path.split(['?', '#']).next().unwrap_or_default();
    if path.is_empty() || path == "/" {
        return Ok(String::new());
    }
    from_root(path).map_err(|why| format!("the server {:?}: {why}", server.url))
}

/// A base path, without a slash at its end.
pub(super) fn from_root(path: &str) -> Result<String, String> {
    let path = path.strip_suffix('/').unwrap_or(path);
    if path.is_empty() {
        return Ok(String::new());
    }
    Pattern::parse(path).map(|_| path.to_owned()).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::super::shape::Server;
    use super::{Path, base, read};

    #[test]
    fn paths_are_read_with_their_base_formats_and_wildcards() {
        for (written, pattern, shape, format) in [
            ("/", "/b", "/b", None),
            ("/orders", "/b/orders", "/b/orders", None),
            ("/orders/", "/b/orders", "/b/orders", None),
            ("/orders.json", "/b/orders", "/b/orders", Some("json")),
            ("/orders.xml/", "/b/orders", "/b/orders", Some("xml")),
            ("/orders/{id}.json", "/b/orders/{id}", "/b/orders/{}", Some("json")),
            ("/orders/{order id}/x", "/b/orders/{order_id}/x", "/b/orders/{}/x", None),
            ("/orders/{}", "/b/orders/{any}", "/b/orders/{}", None),
            ("/a:list", "/b/a:list", "/b/a:list", None),
            ("/.json", "/b/.json", "/b/.json", None),
        ] {
            let Path { pattern: read_pattern, shape: read_shape, format: read_format, .. } =
                read("/b", written).unwrap();
            assert_eq!((&*read_pattern, &*read_shape, read_format), (pattern, shape, format), "{written}");
        }
        assert_eq!(read("", "/").unwrap().pattern, "/");
    }

    #[test]
    fn what_cannot_be_said_says_why() {
        for (written, why) in [
            ("orders", "does not begin with"),
            ("/orders?status=1", "query"),
            ("/a{b}", "a part of a segment"),
            ("/{a}.{b}", "several wildcards"),
            ("/{a}:cancel", "a part of a segment"),
            ("/{path*}", "several segments"),
            ("/{+path}", "several segments"),
            ("/a//b", "empty segment"),
            ("/a/../b", "dots"),
            ("/a b", "canonical"),
            ("/a%20b", "canonical"),
            ("/a\n[users.x]", "canonical"),
            ("/*", "wildcard"),
        ] {
            let told = read("", written).unwrap_err();
            assert!(told.contains(why), "{written}: {told}");
        }
    }

    #[test]
    fn the_base_is_the_path_of_the_server() {
        let server = |url: &str| -> Server { serde_json::from_str(url).unwrap() };
        for (url, path) in [
            ("https://api.example.com/v2/", Ok("/v2")),
            ("https://api.example.com", Ok("")),
            ("//api.example.com/a/b?x=/c", Ok("/a/b")),
            ("/v2", Ok("/v2")),
            ("/", Ok("")),
            ("https://{host}/{base}", Ok("/api/v3")),
            ("v2", Err("begins with")),
            ("https://example.com/{tenant}x", Err("whole segment")),
        ] {
            let json = format!(
                "{{\"url\":{url:?},\"variables\":{{\"host\":{{\"default\":\"h\"}},\"base\":{{\"default\":\"api/v3\"}}}}}}"
            );
            let read = base(&server(&json));
            match (&read, path) {
                (Ok(read), Ok(path)) => assert_eq!(read, path, "{url}"),
                (Err(read), Err(why)) => assert!(read.contains(why), "{url}: {read}"),
                _ => panic!("{url}: {read:?}"),
            }
        }
    }
}
