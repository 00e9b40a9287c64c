//! What other programs wrote, as far as it can be said in an access document: users with passwords, and the paths of an API.
//!
//! Called by the commands. Nothing here opens a file or grants anything to anybody.

pub mod htpasswd;
pub mod openapi;
