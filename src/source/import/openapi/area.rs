//! From tags, paths and methods to the words of permissions: an area and what is done in it.

/// Segments that say nothing of what a path is about.
const MEANINGLESS: [&str; 4] = ["api", "apis", "rest", "public"];
/// Longer words than this help nobody.
const LONGEST: usize = 60;
/// The area of the control panel: who was granted all of it would be let into the panel.
const PANEL: &str = "panel";

/// Last segments that say that something is done, other than making one more of something.
const CHANGES: &[&str] = &[
    "activate",
    "approve",
    "archive",
    "assign",
    "cancel",
    "clear",
    "clone",
    "close",
    "complete",
    "confirm",
    "copy",
    "delete",
    "disable",
    "enable",
    "execute",
    "import",
    "lock",
    "login",
    "logout",
    "merge",
    "move",
    "pay",
    "process",
    "publish",
    "purge",
    "refresh",
    "refund",
    "regenerate",
    "reject",
    "remove",
    "reopen",
    "replace",
    "reset",
    "restore",
    "resume",
    "retry",
    "revoke",
    "rotate",
    "run",
    "send",
    "set",
    "ship",
    "start",
    "stop",
    "submit",
    "sync",
    "trigger",
    "unlock",
    "update",
    "upsert",
];
/// Last segments that say that nothing is changed.
const READS: &[&str] = &[
    "calculate",
    "check",
    "count",
    "export",
    "filter",
    "find",
    "graphql",
    "list",
    "lookup",
    "preview",
    "query",
    "report",
    "search",
    "validate",
    "verify",
];

/// What permissions are about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Area {
    /// The first word of the permissions.
    pub(super) word: String,
    /// What a person calls it.
    pub(super) label: String,
}

impl Area {
    /// By the tag, or else by the first segment that says something. `path` is without what all paths have in front.
    pub(super) fn of(tag: Option<&str>, path: &str) -> Self {
        let segments = path.split('/').filter(|segment| !segment.is_empty() && !segment.contains(['{', '}']));
        let telling = segments.filter(|segment| !MEANINGLESS.contains(segment) && !is_version(segment));
        let stem = |segment: &str| segment.split(['.', ':']).next().unwrap_or_default().to_owned();
        let candidates = tag.map(str::to_owned).into_iter().chain(telling.map(stem));
        let found = candidates.map(|label| (slug(&label), label)).find(|(word, _)| !word.is_empty());
        let (word, label) = found.unwrap_or_else(|| ("api".to_owned(), "API".to_owned()));
        Self { word: if word == PANEL { "api-panel".to_owned() } else { word }, label: label.trim().to_owned() }
    }
}

/// `v2`, `2024-01`, `v1.1`.
fn is_version(segment: &str) -> bool {
    let digits = segment.strip_prefix(['v', 'V']).unwrap_or(segment);
    digits.starts_with(|c: char| c.is_ascii_digit()) && digits.chars().all(|c| c.is_ascii_digit() || ".-_".contains(c))
}

/// A text as a word of a permission; empty where nothing is left of it.
fn slug(text: &str) -> String {
    let mut word = String::new();
    for c in text.chars().map(|c| c.to_ascii_lowercase()) {
        if c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' {
            word.push(c);
        } else if !word.is_empty() && !word.ends_with('-') {
            word.push('-');
        }
    }
    word.truncate(LONGEST);
    word.trim_matches(['-', '_']).to_owned()
}

/// What a method does, as the last word of a permission; `None` for one that needs none of its own.
pub(super) fn action(method: &str) -> Option<&'static str> {
    match method {
        "GET" => Some("view"),
        "POST" => Some("create"),
        "PUT" | "PATCH" => Some("edit"),
        "DELETE" => Some("delete"),
        _ => None,
    }
}

/// What a person should look at, because the path says something else than the method.
pub(super) fn doubt(method: &str, path: &str) -> Option<&'static str> {
    let last = path.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
    let first = first_word(last);
    match method {
        "POST" if last.ends_with('}') => Some("it may edit the one that is named, not create one"),
        "POST" if CHANGES.contains(&&*first) => Some("by its name it does something else than create"),
        "POST" if READS.contains(&&*first) => Some("by its name it may change nothing, and only read"),
        "GET" if CHANGES.contains(&&*first) => Some("by its name it changes something"),
        _ => None,
    }
}

/// The first word of a segment, or the one behind a colon: `cancelAll`, `cancel-all`, `orders:cancel`.
fn first_word(segment: &str) -> String {
    let verb = segment.rsplit(':').next().unwrap_or_default();
    let end = verb.char_indices().skip(1).find(|(_, c)| !c.is_ascii_lowercase()).map_or(verb.len(), |(at, _)| at);
    verb.get(..end).unwrap_or_default().to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::{Area, action, doubt};
    use crate::policy::Permission;

    #[test]
    fn an_area_is_the_tag_or_the_first_segment_that_says_something() {
        for (tag, path, word, label) in [
            (Some("Orders"), "/x", "orders", "Orders"),
            (Some(" Order items / Returns! "), "/x", "order-items-returns", "Order items / Returns!"),
            (Some("商品"), "/api/v2/{shop}/products/{id}", "products", "products"),
            (None, "/api/v2/orders.json", "orders", "orders"),
            (None, "/2024-01/Customer_Groups/{id}", "customer_groups", "Customer_Groups"),
            (None, "/books:batchGet", "books", "books"),
            (None, "/api/v1/{id}", "api", "API"),
            (Some("panel"), "/x", "api-panel", "panel"),
            (Some("-_-"), "/", "api", "API"),
        ] {
            let area = Area::of(tag, path);
            assert_eq!((&*area.word, &*area.label), (word, label), "{tag:?} {path}");
            assert!(Permission::parse(&format!("{}.view", area.word)).is_ok());
        }
        assert!(Permission::parse(&format!("{}.view", Area::of(Some(&"é1".repeat(99)), "/").word)).is_ok());
    }

    #[test]
    fn methods_have_actions_and_names_may_make_doubtful() {
        assert_eq!(
            ["GET", "POST", "PUT", "PATCH", "DELETE"].map(action),
            ["view", "create", "edit", "edit", "delete"].map(Some)
        );
        assert_eq!(["HEAD", "OPTIONS", "TRACE"].map(action), [None; 3]);
        for (method, path, doubtful) in [
            ("POST", "/orders", false),
            ("POST", "/orders/{id}", true),
            ("POST", "/orders/{id}/cancel", true),
            ("POST", "/orders/cancelAll/", true),
            ("POST", "/orders:cancel-all", true),
            ("POST", "/orders/search", true),
            ("GET", "/orders/search", false),
            ("GET", "/orders/{id}/delete", true),
            ("GET", "/settings", false),
            ("PUT", "/orders/{id}", false),
        ] {
            assert_eq!(doubt(method, path).is_some(), doubtful, "{method} {path}");
        }
    }
}
