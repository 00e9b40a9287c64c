//! Lenient readers of paths: those of `tests/it/readers`, of which this uses the very models.

#[path = "../../tests/it/readers/models.rs"]
mod models;

use models::{READERS, STEPS, compatible, judged, segments, walk};

/// Panics where a reader takes an accepted path for another one; `asked` is as the client wrote it, `sent` as the
/// upstream sees it.
pub fn agree(asked: &str, sent: &str) {
    let ours = judged(sent);
    let renamed: Vec<_> = ours.iter().map(|name| compatible(name)).collect();
    for (who, steps) in READERS {
        for path in [asked, sent] {
            let theirs = segments(&walk(path, steps));
            assert!(theirs == ours || theirs == renamed, "{asked} is {sent} here, and something else for {who}");
        }
    }
}

/// Panics where steps of servers, in an order that `chosen` gives, make something else of an accepted path.
pub fn unchanged(asked: &str, sent: &str, chosen: &[u8]) {
    let steps: Vec<_> = chosen.iter().map(|byte| &STEPS[usize::from(*byte) % STEPS.len()]).collect();
    for path in [asked, sent] {
        let theirs = segments(&walk(path, steps.iter().map(|(_, step)| step)));
        let names: Vec<_> = steps.iter().map(|(name, _)| name).collect();
        assert_eq!(theirs, judged(sent), "{asked} is {sent} here, and something else after {names:?}");
    }
}

/// What each reader makes of a path.
pub fn readings(path: &str) -> impl Iterator<Item = (&'static str, String)> {
    READERS.into_iter().map(move |(who, steps)| (who, String::from_utf8_lossy(&walk(path, steps)).into_owned()))
}
