//! What a form sends, once it is known that it is one of the panel's own.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{FromRequest, Request};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use subtle::ConstantTimeEq;
use tokio::time::timeout;
use zeroize::Zeroize;

use super::Panel;
use super::guard::Visit;
use super::page::Message;

/// The largest form: a user with thousands of permissions.
const LARGEST: usize = 256 << 10;
/// For all of a form to arrive. Strangers may send one too, to sign in, and hold a connection with it.
const TIME: Duration = Duration::from_secs(30);
/// What each form carries of the session it was made for.
pub(super) const TOKEN_FIELD: &str = "form_token";

/// The fields of a form in their order. A name may come several times. Wiped when dropped: some are passwords.
pub(super) struct Fields(Vec<(String, String)>);

impl Fields {
    /// The first field of a name, or nothing.
    pub(super) fn text(&self, name: &str) -> &str {
        self.find(name).unwrap_or_default()
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.find(name).is_some()
    }

    /// All fields of a name.
    pub(super) fn all<'f>(&'f self, name: &'f str) -> impl Iterator<Item = &'f str> {
        self.0.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    fn find(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// Reads a form, whoever it comes from.
    ///
    /// # Errors
    /// What the browser is answered.
    pub(super) async fn read(request: Request) -> Result<Self, Message> {
        let refuse = |status, text| Message::new(status, "Not understood", text);
        let content = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        if content.split(';').next().map(str::trim) != Some("application/x-www-form-urlencoded") {
            return Err(refuse(StatusCode::UNSUPPORTED_MEDIA_TYPE, "This is not what a form of this page sends."));
        }
        let read = timeout(TIME, axum::body::to_bytes(request.into_body(), LARGEST)).await;
        let read = read.map_err(|_| refuse(StatusCode::REQUEST_TIMEOUT, "The form took too long to arrive."))?;
        let body = read.map_err(|_| refuse(StatusCode::PAYLOAD_TOO_LARGE, "The form is too large, or broke off."))?;
        Ok(Self(form_urlencoded::parse(&body).into_owned().collect()))
    }
}

impl Drop for Fields {
    fn drop(&mut self) {
        self.0.iter_mut().for_each(|(_, value)| value.zeroize());
    }
}

/// A form of somebody who has signed in, made by this panel for their session. There is no other way to its fields, so
/// no handler can forget to look.
pub(super) struct Posted {
    pub(super) visit: Visit,
    pub(super) fields: Fields,
}

impl FromRequest<Arc<Panel>> for Posted {
    type Rejection = Message;

    async fn from_request(request: Request, _: &Arc<Panel>) -> Result<Self, Message> {
        let refuse = |text| Message::new(StatusCode::FORBIDDEN, "Not from here", text);
        let visit = request.extensions().get::<Visit>().cloned().ok_or_else(|| refuse("Nobody has signed in."))?;
        let fields = Fields::read(request).await?;
        let session = visit.session.as_ref().ok_or_else(|| refuse("Nobody has signed in."))?;
        let is_own = same(fields.text(TOKEN_FIELD), &session.form_token);
        if is_own {
            Ok(Self { visit, fields })
        } else {
            Err(refuse("This form is from another session: open the page again."))
        }
    }
}

/// Compares in time that does not depend on the contents.
pub(super) fn same(one: &str, other: &str) -> bool {
    one.as_bytes().ct_eq(other.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::pin::Pin;
    use std::task::{Context, Poll};

    use axum::body::{Body, Bytes};
    use axum::http::header::CONTENT_TYPE;
    use axum::http::{Request, StatusCode};
    use axum::response::IntoResponse;
    use http_body::Frame;

    use super::{Fields, LARGEST};

    const FORM: &str = "application/x-www-form-urlencoded";

    /// A body that never ends.
    struct Endless;

    impl http_body::Body for Endless {
        type Data = Bytes;
        type Error = Infallible;

        fn poll_frame(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
            Poll::Pending
        }
    }

    async fn read(content: &str, body: Body) -> Result<Fields, StatusCode> {
        let request = Request::builder().header(CONTENT_TYPE, content).body(body).unwrap();
        Fields::read(request).await.map_err(|message| message.into_response().status())
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_no_form_is_refused() {
        for (content, body, status) in [
            ("application/json", Body::from("{}"), StatusCode::UNSUPPORTED_MEDIA_TYPE),
            ("multipart/form-data; boundary=x", Body::empty(), StatusCode::UNSUPPORTED_MEDIA_TYPE),
            (FORM, Body::from(vec![b'x'; LARGEST + 1]), StatusCode::PAYLOAD_TOO_LARGE),
            (FORM, Body::new(Endless), StatusCode::REQUEST_TIMEOUT),
        ] {
            assert_eq!(read(content, body).await.err(), Some(status), "{content}");
        }
    }

    #[tokio::test]
    async fn any_bytes_are_fields() {
        let fields = read("application/x-www-form-urlencoded; charset=utf-8", Body::from("a=1&b&a=%ff&=%00&&a=+"));
        let fields = fields.await.unwrap_or_else(|status| panic!("{status}"));
        assert_eq!(fields.all("a").collect::<Vec<_>>(), ["1", "\u{fffd}", " "]);
        assert_eq!((fields.text("a"), fields.has("b"), fields.text(""), fields.has("c")), ("1", true, "\0", false));
        let most = read(FORM, Body::from("&a".repeat(LARGEST / 2))).await.unwrap_or_else(|status| panic!("{status}"));
        assert_eq!(most.all("a").count(), LARGEST / 2);
    }
}
