//! How the panel looks, and the one thing that takes a script: copying a token.

use axum::extract::Path;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};

pub(super) async fn show(Path(name): Path<String>) -> Response {
    let (content, text) = match name.as_str() {
        "panel.css" => ("text/css; charset=utf-8", include_str!("assets/panel.css")),
        "panel.js" => ("text/javascript; charset=utf-8", include_str!("assets/panel.js")),
        "icon.svg" => ("image/svg+xml", include_str!("assets/icon.svg")),
        _ => return StatusCode::NOT_FOUND.into_response(),
    };
    ([(CONTENT_TYPE, content)], text).into_response()
}
