//! Changing JSON and keeping order and indentation.

use jsonc_parser::ParseOptions;
use jsonc_parser::cst::{CstArray, CstInputValue, CstNode, CstObject, CstRootNode};

use super::tree::{StoredToken, Tree, Value};

/// The object of all users.
const USERS: &str = "users";

/// A document in JSON.
pub(super) struct JsonTree(CstRootNode);

impl JsonTree {
    pub(super) fn read(text: &str) -> Option<Self> {
        CstRootNode::parse(text, &ParseOptions::default()).ok().map(Self)
    }

    fn user(&self, user: &str) -> Option<CstObject> {
        self.0.object_value()?.object_value(USERS)?.object_value(user)
    }

    fn list(&self, user: &str, key: &str) -> Option<CstArray> {
        self.user(user)?.array_value(key)
    }
}

impl Tree for JsonTree {
    fn add_user(&mut self, user: &str) {
        let users = self.0.object_value().map(|root| root.object_value_or_set(USERS));
        if let Some(users) = users {
            users.append(user, CstInputValue::Object(Vec::new()));
        }
    }

    fn remove_user(&mut self, user: &str) {
        let users = self.0.object_value().and_then(|root| root.object_value(USERS));
        if let Some(user) = users.and_then(|users| users.get(user)) {
            user.remove();
        }
    }

    fn set(&mut self, user: &str, key: &str, value: &Value) {
        let Some(fields) = self.user(user) else { return };
        let value = match value {
            Value::Flag(flag) => CstInputValue::Bool(*flag),
            Value::Text(text) => CstInputValue::String(text.clone()),
        };
        match fields.get(key) {
            Some(field) => field.set_value(value),
            None => {
                fields.append(key, value);
            }
        }
    }

    fn unset(&mut self, user: &str, key: &str) {
        if let Some(field) = self.user(user).and_then(|fields| fields.get(key)) {
            field.remove();
        }
    }

    fn get(&self, user: &str, key: &str) -> Option<String> {
        text(&self.user(user)?.get(key)?.value()?)
    }

    fn texts(&self, user: &str, key: &str) -> Vec<String> {
        let items = self.list(user, key).map(|list| list.elements()).unwrap_or_default();
        items.iter().map(|item| text(item).unwrap_or_default()).collect()
    }

    fn push(&mut self, user: &str, key: &str, text: &str) {
        if let Some(list) = self.user(user).map(|fields| fields.array_value_or_set(key)) {
            list.append(CstInputValue::String(text.to_owned()));
        }
    }

    fn take(&mut self, user: &str, key: &str, index: usize) {
        if let Some(item) = self.list(user, key).and_then(|list| list.elements().into_iter().nth(index)) {
            item.remove();
        }
    }

    fn tokens(&self, user: &str) -> Vec<StoredToken> {
        self.list(user, "tokens").map(|list| list.elements()).unwrap_or_default().iter().map(stored).collect()
    }

    fn set_tokens(&mut self, user: &str, tokens: &[StoredToken]) {
        let Some(fields) = self.user(user) else { return };
        let object = |token: &StoredToken| {
            let keys = StoredToken::KEYS.iter().filter_map(|key| Some((*key, token.get(key)?)));
            CstInputValue::Object(
                keys.map(|(key, text)| (key.to_owned(), CstInputValue::String(text.to_owned()))).collect(),
            )
        };
        let list = CstInputValue::Array(tokens.iter().map(object).collect());
        match fields.get("tokens") {
            Some(field) => field.set_value(list),
            None => {
                fields.append("tokens", list);
            }
        }
    }

    fn text(&self) -> String {
        self.0.to_string()
    }
}

fn text(node: &CstNode) -> Option<String> {
    node.as_string_lit()?.decoded_value().ok()
}

/// A token, written as an object or as its hash alone.
fn stored(node: &CstNode) -> StoredToken {
    match node.as_object() {
        Some(object) => {
            let of = |key: &str| Some((key.to_owned(), text(&object.get(key)?.value()?)?));
            StoredToken(StoredToken::KEYS.into_iter().filter_map(of).collect())
        }
        None => StoredToken(text(node).map(|hash| ("hash".to_owned(), hash)).into_iter().collect()),
    }
}
