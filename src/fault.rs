//! Faults in a file that people write: what is wrong, on which line and column, and what would be right.
//!
//! Made by the readers of such files and shown by `cli`, as text in the manner of a compiler or as JSON. What a file
//! means is not known here.

use std::error::Error;
use std::fmt;
use std::ops::Range;

use serde::Serialize;

/// The longest line that is shown whole, in characters; of longer ones the part around the fault.
const LONGEST_SHOWN: usize = 240;
/// How much of a longer line is shown in front of the fault.
const IN_FRONT: usize = 60;

/// The text of a file, with the places where its lines begin.
#[derive(Clone, Debug)]
pub struct Source<'t> {
    name: &'t str,
    text: &'t str,
    lines: Vec<usize>,
}

impl<'t> Source<'t> {
    /// Takes the text of a file. `name` is what the faults call it.
    #[must_use]
    pub fn new(name: &'t str, text: &'t str) -> Self {
        let lines = std::iter::once(0).chain(text.match_indices('\n').map(|(end, _)| end + 1)).collect();
        Self { name, text, lines }
    }

    /// The text.
    #[must_use]
    pub fn text(&self) -> &'t str {
        self.text
    }

    /// The number of the line on which a byte stands, from 1.
    #[must_use]
    pub fn line(&self, byte: usize) -> usize {
        self.lines.partition_point(|start| *start <= byte).max(1)
    }

    /// A fault in these bytes.
    #[must_use]
    pub fn fault(&self, span: Range<usize>, message: impl Into<String>) -> Fault {
        let line = self.line(span.start);
        let start = self.lines.get(line - 1).copied().unwrap_or(0);
        let shown = self.text.get(start..).and_then(|rest| rest.lines().next()).unwrap_or("");
        let before = characters(shown, span.start.saturating_sub(start));
        let marked = characters(shown, span.end.saturating_sub(start)).saturating_sub(before);
        let (shown, indent) = excerpt(shown, before);
        let marked = marked.min(LONGEST_SHOWN);
        Fault {
            file: self.name.to_owned(),
            line,
            column: before + 1,
            message: message.into(),
            help: None,
            shown: printable(&shown),
            indent,
            marked,
        }
    }
}

/// One fault, at one place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Fault {
    /// The file, as its reader was told to call it.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
    /// What is wrong.
    pub message: String,
    /// What would be right.
    pub help: Option<String>,
    #[serde(skip)]
    shown: String,
    /// How many characters of what is shown stand in front of the fault.
    #[serde(skip)]
    indent: usize,
    #[serde(skip)]
    marked: usize,
}

impl Fault {
    /// Adds what would be right.
    #[must_use]
    pub fn help(self, help: impl Into<String>) -> Self {
        Self { help: Some(help.into()), ..self }
    }

    /// Shows the line no further than the fault: what stands behind it may be a secret.
    #[must_use]
    pub fn concealed(mut self) -> Self {
        let known = self.indent + self.marked;
        self.shown = self.shown.chars().take(known).chain(['…']).collect();
        self
    }
}

/// In the manner of a compiler: the place and the message, the line with the fault underlined, and the help.
impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let number = self.line.to_string();
        let margin = " ".repeat(number.len());
        // A tab stays one, so that the mark stands below the fault however wide a tab is.
        let indent: String = self.shown.chars().take(self.indent).map(|c| if c == '\t' { '\t' } else { ' ' }).collect();
        writeln!(f, "{}:{}:{}: {}", self.file, self.line, self.column, self.message)?;
        writeln!(f, "{margin} |")?;
        writeln!(f, "{number} | {}", self.shown)?;
        write!(f, "{margin} | {indent}{}", "^".repeat(self.marked.max(1)))?;
        match &self.help {
            Some(help) => write!(f, "\n{margin} = help: {help}"),
            None => Ok(()),
        }
    }
}

/// Every fault of a file, in the order of their places.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Faults(Vec<Fault>);

impl Faults {
    /// Gathers faults.
    #[must_use]
    pub fn new(mut faults: Vec<Fault>) -> Self {
        faults.sort_by_key(|fault| (fault.line, fault.column));
        Self(faults)
    }

    /// The faults.
    #[must_use]
    pub fn as_slice(&self) -> &[Fault] {
        &self.0
    }
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, fault) in self.0.iter().enumerate() {
            let gap = if place == 0 { "" } else { "\n\n" };
            write!(f, "{gap}{fault}")?;
        }
        Ok(())
    }
}

impl Error for Faults {}

/// The candidate that was most likely meant by a word: a few letters away from it, or begun with it.
#[must_use]
pub fn nearest<'c>(word: &str, candidates: impl IntoIterator<Item = &'c str>) -> Option<&'c str> {
    let away = |candidate: &str| {
        let begun = word.len() >= 3 && candidate.starts_with(word);
        let letters = strsim::damerau_levenshtein(word, candidate);
        let near = letters <= (word.chars().count() / 3).max(1);
        (near || begun).then_some((!near, letters))
    };
    let near = candidates.into_iter().filter_map(|candidate| Some((away(candidate)?, candidate)));
    near.min_by_key(|(distance, _)| *distance).map(|(_, candidate)| candidate)
}

/// How many characters of a line begin before a byte of it.
fn characters(line: &str, byte: usize) -> usize {
    line.char_indices().take_while(|(start, _)| *start < byte).count()
}

/// What is shown of a line, and how many characters of that stand in front of the fault.
fn excerpt(line: &str, before: usize) -> (String, usize) {
    if line.chars().nth(LONGEST_SHOWN).is_none() {
        return (line.to_owned(), before);
    }
    let cut = before.saturating_sub(IN_FRONT);
    let part: String = line.chars().skip(cut).take(LONGEST_SHOWN).collect();
    if cut == 0 { (format!("{part}…"), before) } else { (format!("…{part}…"), before - cut + 1) }
}

/// The line without what a terminal would obey.
fn printable(line: &str) -> String {
    line.chars().map(|c| if c.is_control() && c != '\t' { '\u{fffd}' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::{Faults, Source, nearest};

    #[test]
    fn a_fault_shows_its_line() {
        let text = "a = 1\n\tb = \"é\", cc\r\nd = 4";
        let source = Source::new("x.toml", text);
        let start = text.find("cc").unwrap();
        let fault = source.fault(start..start + 2, "no").help("yes");
        assert_eq!(fault.to_string(), "x.toml:2:11: no\n  |\n2 | \tb = \"é\", cc\n  | \t         ^^\n  = help: yes");
        assert_eq!(
            serde_json::to_string(&fault).unwrap(),
            r#"{"file":"x.toml","line":2,"column":11,"message":"no","help":"yes"}"#
        );
    }

    #[test]
    fn every_place_has_a_line() {
        for text in ["", "\n", "a", "a\n", "é\r\nb"] {
            let source = Source::new("x", text);
            for start in 0..=text.len() + 1 {
                let fault = source.fault(start..text.len(), "m");
                assert!(fault.line >= 1 && fault.line <= text.matches('\n').count() + 1, "{text:?} {start}");
                assert!(fault.column >= 1 && !fault.to_string().is_empty());
            }
        }
    }

    #[test]
    fn a_mark_ends_with_its_line() {
        let source = Source::new("x", "a = [\n1,\n]");
        assert!(source.fault(4..10, "m").to_string().ends_with("|     ^"));
    }

    #[test]
    fn of_a_long_line_a_part_is_shown() {
        let text = format!("{}é!{}", "a".repeat(5000), "b".repeat(5000));
        let shown = Source::new("x", &text).fault(5002..5003, "m").to_string();
        let expected = format!("1 | …{}é!{}…\n  | {}^", "a".repeat(59), "b".repeat(179), " ".repeat(61));
        assert_eq!(shown, format!("x:1:5002: m\n  |\n{expected}"));
    }

    #[test]
    fn secrets_and_control_characters_are_not_shown() {
        let source = Source::new("x", "key = \"\u{1b}[2Jhidden\"");
        assert!(!source.fault(0..3, "m").to_string().contains('\u{1b}'));
        let value = source.fault(6..6, "m").concealed().to_string();
        assert_eq!(value, "x:1:7: m\n  |\n1 | key = …\n  |       ^");
        let key = source.fault(0..3, "m").concealed().to_string();
        assert_eq!(key, "x:1:1: m\n  |\n1 | key…\n  | ^^^");
    }

    #[test]
    fn faults_are_told_from_top_to_bottom() {
        let source = Source::new("x", "ab\nc");
        let faults = Faults::new(vec![source.fault(3..4, "3"), source.fault(1..2, "2"), source.fault(0..1, "1")]);
        let order: Vec<_> = faults.as_slice().iter().map(|fault| fault.message.as_str()).collect();
        assert_eq!(order, ["1", "2", "3"]);
    }

    #[test]
    fn the_nearest_word_is_found() {
        let words = ["certificate", "certificates", "client_ca", "key", "minimum"];
        for (word, meant) in [
            ("certficate", Some("certificate")),
            ("cert", Some("certificate")),
            ("certifcates", Some("certificates")),
            ("client-ca", Some("client_ca")),
            ("kye", Some("key")),
            ("ke", Some("key")),
            ("x", None),
            ("", None),
            ("ciphers", None),
        ] {
            assert_eq!(nearest(word, words), meant, "{word}");
        }
    }
}
