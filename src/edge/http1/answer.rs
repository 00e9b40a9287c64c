//! Writing an answer to an HTTP/1 client.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, DATE, TE};
use http::request::Parts;
use http::{Method, StatusCode, Version, response};
use http_body::{Body as _, Frame};
use tokio::io::{AsyncRead, AsyncWrite};

use super::client::Client;
use crate::edge::shared::Shared;
use crate::gate::{BodyError, GateBody, Words};
use crate::wire::write::{self, Persistence};
use crate::wire::{Framing, HeadFault, Pace, framing};

/// Pieces up to this size are gathered with what stands around them, so that they go out in one record.
const GATHERED: usize = 8 << 10;

/// What of a request matters to its answer.
pub(super) struct Asked {
    head: bool,
    version: Version,
    trailers: bool,
}

impl Asked {
    pub(super) fn of(request: &Parts) -> Self {
        let trailers = request.headers.get_all(TE).iter().any(|value| {
            let mut codings = value.as_bytes().split(|byte| matches!(byte, b',' | b';'));
            codings.any(|coding| coding.trim_ascii().eq_ignore_ascii_case(b"trailers"))
        });
        Self { head: request.method == Method::HEAD, version: request.version, trailers }
    }

    /// For a request that cannot be read. Its client waits for a body all the same, or does not.
    pub(super) fn of_fault(fault: &HeadFault) -> Self {
        let head = matches!(fault, HeadFault::Target { method, .. } if *method == Method::HEAD);
        Self { head, ..Self::unknown() }
    }

    /// For what is no request.
    pub(super) fn unknown() -> Self {
        Self { head: false, version: Version::HTTP_11, trailers: false }
    }
}

/// Why nothing can follow an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Over {
    /// The client is gone.
    Gone,
    /// It does not read.
    Slow,
    /// The answer broke off.
    Broken,
}

/// An answer on its way.
pub(super) struct Writing<'w, S> {
    pub(super) client: &'w Client<S>,
    pub(super) shared: &'w Shared,
    pub(super) asked: &'w Asked,
    /// Whether the connection may be kept, as far as the client and the gateway want it.
    pub(super) keep: bool,
    pub(super) pace: Pace,
}

impl<S: AsyncRead + AsyncWrite + Unpin + 'static> Writing<'_, S> {
    /// Writes the whole answer; whether another may follow.
    pub(super) async fn run(mut self, head: &response::Parts, body: &mut GateBody) -> Result<bool, Over> {
        let framing = self.framing(head, body);
        let keep = self.keep && framing != Framing::UntilClose;
        self.head(head, framing, keep);
        if !self.is_bodiless(head.status) {
            self.body(framing, body).await?;
        }
        self.flush().await?;
        Ok(keep)
    }

    /// How the answer is framed, which says more than there is to send where it answers HEAD (RFC 9110 section 8.6).
    fn framing(&self, head: &response::Parts, body: &GateBody) -> Framing {
        if matches!(head.status, StatusCode::SWITCHING_PROTOCOLS | StatusCode::NO_CONTENT) {
            return Framing::Nothing;
        }
        let own = matches!(body, GateBody::Own { .. });
        if self.is_bodiless(head.status) && !own {
            let length = head.headers.get(CONTENT_LENGTH).and_then(|length| framing::number(length.as_bytes()));
            return length.map_or(Framing::Nothing, Framing::Sized);
        }
        match body.size_hint().exact() {
            Some(length) => Framing::Sized(length),
            None if self.asked.version == Version::HTTP_10 => Framing::UntilClose,
            None => Framing::Chunked,
        }
    }

    fn is_bodiless(&self, status: StatusCode) -> bool {
        let none = [StatusCode::SWITCHING_PROTOCOLS, StatusCode::NO_CONTENT, StatusCode::NOT_MODIFIED];
        self.asked.head || none.contains(&status)
    }

    fn head(&self, head: &response::Parts, framing: Framing, keep: bool) {
        let mut out = self.client.line.output();
        let usual = head.status.canonical_reason().unwrap_or_default().as_bytes();
        let words = head.extensions.get::<Words>().map_or(usual, |words| &words.0);
        write::answer(&mut out, head.status, words, &head.headers);
        if !head.headers.contains_key(DATE) {
            // RFC 9110 section 6.6.1 asks it of who passes on an answer without one.
            self.shared.date.with(|date| write::field(&mut out, "date", date));
        }
        let persistence = match (keep, self.asked.version) {
            _ if head.status == StatusCode::SWITCHING_PROTOCOLS => Persistence::Silent,
            (false, _) => Persistence::Close,
            (true, Version::HTTP_10) => Persistence::KeepAlive,
            (true, _) => Persistence::Silent,
        };
        write::end(&mut out, framing, persistence);
    }

    async fn body(&mut self, framing: Framing, body: &mut GateBody) -> Result<(), Over> {
        while !body.is_end_stream() {
            let Some(frame) = poll_fn(|cx| self.poll_frame(body, cx)).await? else { break };
            let Ok(frame) = frame else {
                // Half an answer must not look whole: no last chunk then, and no orderly end.
                self.flush().await?;
                return Err(Over::Broken);
            };
            match frame.into_data() {
                Ok(data) => self.data(data, framing == Framing::Chunked).await?,
                Err(frame) => {
                    let trailers = frame.into_trailers().ok().filter(|_| self.asked.trailers);
                    if framing == Framing::Chunked {
                        write::last_chunk(&mut self.client.line.output(), trailers.as_ref());
                    }
                    return Ok(());
                }
            }
        }
        if framing == Framing::Chunked {
            write::last_chunk(&mut self.client.line.output(), None);
        }
        Ok(())
    }

    async fn data(&mut self, mut data: Bytes, chunked: bool) -> Result<(), Over> {
        if data.is_empty() {
            // As a chunk it would be the end.
            return Ok(());
        }
        let gathered = {
            let mut out = self.client.line.output();
            if chunked {
                write::chunk(&mut out, data.len());
            }
            if data.len() <= GATHERED {
                out.extend_from_slice(&data);
                data.clear();
            }
            out.len()
        };
        if !data.is_empty() || gathered > GATHERED {
            poll_fn(|cx| self.poll_write(&mut data, cx)).await?;
        }
        if chunked {
            write::chunk_end(&mut self.client.line.output());
        }
        Ok(())
    }

    async fn flush(&mut self) -> Result<(), Over> {
        poll_fn(|cx| self.poll_write(&mut Bytes::new(), cx)).await
    }

    /// The next frame. What was written before it is on its way when this waits, and so is a client's leaving seen.
    fn poll_frame(&mut self, body: &mut GateBody, cx: &mut Context<'_>) -> Poll<Result<Option<NextFrame>, Over>> {
        if let Poll::Ready(frame) = Pin::new(body).poll_frame(cx) {
            return Poll::Ready(Ok(frame));
        }
        if !self.client.line.is_flushed() {
            ready!(self.poll_write(&mut Bytes::new(), cx))?;
        }
        self.client.poll_leaving(&self.shared.scratch, cx).map(|()| Err(Over::Gone))
    }

    fn poll_write(&mut self, data: &mut Bytes, cx: &mut Context<'_>) -> Poll<Result<(), Over>> {
        let before = self.client.line.sent();
        let written = self.client.line.poll_write(data, cx);
        let moved = self.client.line.sent().wrapping_sub(before);
        if moved > 0 {
            self.pace.moved(moved);
        }
        match written {
            Poll::Ready(written) => Poll::Ready(written.map_err(|_| Over::Gone)),
            Poll::Pending => self.pace.poll(cx).map(|()| Err(Over::Slow)),
        }
    }
}

type NextFrame = Result<Frame<Bytes>, BodyError>;
