//! What the form for a user shows.

use std::collections::BTreeSet;
use std::time::SystemTime;

use askama::Template;
use axum::http::{Method, StatusCode};
use axum::response::Response;

use super::Panel;
use super::guard::Visit;
use super::matrix::Matrix;
use super::page::{Frame, may, render};
use super::rights;
use super::sheet::Sheet;
use super::told::{self, Standing};
use crate::policy::{Policy, RoleId, Token, User};

/// What is in the form, whether or not it has been saved.
#[derive(Default)]
pub(super) struct Filled {
    /// Empty for a user that there is not yet.
    pub(super) name: String,
    /// What the document said when the page was made; `None` for a new user.
    pub(super) base: Option<Sheet>,
    pub(super) sheet: Sheet,
    /// A token that counts once it is saved.
    pub(super) token: Option<String>,
    pub(super) keep_old: bool,
    pub(super) problem: Option<Problem>,
}

/// Why it has not been saved.
#[derive(Default)]
pub(super) struct Problem {
    pub(super) text: String,
    /// What others changed.
    pub(super) changes: Vec<String>,
    /// What a tool says, line by line.
    pub(super) detail: String,
}

#[derive(Template)]
#[template(path = "edit.html")]
struct Page {
    frame: Frame,
    is_new: bool,
    filled: Filled,
    base: String,
    addresses: String,
    tokens: Vec<TokenRow>,
    /// Whether there is one that the new one would put out.
    has_token: bool,
    has_password: bool,
    roles: Vec<RoleRow>,
    matrix: Matrix,
    may_edit: bool,
    may_remove: bool,
    may_token: bool,
}

struct TokenRow {
    label: String,
    created: Option<String>,
    ends: Option<String>,
    standing: &'static str,
    last_used: Option<String>,
}

struct RoleRow {
    name: String,
    gives: String,
    ticked: bool,
    /// It gives more than the editor has.
    locked: bool,
}

impl Panel {
    /// The form for a user.
    pub(super) fn form(&self, status: StatusCode, visit: &Visit, filled: Filled) -> Response {
        let (policy, users) = (&visit.snapshot.policy, &visit.snapshot.users);
        let is_new = filled.base.is_none();
        let user = users.get(&filled.name).filter(|_| !is_new);
        let may = |method, path| visit.user().is_some_and(|editor| may(&visit.snapshot, editor, &method, path));
        let may_edit = may(Method::POST, "/users/edit");
        let title = if is_new { "Add a user".to_owned() } else { filled.name.clone() };
        let now = SystemTime::now();
        let tokens: Vec<_> =
            user.into_iter().flat_map(|user| &user.tokens).map(|token| self.token(token, now)).collect();
        let may_token = match (visit.user(), user) {
            (Some(editor), Some(user)) => rights::may_give_token(policy, editor, user),
            (editor, _) => editor.is_some(),
        };
        let page = Page {
            frame: Frame::new(self, visit, &title, "/users"),
            is_new,
            base: filled.base.as_ref().and_then(|base| serde_json::to_string(base).ok()).unwrap_or_default(),
            addresses: filled.sheet.addresses.iter().cloned().collect::<Vec<_>>().join("\n"),
            has_token: tokens.iter().any(|token| token.standing != "ended"),
            tokens,
            has_password: user.is_some_and(|user| user.password.is_some()),
            roles: roles(policy, visit.user(), &filled.sheet.roles),
            matrix: Matrix::new(policy, visit.user(), &filled.sheet),
            filled,
            may_edit,
            may_remove: may(Method::POST, "/users/remove") && !is_new,
            may_token,
        };
        render(status, &page)
    }

    fn token(&self, token: &Token, now: SystemTime) -> TokenRow {
        let standing = match told::standing(token, now) {
            Standing::Good => "in force",
            Standing::Ending => "ends soon",
            Standing::Ended => "ended",
        };
        TokenRow {
            label: token.label.as_deref().unwrap_or_default().to_owned(),
            created: token.created.map(|moment| told::moment(moment, now)),
            ends: token.expires.map(|moment| told::moment(moment, now)),
            standing,
            last_used: self.parts.last_use.of(token.hash.mark()).map(|moment| told::moment(moment, now)),
        }
    }
}

fn roles(policy: &Policy, editor: Option<&User>, ticked: &BTreeSet<String>) -> Vec<RoleRow> {
    let row = |(id, role): (RoleId, &crate::policy::Role)| {
        let is_ticked = ticked.contains(&*role.name);
        let may = editor.is_some_and(|editor| rights::may_give_role(policy, editor, id));
        let gives: Vec<_> = role.grants.iter().map(ToString::to_string).collect();
        RoleRow { name: role.name.to_string(), gives: gives.join(", "), ticked: is_ticked, locked: !is_ticked && !may }
    };
    policy.roles_with_ids().map(row).collect()
}
