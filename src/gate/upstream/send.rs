//! Sending one request over one connection, and waiting for the head of its answer.

use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use http::uri::PathAndQuery;
use http::{HeaderMap, Method, StatusCode};
use tokio::time::Instant;

use super::connect::Stream;
use super::pool::Connection;
use super::tally::Tally;
use super::upload::{Ended, Stopped, Upload, UploadFault, Uploading};
use crate::gate::client::{ClientFault, Interim};
use crate::gate::headers;
use crate::gate::rejection::Rejection;
use crate::gate::streams::Exchange;
use crate::wire::{AnswerHead, Framing, Line, Scratch, answer, write};

/// How many interim answers may come before the final one.
const INTERIMS: u8 = 32;

/// What is sent as a request's head.
pub(super) struct Request<'r> {
    pub(super) method: &'r Method,
    pub(super) target: &'r PathAndQuery,
    pub(super) headers: &'r HeaderMap,
    pub(super) framing: Framing,
}

/// One sending.
pub(super) struct Sending<'s> {
    pub(super) request: Request<'s>,
    pub(super) exchange: &'s Exchange,
    pub(super) tally: &'s Tally,
    pub(super) interim: Option<&'s Rc<dyn Interim>>,
    pub(super) scratch: &'s Scratch,
    /// How long the upstream may stay silent.
    pub(super) silence: Duration,
}

/// The head of the answer, and the upload where it goes on.
pub(super) struct Sent {
    pub(super) head: AnswerHead,
    pub(super) upload: Progress,
}

/// How far a request's body is.
pub(super) enum Progress {
    /// It has been written as a whole, or there is none.
    Done,
    Running(Uploading),
    /// The upstream did not want all of it.
    Unwanted,
}

/// Why there is no head.
pub(super) struct Unsent {
    pub(super) rejection: Rejection,
    /// The connection ended before a byte of an answer. Silence is no such end, nor is an answer that cannot be read.
    pub(super) closed: bool,
    /// Not a byte of the request was written.
    pub(super) untouched: bool,
    /// The body, where that is so and there is one.
    pub(super) unwritten: Option<Box<Upload>>,
}

impl From<Rejection> for Unsent {
    fn from(rejection: Rejection) -> Self {
        Self { rejection, closed: false, untouched: false, unwritten: None }
    }
}

impl Sending<'_> {
    /// Sends, and waits no longer than the upstream may stay silent, from `began` on.
    pub(super) async fn run(
        &self,
        connection: &mut Connection,
        began: Instant,
        upload: Option<Upload>,
    ) -> Result<Sent, Unsent> {
        let Connection { line, clock, .. } = connection;
        let Request { method, target, headers, framing } = self.request;
        let before = line.sent();
        write::request(&mut line.output(), method, target, headers, framing);
        self.tally.progress.set(began);
        let bodiless = upload.is_none();
        let mut progress = upload.map_or(Progress::Done, |upload| Progress::Running(upload.start(line)));
        let mut interims = 0;
        let mut unwritten = None;
        let head = poll_fn(|cx| {
            loop {
                if let Some(upload) = self.poll_upload(&mut progress, cx)? {
                    unwritten = (line.sent() == before).then(|| Box::new(upload));
                }
                match answer::take(&mut line.input(), method) {
                    Err(what) => return Poll::Ready(Err(bad(what).into())),
                    Ok(None) => {}
                    Ok(Some(head)) if is_interim(&head) => {
                        self.interim(&head, &mut interims)?;
                        continue;
                    }
                    Ok(Some(head)) => return Poll::Ready(Ok(head)),
                }
                match self.poll_more(line, matches!(progress, Progress::Done), cx) {
                    Poll::Ready(Ok(())) => {}
                    // An interim answer is the beginning of one, and the client may have seen it.
                    Poll::Ready(Err(unsent)) => {
                        let closed = unsent.closed && interims == 0;
                        return Poll::Ready(Err(Unsent { closed, ..unsent }));
                    }
                    Poll::Pending if self.exchange.poll_cut(cx).is_ready() => {
                        return Poll::Ready(Err(Rejection::Revoked.into()));
                    }
                    // An upload that goes on is no silence.
                    Poll::Pending => {
                        let deadline = self.tally.progress.get() + self.silence;
                        return clock.poll(deadline, cx).map(|()| Err(Rejection::Timeout.into()));
                    }
                }
            }
        })
        .await;
        match head {
            Ok(head) => Ok(Sent { head, upload: progress }),
            Err(unsent) => Err(Unsent { untouched: line.sent() == before && bodiless, unwritten, ..unsent }),
        }
    }

    /// Looks how the body fares; what is left of it where the upstream takes no more.
    fn poll_upload(&self, progress: &mut Progress, cx: &mut Context<'_>) -> Result<Option<Upload>, Unsent> {
        let Progress::Running(uploading) = progress else { return Ok(None) };
        let Poll::Ready(ended) = uploading.poll(cx) else { return Ok(None) };
        match ended {
            Some(Ended { how: Ok(()), .. }) => {
                *progress = Progress::Done;
                Ok(None)
            }
            Some(Ended { how: Err(Stopped::Unwanted), upload }) => {
                *progress = Progress::Unwanted;
                Ok(Some(upload))
            }
            Some(Ended { how: Err(Stopped::Fault(fault)), .. }) => Err(Rejection::from(fault).into()),
            None => Err(bad("the upload broke off").into()),
        }
    }

    /// Writes what is left to write and reads some of the answer.
    fn poll_more(&self, line: &Line<Stream>, writes: bool, cx: &mut Context<'_>) -> Poll<Result<(), Unsent>> {
        // Where this fails the upstream may still have answered, which reading tells.
        if writes && !line.is_flushed() {
            let _ = line.poll_flush(cx);
        }
        let begun = !line.input().is_empty();
        let ended = match line.poll_read(self.scratch, cx) {
            Poll::Pending => return Poll::Pending,
            Poll::Ready(Ok(true)) => return Poll::Ready(Ok(())),
            Poll::Ready(Ok(false)) => "it closed the connection".to_owned(),
            Poll::Ready(Err(error)) => error.to_string(),
        };
        let rejection = Rejection::BadGateway(ended);
        Poll::Ready(Err(Unsent { closed: !begun, ..rejection.into() }))
    }

    fn interim(&self, head: &AnswerHead, count: &mut u8) -> Result<(), Unsent> {
        *count += 1;
        if *count > INTERIMS {
            return Err(bad("it sends interim answers without end").into());
        }
        if head.status == StatusCode::CONTINUE {
            // The client is asked for its body when the body is read.
            self.tally.ask();
        } else if let Some(interim) = self.interim {
            let mut headers = head.headers.clone();
            headers::restore_interim(&mut headers);
            interim.send(head.status, &headers);
        }
        Ok(())
    }
}

fn is_interim(head: &AnswerHead) -> bool {
    head.status.is_informational() && head.status != StatusCode::SWITCHING_PROTOCOLS
}

fn bad(what: &str) -> Rejection {
    Rejection::BadGateway(what.to_owned())
}

impl From<UploadFault> for Rejection {
    fn from(fault: UploadFault) -> Self {
        match fault {
            UploadFault::Client(ClientFault::Gone) => Self::ClientGone,
            UploadFault::Client(ClientFault::Malformed(what)) => Self::Malformed(what),
            UploadFault::Client(ClientFault::TooSlow) => Self::TooSlow,
            UploadFault::TooLarge => Self::TooLarge,
            UploadFault::Cut => Self::Revoked,
        }
    }
}
