//! What `portcullis demo` needs besides the gateway itself, and what tests put behind a gateway.
//!
//! [`store`] is a sample store API. It stands for the legacy API that Portcullis is made for, so it knows nothing of
//! gateways: no other room of the house is named here. [`files`] are the texts of the files that the gateway is run on.

pub mod files;
pub mod store;
