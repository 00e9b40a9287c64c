//! What follows a `101 Switching Protocols`: two streams of bytes, side by side, until one ends or access is taken away.

use std::cell::Cell;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf, copy_bidirectional};

use super::recording::Recording;
use super::streams::Exchange;
use super::upstream::{Lease, Tally};

/// Both ends of a connection that is about to change its protocol, and what belongs to it.
pub(super) struct Tunnel {
    pub(super) client: OnUpgrade,
    pub(super) upstream: OnUpgrade,
    pub(super) exchange: Exchange,
    pub(super) tally: Rc<Tally>,
    pub(super) recording: Recording,
    /// Kept so that the upstream connection is driven to the end.
    pub(super) lease: Lease,
}

impl Tunnel {
    /// Carries bytes both ways until the end.
    pub(super) async fn run(mut self) {
        let ended = tokio::select! {
            ended = carry(self.client, self.upstream, &self.tally) => ended,
            () = self.exchange.cut() => {
                self.recording.cut();
                return;
            }
        };
        if let Err(error) = ended {
            tracing::debug!(%error, "an upgraded connection broke off");
        }
        self.recording.finish();
        drop(self.lease);
    }
}

async fn carry(client: OnUpgrade, upstream: OnUpgrade, tally: &Tally) -> io::Result<()> {
    let (client, upstream) = tokio::try_join!(client, upstream).map_err(io::Error::other)?;
    let mut client = Counted { inner: TokioIo::new(client), read: &tally.up };
    let mut upstream = Counted { inner: TokioIo::new(upstream), read: &tally.down };
    copy_bidirectional(&mut client, &mut upstream).await?;
    Ok(())
}

/// Counts what is read, so that the audit entry has it also when the copying is cut off.
struct Counted<'a> {
    inner: TokioIo<Upgraded>,
    read: &'a Cell<u64>,
}

impl AsyncRead for Counted<'_> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buf.filled().len();
        ready!(Pin::new(&mut this.inner).poll_read(cx, buf))?;
        let got = buf.filled().len().saturating_sub(before) as u64;
        this.read.set(this.read.get().saturating_add(got));
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Counted<'_> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().inner).poll_write(cx, buf)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().inner).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().inner).poll_shutdown(cx)
    }
}
