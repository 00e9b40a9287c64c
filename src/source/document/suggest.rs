//! The nearest right word to a wrong one.

/// How many right words are looked at.
const LOOKED_AT: usize = 10_000;

/// Words longer than this are no typing errors.
const LONGEST: usize = 64;

/// The candidate that differs from `word` in the fewest letters, if those are few enough for a typing error.
pub(super) fn nearest<C: AsRef<str>>(word: &str, candidates: impl IntoIterator<Item = C>) -> Option<C> {
    if word.len() > LONGEST {
        return None;
    }
    let lower = word.to_lowercase();
    let most = (word.chars().count() / 3).clamp(1, 4);
    let mut best: Option<(usize, C)> = None;
    for candidate in candidates.into_iter().take(LOOKED_AT) {
        let text = candidate.as_ref();
        let limit = best.as_ref().map_or(most, |(distance, _)| distance.saturating_sub(1));
        // A difference in length alone takes as many letters.
        if text.len() > LONGEST || text.len().abs_diff(word.len()) > limit * 4 {
            continue;
        }
        let distance = strsim::osa_distance(&lower, &text.to_lowercase());
        if distance <= limit && best.as_ref().is_none_or(|(least, _)| distance < *least) {
            best = Some((distance, candidate));
        }
    }
    best.map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn typing_errors_find_their_word() {
        let words = ["products.view", "products.edit", "orders.view", "GET"];
        for (wrong, right) in [
            ("prodcts.view", Some("products.view")),
            ("ordrs.view", Some("orders.view")),
            ("Products.Edit", Some("products.edit")),
            ("GTE", Some("GET")),
            ("get", Some("GET")),
            ("customers.view", None),
            ("PUT", None),
            ("", None),
        ] {
            assert_eq!(nearest(wrong, words), right, "{wrong}");
        }
    }
}
