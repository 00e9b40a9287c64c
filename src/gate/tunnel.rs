//! What follows a `101 Switching Protocols`: two streams of bytes, side by side, until one ends or access is taken away.

use std::cell::Cell;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Buf as _, Bytes};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf, copy_bidirectional};
use tokio::time::sleep;

use super::recording::Recording;
use super::streams::Exchange;
use super::upstream::{AnswerBody, Tally};
use crate::record::Reason;

/// How much may lie in buffers for one side that does not read. TLS takes more, for the sake of large bodies.
const HELD: usize = 64 << 10;

/// The upstream's end of a connection that has changed its protocol, and what belongs to it.
pub(crate) struct Tunnel {
    pub(super) answer: AnswerBody,
    pub(super) exchange: Exchange,
    pub(super) tally: Rc<Tally>,
    pub(super) recording: Box<Recording>,
}

impl Tunnel {
    /// Carries bytes both ways until the end, or until none came for as long as `silence`. `early` is what the client
    /// has said already.
    pub(crate) async fn run(self, client: impl AsyncRead + AsyncWrite + Unpin, early: Bytes, silence: Duration) {
        let Self { answer, exchange, tally, mut recording } = self;
        let Some((upstream, said)) = answer.into_stream() else { return };
        let mut client = Counted { inner: client, early, read: &tally.up, held: 0 };
        let mut upstream = Counted { inner: upstream, early: said, read: &tally.down, held: 0 };
        let ended = tokio::select! {
            ended = copy_bidirectional(&mut client, &mut upstream) => ended,
            () = exchange.cut() => return recording.fault(Reason::Revoked, None),
            () = silent(&tally, silence) => return recording.fault(Reason::RequestTimeout, Some("nothing was said")),
        };
        if let Err(error) = ended {
            tracing::debug!(%error, "an upgraded connection broke off");
        }
        recording.finish();
    }
}

/// Returns once nothing has passed for so long.
async fn silent(tally: &Tally, silence: Duration) {
    let passed = || (tally.up.get(), tally.down.get());
    let mut before = None;
    while before != Some(passed()) {
        before = Some(passed());
        sleep(silence).await;
    }
}

/// Says what was said too early, and counts what is read, so that the audit entry has it also when it is cut off. Takes no
/// more than [`HELD`] before what it took is on its way.
struct Counted<'a, S> {
    inner: S,
    early: Bytes,
    read: &'a Cell<u64>,
    /// What was taken since all was on its way.
    held: usize,
}

impl<S: AsyncRead + Unpin> AsyncRead for Counted<'_, S> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buf.filled().len();
        if this.early.is_empty() {
            ready!(Pin::new(&mut this.inner).poll_read(cx, buf))?;
        } else {
            let length = this.early.len().min(buf.remaining());
            buf.put_slice(this.early.get(..length).unwrap_or_default());
            this.early.advance(length);
        }
        let got = buf.filled().len().saturating_sub(before) as u64;
        this.read.set(this.read.get().saturating_add(got));
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Counted<'_, S> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        if this.held >= HELD {
            ready!(Pin::new(&mut *this).poll_flush(cx))?;
        }
        let taken = ready!(Pin::new(&mut this.inner).poll_write(cx, buf))?;
        this.held = this.held.saturating_add(taken);
        Poll::Ready(Ok(taken))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        ready!(Pin::new(&mut this.inner).poll_flush(cx))?;
        this.held = 0;
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().inner).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::io;
    use std::pin::Pin;
    use std::task::{Context, Poll};

    use bytes::Bytes;
    use tokio::io::{AsyncRead, AsyncWrite, ReadBuf, copy};

    use super::{Counted, HELD};

    /// Takes all there is and sends it only when it is told to, as TLS with a large buffer may.
    #[derive(Default)]
    struct Hoard {
        held: usize,
        most: usize,
    }

    impl AsyncWrite for Hoard {
        fn poll_write(mut self: Pin<&mut Self>, _: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
            self.held += buf.len();
            self.most = self.most.max(self.held);
            Poll::Ready(Ok(buf.len()))
        }

        fn poll_flush(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            self.held = 0;
            Poll::Ready(Ok(()))
        }

        fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
    }

    impl AsyncRead for Hoard {
        fn poll_read(self: Pin<&mut Self>, _: &mut Context<'_>, _: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
    }

    #[tokio::test]
    async fn no_more_is_held_than_it_may_be_before_it_is_on_its_way() {
        let (read, said) = (Cell::new(0), vec![0; 1 << 20]);
        let mut client = Counted { inner: Hoard::default(), early: Bytes::new(), read: &read, held: 0 };
        assert_eq!(copy(&mut said.as_slice(), &mut client).await.unwrap(), 1 << 20);
        assert!((HELD..HELD + (16 << 10)).contains(&client.inner.most), "{}", client.inner.most);
    }
}
