//! The body of an upstream's answer. It is not held: a piece is asked for when the client has room.

use std::fmt;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::time::{Instant, timeout};

use super::pool::{Connection, Pool};
use super::send::Progress;
use super::tally::Tally;
use super::upload::{Ended, Stopped, UploadFault, Uploading};
use crate::wire::{AnswerHead, BodyDecoder, BodyFault, Piece, Room};

/// How long an upstream may go on reading a request that it has answered already.
const LINGER: Duration = Duration::from_secs(5);

/// Why a body breaks off.
#[derive(Debug)]
pub(crate) enum BodyError {
    /// The upstream did; tells how.
    Upstream(String),
    /// The client's own body did, and took the answer with it.
    Upload(UploadFault),
    /// The upstream fell silent in the middle.
    Silent,
    /// Access was taken away.
    Cut,
}

impl fmt::Display for BodyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Upstream(how) => write!(f, "the body breaks off: {how}"),
            Self::Upload(_) => f.write_str("the request's body broke off"),
            Self::Silent => f.write_str("the upstream fell silent"),
            Self::Cut => f.write_str("access was taken away"),
        }
    }
}

impl std::error::Error for BodyError {}

/// An answer's body, and the connection it comes over.
pub(crate) struct AnswerBody {
    /// `None` once the body has ended.
    connection: Option<Connection>,
    pool: Rc<Pool>,
    decoder: BodyDecoder,
    upload: Progress,
    /// Whether the connection may carry another request.
    keep: bool,
    /// How long the upstream may stay silent, and since when it does.
    silence: Duration,
    heard: Instant,
    room: Room,
}

impl AnswerBody {
    pub(super) fn new(
        (connection, pool): (Connection, Rc<Pool>),
        head: &AnswerHead,
        upload: Progress,
        tally: &Tally,
        (silence, heard, room): (Duration, Instant, Room),
    ) -> Self {
        // Answered without having asked for the body, it is not wanted any more, and the client is not asked for it.
        let upload = if tally.held.get() { Progress::Unwanted } else { upload };
        let decoder = BodyDecoder::new(head.framing);
        let connection = Some(connection);
        Self { connection, pool, decoder, upload, keep: head.keep_alive, silence, heard, room }
    }

    /// Where the upstream thinks it is.
    pub(crate) fn origin(&self) -> &str {
        &self.pool.endpoint.origin
    }

    /// Whether there is nothing more to come.
    pub(crate) fn is_done(&self) -> bool {
        self.decoder.is_done()
    }

    /// How long the whole body is, where that is known; to be asked before the first piece.
    pub(crate) fn length(&self) -> Option<u64> {
        self.decoder.length()
    }

    /// The connection itself, for another protocol.
    pub(super) fn into_connection(mut self) -> Option<Connection> {
        self.connection.take()
    }

    /// The next piece, never [`Piece::More`].
    pub(crate) fn poll_piece(&mut self, cx: &mut Context<'_>) -> Poll<Result<Piece, BodyError>> {
        self.poll_upload(cx)?;
        let Some(connection) = &mut self.connection else {
            return Poll::Ready(Ok(Piece::End));
        };
        loop {
            let piece = self.decoder.take(&mut connection.line.input());
            match piece.map_err(|fault| BodyError::Upstream(told(fault)))? {
                Piece::More => {}
                piece => return Poll::Ready(Ok(piece)),
            }
            match connection.line.poll_read_large(self.room.bytes(), cx) {
                Poll::Ready(Ok(0)) => {
                    self.keep = false;
                    self.decoder.ended().map_err(|fault| BodyError::Upstream(told(fault)))?;
                }
                Poll::Ready(Ok(read)) => {
                    let now = Instant::now();
                    self.room.filled(read, now - self.heard);
                    self.heard = now;
                }
                Poll::Ready(Err(error)) => return Poll::Ready(Err(BodyError::Upstream(error.to_string()))),
                Poll::Pending => {
                    ready!(connection.clock.poll(self.heard + self.silence, cx));
                    return Poll::Ready(Err(BodyError::Silent));
                }
            }
        }
    }

    fn poll_upload(&mut self, cx: &mut Context<'_>) -> Result<(), BodyError> {
        let Progress::Running(uploading) = &mut self.upload else { return Ok(()) };
        let Poll::Ready(ended) = uploading.poll(cx) else { return Ok(()) };
        let how = ended.map_or(Err(Stopped::Unwanted), |Ended { how, .. }| how);
        self.upload = if how.is_ok() { Progress::Done } else { Progress::Unwanted };
        match how {
            Err(Stopped::Fault(fault)) => Err(BodyError::Upload(fault)),
            Ok(()) | Err(Stopped::Unwanted) => Ok(()),
        }
    }

    /// Gives the connection back for other requests, once the body has ended. One whose request is still being written
    /// is waited for a little.
    pub(crate) fn finish(&mut self) {
        let Some(connection) = self.connection.take().filter(|_| self.keep) else { return };
        match std::mem::replace(&mut self.upload, Progress::Unwanted) {
            Progress::Done => self.pool.give(connection, self.heard),
            Progress::Running(uploading) => {
                let pool = Rc::clone(&self.pool);
                tokio::task::spawn_local(async move {
                    if let Ok(true) = timeout(LINGER, written(uploading)).await {
                        pool.give(connection, Instant::now());
                    }
                });
            }
            Progress::Unwanted => {}
        }
    }
}

async fn written(mut uploading: Uploading) -> bool {
    std::future::poll_fn(|cx| uploading.poll(cx)).await.is_some_and(|ended| ended.how.is_ok())
}

fn told(fault: BodyFault) -> String {
    match fault {
        BodyFault::Incomplete => "it closed the connection".to_owned(),
        BodyFault::Malformed(what) => what.to_owned(),
    }
}
