//! A connection to one of the listeners beside the gate: hyper serves it, and it is ended so that the last answer is
//! read.

use std::convert::Infallible;
use std::io;
use std::pin::Pin;

use http::{Request, Response};
use http_body::Body;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::Service;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, copy, sink};
use tokio::sync::watch;
use tokio::time::timeout;

use super::connection::PATIENCE;

/// How much of what is left over is read. Neither listener has forms of such a size, and reading costs as much as sending.
const MOST: u64 = 1 << 20;

/// Serves a connection until it ends or the sender of `stopped` is dropped, which lets an answer under way be finished.
///
/// # Errors
/// What hyper says of a client that speaks no HTTP/1, goes away in the middle or is too slow.
pub(super) async fn serve<S, B>(
    builder: &http1::Builder,
    stream: impl AsyncRead + AsyncWrite + Unpin,
    service: S,
    mut stopped: watch::Receiver<()>,
) -> hyper::Result<()>
where
    S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible>,
    B: Body + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let mut exchange = builder.serve_connection(TokioIo::new(stream), service);
    let ended = tokio::select! {
        ended = &mut exchange => Some(ended),
        // Fails when the sender is dropped, which is the signal.
        _ = stopped.changed() => None,
    };
    let served = match ended {
        Some(served) => served,
        None => {
            Pin::new(&mut exchange).graceful_shutdown();
            (&mut exchange).await
        }
    };
    // By now hyper has written all of the answer and said farewell, unless an error kept it from that.
    let stream = exchange.into_parts().io.into_inner();
    // Where the farewell is not taken, or not in time, the client has gone anyway.
    let _ = timeout(PATIENCE, end(stream, stopped)).await;
    served
}

/// Says that nothing more will come and reads what the client still sends: hyper answers a head that is too large, and
/// a body that nobody wants, before they have come whole, and closing on the rest would have the client's system throw
/// the answer away (RFC 9112 section 9.6). At the end of the program nobody waits for that.
async fn end(mut stream: impl AsyncRead + AsyncWrite + Unpin, mut stopped: watch::Receiver<()>) -> io::Result<()> {
    stream.shutdown().await?;
    let mut rest = stream.take(MOST);
    tokio::select! {
        read = async { copy(&mut rest, &mut sink()).await } => read.map(drop),
        _ = stopped.changed() => Ok(()),
    }
}

#[cfg(test)]
#[path = "aside_tests.rs"]
mod tests;
