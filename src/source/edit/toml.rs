//! Changing TOML and keeping comments, order and spaces.

mod keys;

use toml_edit::{Array, DocumentMut, InlineTable, Item, Table, TableLike, Value as TomlValue};

use super::tree::{StoredToken, Tree, Value};

/// The table of all users.
const USERS: &str = "users";

/// A document in TOML.
#[derive(Default)]
pub(super) struct TomlTree(DocumentMut);

impl TomlTree {
    pub(super) fn read(text: &str) -> Option<Self> {
        text.parse().ok().map(Self)
    }

    fn users(&mut self) -> Option<&mut dyn TableLike> {
        self.0.get_mut(USERS)?.as_table_like_mut()
    }

    fn user(&mut self, user: &str) -> Option<&mut Item> {
        self.users()?.get_mut(user)
    }

    fn field(&mut self, user: &str, key: &str) -> Option<&mut Item> {
        self.user(user)?.as_table_like_mut()?.get_mut(key)
    }

    /// Puts what stood above a table that is gone above the one that is next now.
    fn hand_on(&mut self, position: isize, above: &str) {
        let Some(next) = first_behind(self.0.as_table(), position) else {
            let trailing = format!("{above}{}", self.0.trailing().as_str().unwrap_or_default());
            self.0.set_trailing(trailing);
            return;
        };
        if let Some(table) = at(self.0.as_table_mut(), next) {
            let decor = table.decor_mut();
            let prefix = decor.prefix().and_then(|prefix| prefix.as_str()).unwrap_or_default();
            let prefix = format!("{above}{prefix}");
            decor.set_prefix(prefix);
        }
    }
}

impl Tree for TomlTree {
    fn add_user(&mut self, user: &str) {
        if self.0.get(USERS).is_none() {
            let mut users = Table::new();
            users.set_implicit(true);
            self.0.insert(USERS, Item::Table(users));
        }
        match self.0.get_mut(USERS) {
            Some(Item::Table(users)) if !users.is_dotted() => {
                let mut table = Table::new();
                table.decor_mut().set_prefix("\n");
                users.insert(user, Item::Table(table));
            }
            Some(users) => insert(users, user, InlineTable::new().into()),
            None => {}
        }
    }

    fn remove_user(&mut self, user: &str) {
        let Some(Item::Table(mut removed)) = self.users().and_then(|users| users.remove(user)) else { return };
        // There may be no table of the user's own, only one of its tokens.
        let Some(position) = first_behind(&removed, isize::MIN) else { return };
        let first = at(&mut removed, position).map(|table| &*table);
        let above = first.and_then(|table| table.decor().prefix()?.as_str()).unwrap_or_default();
        // A comment right above the user is about it; what an empty line parts from it is not.
        if let Some((above, _)) = above.rsplit_once("\n\n") {
            self.hand_on(position, &format!("{above}\n"));
        }
    }

    fn set(&mut self, user: &str, key: &str, value: &Value) {
        let mut new: TomlValue = match value {
            Value::Flag(flag) => (*flag).into(),
            Value::Text(text) => text.as_str().into(),
        };
        if let Some(old) = self.field(user, key) {
            if let Some(decor) = old.as_value().map(|old| old.decor().clone()) {
                *new.decor_mut() = decor;
            }
            *old = Item::Value(new);
        } else if let Some(fields) = self.user(user) {
            insert(fields, key, new);
        }
    }

    fn unset(&mut self, user: &str, key: &str) {
        match self.user(user) {
            Some(Item::Value(TomlValue::InlineTable(fields))) => keys::remove(fields, key),
            Some(_) => {
                if let Some(tree) = keys::without_line(&self.text(), user, key).and_then(|text| Self::read(&text)) {
                    *self = tree;
                }
            }
            None => {}
        }
    }

    fn get(&self, user: &str, key: &str) -> Option<String> {
        Some(self.0.get(USERS)?.get(user)?.get(key)?.as_str()?.to_owned())
    }

    fn texts(&self, user: &str, key: &str) -> Vec<String> {
        let list = self.0.get(USERS).and_then(|users| users.get(user)).and_then(|user| user.get(key));
        let list = list.and_then(Item::as_array).into_iter().flat_map(Array::iter);
        list.map(|value| value.as_str().unwrap_or_default().to_owned()).collect()
    }

    fn push(&mut self, user: &str, key: &str, text: &str) {
        if let Some(list) = self.field(user, key).and_then(Item::as_array_mut) {
            push(list, text);
        } else if let Some(fields) = self.user(user) {
            insert(fields, key, Array::from_iter([text]).into());
        }
    }

    fn take(&mut self, user: &str, key: &str, index: usize) {
        if let Some(list) = self.field(user, key).and_then(Item::as_array_mut) {
            take(list, index);
        }
    }

    fn tokens(&self, user: &str) -> Vec<StoredToken> {
        let tokens = self.0.get(USERS).and_then(|users| users.get(user)).and_then(|user| user.get("tokens"));
        match tokens {
            Some(Item::ArrayOfTables(list)) => list.iter().map(|table| stored(table)).collect(),
            Some(Item::Value(TomlValue::Array(list))) => list.iter().map(stored_value).collect(),
            _ => Vec::new(),
        }
    }

    fn set_tokens(&mut self, user: &str, tokens: &[StoredToken]) {
        let mut list = Array::new();
        for token in tokens {
            let keys = StoredToken::KEYS.iter().filter_map(|key| Some((*key, token.get(key)?)));
            let mut value = TomlValue::from(InlineTable::from_iter(keys));
            if tokens.len() > 1 {
                value.decor_mut().set_prefix("\n    ");
            }
            list.push_formatted(value);
        }
        if tokens.len() > 1 {
            list.set_trailing_comma(true);
            list.set_trailing("\n");
        }
        let mut list = TomlValue::from(list);
        if let Some(old) = self.field(user, "tokens") {
            if let Some(decor) = old.as_value().map(|old| old.decor().clone()) {
                *list.decor_mut() = decor;
            }
            *old = Item::Value(list);
        } else if let Some(fields) = self.user(user) {
            insert(fields, "tokens", list);
        }
    }

    fn text(&self) -> String {
        self.0.to_string()
    }
}

/// Puts something new at the end of a table. In one between braces, the space in front of the last of them stays there.
fn insert(table: &mut Item, key: &str, mut value: TomlValue) {
    match table {
        Item::Value(TomlValue::InlineTable(table)) => {
            if let Some((_, last)) = table.iter_mut().last() {
                value.decor_mut().set_suffix(own_suffix(last));
            }
            table.insert(key, value);
        }
        table => {
            if let Some(table) = table.as_table_like_mut() {
                table.insert(key, Item::Value(value));
            }
        }
    }
}

/// A token that is written as a table.
fn stored(table: &dyn TableLike) -> StoredToken {
    let text = |key: &str| {
        let item = table.get(key)?;
        // A moment may be written without quotes.
        let text = item.as_str().map(str::to_owned).or_else(|| Some(item.as_datetime()?.to_string()))?;
        Some((key.to_owned(), text))
    };
    StoredToken(StoredToken::KEYS.into_iter().filter_map(text).collect())
}

/// A token that is written as a table or as its hash alone.
fn stored_value(value: &TomlValue) -> StoredToken {
    match (value.as_str(), value.as_inline_table()) {
        (_, Some(table)) => stored(table),
        (hash, None) => StoredToken(hash.map(|hash| ("hash".to_owned(), hash.to_owned())).into_iter().collect()),
    }
}

/// What stands in front of a value.
fn prefix(value: &TomlValue) -> String {
    value.decor().prefix().and_then(|raw| raw.as_str()).unwrap_or_default().to_owned()
}

/// What stands behind a value, up to a comma or the end.
fn suffix(value: &TomlValue) -> String {
    value.decor().suffix().and_then(|raw| raw.as_str()).unwrap_or_default().to_owned()
}

/// Adds to a list as its lines are: in a line of its own where the others have one, behind the comment of the last.
fn push(list: &mut Array, text: &str) {
    let mut value = TomlValue::from(text);
    let Some(last) = list.len().checked_sub(1).and_then(|last| list.get_mut(last)) else {
        list.push_formatted(value);
        return;
    };
    let before = prefix(last);
    let Some(line) = before.rfind('\n') else {
        value.decor_mut().set_prefix(" ");
        list.push_formatted(value);
        return;
    };
    // What follows the last value up to the end of its line is about that value. Where no comma follows it, it is the
    // value's own.
    let behind = if list.trailing_comma() { None } else { list.get_mut(list.len() - 1).map(own_suffix) };
    let trailing = format!("{}{}", behind.unwrap_or_default(), list.trailing().as_str().unwrap_or_default());
    let (comment, rest) = trailing.split_at(trailing.find('\n').unwrap_or(trailing.len()));
    value.decor_mut().set_prefix(format!("{comment}{}", &before[line..]));
    list.push_formatted(value);
    list.set_trailing(rest);
}

/// Takes what stands behind a value from it.
fn own_suffix(value: &mut TomlValue) -> String {
    let own = suffix(value);
    value.decor_mut().set_suffix("");
    own
}

/// Takes one out. The text in front of a value begins with the comment on the line of the value before it, which stays,
/// and the comment on its own line stands in front of the one behind it, and goes.
fn take(list: &mut Array, index: usize) {
    if index >= list.len() {
        return;
    }
    let removed = list.remove(index);
    let gone = prefix(&removed);
    if let Some(next) = list.get_mut(index) {
        let prefix = after_removed(&gone, &prefix(next));
        next.decor_mut().set_prefix(prefix);
    } else {
        // Without a last comma, the end of the line was the value's own.
        let trailing = format!("{}{}", suffix(&removed), list.trailing().as_str().unwrap_or_default());
        if trailing.contains('\n') {
            list.set_trailing(after_removed(&gone, &trailing));
        } else if let Some((comment, _)) = gone.split_once('\n').filter(|(comment, _)| comment.contains('#')) {
            list.set_trailing(format!("{comment}\n"));
        }
    }
}

/// What stands in front of what follows something that is gone: the end of the line before, and then its own lines.
fn after_removed(gone: &str, next: &str) -> String {
    match (gone.find('\n'), next.find('\n')) {
        (Some(first), Some(own)) => format!("{}{}", &gone[..first], &next[own..]),
        (None, Some(_)) => next.to_owned(),
        (_, None) => gone.to_owned(),
    }
}

/// The place of the first table behind a place.
fn first_behind(table: &Table, position: isize) -> Option<isize> {
    let mut first = None;
    positions(table, &mut |at| {
        if at > position && first.is_none_or(|first| at < first) {
            first = Some(at);
        }
    });
    first
}

/// The places of all tables in the text.
fn positions(table: &Table, tell: &mut impl FnMut(isize)) {
    if let Some(position) = table.position() {
        tell(position);
    }
    for (_, item) in table {
        match item {
            Item::Table(inner) => positions(inner, tell),
            Item::ArrayOfTables(list) => list.iter().for_each(|inner| positions(inner, tell)),
            Item::None | Item::Value(_) => {}
        }
    }
}

/// The table at a place.
fn at(table: &mut Table, position: isize) -> Option<&mut Table> {
    if table.position() == Some(position) {
        return Some(table);
    }
    table.iter_mut().find_map(|(_, item)| match item {
        Item::Table(inner) => at(inner, position),
        Item::ArrayOfTables(list) => list.iter_mut().find_map(|inner| at(inner, position)),
        Item::None | Item::Value(_) => None,
    })
}
