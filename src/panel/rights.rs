//! What somebody may give to others: what they hold themselves, and no more.

use std::collections::BTreeSet;

use super::sheet::Sheet;
use crate::policy::{Grant, Network, Permission, Policy, RoleId, User};

/// Whether somebody holds all that a grant gives.
pub(super) fn may_grant(policy: &Policy, editor: &User, grant: &Grant) -> bool {
    grants(policy, editor).any(|held| held.includes(grant))
}

/// Whether somebody holds all that a role gives.
pub(super) fn may_give_role(policy: &Policy, editor: &User, role: RoleId) -> bool {
    policy.role(role).is_some_and(|role| role.grants.iter().all(|grant| may_grant(policy, editor, grant)))
}

/// Whether somebody may see a new token of a user: with it they could do whatever that user may.
pub(super) fn may_give_token(policy: &Policy, editor: &User, user: &User) -> bool {
    grants(policy, user).all(|grant| may_grant(policy, editor, grant))
}

/// Whether a user who may come from some networks may come from more than they could.
pub(super) fn opens(before: &[Network], after: &[Network]) -> bool {
    let could = |network: &Network| before.iter().any(|before| before.includes(network));
    !before.is_empty() && (after.is_empty() || !after.iter().all(could))
}

/// Whether somebody may change users.
pub(super) fn may_edit(policy: &Policy, user: &User) -> bool {
    Permission::parse("panel.users.edit").is_ok_and(|edit| !policy.sources(user, &edit).is_empty())
}

/// What somebody would give without holding it, by name.
pub(super) fn excess(policy: &Policy, editor: &User, before: &Sheet, after: &Sheet) -> BTreeSet<String> {
    let grants = after.grants.difference(&before.grants);
    let grants = grants.filter(|text| Grant::parse(text).is_ok_and(|grant| !may_grant(policy, editor, &grant)));
    let roles = after.roles.difference(&before.roles).filter(|name| {
        let role = policy.roles().iter().find(|role| *role.name == ***name);
        role.is_some_and(|role| !role.grants.iter().all(|grant| may_grant(policy, editor, grant)))
    });
    grants.chain(roles).cloned().collect()
}

/// All grants of a user, those of roles among them.
fn grants<'p>(policy: &'p Policy, user: &'p User) -> impl Iterator<Item = &'p Grant> {
    let roles = user.roles.iter().filter_map(|id| policy.role(*id));
    roles.flat_map(|role| &role.grants).chain(&user.grants)
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::super::sheet::Sheet;
    use super::{excess, may_give_token, opens};
    use crate::policy::Network;
    use crate::source::document::{Format, Law, read};

    fn law() -> Law {
        let text = r#"
            [[resources]]
            name = "Orders"
            paths = ["/orders"]
            permissions = { GET = "orders.view", PUT = "orders.edit" }
            [roles]
            warehouse = ["orders.*"]
            viewer = ["orders.view"]
            [users.amy]
            roles = ["warehouse"]
            permissions = ["panel.users.edit"]
            [users.bob]
            permissions = ["orders.view"]
            [users.root]
            permissions = ["*"]
        "#;
        read("t", text, Format::Toml, SystemTime::UNIX_EPOCH).unwrap_or_else(|faults| panic!("{faults}"))
    }

    #[test]
    fn nobody_gives_what_they_do_not_hold() {
        let law = law();
        let sheet = |grants: &[&str], roles: &[&str]| Sheet {
            grants: grants.iter().map(|one| (*one).to_owned()).collect(),
            roles: roles.iter().map(|one| (*one).to_owned()).collect(),
            ..Sheet::default()
        };
        let before = sheet(&["panel.audit.view"], &[]);
        for (editor, grants, roles, told) in [
            ("amy", vec!["orders.view", "orders.*", "panel.users.edit"], vec!["warehouse", "viewer"], vec![]),
            ("amy", vec!["panel.audit.view"], vec![], vec![]),
            ("amy", vec!["*", "panel.*", "panel.users.view"], vec![], vec!["*", "panel.*", "panel.users.view"]),
            ("bob", vec!["orders.view"], vec!["viewer"], vec![]),
            ("bob", vec!["orders.*"], vec!["warehouse"], vec!["orders.*", "warehouse"]),
            ("root", vec!["*"], vec!["warehouse"], vec![]),
        ] {
            let editor = law.users.get(editor).unwrap();
            let found = excess(&law.policy, editor, &before, &sheet(&grants, &roles));
            assert_eq!(found.iter().map(String::as_str).collect::<Vec<_>>(), told);
        }
    }

    #[test]
    fn a_token_is_shown_to_those_who_may_do_as_much() {
        let law = law();
        let user = |name| law.users.get(name).unwrap();
        for (editor, of, may) in
            [("amy", "bob", true), ("bob", "amy", false), ("amy", "root", false), ("root", "amy", true)]
        {
            assert_eq!(may_give_token(&law.policy, user(editor), user(of)), may, "{editor} for {of}");
        }
    }

    #[test]
    fn more_networks_and_wider_ones_are_told_from_fewer() {
        let networks = |texts: &[&str]| texts.iter().map(|text| Network::parse(text).unwrap()).collect::<Vec<_>>();
        for (before, after, opened) in [
            (&["10.0.0.0/8"][..], &["10.0.0.0/8"][..], false),
            (&["10.0.0.0/8"], &["10.1.0.0/16", "10.2.0.1"], false),
            (&["10.0.0.0/8", "192.0.2.0/24"], &["192.0.2.0/24"], false),
            (&[], &["10.0.0.0/8"], false),
            (&[], &[], false),
            (&["10.0.0.0/8"], &[], true),
            (&["10.0.0.0/8"], &["10.0.0.0/8", "192.0.2.1"], true),
            (&["10.1.0.0/16"], &["10.0.0.0/8"], true),
            (&["10.0.0.0/8"], &["0.0.0.0/0"], true),
            (&["0.0.0.0/0"], &["::/0"], true),
        ] {
            assert_eq!(opens(&networks(before), &networks(after)), opened, "{before:?} {after:?}");
        }
    }
}
