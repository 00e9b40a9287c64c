//! The control panel's pages: resources of the same law, judged by the same [`Policy::decide`].
//!
//! They are apart from the document's own, so that no path of the API leads to them and no path of theirs to the API.

use std::collections::HashMap;
use std::sync::Arc;

use http::Method;

use super::decide::Asked;
use super::permission::{Permission, PermissionId, Requirement};
use super::routes::{Leaf, Routes};
use super::{Pattern, Policy, Resource, Rule, Target};

/// What a page needs.
#[derive(Clone, Copy)]
enum Needs {
    Nothing,
    SomeUser,
    The(&'static str),
}

/// A page, and what its methods need.
type Page = (&'static str, &'static [&'static str], &'static [(Method, Needs)]);

const VIEW: Needs = Needs::The("panel.users.view");
const EDIT: Needs = Needs::The("panel.users.edit");
const AUDIT: Needs = Needs::The("panel.audit.view");

const PAGES: &[Page] = &[
    ("Sign in", &["/sign-in"], &[(Method::GET, Needs::Nothing), (Method::POST, Needs::Nothing)]),
    ("Appearance", &["/assets/**"], &[(Method::GET, Needs::Nothing)]),
    ("Start", &["/"], &[(Method::GET, Needs::SomeUser)]),
    ("Own password", &["/account"], &[(Method::GET, Needs::SomeUser), (Method::POST, Needs::SomeUser)]),
    ("Sign out", &["/sign-out"], &[(Method::POST, Needs::SomeUser)]),
    ("Users", &["/users"], &[(Method::GET, VIEW)]),
    ("User", &["/users/edit"], &[(Method::GET, VIEW), (Method::POST, EDIT)]),
    ("New user", &["/users/new"], &[(Method::GET, EDIT), (Method::POST, EDIT)]),
    ("Remove user", &["/users/remove"], &[(Method::GET, EDIT), (Method::POST, EDIT)]),
    ("Permissions", &["/permissions", "/permissions/resource"], &[(Method::GET, VIEW)]),
    ("Try a request", &["/try"], &[(Method::GET, VIEW)]),
    ("Activity", &["/activity"], &[(Method::GET, AUDIT)]),
];

/// The pages, by their paths.
#[derive(Debug, Default)]
pub(super) struct Pages {
    resources: Vec<Arc<Resource>>,
    routes: Routes,
}

impl Pages {
    /// `ids` are the permissions that are known. A page that needs another is nobody's.
    pub(super) fn new(ids: &HashMap<Permission, PermissionId>) -> Self {
        let mut pages = Self::default();
        for (name, patterns, rules) in PAGES {
            let resource = pages.resources.len();
            let patterns: Box<[Pattern]> = patterns.iter().filter_map(|text| Pattern::parse(text).ok()).collect();
            for (pattern, text) in patterns.iter().enumerate() {
                // The table above has each path once, which a test holds.
                let _ = pages.routes.insert(text, Leaf { resource, pattern });
            }
            let rules = rules.iter().filter_map(|(method, needs)| rule(method, *needs, ids)).collect();
            pages.resources.push(Arc::new(Resource { name: (*name).into(), patterns, formats: Box::default(), rules }));
        }
        pages
    }
}

fn rule(method: &Method, needs: Needs, ids: &HashMap<Permission, PermissionId>) -> Option<Rule> {
    let (requirement, label) = match needs {
        Needs::Nothing => (Requirement::Public, "public"),
        Needs::SomeUser => (Requirement::Authenticated, "authenticated"),
        Needs::The(name) => {
            let id = ids.get(&Permission::parse(name).ok()?)?;
            (Requirement::All([*id].into()), name)
        }
    };
    Some(Rule { method: method.clone(), requirement, label: label.into() })
}

impl Policy {
    /// Finds the rule for a page of the control panel.
    #[must_use]
    pub fn ask_panel(&self, target: Target) -> Asked {
        let leaf = self.pages.routes.find(target.matched());
        let resource = leaf.and_then(|leaf| Some((self.pages.resources.get(leaf.resource)?, leaf.pattern)));
        Asked::at(resource, target)
    }
}

#[cfg(test)]
mod tests {
    use http::Method;

    use super::super::{Decision, DenialReason, Grant, Permission, Policy, PolicyBuilder, Target, User, UserEntry};

    fn law(grants: &[&str]) -> (Policy, User) {
        let mut builder = PolicyBuilder::default();
        for name in ["panel.users.view", "panel.users.edit", "panel.audit.view"] {
            builder.require(&Permission::parse(name).unwrap());
        }
        let grants = grants.iter().map(|grant| Grant::parse(grant).unwrap()).collect();
        let user = builder.user(UserEntry { name: "amy".into(), grants, ..UserEntry::default() }).unwrap();
        (builder.finish().unwrap(), user)
    }

    #[test]
    fn each_page_has_its_permission() {
        let (policy, amy) = law(&["panel.users.view"]);
        let missing = |name| Some(DenialReason::Missing([Permission::parse(name).unwrap()].into()));
        for (method, path, reason) in [
            ("GET", "/", None),
            ("GET", "/users?search=x", None),
            ("HEAD", "/users/edit?name=amy", None),
            ("GET", "/permissions/resource", None),
            ("GET", "/try", None),
            ("POST", "/sign-out", None),
            ("POST", "/users/edit", missing("panel.users.edit")),
            ("GET", "/users/new", missing("panel.users.edit")),
            ("POST", "/users/remove", missing("panel.users.edit")),
            ("GET", "/activity", missing("panel.audit.view")),
            ("POST", "/users", Some(DenialReason::Method)),
            ("GET", "/api/v2/orders", Some(DenialReason::NoResource)),
        ] {
            let asked = policy.ask_panel(Target::parse(method, path).unwrap());
            assert_eq!(policy.would_allow(&amy, None, &asked).err(), reason, "{method} {path}");
        }
    }

    #[test]
    fn nobody_sees_more_than_the_way_in() {
        let (policy, _) = law(&[]);
        for (method, path, open) in [
            (Method::GET, "/sign-in", true),
            (Method::GET, "/assets/panel.css", true),
            (Method::GET, "/", false),
            (Method::POST, "/sign-out", false),
            (Method::GET, "/users", false),
        ] {
            let asked = policy.ask_panel(Target::parse(method.as_str(), path).unwrap());
            assert_eq!(matches!(policy.decide(None, asked), Decision::Permit(_)), open, "{method} {path}");
        }
    }

    #[test]
    fn the_api_and_the_panel_do_not_know_each_others_paths() {
        let (policy, amy) = law(&["*"]);
        let asked = policy.ask(Target::parse("GET", "/users").unwrap());
        assert_eq!(policy.would_allow(&amy, None, &asked), Err(DenialReason::NoResource));
    }
}
