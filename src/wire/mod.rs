//! HTTP/1.0 and 1.1 on the wire (RFC 9112): heads and bodies, read strictly and written plainly.
//!
//! `edge` reads requests and writes answers with it, `gate` the other way round. What clients send is read to the letter
//! of the grammar: of two readings neither is taken, for the upstream might take the other one (request smuggling,
//! CVE-2021-40346, CVE-2023-25725, CVE-2025-22871, CVE-2025-55315). What an upstream sends is read more kindly, since it
//! cannot be changed and it is written anew for the client.
//!
//! - [`request`], [`answer`]: heads. [`framing`]: where a body ends. [`body`], [`chunks`]: reading one.
//! - [`write`]: writing heads and chunks. All of these are pure.
//! - [`line`]: a connection with its buffers; [`room`]: how large they are for bodies. [`clock`] and `pace`: how long it is
//!   waited for.

pub(crate) mod answer;
pub(crate) mod body;
mod chunks;
pub(crate) mod clock;
mod fields;
pub(crate) mod framing;
pub(crate) mod line;
mod pace;
pub(crate) mod request;
pub(crate) mod room;
pub(crate) mod write;

pub(crate) use answer::AnswerHead;
pub(crate) use body::{BodyDecoder, BodyFault, Piece};
pub(crate) use clock::Clock;
pub(crate) use framing::Framing;
pub(crate) use line::{Line, Scratch};
pub(crate) use pace::{Pace, PaceLimits};
pub(crate) use request::{HeadFault, HeadLimits, RequestHead};
pub(crate) use room::Room;
