//! Patterns and routes: what is a pattern, which two tie, and which wins, compared with trying them all.
//!
//! Input: lines. Those before an empty one are patterns, a resource each; those behind it are paths.

#![no_main]

use libfuzzer_sys::fuzz_target;
use portcullis::policy::{Pattern, PolicyBuilder, Resource, Target};
use portcullis_fuzz::routes::{is_pattern, tie, winner};

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let (patterns, paths) = text.split_once("\n\n").unwrap_or((text, ""));
    let mut builder = PolicyBuilder::default();
    let (mut added, mut ties) = (Vec::<String>::new(), 0);
    for text in patterns.lines().take(40) {
        let parsed = Pattern::parse(text);
        assert_eq!(parsed.is_ok(), is_pattern(text), "{text:?}: {parsed:?}");
        let Ok(pattern) = parsed else { continue };
        assert_eq!(pattern.to_string(), text);
        ties += usize::from(added.iter().any(|other| tie(other, text)));
        let patterns = [pattern].into();
        builder.resource(Resource { name: text.into(), patterns, formats: [].into(), rules: [].into() });
        added.push(text.to_owned());
    }
    let policy = match builder.finish() {
        Ok(policy) => policy,
        Err(found) => {
            assert_eq!(found.len(), ties);
            for found in found {
                assert!(tie(&added[found.first.resource], &added[found.second.resource]), "{found:?}");
            }
            return;
        }
    };
    assert_eq!(ties, 0, "{added:?}");
    for path in paths.lines().take(40) {
        // Escapes are the other targets' matter: here the names are as they are written.
        let Some(target) = Target::parse("GET", path).ok().filter(|_| !path.contains(['%', '?'])) else { continue };
        let asked = policy.ask(target);
        let won = asked.resource().map(|resource| &*resource.name);
        assert_eq!(won, winner(&added, path).map(|place| &added[place][..]), "{path} among {added:?}");
    }
});
