//! The control panel: users, tokens and permissions by mouse, for people who never see a terminal.
//!
//! Each page is a resource of the law ([`crate::policy::Policy::ask_panel`]), and `guard` lets nobody through to one
//! without a permit. What is shown is rendered here and works without a script, but for copying a token. Documents are
//! changed through [`crate::source::edit`] alone; the reload loop puts them in force, as if somebody had saved by hand.

mod account;
mod activity;
mod asset;
mod edit;
mod form;
mod guard;
mod in_force;
mod list;
mod matrix;
mod page;
mod permissions;
mod remove;
mod rights;
mod save;
mod session;
mod sheet;
mod sign_in;
mod told;
mod trying;
mod view;

use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;

use axum::routing::{get, post};
use axum::{Extension, Router, middleware};
use hyper_util::service::TowerToHyperService;

use crate::gate::{Passwords, Throttle};
use crate::record::{LastUse, Recent};
use crate::settings;
use crate::source::live::Live;
use crate::source::watch::Poker;
use session::Sessions;

/// What the panel stands on.
pub(crate) struct PanelParts {
    pub(crate) settings: settings::Panel,
    /// The access document, which is changed.
    pub(crate) access: PathBuf,
    pub(crate) live: Live,
    pub(crate) passwords: Arc<Passwords>,
    pub(crate) throttle: Arc<Throttle>,
    /// What was refused and changed lately.
    pub(crate) recent: Arc<Recent>,
    pub(crate) last_use: Arc<LastUse>,
    /// Has a saved document put in force without waiting for the file system to tell of it.
    pub(crate) reload: Poker,
}

/// The panel, as its pages see it.
struct Panel {
    parts: PanelParts,
    sessions: Sessions,
}

/// What answers requests: for each connection, by the address it comes from.
pub(crate) fn answering(parts: PanelParts) -> impl Fn(IpAddr) -> TowerToHyperService<Router> {
    let sessions = Sessions::new(&parts.settings);
    let panel = Arc::new(Panel { parts, sessions });
    let router = Router::new()
        .route("/", get(list::start))
        .route("/sign-in", get(sign_in::show).post(sign_in::sign_in))
        .route("/sign-out", post(sign_in::sign_out))
        .route("/users", get(list::show))
        .route("/users/edit", get(edit::show).post(edit::save))
        .route("/users/new", get(edit::show_new).post(edit::save_new))
        .route("/users/remove", get(remove::show).post(remove::remove))
        .route("/permissions", get(permissions::index))
        .route("/permissions/resource", get(permissions::resource))
        .route("/try", get(trying::show))
        .route("/account", get(account::show).post(account::change))
        .route("/activity", get(activity::show))
        .route("/assets/{name}", get(asset::show))
        .layer(middleware::from_fn_with_state(Arc::clone(&panel), guard::guard))
        .with_state(panel);
    move |address| TowerToHyperService::new(router.clone().layer(Extension(guard::Client(address))))
}
