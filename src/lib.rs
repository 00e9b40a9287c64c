//! Portcullis: a reverse-proxy auth gateway.
//!
//! It stands in front of an HTTP API that cannot be changed. It ends TLS, asks for HTTP Basic credentials, looks up
//! which permission the request's path and method need, and forwards only what is permitted.
//!
//! # The life of a request
//!
//! Eight steps, all of them in one function of the room `gate`, `Gate::serve`:
//!
//! 1. **receive**: a request id, an audit entry that will be written whatever happens, one [`policy::Snapshot`].
//! 2. **read the target**: one canonical path ([`policy::Target`]), or 400.
//! 3. **read the credentials**: none, malformed, or a name and a secret.
//! 4. **authenticate**: [`policy::Users::authenticate`] makes a [`policy::Identity`], or 401, or 429.
//! 5. **decide**: [`policy::Policy::decide`] makes a [`policy::Permit`], or 403.
//! 6. **prepare**: what a client must not say is taken out of the headers, what the gateway says is put in.
//! 7. **forward**: takes the permit, and writes the request line from it.
//! 8. **record**: one audit entry and one set of counters.
//!
//! # The rooms
//!
//! - [`cli`]: the commands. The only room that prints and reads the environment.
//! - [`settings`]: what does not change while the gateway runs.
//! - [`server`]: joins the rooms: build, bind, run, drain.
//! - [`policy`]: the law. Pure: no I/O, no clock, nothing asynchronous.
//! - [`source`]: where the law comes from: reading, watching, publishing, changing.
//! - `wire`: HTTP/1 on the wire, read strictly and written plainly.
//! - `gate`: the guard: the eight steps.
//! - [`edge`]: sockets, TLS, workers, limits.
//! - [`record`]: audit, metrics, and what is remembered of refusals, changes and uses. It decides nothing.
//! - `panel`: the control panel: pages, sessions, templates. It changes the law through [`source::edit`] alone.
//! - [`demo`]: the sample store, and the files to guard it with.
//! - [`fault`]: how faults in files are told.
//! - `fuzzing`: doors for the fuzz targets and benchmarks, in builds with the feature of that name and in no other.
//!
//! # The forbidden arrows
//!
//! `tests/layering` reads `src/` and holds these:
//!
//! - [`policy`] names no other room.
//! - hyper, which serves HTTP/2 and the panel, is named in [`edge`] and where `panel` hands itself over to it; rustls in [`edge`] and where the upstream speaks TLS.
//! - `wire` names no other room.
//! - `gate` knows [`source`] only as [`source::live::Live`]; [`edge`] does not know [`policy`].
//! - Only [`cli`] prints and reads the environment.

pub mod cli;
pub mod demo;
pub mod edge;
pub mod fault;
#[cfg(feature = "fuzzing")]
pub mod fuzzing;
mod gate;
mod panel;
pub mod policy;
pub mod record;
pub mod server;
pub mod settings;
pub mod source;
mod wire;
