//! Adding and editing a user: the tick box, the token, roles and permissions, and Save.
//!
//! A token that a page shows is a proposal. It counts once Save is pressed, and from then on the one before is out; who
//! leaves the page instead has changed nothing.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

use super::Panel;
use super::form::{Fields, Posted};
use super::guard::Visit;
use super::in_force::{Outcome, PENDING, in_background};
use super::page::Message;
use super::save::{Edit, Editor, Fresh, NotSaved, What};
use super::sheet::Sheet;
use super::view::{Filled, Problem};
use crate::policy::TokenHash;
use crate::source::mint::mint;

/// How long an old token goes on, where that is ticked.
const KEEP_OLD: Duration = Duration::from_hours(24);

/// Which user is meant.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Named {
    pub(super) name: String,
}

/// The form for a user.
pub(super) async fn show(State(panel): State<Arc<Panel>>, visit: Visit, Query(asked): Query<Named>) -> Response {
    let Some(user) = visit.snapshot.users.get(&asked.name) else {
        return Message::no_user(&asked.name, &visit).into_response();
    };
    let sheet = Sheet::of(&visit.snapshot.policy, user);
    let lacks = user.tokens.is_empty() && user.password.is_none();
    let token = if lacks { panel.propose(&visit) } else { None };
    let filled = Filled { name: asked.name, base: Some(sheet.clone()), sheet, token, ..Filled::default() };
    panel.form(StatusCode::OK, &visit, filled)
}

/// The form for a user that there is not yet.
pub(super) async fn show_new(State(panel): State<Arc<Panel>>, visit: Visit) -> Response {
    let token = panel.propose(&visit);
    panel.form(StatusCode::OK, &visit, Filled { token, ..Filled::default() })
}

/// A form that was sent.
struct Sent {
    name: String,
    base: Option<Sheet>,
    mine: Sheet,
    /// The token that was shown, if this session was shown it.
    token: Option<String>,
    /// There is one that it was not shown, or not lately.
    strange: bool,
    keep_old: bool,
    regenerate: bool,
}

impl Sent {
    fn read(panel: &Panel, visit: &Visit, fields: &Fields) -> Self {
        let base: Option<Sheet> = serde_json::from_str(fields.text("base")).ok();
        let tokens = base.as_ref().map(|base| base.tokens.clone()).unwrap_or_default();
        let shown = |token: &&str| {
            let hash = TokenHash::of(token.as_bytes());
            visit.session.as_ref().is_some_and(|session| panel.sessions.has_proposed(session.key, hash))
        };
        let token = Some(fields.text("token")).filter(|token| !token.is_empty());
        Self {
            name: fields.text("name").to_owned(),
            mine: Sheet::posted(fields, tokens),
            token: token.filter(shown).map(str::to_owned),
            strange: token.is_some_and(|token| !shown(&token)),
            keep_old: fields.has("keep_old"),
            regenerate: fields.text("action") == "regenerate",
            base,
        }
    }

    /// The token to be saved. Whoever has no access needs none.
    fn fresh(&self) -> Option<Fresh> {
        let token = self.token.as_deref().filter(|_| self.mine.access)?;
        Some(Fresh { hash: TokenHash::of(token.as_bytes()), keep_old: self.keep_old.then_some(KEEP_OLD) })
    }

    fn filled(self) -> Filled {
        let Self { name, base, mine, token, keep_old, .. } = self;
        Filled { name, base, sheet: mine, token, keep_old, problem: None }
    }
}

/// The form for a user, sent.
pub(super) async fn save(State(panel): State<Arc<Panel>>, posted: Posted) -> Response {
    let Posted { visit, fields } = posted;
    let sent = Sent::read(&panel, &visit, &fields);
    if visit.snapshot.users.get(&sent.name).is_none() {
        return Message::no_user(&sent.name, &visit).into_response();
    }
    if sent.regenerate {
        return panel.regenerate(&visit, sent);
    }
    let Some(base) = sent.base.clone() else {
        let text = "This form is not whole: open the page again.";
        return Message::new(StatusCode::BAD_REQUEST, "Not understood", text).into_response();
    };
    let what = What::Change { base, mine: sent.mine.clone(), token: sent.fresh() };
    panel.save(&visit, sent, what).await
}

/// The form for a new user, sent.
pub(super) async fn save_new(State(panel): State<Arc<Panel>>, posted: Posted) -> Response {
    let Posted { visit, fields } = posted;
    let sent = Sent { base: None, ..Sent::read(&panel, &visit, &fields) };
    if sent.regenerate {
        return panel.regenerate(&visit, sent);
    }
    let what = What::New { mine: sent.mine.clone(), token: sent.fresh() };
    panel.save(&visit, sent, what).await
}

impl Panel {
    /// A token that this session may save.
    fn propose(&self, visit: &Visit) -> Option<String> {
        let session = visit.session.as_ref()?;
        let token = mint().inspect_err(|error| tracing::error!(%error, "no token can be made")).ok()?;
        self.sessions.propose(session.key, token.hash());
        Some(token.as_str().to_owned())
    }

    /// The same form with another token. Nothing is saved.
    fn regenerate(&self, visit: &Visit, sent: Sent) -> Response {
        let token = self.propose(visit);
        let filled = sent.filled();
        let sheet = Sheet { access: true, ..filled.sheet };
        self.form(StatusCode::OK, visit, Filled { token, sheet, ..filled })
    }

    /// The same form with a token that can be saved in place of one that cannot. Who copied that has to be told.
    fn another_token(&self, visit: &Visit, sent: Sent) -> Response {
        let text =
            "The API token on the page was not made for this sign-in, or too long ago, so nothing has been saved. \
                    Below is another one: copy it, and save again."
                .to_owned();
        let (token, problem) = (self.propose(visit), Some(Problem { text, ..Problem::default() }));
        self.form(StatusCode::UNPROCESSABLE_ENTITY, visit, Filled { token, problem, ..sent.filled() })
    }

    async fn save(self: Arc<Self>, visit: &Visit, sent: Sent, what: What) -> Response {
        if sent.strange && sent.mine.access {
            return self.another_token(visit, sent);
        }
        let token = what.has_token();
        let edit = Edit { user: sent.name.clone(), what };
        let why = match in_background(&self, editor(visit), edit).await {
            Ok(saved) => return self.saved(visit, &sent.name, saved, token),
            Err(why) => why,
        };
        let mut filled = sent.filled();
        let (status, problem) = match why {
            NotSaved::Refused(text) => (StatusCode::UNPROCESSABLE_ENTITY, Problem { text, ..Problem::default() }),
            NotSaved::Failed(text, detail) => {
                (StatusCode::UNPROCESSABLE_ENTITY, Problem { text, detail, changes: Vec::new() })
            }
            NotSaved::Meanwhile { theirs, changes } => {
                let base = filled.base.take().unwrap_or_default();
                filled.sheet = Sheet::merged(&base, &theirs, &filled.sheet);
                filled.base = Some(*theirs);
                let text =
                    "Somebody else changed this user while this page was open. Nothing has been saved yet: look \
                            at what is below, where their changes and yours stand together, and save again."
                        .to_owned();
                (StatusCode::CONFLICT, Problem { text, changes, detail: String::new() })
            }
        };
        self.form(status, visit, Filled { problem: Some(problem), ..filled })
    }

    fn saved(&self, visit: &Visit, name: &str, saved: Outcome, token: bool) -> Response {
        let notice = match (saved, token) {
            (Outcome::Nothing, _) => "There was nothing to save.",
            (Outcome::InForce, false) => "Saved. It is in force now.",
            (Outcome::InForce, true) => "Saved. The new token is in force now; it is not shown again.",
            (Outcome::Pending, _) => PENDING,
        };
        if let Some(session) = &visit.session {
            self.sessions.tell(session.key, notice.to_owned());
        }
        let name: String = form_urlencoded::byte_serialize(name.as_bytes()).collect();
        Redirect::to(&format!("/users/edit?name={name}")).into_response()
    }
}

impl What {
    fn has_token(&self) -> bool {
        matches!(self, Self::New { token: Some(_), .. } | Self::Change { token: Some(_), .. })
    }
}

pub(super) fn editor(visit: &Visit) -> Editor {
    let name = visit.user().map(|user| user.name.to_string()).unwrap_or_default();
    Editor { name, address: visit.address }
}
