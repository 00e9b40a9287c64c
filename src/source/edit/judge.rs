//! Whether a change came to what it was meant to, and who is left to make others.

use super::Change;
use crate::policy::{Network, Permission, User};
use crate::source::document::Law;

/// What the control panel requires of whoever changes users in it, and of whoever finds them there, too.
const EDITING: [&[&str]; 2] = [&["panel.users.edit"], &["panel.users.edit", "panel.users.view"]];

/// Whoever could sign in to the control panel and change users there, if nobody can any more.
pub(super) fn last_editor<'l>(before: &'l Law, after: &Law) -> Option<&'l str> {
    EDITING.iter().find_map(|needs| an_editor(before, needs).filter(|_| an_editor(after, needs).is_none()))
}

/// Somebody who can sign in to the control panel and holds all this: the first by name.
fn an_editor<'l>(law: &'l Law, needs: &[&str]) -> Option<&'l str> {
    let holds = |user: &&User| {
        let held = |name: &&str| Permission::parse(name).is_ok_and(|one| !law.policy.sources(user, &one).is_empty());
        user.panel.is_some() && needs.iter().all(held)
    };
    law.users.iter().filter(holds).map(|user| &*user.name).min()
}

/// Whether a document says what it was changed to say.
pub(super) fn is_so(law: &Law, user: &str, change: &Change) -> bool {
    let Some(user) = law.users.get(user) else { return matches!(change, Change::Remove) };
    let granted = |text: &str| user.grants.iter().any(|grant| grant.to_string() == text);
    let mut roles = user.roles.iter().filter_map(|id| law.policy.role(*id));
    let mut given = |name: &str| roles.any(|role| *role.name == *name);
    match change {
        Change::Remove => false,
        Change::Add { title } | Change::Title(title) => user.title.as_deref() == title.as_deref(),
        Change::Access(allowed) => user.api_access == *allowed,
        Change::Grant(permission) => granted(permission),
        Change::Revoke(permission) => !granted(permission),
        Change::GiveRole(role) => given(role),
        Change::TakeRole(role) => !given(role),
        Change::Addresses(addresses) => {
            let wanted: Vec<_> = addresses.iter().filter_map(|text| Network::parse(text).ok()).collect();
            wanted.len() == addresses.len()
                && wanted.iter().all(|network| user.networks.contains(network))
                && user.networks.iter().all(|network| wanted.contains(network))
        }
        Change::Panel(hash) => user.panel == *hash,
        Change::ImportPassword(hash) => user.password.as_ref() == Some(hash),
        Change::NewToken { hash, .. } => user.tokens.iter().any(|token| token.hash == *hash),
    }
}
