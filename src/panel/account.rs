//! Changing one's own password for the panel. It signs one out everywhere, here too.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use tokio::time::timeout;
use zeroize::Zeroizing;

use super::Panel;
use super::edit::editor;
use super::form::{Posted, same};
use super::guard::Visit;
use super::in_force::{TIME, in_background};
use super::page::{Frame, render, sentence};
use super::save::{Edit, NotSaved, What};
use super::sign_in::NotProved;
use crate::policy::PasswordHash;
use crate::source::password::{self, PasswordError};

#[derive(Template)]
#[template(path = "account.html")]
struct Page {
    frame: Frame,
    least: usize,
    problem: Option<String>,
}

pub(super) async fn show(State(panel): State<Arc<Panel>>, visit: Visit) -> Response {
    panel.account(StatusCode::OK, &visit, None)
}

pub(super) async fn change(State(panel): State<Arc<Panel>>, posted: Posted) -> Response {
    let Posted { visit, fields } = posted;
    let name = visit.user().map(|user| user.name.to_string()).unwrap_or_default();
    let why = match panel.prove(&visit, &name, fields.text("current")).await {
        Err(NotProved::Wrong) => "The present password is another.".to_owned(),
        Err(NotProved::Locked(_)) => "Too many wrong tries. Please wait and try again.".to_owned(),
        Err(NotProved::Busy) => "Many are signing in at this moment. Please try again.".to_owned(),
        Ok(_) if !same(fields.text("new"), fields.text("again")) => "The two new passwords differ.".to_owned(),
        Ok(_) => match panel.set_password(&visit, name, fields.text("new")).await {
            Ok(()) => return Redirect::to("/sign-in").into_response(),
            Err(why) => why,
        },
    };
    panel.account(StatusCode::UNPROCESSABLE_ENTITY, &visit, Some(why))
}

/// Hashes on a thread that has the time.
async fn hashed(password: &str) -> Result<PasswordHash, PasswordError> {
    let password = Zeroizing::new(password.to_owned());
    let work = tokio::task::spawn_blocking(move || password::hash(password.as_bytes()));
    work.await.unwrap_or(Err(PasswordError::System))
}

impl Panel {
    /// Returns when the new one counts.
    async fn set_password(self: &Arc<Self>, visit: &Visit, user: String, new: &str) -> Result<(), String> {
        let hash = hashed(new).await.map_err(|error| format!("{}.", sentence(&error.to_string())))?;
        let mut changes = self.parts.live.changes();
        match in_background(self, editor(visit), Edit { user, what: What::Password(hash) }).await {
            Ok(_) => {
                // Where it takes longer, the log says why, and the present one counts until then.
                let _ = timeout(TIME, changes.changed()).await;
                Ok(())
            }
            Err(NotSaved::Refused(why) | NotSaved::Failed(why, _)) => Err(why),
            Err(NotSaved::Meanwhile { .. }) => Err("Somebody else changed this user. Please try again.".to_owned()),
        }
    }

    fn account(&self, status: StatusCode, visit: &Visit, problem: Option<String>) -> Response {
        let frame = Frame::new(self, visit, "Change your password", "/account");
        render(status, &Page { frame, least: password::FEWEST_CHARACTERS, problem })
    }
}
