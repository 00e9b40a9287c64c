//! What is different about one user.
//!
//! Nearly all users are as they were, and there may be a million of them: what is the same is not written out first.

use std::collections::BTreeSet;
use std::time::SystemTime;

use super::{grants, plain, quoted, shortened, signed, turned};
use crate::policy::{PasswordHash, Policy, Token, User};

/// What is different, in one line, if anything is. A user who is new had nothing before.
pub(super) fn changes(old: Option<(&User, &Policy)>, (new, after): (&User, &Policy)) -> Option<String> {
    let before = old.map(|(user, _)| user);
    let granted = before.map(|user| &*user.grants).unwrap_or_default();
    let mut parts = if *granted == *new.grants { Vec::new() } else { signed(&grants(granted), &grants(&new.grants)) };
    let roles_before = old.map(|(user, policy)| roles(user, policy)).unwrap_or_default();
    parts.extend(signed(&roles_before, &roles(new, after)));
    if before.is_some_and(|user| user.api_access) != new.api_access {
        parts.push(format!("api access {}", if new.api_access { "on" } else { "off" }));
    }
    tokens(before.map(|user| &*user.tokens).unwrap_or_default(), &new.tokens, &mut parts);
    parts.extend(password("password", before.and_then(|user| user.password.as_ref()), new.password.as_ref()));
    parts.extend(password("panel password", before.and_then(|user| user.panel.as_ref()), new.panel.as_ref()));
    parts.extend(addresses(before, new));
    parts.extend(turned("rate limit", &before.and_then(|user| user.rate_limit), &new.rate_limit, ToString::to_string));
    let title = before.and_then(|user| user.title.as_deref());
    parts.extend(turned("title", &title, &new.title.as_deref(), |title| quoted(title)));
    shortened(parts)
}

fn roles(user: &User, policy: &Policy) -> BTreeSet<String> {
    let names = user.roles.iter().filter_map(|id| policy.role(*id));
    names.map(|role| format!("role {}", plain(&role.name))).collect()
}

fn addresses(before: Option<&User>, new: &User) -> Option<String> {
    let old = before.map(|user| &*user.networks).unwrap_or_default();
    if *old == *new.networks {
        return None;
    }
    let [old, new] = [old, &new.networks].map(|all| all.iter().map(ToString::to_string).collect());
    let signed = signed(&old, &new);
    (!signed.is_empty()).then(|| format!("addresses {}", signed.join(" ")))
}

fn password(what: &str, old: Option<&PasswordHash>, new: Option<&PasswordHash>) -> Option<String> {
    let deed = match (old, new) {
        (None, Some(_)) => "set",
        (Some(_), None) => "removed",
        (Some(old), Some(new)) if old != new => "changed",
        (Some(_), Some(_)) | (None, None) => return None,
    };
    Some(format!("{what} {deed}"))
}

/// Tokens are told by their labels: a hash in a log would help to look one up.
fn tokens(old: &[Token], new: &[Token], parts: &mut Vec<String>) {
    let gone = old.iter().filter(|token| same(new, token).is_none());
    parts.extend(gone.map(|token| format!("-{}", called(token))));
    for token in new {
        let Some(before) = same(old, token) else {
            parts.push(format!("+{}", called(token)));
            continue;
        };
        let details = [
            turned("label", &before.label, &token.label, |label| quoted(label)),
            turned("created", &before.created, &token.created, moment),
            turned("expires", &before.expires, &token.expires, moment),
        ];
        parts.extend(details.into_iter().flatten().map(|detail| format!("{} {detail}", called(before))));
    }
}

/// The token of the same hash.
fn same<'t>(all: &'t [Token], wanted: &Token) -> Option<&'t Token> {
    all.iter().find(|token| token.hash == wanted.hash)
}

fn called(token: &Token) -> String {
    token.label.as_ref().map_or_else(|| "token".to_owned(), |label| format!("token ({})", plain(label)))
}

fn moment(moment: &SystemTime) -> String {
    jiff::Timestamp::try_from(*moment).map_or_else(|_| "long ago".to_owned(), |moment| moment.to_string())
}
