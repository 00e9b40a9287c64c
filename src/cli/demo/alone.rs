//! The sample store alone, for a gateway that runs elsewhere, such as in another container.

use std::io;
use std::net::SocketAddr;

use serde_json::json;
use tokio::net::TcpListener;
use tokio::runtime::Builder;

use crate::cli::answer::{Answer, Failure};
use crate::cli::output::Output;
use crate::cli::serve::{Signals, unavailable};
use crate::demo::store;

/// Serves at this address until a signal ends it.
///
/// # Errors
/// Where the address cannot be listened on.
pub(super) fn run(address: SocketAddr, output: &mut Output) -> Result<Answer, Failure> {
    let runtime = Builder::new_current_thread().enable_all().build().map_err(|error| unavailable(&error))?;
    let failed = |error: io::Error| Failure::Failed(format!("the sample store at {address}: {error}"));
    runtime.block_on(async {
        let mut signals = Signals::new().map_err(|error| unavailable(&error))?;
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        let store = format!("http://{}", listener.local_addr().map_err(failed)?);
        output
            .result(&format!("The sample store, which asks nobody who they are: {store}"), &json!({ "store": store }));
        store::serve(listener, async move { signals.end().await }).await.map_err(failed)
    })?;
    Ok(Answer::given())
}
