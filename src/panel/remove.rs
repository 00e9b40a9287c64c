//! Removing a user, which is asked about first.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};

use super::Panel;
use super::edit::{Named, editor};
use super::form::Posted;
use super::guard::Visit;
use super::in_force::{Outcome, PENDING, in_background};
use super::page::{Frame, Message, render};
use super::save::{Edit, NotSaved, What};

#[derive(Template)]
#[template(path = "remove.html")]
struct Page {
    frame: Frame,
    name: String,
    title: String,
    problem: Option<String>,
    detail: String,
}

pub(super) async fn show(State(panel): State<Arc<Panel>>, visit: Visit, Query(asked): Query<Named>) -> Response {
    panel.ask(&visit, &asked.name, None)
}

pub(super) async fn remove(State(panel): State<Arc<Panel>>, posted: Posted) -> Response {
    let name = posted.fields.text("name").to_owned();
    let edit = Edit { user: name.clone(), what: What::Remove };
    match in_background(&panel, editor(&posted.visit), edit).await {
        Ok(outcome) => {
            let notice = match outcome {
                Outcome::Pending => PENDING.to_owned(),
                Outcome::InForce | Outcome::Nothing => format!("{name} has been removed."),
            };
            if let Some(session) = &posted.visit.session {
                panel.sessions.tell(session.key, notice);
            }
            Redirect::to("/users").into_response()
        }
        Err(NotSaved::Meanwhile { changes, .. }) => {
            panel.ask(&posted.visit, &name, Some((changes.join(", "), String::new())))
        }
        Err(NotSaved::Refused(why)) => panel.ask(&posted.visit, &name, Some((why, String::new()))),
        Err(NotSaved::Failed(why, detail)) => panel.ask(&posted.visit, &name, Some((why, detail))),
    }
}

impl Panel {
    fn ask(&self, visit: &Visit, name: &str, problem: Option<(String, String)>) -> Response {
        let Some(user) = visit.snapshot.users.get(name) else {
            return Message::no_user(name, visit).into_response();
        };
        let status = if problem.is_some() { StatusCode::CONFLICT } else { StatusCode::OK };
        let (problem, detail) = problem.map_or((None, String::new()), |(why, detail)| (Some(why), detail));
        let frame = Frame::new(self, visit, &format!("Remove {name}?"), "/users");
        let title = user.title.as_deref().unwrap_or_default().to_owned();
        render(status, &Page { frame, name: name.to_owned(), title, problem, detail })
    }
}
