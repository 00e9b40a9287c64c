//! Grants and roles: what is given must be something that is required somewhere.

use std::collections::{HashMap, HashSet};

use super::super::fields::Text;
use super::super::report::{Report, meant, quote};
use super::super::shape::{Role, Section};
use super::super::suggest::nearest;
use crate::policy::{Grant, Permission, PolicyBuilder, RoleId};

/// Reads grants. A hundred thousand users are granted the same few things, so each is judged once.
pub(super) struct Reader<'n> {
    required: HashSet<Permission>,
    known: HashMap<&'n str, Grant>,
    /// Whether all that is required is known.
    whole: bool,
}

impl<'n> Reader<'n> {
    pub(super) fn new(builder: &PolicyBuilder, whole: bool) -> Self {
        Self { required: builder.permissions().iter().cloned().collect(), known: HashMap::new(), whole }
    }

    pub(super) fn all(&mut self, texts: &[Text<'n>], report: &mut Report<'_>) -> Vec<Grant> {
        texts.iter().filter_map(|text| self.one(*text, report)).collect()
    }

    fn one(&mut self, text: Text<'n>, report: &mut Report<'_>) -> Option<Grant> {
        if let Some(grant) = self.known.get(text.value) {
            return Some(grant.clone());
        }
        let grant = match Grant::parse(text.value) {
            Ok(grant) => grant,
            Err(error) => {
                report.helped(text.span, format!("permission {}: {error}", quote(text.value)), || {
                    nearest(text.value, self.words()).map(meant)
                });
                return None;
            }
        };
        if self.is_of_use(&grant) {
            self.known.insert(text.value, grant.clone());
            return Some(grant);
        }
        if self.whole {
            let message = match &grant {
                Grant::Area(_) => format!("nothing requires a permission that {} covers", quote(text.value)),
                _ => format!("nothing requires the permission {}", quote(text.value)),
            };
            report.absent(text.span, message, || match &grant {
                Grant::Area(_) => nearest(text.value, self.areas()).map(meant),
                _ => nearest(text.value, self.words()).map(meant),
            });
        }
        None
    }

    fn is_of_use(&self, grant: &Grant) -> bool {
        match grant {
            Grant::All => true,
            Grant::One(permission) => self.required.contains(permission),
            Grant::Area(_) => self.required.iter().any(|permission| grant.covers(permission)),
        }
    }

    /// What is required, in an order that does not change from run to run.
    fn words(&self) -> Vec<&str> {
        let mut words: Vec<_> = self.required.iter().map(Permission::as_str).collect();
        words.sort_unstable();
        words
    }

    fn areas(&self) -> Vec<String> {
        let words = self.words();
        let mut areas: Vec<_> = words.iter().filter_map(|word| word.rsplit_once('.')).collect();
        areas.dedup_by_key(|(area, _)| *area);
        areas.into_iter().map(|(area, _)| format!("{area}.*")).collect()
    }
}

/// The roles by name, for looking up what users hold.
pub(super) struct Roles<'n> {
    pub(super) ids: HashMap<&'n str, RoleId>,
    /// Whether all roles are known.
    pub(super) whole: bool,
}

/// Adds all roles to the policy.
pub(super) fn roles<'n>(
    raw: &Section<Role<'n>>,
    grants: &mut Reader<'n>,
    builder: &mut PolicyBuilder,
    report: &mut Report<'_>,
) -> Roles<'n> {
    let mut ids = HashMap::with_capacity(raw.items.len());
    for role in &raw.items {
        super::name(role.name, "a role's name", report);
        let id = builder.role(role.name.value, grants.all(&role.grants, report));
        ids.insert(role.name.value, id);
    }
    Roles { ids, whole: raw.whole }
}
