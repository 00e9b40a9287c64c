//! The TLS handshake: the pair is chosen by the name that the client asks for, and a name that none is for is refused.

use std::io;
use std::sync::Arc;

use rustls::server::Acceptor;
use tokio::io::AsyncWriteExt;
use tokio_rustls::LazyConfigAcceptor;
use tokio_rustls::server::TlsStream;

use super::key_exchange::KeyExchange;
use super::sites::{Number, Sites};
use super::socket::Socket;
use crate::gate::Site;

/// A fatal alert, `unrecognized_name`, in a record of its own (RFC 8446 section 6, RFC 6066 section 3). Before the
/// server's first message it goes in clear, in every version.
const UNRECOGNIZED_NAME: [u8; 7] = [21, 3, 3, 0, 2, 2, 112];

/// Makes a connection one of TLS. The site is there only where a request on it can be meant for another.
pub(super) async fn shake(
    stream: Socket,
    sites: Arc<Sites>,
    keys: &KeyExchange<Socket>,
) -> io::Result<(TlsStream<Socket>, Option<Site>)> {
    let mut start = LazyConfigAcceptor::new(Acceptor::default(), stream).await?;
    let chosen = sites.choose(start.client_hello().server_name());
    let Some((number, config)) = chosen.map(|(number, config)| (number, Arc::clone(config))) else {
        start.io.write_all(&UNRECOGNIZED_NAME).await?;
        start.io.shutdown().await?;
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "no certificate is for the name that is asked for"));
    };
    let stream = keys.take(start, config).await?.await?;
    let site = sites.are_several().then(|| site(number, sites));
    Ok((stream, site))
}

fn site(number: Number, sites: Arc<Sites>) -> Site {
    Site::new(move |host| sites.find(host).is_none_or(|other| other == number))
}
