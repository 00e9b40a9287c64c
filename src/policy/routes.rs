//! The routes: every path pattern of the access document in one tree, read segment by segment.
//!
//! The most specific pattern wins: at the first segment where two patterns differ, a literal before `{name}` before
//! `/**`. Finding a route costs a walk along the path's segments, however many resources there are.

use std::collections::HashMap;

use super::pattern::{Pattern, Segment};

/// Where a pattern leads: the resource it belongs to and which of that resource's patterns it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Leaf {
    pub(super) resource: usize,
    pub(super) pattern: usize,
}

#[derive(Debug, Default)]
pub(super) struct Routes {
    root: Node,
}

#[derive(Debug, Default)]
struct Node {
    literals: HashMap<Box<str>, Self>,
    any: Option<Box<Self>>,
    /// A pattern that ends here.
    here: Option<Leaf>,
    /// A pattern that ends here in `/**`.
    below: Option<Leaf>,
}

impl Routes {
    /// Adds a pattern, or names the leaf that already covers exactly the same paths.
    pub(super) fn insert(&mut self, pattern: &Pattern, leaf: Leaf) -> Result<(), Leaf> {
        let mut node = &mut self.root;
        for segment in &pattern.segments {
            node = match segment {
                Segment::Literal(text) => node.literals.entry(text.clone()).or_default(),
                Segment::Any(_) => node.any.get_or_insert_default(),
            };
        }
        let place = if pattern.below { &mut node.below } else { &mut node.here };
        match place {
            Some(taken) => Err(*taken),
            None => {
                *place = Some(leaf);
                Ok(())
            }
        }
    }

    /// The most specific pattern that covers a path, given without its first and last slash.
    pub(super) fn find(&self, path: &str) -> Option<Leaf> {
        self.root.find((!path.is_empty()).then_some(path))
    }

    /// The leaf that a pattern with the same shape has, whatever its wildcards are called.
    pub(super) fn same_shape(&self, pattern: &Pattern) -> Option<Leaf> {
        let mut node = &self.root;
        for segment in &pattern.segments {
            node = match segment {
                Segment::Literal(text) => node.literals.get(text)?,
                Segment::Any(_) => node.any.as_deref()?,
            };
        }
        if pattern.below { node.below } else { node.here }
    }
}

impl Node {
    fn literal(&self, segment: &str) -> Option<&Self> {
        // As in most APIs, whose paths begin alike: comparing with the only one takes less than hashing.
        if self.literals.len() == 1 {
            return self.literals.iter().find(|(only, _)| ***only == *segment).map(|(_, node)| node);
        }
        self.literals.get(segment)
    }

    fn find(&self, rest: Option<&str>) -> Option<Leaf> {
        let Some(rest) = rest else {
            return self.here.or(self.below);
        };
        let slash = rest.bytes().position(|byte| byte == b'/');
        let (first, rest) = match slash.and_then(|slash| rest.split_at_checked(slash)) {
            Some((first, rest)) => (first, rest.get(1..)),
            None => (rest, None),
        };
        let literal = self.literal(first).and_then(|node| node.find(rest));
        literal.or_else(|| self.any.as_ref().and_then(|node| node.find(rest))).or(self.below)
    }
}

#[cfg(test)]
mod tests {
    use super::{Leaf, Pattern, Routes};

    fn routes(patterns: &[&str]) -> Routes {
        let mut routes = Routes::default();
        for (resource, text) in patterns.iter().enumerate() {
            routes.insert(&Pattern::parse(text).unwrap(), Leaf { resource, pattern: 0 }).unwrap();
        }
        routes
    }

    #[test]
    fn the_most_specific_pattern_wins() {
        let patterns = ["/**", "/a/**", "/a", "/a/{x}", "/a/b", "/a/{x}/c", "/a/{x}/**", "/a/b/d", "/{y}/b/**"];
        let routes = routes(&patterns);
        for (path, winner) in [
            ("", "/**"),
            ("z", "/**"),
            ("z/b", "/{y}/b/**"),
            ("z/b/1/2", "/{y}/b/**"),
            ("z/c", "/**"),
            ("a", "/a"),
            ("ab", "/**"),
            ("a/b", "/a/b"),
            ("a/1", "/a/{x}"),
            ("a/b/c", "/a/{x}/c"),
            ("a/b/d", "/a/b/d"),
            ("a/b/e", "/a/{x}/**"),
            ("a/1/c/9", "/a/{x}/**"),
        ] {
            let found = routes.find(path).map(|leaf| patterns[leaf.resource]);
            assert_eq!(found, Some(winner), "{path}");
        }
    }

    #[test]
    fn nothing_covers_what_no_pattern_names() {
        let routes = routes(&["/orders", "/orders/{id}"]);
        for path in ["", "ordersX", "orders/1/2", "Orders", "order"] {
            assert_eq!(routes.find(path), None, "{path}");
        }
    }

    #[test]
    fn two_patterns_of_one_shape_tie() {
        let mut routes = routes(&["/a/{x}"]);
        let tie = routes.insert(&Pattern::parse("/a/{y}").unwrap(), Leaf { resource: 7, pattern: 0 });
        assert_eq!(tie, Err(Leaf { resource: 0, pattern: 0 }));
    }
}
