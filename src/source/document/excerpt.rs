//! The line of a document that a fault shows, with carets under the part that is meant.
//!
//! A line is shown as a terminal may safely have it: cut to a bearable width around the place, tabs as spaces, control
//! characters and secrets replaced.

use std::fmt;
use std::ops::Range;

use super::lines::{Lines, Span};
use super::mask::ELLIPSIS;

/// The widest line that is shown whole.
const WIDTH: usize = 100;
/// How much of a longer line is shown before the place.
const LEAD: usize = 40;
/// How many bytes around a span are looked at. Enough for any hash to be seen whole, and hidden.
const REACH: usize = 400;

/// A shown line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Excerpt {
    number: usize,
    text: String,
    /// Where the carets begin, and how many there are.
    carets: Range<usize>,
}

/// One shown character, and whether a caret stands under it.
type Cell = (char, bool);

impl Excerpt {
    /// The line on which `span` begins. `hidden` are the parts of the whole text that must not be shown.
    pub(super) fn of(lines: &Lines<'_>, span: Span, hidden: impl Fn(Span) -> Vec<Range<usize>>) -> Self {
        let number = lines.number(span.start);
        let line = lines.line(number);
        let start = lines.text().floor_char_boundary(span.start.saturating_sub(REACH).max(line.start));
        let end = lines.text().ceil_char_boundary(span.start.saturating_add(REACH)).min(line.end).max(start);
        let window = Span { start, end };
        let marked = span.start..span.end.max(span.start + 1);
        let cells = cells(lines.slice(window), start, &hidden(window), &marked);
        let (text, carets) = clip(&cells, start > line.start, end < line.end);
        Self { number: number + 1, text, carets }
    }
}

fn cells(text: &str, start: usize, hidden: &[Range<usize>], marked: &Range<usize>) -> Vec<Cell> {
    let mut cells: Vec<Cell> = Vec::with_capacity(text.len());
    let mut hiding: Option<usize> = None;
    for (place, c) in text.char_indices().map(|(place, c)| (start + place, c)) {
        let meant = marked.contains(&place);
        let secret = hidden.iter().position(|range| range.contains(&place));
        match (secret, cells.last_mut()) {
            (Some(_), Some(last)) if secret == hiding => last.1 |= meant,
            (Some(_), _) => cells.push((ELLIPSIS, meant)),
            (None, _) if c == '\t' => cells.extend([(' ', meant); 4]),
            (None, _) => cells.push((visible(c), meant)),
        }
        hiding = secret;
    }
    if !cells.iter().any(|(_, meant)| *meant) {
        cells.push((' ', true));
    }
    cells
}

/// Terminals obey control characters, and characters that turn the direction of text make it read as what it is not.
fn visible(c: char) -> char {
    let turns = matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}');
    if c.is_control() || turns { char::REPLACEMENT_CHARACTER } else { c }
}

/// Cuts to [`WIDTH`], keeping the first caret in sight, and says where something was cut off.
fn clip(cells: &[Cell], cut_before: bool, cut_after: bool) -> (String, Range<usize>) {
    let first = cells.iter().position(|(_, meant)| *meant).unwrap_or(0);
    let from = if cells.len() > WIDTH { first.saturating_sub(LEAD) } else { 0 };
    let kept: Vec<&Cell> = cells.iter().skip(from).take(WIDTH).collect();
    let (before, after) = (cut_before || from > 0, cut_after || from + kept.len() < cells.len());
    let mut text = String::new();
    if before {
        text.push(ELLIPSIS);
    }
    text.extend(kept.iter().map(|(c, _)| c));
    let text = if after { text + "…" } else { text.trim_end().to_owned() };
    let carets = kept.iter().skip_while(|(_, meant)| !meant).take_while(|(_, meant)| *meant).count();
    let indent = first - from + usize::from(before);
    (text, indent..indent + carets.max(1))
}

impl fmt::Display for Excerpt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (number, gutter) = (self.number, self.gutter());
        writeln!(f, "{:gutter$} |\n{number} | {}", "", self.text)?;
        write!(
            f,
            "{:gutter$} | {:indent$}{:^<width$}",
            "",
            "",
            "",
            indent = self.carets.start,
            width = self.carets.len()
        )
    }
}

impl Excerpt {
    /// How wide the line number is.
    pub(super) fn gutter(&self) -> usize {
        self.number.to_string().len()
    }
}

#[cfg(test)]
mod tests {
    use super::super::lines::{Lines, Span};
    use super::Excerpt;

    fn show(text: &str, start: usize, end: usize, hidden: &std::ops::Range<usize>) -> String {
        Excerpt::of(&Lines::new(text), Span { start, end }, |_| vec![hidden.clone()]).to_string()
    }

    #[test]
    fn carets_stand_under_the_span() {
        for (text, start, end, shown) in [
            ("a = 1", 4, 5, "  |\n1 | a = 1\n  |     ^"),
            ("x\n\ta = 1\r\n", 3, 4, "  |\n2 |     a = 1\n  |     ^"),
            ("é = 12", 5, 7, "  |\n1 | é = 12\n  |     ^^"),
            ("a = [\n1\n]", 4, 9, "  |\n1 | a = [\n  |     ^"),
            ("a = ", 4, 4, "  |\n1 | a =\n  |     ^"),
            ("", 0, 0, "  |\n1 | \n  | ^"),
            ("a\u{1b}[31m\u{202e}b", 0, 1, "  |\n1 | a\u{fffd}[31m\u{fffd}b\n  | ^"),
        ] {
            assert_eq!(show(text, start, end, &(0..0)), shown, "{text:?}");
        }
    }

    #[test]
    fn hidden_parts_are_one_character_wide() {
        assert_eq!(show("t = \"secret\", b", 4, 12, &(5..11)), "  |\n1 | t = \"…\", b\n  |     ^^^");
        assert_eq!(show("t = \"secret\", b", 14, 15, &(5..11)), "  |\n1 | t = \"…\", b\n  |          ^");
    }

    #[test]
    fn long_lines_are_cut_around_the_place() {
        let text = format!("{}HERE{}", "é".repeat(5000), "z".repeat(5000));
        let shown = show(&text, 10_000, 10_004, &(0..0));
        let [_, line, carets] = shown.split('\n').collect::<Vec<_>>()[..] else { panic!("{shown}") };
        assert!(line.chars().count() < 110, "{line}");
        let place = line.chars().position(|c| c == 'H').unwrap();
        assert_eq!(carets.chars().position(|c| c == '^'), Some(place));
        assert!(carets.ends_with("^^^^") && line.ends_with('…') && line.starts_with("1 | …é"), "{shown}");
    }
}
