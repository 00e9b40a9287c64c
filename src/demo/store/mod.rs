//! A sample store API: products, orders, customers and coupons under `/api/v2`, in memory, over plain HTTP/1.1.
//!
//! Called by `portcullis demo` and by tests. It plays a legacy API that cannot be changed: it has no authentication of
//! its own, answers every path with `.json`, `.xml` or a slash behind it too, and tells errors in the store's form.
//!
//! | path | methods |
//! |---|---|
//! | `/api/v2/time`, `/api/v2/store` | GET |
//! | `/api/v2/{area}` | GET (`page`, `limit`), POST, DELETE |
//! | `/api/v2/{area}/count` | GET |
//! | `/api/v2/{area}/{id}` | GET, PUT, DELETE |

mod answer;
mod routes;
mod samples;
mod table;
#[cfg(test)]
mod tests;
mod xml;

use std::io;
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::header::{ALLOW, CONTENT_TYPE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;
use serde_json::Value;
use tokio::net::TcpListener;

use self::answer::{Refusal, Reply, Store};
use self::routes::{Format, Spelling};

/// More than any record needs, so that nobody can fill the memory with one request.
const BODY_LIMIT: usize = 1024 * 1024;

/// Serves a store with sample records until `shutdown` completes and the requests under way are answered.
///
/// Every call starts with the same records; what clients change is gone when it ends.
///
/// # Errors
/// Where the listener fails.
pub async fn serve(listener: TcpListener, shutdown: impl Future<Output = ()> + Send + 'static) -> io::Result<()> {
    let app = Router::new().fallback(respond).with_state(Arc::new(Store::sample()));
    axum::serve(listener, app).with_graceful_shutdown(shutdown).await
}

async fn respond(State(store): State<Arc<Store>>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let spelling = Spelling::read(head.uri.path(), &head.headers);
    let outcome = match to_bytes(body, BODY_LIMIT).await {
        Ok(body) => store.answer(&head.method, &spelling, &head.uri, &body),
        Err(_) => Err(Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, "The body is larger than 1 MiB, or was cut off.")),
    };
    match outcome {
        Ok(reply) => tell(reply, spelling.format),
        Err(refusal) => refuse(&refusal, spelling.format),
    }
}

fn tell(reply: Reply, format: Format) -> Response {
    match (reply.content, format) {
        (None, _) => response(reply.status, Body::empty()),
        (Some((_, value)), Format::Json) => written(reply.status, format, value.to_string()),
        (Some((root, value)), Format::Xml) => written(reply.status, format, xml::document(&root, &value)),
    }
}

fn refuse(refusal: &Refusal, format: Format) -> Response {
    let (status, message) = (refusal.status.as_u16(), &refusal.message);
    let text = match format {
        Format::Json => format!("[{{\"status\":{status},\"message\":{}}}]", Value::from(message.as_str())),
        Format::Xml => xml::error(status, message),
    };
    let mut response = written(refusal.status, format, text);
    if let Some(methods) = refusal.allow {
        response.headers_mut().insert(ALLOW, HeaderValue::from_static(methods));
    }
    response
}

fn written(status: StatusCode, format: Format, text: String) -> Response {
    let mut response = response(status, Body::from(text));
    let kind = match format {
        Format::Json => "application/json",
        Format::Xml => "application/xml",
    };
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}

fn response(status: StatusCode, body: Body) -> Response {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response
}
