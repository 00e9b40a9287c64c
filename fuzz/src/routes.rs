//! Which pattern wins, found by trying them all: a reference for the tree that the gateway finds it with.
//!
//! It knows of std and of nothing else.

/// How a pattern covers a path, best first: a literal before a wildcard before `/**`, segment by segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Step {
    End,
    Literal,
    Any,
    Below,
}

/// How specific a pattern is for a path; `None` where it does not cover it. Both begin with a slash and have no other at
/// their ends.
fn covers(pattern: &str, path: &str) -> Option<Vec<Step>> {
    let split = |text: &str| -> Vec<String> {
        text.split('/').skip(1).filter(|segment| !segment.is_empty()).map(str::to_owned).collect()
    };
    let (path, mut steps) = (split(path), Vec::new());
    let mut segments = path.iter();
    for segment in split(pattern) {
        if segment == "**" {
            steps.push(Step::Below);
            return Some(steps);
        }
        let asked = segments.next()?;
        if segment.starts_with('{') {
            steps.push(Step::Any);
        } else if segment == *asked {
            steps.push(Step::Literal);
        } else {
            return None;
        }
    }
    steps.push(Step::End);
    segments.next().is_none().then_some(steps)
}

/// The place of the pattern that wins.
pub fn winner(patterns: &[String], path: &str) -> Option<usize> {
    let covering = patterns.iter().enumerate().filter_map(|(place, pattern)| Some((covers(pattern, path)?, place)));
    covering.min().map(|(_, place)| place)
}

/// Whether two patterns cover the same paths equally.
pub fn tie(one: &str, other: &str) -> bool {
    let shape = |pattern: &str| -> Vec<String> {
        let name = |segment: &str| if segment.starts_with('{') { "{}".to_owned() } else { segment.to_owned() };
        pattern.split('/').map(name).collect()
    };
    shape(one) == shape(other)
}

/// Whether a text is a pattern.
pub fn is_pattern(text: &str) -> bool {
    let Some(inner) = text.strip_prefix('/') else { return false };
    if inner.is_empty() {
        return true;
    }
    let segments: Vec<&str> = inner.split('/').collect();
    let last = segments.len() - 1;
    let literal = |c: char| c.is_ascii_alphanumeric() || "-._~!$&'()+,=:@".contains(c);
    let name = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    segments.iter().enumerate().all(|(place, segment)| {
        let wildcard = segment.strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
        match (*segment, wildcard) {
            ("**", _) => place == last,
            (_, Some(inside)) => !inside.is_empty() && inside.chars().all(name),
            ("", None) => false,
            (text, None) => text.chars().all(literal) && text.chars().any(|c| c != '.'),
        }
    })
}
