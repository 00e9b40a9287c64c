//! Texts that nobody would write: the reader never panics, and every place it names is in the text.

use proptest::prelude::*;

use super::{EXAMPLE, json, toml};

fn sound(text: &str) {
    for read in [toml(text), json(text)] {
        let Err(faults) = read else { continue };
        assert!(!faults.to_string().is_empty());
        let lines = text.matches('\n').count() + 1;
        for fault in faults.iter() {
            assert!((1..=lines).contains(&fault.place.line) && fault.place.column >= 1, "{fault}");
        }
    }
}

/// A document with some of its pieces removed, doubled, swapped or replaced.
fn mutated(text: &'static str) -> impl Strategy<Value = String> {
    let pieces: Vec<&str> = text.split_inclusive(|c: char| !c.is_alphanumeric()).collect();
    let extra =
        ["[", "]", "{", "}", "\"", "'", "\"\"\"", "=", ".", ",", "\n", "é", "\u{0}", "#", "*", "\\u00e9", "[[x]]\n"];
    let change = (any::<prop::sample::Index>(), any::<prop::sample::Index>(), 0..4u8);
    prop::collection::vec(change, 1..12).prop_map(move |changes| {
        let mut pieces: Vec<&str> = pieces.clone();
        for (at, from, kind) in changes {
            let (here, there) = (at.index(pieces.len()), from.index(pieces.len()));
            match kind {
                0 => drop(pieces.remove(here)),
                1 => pieces.insert(here, pieces[there]),
                2 => pieces.swap(here, there),
                _ => pieces.insert(here, extra[from.index(extra.len())]),
            }
        }
        pieces.concat()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_read_or_refused(text in any::<String>()) {
        sound(&text);
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        sound(&String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn any_grammar_is_read_or_refused(text in r#"[\[\]{}"'=.,:#a-c1\n \\]{0,80}"#) {
        sound(&text);
    }

    #[test]
    fn any_mutation_of_toml_is_read_or_refused(text in mutated(EXAMPLE[0])) {
        sound(&text);
    }

    #[test]
    fn any_mutation_of_json_is_read_or_refused(text in mutated(EXAMPLE[1])) {
        sound(&text);
    }

    /// A secret is shown in no report, wherever in a user's entry it ends up.
    #[test]
    fn no_mutation_shows_a_token(text in mutated(SECRET)) {
        for faults in [toml(&text), json(&text)].into_iter().filter_map(Result::err) {
            let shown = faults.to_string();
            prop_assert!(!shown.contains("Tr0ub4dor"), "{text}\n{shown}");
        }
    }
}

const SECRET: &str = r#"
[users.amy]
rols = []
tokens = [
    "Tr0ub4dor",
    { hash = "Tr0ub4dor", lable = "x" },
]
panel = "Tr0ub4dor"
"#;
