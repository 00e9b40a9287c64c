//! What happened lately: who changed what, and which requests were refused.

use std::sync::Arc;
use std::time::SystemTime;

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;

use super::Panel;
use super::guard::Visit;
use super::page::{Frame, render, sentence};
use super::told;
use crate::record::{Change, Outcome, Refusal};

#[derive(Template)]
#[template(path = "activity.html")]
struct Page {
    frame: Frame,
    changes: Vec<ChangeRow>,
    refusals: Vec<RefusalRow>,
}

struct ChangeRow {
    time: String,
    who: String,
    way: &'static str,
    from: String,
    what: String,
    refused: bool,
}

struct RefusalRow {
    time: String,
    status: String,
    user: String,
    request: String,
    why: String,
    address: String,
}

pub(super) async fn show(State(panel): State<Arc<Panel>>, visit: Visit) -> Response {
    let (now, recent) = (SystemTime::now(), &panel.parts.recent);
    let page = Page {
        frame: Frame::new(&panel, &visit, "Activity", "/activity"),
        changes: recent.changes().into_iter().map(|change| ChangeRow::new(change, now)).collect(),
        refusals: recent.refusals().into_iter().map(|refusal| RefusalRow::new(refusal, now)).collect(),
    };
    render(StatusCode::OK, &page)
}

impl ChangeRow {
    fn new(change: Change, now: SystemTime) -> Self {
        let time = told::second(change.time, now);
        match change.outcome {
            Outcome::Made { way, who, from, changes } => Self {
                time,
                who: who.map_or_else(|| "somebody".to_owned(), String::from),
                way: match way {
                    "panel" => "in the control panel",
                    "command" => "by a command",
                    _ => "by saving the file",
                },
                from: from.map(|from| from.to_string()).unwrap_or_default(),
                what: changes.into(),
                refused: false,
            },
            Outcome::Refused(why) => Self {
                time,
                who: "somebody".to_owned(),
                way: "by saving the file",
                from: String::new(),
                what: why.into(),
                refused: true,
            },
        }
    }
}

impl RefusalRow {
    fn new(refusal: Refusal, now: SystemTime) -> Self {
        let user = refusal.user.or(refusal.claimed).unwrap_or_default();
        let why = match (&refusal.permission, &refusal.detail) {
            (Some(permission), _) => format!("{permission} is missing"),
            (None, Some(detail)) => sentence(detail),
            (None, None) => sentence(&refusal.reason.as_str().replace('_', " ")),
        };
        let words = [refusal.method, refusal.path].map(Option::unwrap_or_default);
        Self {
            time: told::second(refusal.time, now),
            status: refusal.status.map(|status| status.to_string()).unwrap_or_default(),
            user: user.into(),
            request: words.join(" "),
            why,
            address: refusal.address.to_string(),
        }
    }
}
