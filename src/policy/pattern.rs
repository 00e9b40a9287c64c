//! Path patterns, as the access document writes them: literal segments, `{name}` for one segment, `/**` at the end.

use std::fmt;

/// A checked path pattern.
///
/// ```
/// use portcullis::policy::Pattern;
///
/// assert_eq!(Pattern::parse("/api/v2/orders/{id}/**").unwrap().to_string(), "/api/v2/orders/{id}/**");
/// assert!(Pattern::parse("/api/*/orders").is_err());
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Pattern {
    pub(super) segments: Vec<Segment>,
    /// Ends in `/**`: this path and everything below it.
    pub(super) below: bool,
}

/// One segment of a pattern.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Segment {
    Literal(Box<str>),
    /// `{name}`; the name is for the reader of the document only.
    Any(Box<str>),
}

/// Why a text is not a pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PatternError {
    /// It does not begin with a slash.
    NoSlash,
    /// Two slashes in a row, or one at the end: both spell the path without it.
    EmptySegment,
    /// `.` or `..`, or more dots: no target has such a segment.
    DotSegment,
    /// A `*` elsewhere than as `/**` at the end.
    Star(Box<str>),
    /// A brace that does not enclose a whole segment, or encloses no name.
    Brace(Box<str>),
    /// A character that no canonical path has.
    Character(char),
}

impl fmt::Display for PatternError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoSlash => f.write_str("a path pattern begins with \"/\""),
            Self::EmptySegment => f.write_str("a path pattern has no empty segment and no slash at its end"),
            Self::DotSegment => f.write_str("no request has a segment of dots alone, so this would never match"),
            Self::Star(segment) => {
                write!(f, "\"{segment}\" is not a wildcard: use \"{{name}}\" for one segment, or \"/**\" at the end")
            }
            Self::Brace(segment) => {
                write!(f, "\"{segment}\" is not a wildcard: \"{{name}}\" stands for a whole segment")
            }
            Self::Character(c) => write!(f, "{c:?} is in no canonical path: write letters, digits and -._~!$&'()+,=:@"),
        }
    }
}

impl std::error::Error for PatternError {}

impl Pattern {
    /// Reads a pattern.
    ///
    /// # Errors
    /// [`PatternError`] names the part that is wrong and what would be right.
    pub fn parse(text: &str) -> Result<Self, PatternError> {
        let inner = text.strip_prefix('/').ok_or(PatternError::NoSlash)?;
        let (inner, below) = match inner.strip_suffix("**") {
            Some("") => return Ok(Self { segments: Vec::new(), below: true }),
            Some(rest) => (rest.strip_suffix('/').ok_or_else(|| star(inner))?, true),
            None => (inner, false),
        };
        if inner.is_empty() && !below {
            return Ok(Self { segments: Vec::new(), below });
        }
        let segments = inner.split('/').map(segment).collect::<Result<_, _>>()?;
        Ok(Self { segments, below })
    }

    /// Whether it ends in a literal segment, so that the whole last segment of a path it covers is known.
    pub(super) fn ends_literally(&self) -> bool {
        !self.below && matches!(self.segments.last(), Some(Segment::Literal(_)))
    }

    /// The pattern whose last literal segment has `.format` behind it: the other spelling of a literal end.
    pub(super) fn with_format(&self, format: &str) -> Option<Self> {
        let (last, before) = self.segments.split_last()?;
        let Segment::Literal(text) = last else { return None };
        let mut segments = before.to_vec();
        segments.push(Segment::Literal(format!("{text}.{format}").into()));
        Some(Self { segments, below: false })
    }
}

fn star(inner: &str) -> PatternError {
    PatternError::Star(inner.rsplit('/').next().unwrap_or(inner).into())
}

fn segment(text: &str) -> Result<Segment, PatternError> {
    if text.is_empty() {
        return Err(PatternError::EmptySegment);
    }
    if text.bytes().all(|byte| byte == b'.') {
        return Err(PatternError::DotSegment);
    }
    if let Some(name) = text.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
        let named = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-');
        return if named { Ok(Segment::Any(name.into())) } else { Err(PatternError::Brace(text.into())) };
    }
    if text.contains('*') {
        return Err(PatternError::Star(text.into()));
    }
    if text.contains(['{', '}']) {
        return Err(PatternError::Brace(text.into()));
    }
    match text.chars().find(|c| !c.is_ascii_alphanumeric() && !"-._~!$&'()+,=:@".contains(*c)) {
        Some(c) => Err(PatternError::Character(c)),
        None => Ok(Segment::Literal(text.into())),
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for segment in &self.segments {
            match segment {
                Segment::Literal(text) => write!(f, "/{text}")?,
                Segment::Any(name) => write!(f, "/{{{name}}}")?,
            }
        }
        match (self.below, self.segments.is_empty()) {
            (true, _) => f.write_str("/**"),
            (false, true) => f.write_str("/"),
            (false, false) => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Pattern;

    #[test]
    fn a_pattern_reads_as_it_is_written() {
        for good in ["/", "/**", "/a", "/a/{id}", "/a/{id}/b/**", "/a.json", "/{x}/**"] {
            assert_eq!(Pattern::parse(good).unwrap().to_string(), good);
        }
    }

    #[test]
    fn what_would_never_match_is_an_error() {
        for bad in [
            "", "a", "//", "/a/", "/a//b", "/a/../b", "/a/...", "/a/*", "/a**", "/**/a", "/a/{", "/{}", "/x{id}",
            "/a;b", "/a%20b", "/é", "/{a b}", "/a?x",
        ] {
            assert!(Pattern::parse(bad).is_err(), "{bad}");
        }
    }
}
