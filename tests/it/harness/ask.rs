//! A request as a test means it, to be sent over either protocol.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Request};
use http_body::Frame;

use super::gateway::HOST;
use super::http2::Outgoing;
use super::{AMY, basic};
use crate::kept;

/// A request.
#[derive(Clone, Debug)]
pub(crate) struct Ask {
    pub(crate) method: String,
    path: String,
    fields: Vec<(String, Vec<u8>)>,
    body: Payload,
}

#[derive(Clone, Debug)]
enum Payload {
    Nothing,
    Sized(Vec<u8>),
    Chunked(Vec<Vec<u8>>, Vec<(String, String)>),
}

impl Ask {
    pub(crate) fn new(method: &str, path: &str) -> Self {
        Self { method: method.to_owned(), path: path.to_owned(), fields: Vec::new(), body: Payload::Nothing }
    }

    pub(crate) fn get(path: &str) -> Self {
        Self::new("GET", path)
    }

    /// With these credentials.
    pub(crate) fn by(self, user: (&str, &str)) -> Self {
        self.field("Authorization", basic(user))
    }

    pub(crate) fn by_amy(self) -> Self {
        self.by(AMY)
    }

    pub(crate) fn field(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        if name.eq_ignore_ascii_case("authorization") {
            kept::authorization(value.as_ref());
        }
        self.fields.push((name.to_owned(), value.as_ref().to_vec()));
        self
    }

    pub(crate) fn sized(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = Payload::Sized(body.into());
        self
    }

    pub(crate) fn chunked(mut self, chunks: &[&[u8]], trailers: &[(&str, &str)]) -> Self {
        let trailers = trailers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        self.body = Payload::Chunked(chunks.iter().map(|chunk| chunk.to_vec()).collect(), trailers);
        self
    }

    /// The bytes of it for HTTP/1.1.
    pub(crate) fn to_http1(&self) -> Vec<u8> {
        let mut out = format!("{} {} HTTP/1.1\r\nHost: {HOST}\r\n", self.method, self.path).into_bytes();
        for (name, value) in &self.fields {
            out.extend_from_slice(name.as_bytes());
            out.extend_from_slice(b": ");
            out.extend_from_slice(value);
            out.extend_from_slice(b"\r\n");
        }
        match &self.body {
            Payload::Nothing => out.extend_from_slice(b"\r\n"),
            Payload::Sized(body) => {
                out.extend_from_slice(format!("Content-Length: {}\r\n\r\n", body.len()).as_bytes());
                out.extend_from_slice(body);
            }
            Payload::Chunked(chunks, trailers) => {
                out.extend_from_slice(b"Transfer-Encoding: chunked\r\n\r\n");
                for chunk in chunks {
                    out.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
                    out.extend_from_slice(chunk);
                    out.extend_from_slice(b"\r\n");
                }
                out.extend_from_slice(b"0\r\n");
                for (name, value) in trailers {
                    out.extend_from_slice(format!("{name}: {value}\r\n").as_bytes());
                }
                out.extend_from_slice(b"\r\n");
            }
        }
        out
    }

    /// The same for an HTTP/2 client.
    pub(crate) fn to_http2(&self) -> Request<Outgoing> {
        let body = match &self.body {
            Payload::Nothing => Outgoing::nothing(),
            Payload::Sized(body) => Outgoing::sized(Bytes::from(body.clone())),
            Payload::Chunked(chunks, trailers) => {
                let mut frames: Vec<_> = chunks.iter().map(|chunk| Frame::data(Bytes::from(chunk.clone()))).collect();
                if !trailers.is_empty() {
                    let fields = trailers.iter().map(|(name, value)| {
                        (name.parse::<HeaderName>().unwrap(), HeaderValue::from_str(value).unwrap())
                    });
                    frames.push(Frame::trailers(fields.collect::<HeaderMap>()));
                }
                Outgoing::frames(frames)
            }
        };
        let mut request = Request::new(body);
        *request.method_mut() = self.method.parse().unwrap();
        *request.uri_mut() = format!("https://{HOST}{}", self.path).parse().unwrap();
        for (name, value) in &self.fields {
            request.headers_mut().append(name.parse::<HeaderName>().unwrap(), HeaderValue::from_bytes(value).unwrap());
        }
        if let Payload::Sized(body) = &self.body {
            request.headers_mut().insert("content-length", body.len().into());
        }
        request
    }
}
