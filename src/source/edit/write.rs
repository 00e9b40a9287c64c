//! From a change to what it does to a document's tree.

use std::collections::HashSet;
use std::time::SystemTime;

use super::tree::{StoredToken, Tree, Value};
use super::{Change, Draft, EditError};
use crate::policy::{PasswordHash, Permission, TokenHash};

impl Draft {
    /// Changes the tree. Users and keys that there are not stay as they are.
    pub(super) fn write(&mut self, user: &str, change: &Change) -> Result<(), EditError> {
        let tree = self.tree.as_mut();
        match change {
            Change::Add { title } => {
                tree.add_user(user);
                if let Some(title) = title {
                    tree.set(user, "title", &Value::Text(title.clone()));
                }
                tree.set(user, "api_access", &Value::Flag(false));
            }
            Change::Remove => tree.remove_user(user),
            Change::Access(allowed) => {
                if self.law.users.get(user).is_none_or(|user| user.api_access != *allowed) {
                    tree.set(user, "api_access", &Value::Flag(*allowed));
                }
            }
            Change::Grant(permission) => push(tree, user, "permissions", permission),
            Change::GiveRole(role) => push(tree, user, "roles", role),
            Change::Revoke(permission) => {
                if !take(tree, user, "permissions", permission) {
                    return Err(EditError::NotHeld(self.why_not_revoked(user, permission)));
                }
            }
            Change::NewToken { hash, label, expires, keep_old } => {
                let kept = keep_old.and_then(|until| self.old_token(user, until));
                let new = new_token(hash, [label, expires], self.now);
                let tokens: Vec<_> = kept.into_iter().chain([new]).collect();
                self.tree.set_tokens(user, &tokens);
            }
            Change::Title(title) => self.set(user, "title", title.as_deref()),
            Change::Addresses(addresses) => self.set_list(user, "addresses", addresses),
            Change::Panel(hash) => self.set(user, "panel", hash.as_ref().map(PasswordHash::as_str)),
            Change::ImportPassword(hash) => self.import_password(user, hash.as_str()),
            Change::TakeRole(role) => {
                if !take(tree, user, "roles", role) {
                    return Err(EditError::NotHeld(format!("{user} does not have the role {role}")));
                }
            }
        }
        Ok(())
    }

    fn set(&mut self, user: &str, key: &str, text: Option<&str>) {
        match text {
            // One that is there already may be written in another way.
            Some(text) if self.tree.get(user, key).as_deref() == Some(text) => {}
            Some(text) => self.tree.set(user, key, &Value::Text(text.to_owned())),
            None => self.tree.unset(user, key),
        }
    }

    /// Brings a list to these. What stays keeps its place and its comment.
    fn set_list(&mut self, user: &str, key: &str, wanted: &[String]) {
        if wanted.is_empty() {
            self.tree.unset(user, key);
            return;
        }
        let there = self.tree.texts(user, key);
        // Looked up in sets: a list may be long, and comes from a page.
        let mut known: HashSet<&str> = there.iter().map(String::as_str).collect();
        wanted.iter().filter(|text| known.insert(text)).for_each(|text| self.tree.push(user, key, text));
        let wanted: HashSet<&str> = wanted.iter().map(String::as_str).collect();
        for (index, _) in there.iter().enumerate().rev().filter(|(_, text)| !wanted.contains(text.as_str())) {
            self.tree.take(user, key, index);
        }
    }

    /// A password stands among the tokens, and there is one at most.
    fn import_password(&mut self, user: &str, hash: &str) {
        let mut tokens = self.tree.tokens(user);
        if tokens.iter().any(|token| token.get("hash") == Some(hash)) {
            return;
        }
        if tokens.is_empty() {
            self.tree.push(user, "tokens", hash);
            return;
        }
        tokens.retain(|token| !token.get("hash").is_some_and(|stored| stored.starts_with('$')));
        let mut password = StoredToken::default();
        password.set("hash", hash.to_owned());
        tokens.push(password);
        self.tree.set_tokens(user, &tokens);
    }

    /// The latest of the tokens that count, to end at a moment unless it ends before.
    fn old_token(&self, name: &str, until: SystemTime) -> Option<StoredToken> {
        let user = self.law.users.get(name)?;
        let live = user.tokens.iter().rev().find(|token| !token.expired(self.now))?;
        let hash = live.hash.to_string();
        let mut stored = self
            .tree
            .tokens(name)
            .into_iter()
            .find(|stored| stored.get("hash").is_some_and(|text| text.eq_ignore_ascii_case(&hash)))?;
        if live.expires.is_none_or(|end| until < end) {
            stored.set("expires", written(until));
        }
        Some(stored)
    }

    /// What to do where there is no grant of just this.
    fn why_not_revoked(&self, name: &str, permission: &str) -> String {
        let sources = self.law.users.get(name).zip(Permission::parse(permission).ok());
        let sources = sources.map(|(user, permission)| self.law.policy.sources(user, &permission));
        match sources.as_deref().and_then(<[_]>::first) {
            None => format!("{name} is not granted {permission}"),
            Some(source) => match source.role {
                Some(role) => {
                    format!("{name} has {permission} by the role {}: take that away, or change it", role.name)
                }
                None => format!(
                    "{name} has {permission} by the grant {}: revoke that, and grant what is to stay",
                    source.grant
                ),
            },
        }
    }
}

/// A token that is made now, with what a person calls it and when it ends.
fn new_token(hash: &TokenHash, [label, expires]: [&Option<String>; 2], now: SystemTime) -> StoredToken {
    let mut token = StoredToken::default();
    token.set("hash", hash.to_string());
    token.set("created", written(now));
    for (key, value) in [("label", label), ("expires", expires)] {
        if let Some(value) = value {
            token.set(key, value.clone());
        }
    }
    token
}

/// A moment as RFC 3339 writes it, to the second.
pub(super) fn written(moment: SystemTime) -> String {
    let seconds = moment.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let seconds = i64::try_from(seconds).unwrap_or(i64::MAX);
    jiff::Timestamp::from_second(seconds).unwrap_or(jiff::Timestamp::MAX).to_string()
}

/// What is there already is not put there twice.
fn push(tree: &mut dyn Tree, user: &str, key: &str, text: &str) {
    if !tree.texts(user, key).iter().any(|there| there == text) {
        tree.push(user, key, text);
    }
}

fn take(tree: &mut dyn Tree, user: &str, key: &str, text: &str) -> bool {
    let found = tree.texts(user, key).iter().position(|there| there == text);
    found.inspect(|index| tree.take(user, key, *index)).is_some()
}
