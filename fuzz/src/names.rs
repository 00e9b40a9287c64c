//! Names of headers, as an upstream may read them: a reference for what the gateway takes out.
//!
//! It knows of std and of nothing else.

/// What is left of a name where everything but letters and digits is one sign, as where headers become variables.
pub fn folded(name: &str) -> String {
    name.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' }).collect()
}

/// Whether only the gateway may say this: who asks, from where, and by which way.
pub fn is_claim(name: &str) -> bool {
    let folded = folded(name);
    let known =
        ["forwarded", "proxy", "proxy-authorization", "remote-user", "x-real-ip", "x-remote-user", "x-request-id"];
    known.contains(&&folded[..]) || folded.starts_with("x-forwarded-")
}

/// Whether this belongs to one connection.
pub fn is_hop_by_hop(name: &str) -> bool {
    let known =
        ["connection", "keep-alive", "proxy-connection", "te", "transfer-encoding", "upgrade", "http2-settings"];
    known.contains(&name)
}

/// Whether this would be `Content-Length`, `Host` or the like if its signs were hyphens.
pub fn is_misspelt(name: &str) -> bool {
    let known = [
        "authorization",
        "connection",
        "content-length",
        "cookie",
        "expect",
        "host",
        "te",
        "transfer-encoding",
        "upgrade",
    ];
    let folded = folded(name);
    folded != name.to_ascii_lowercase() && known.contains(&&folded[..])
}
