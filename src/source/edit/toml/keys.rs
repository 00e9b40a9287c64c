//! Taking a key out of a user's table, and what was written about it with it.

use std::ops::Range;

use toml_edit::{Document, InlineTable, Item, RawString};

use super::{USERS, after_removed, own_suffix};

/// A text without a key that has lines of its own, and without the comments right above it. What an empty line parts from
/// it is about something else, and stays.
pub(super) fn without_line(text: &str, user: &str, key: &str) -> Option<String> {
    let lines = lines(text, user, key)?;
    Some(format!("{}{}", text.get(..lines.start)?, text.get(lines.end..)?))
}

/// The whole lines that a key, its value and its comments take.
fn lines(text: &str, user: &str, key: &str) -> Option<Range<usize>> {
    let document = Document::parse(text).ok()?;
    let fields = document.get(USERS)?.get(user)?.as_table_like()?;
    let (key, value) = (fields.key(key)?, fields.get(key).and_then(Item::span)?);
    let line = text.get(..key.span()?.start)?.rfind('\n').map_or(0, |end| end + 1);
    // Not simply the lines above: one that looks like a comment may be the end of a text.
    let prefix = key.leaf_decor().prefix().and_then(RawString::span);
    let above = prefix.and_then(|prefix| text.get(prefix.start..line)).unwrap_or_default();
    let comments = above.split_inclusive('\n').rev().take_while(|line| !line.trim().is_empty());
    let start = line - comments.map(str::len).sum::<usize>();
    let end = text.get(value.end..)?.find('\n').map_or(text.len(), |end| value.end + end + 1);
    Some(start..end)
}

/// Takes a key out of a table between braces. What stands between its keys is as in a list.
pub(super) fn remove(fields: &mut InlineTable, key: &str) {
    let next = next_key(fields, key);
    let Some((removed, mut value)) = fields.remove_entry(key) else { return };
    let gone = plain(removed.leaf_decor().prefix());
    if let Some(mut next) = next.as_deref().and_then(|next| fields.key_mut(next)) {
        let prefix = after_removed(&gone, &plain(next.leaf_decor().prefix()));
        next.leaf_decor_mut().set_prefix(prefix);
        return;
    }
    let behind = own_suffix(&mut value);
    let trailing = format!("{behind}{}", plain(Some(fields.trailing())));
    if trailing.contains('\n') {
        fields.set_trailing(after_removed(&gone, &trailing));
    } else if let Some((comment, _)) = gone.split_once('\n').filter(|(comment, _)| comment.contains('#')) {
        fields.set_trailing(format!("{comment}\n"));
    } else if let Some((_, last)) = fields.iter_mut().last() {
        last.decor_mut().set_suffix(behind);
    }
}

fn next_key(fields: &InlineTable, key: &str) -> Option<String> {
    let mut keys = fields.iter().map(|(key, _)| key).skip_while(|one| *one != key);
    keys.nth(1).map(str::to_owned)
}

fn plain(raw: Option<&RawString>) -> String {
    raw.and_then(RawString::as_str).unwrap_or_default().to_owned()
}
