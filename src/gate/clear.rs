//! Requests on the clear-text listener: sent on to https, and credentials in them refused.

use std::rc::Rc;

use bytes::Bytes;
use http::header::{AUTHORIZATION, LOCATION};
use http::request::Parts;
use http::{HeaderValue, Response, StatusCode, Uri};

use super::rejection::Rejection;
use super::{Gate, GateBody, Incoming, Peer, headers, receive};

impl Gate {
    /// Answers 308 with the same path on https. A request that carries credentials gets 403 instead: they are known to
    /// whoever listens by now, and a redirect would hide that. Nothing is forwarded from here.
    pub(crate) async fn serve_clear(self: Rc<Self>, peer: Peer, request: Incoming) -> Response<GateBody> {
        let head = request.head;
        let mut visit = self.visit(peer, &head, &self.live.snapshot());
        visit.recording.raw(&head.method, head.uri.path());
        match self.move_to_https(&head) {
            Ok(location) => {
                let id = visit.recording.id();
                visit.recording.redirected(StatusCode::PERMANENT_REDIRECT);
                let mut response = Response::new(GateBody::own(Bytes::new(), visit.recording));
                *response.status_mut() = StatusCode::PERMANENT_REDIRECT;
                response.headers_mut().insert(LOCATION, location);
                response.headers_mut().insert(headers::REQUEST_ID, id);
                response
            }
            Err(rejection) => self.reject(&rejection, visit),
        }
    }

    fn move_to_https(&self, head: &Parts) -> Result<HeaderValue, Rejection> {
        let received = receive::read(head)?;
        if head.headers.contains_key(AUTHORIZATION) {
            return Err(Rejection::ClearText);
        }
        let unknown = || Rejection::Malformed("there is no Host to go on to");
        let host = received.host.as_ref().and_then(|host| host.to_str().ok()).ok_or_else(unknown)?;
        let host = host.parse::<Uri>().ok().and_then(|uri| uri.host().map(str::to_owned)).ok_or_else(unknown)?;
        let port = if self.https_port == 443 { String::new() } else { format!(":{}", self.https_port) };
        let location = format!("https://{host}{port}{}", received.target.path_and_query());
        HeaderValue::try_from(location).map_err(|_| unknown())
    }
}
