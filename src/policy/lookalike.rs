//! Characters outside ASCII that some servers turn into one that a path is built of.
//!
//! Two ways lead there: Unicode's compatibility forms (NFKC), which some frameworks apply to what they decode, and the best
//! fit with which Windows squeezes a name into an 8-bit code page. An upstream that does either after the gateway has
//! judged the path reads another one. A path cannot carry these as data any more than the characters they stand for.

/// Whether a character stands for one of `/ \ ; % ? #`.
pub(super) fn is_delimiter(c: char) -> bool {
    match c {
        // `/`, also within a/c, a/s, c/o and c/u.
        '\u{2044}' | '\u{2100}' | '\u{2101}' | '\u{2105}' | '\u{2106}' | '\u{2215}' | '\u{ff0f}' => true,
        // `\`: the yen and won signs take its place in Japanese and Korean code pages.
        '\u{a5}' | '\u{20a9}' | '\u{2216}' | '\u{fe68}' | '\u{ff3c}' => true,
        // `;`: the Greek question mark is one by canonical equivalence already.
        '\u{37e}' | '\u{fe14}' | '\u{fe54}' | '\u{ff1b}' => true,
        // `%`, of which a second decoding would make an escape.
        '\u{66a}' | '\u{fe6a}' | '\u{ff05}' => true,
        // `?`, alone or doubled.
        '\u{2047}'..='\u{2049}' | '\u{fe16}' | '\u{fe56}' | '\u{ff1f}' => true,
        // `#`.
        '\u{fe5f}' | '\u{ff03}' => true,
        _ => false,
    }
}

/// Whether a character is a dot, or one to three of them to some servers.
pub(super) fn is_dot(c: char) -> bool {
    matches!(c, '.' | '\u{2024}'..='\u{2026}' | '\u{fe19}' | '\u{fe30}' | '\u{fe52}' | '\u{ff0e}')
}

/// Whether a character leaves nothing that is seen: a space, or what servers drop when they compare names.
pub(super) fn is_blank(c: char) -> bool {
    let invisible = matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2064}');
    invisible || c == '\u{feff}' || c.is_whitespace()
}

#[cfg(test)]
mod tests {
    use super::{is_blank, is_delimiter, is_dot};

    #[test]
    fn names_are_made_of_other_characters() {
        for c in "azAZ09-._~!$&'()*+,=:@ éßжЖ中ア한日本語ー€£".chars() {
            assert!(!is_delimiter(c), "{c}");
        }
        for c in "aé-_~!中".chars() {
            assert!(!is_dot(c) && !is_blank(c), "{c}");
        }
    }

    #[test]
    fn the_fullwidth_forms_of_delimiters_are_delimiters() {
        for ascii in "/\\;%?#".chars() {
            let fullwidth = char::from_u32(u32::from(ascii) + 0xfee0).unwrap();
            assert!(is_delimiter(fullwidth), "{ascii}");
        }
        assert!(is_dot('\u{ff0e}') && is_blank('\u{3000}'));
    }
}
