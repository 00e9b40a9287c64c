//! Addresses to listen on: a number and a port. Names are not looked up, since what they resolve to may change and
//! would decide on which network the gateway stands.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use super::check::Problem;

/// The port in advice, where none was written.
const PORT: &str = "8443";

/// Reads an address.
pub(super) fn parse(text: &str) -> Result<SocketAddr, Problem> {
    text.parse().map_err(|_| problem(text))
}

fn problem(text: &str) -> Problem {
    if let Some((scheme, rest)) = text.split_once("://") {
        let problem = Problem::new(format!("an address to listen on has no scheme: {scheme:?} is for URLs"));
        let bare = rest.split('/').next().unwrap_or(rest);
        return if bare.parse::<SocketAddr>().is_ok() { problem.help(format!("write {bare:?}")) } else { problem };
    }
    if let Ok(address) = text.trim_matches(['[', ']']).parse::<IpAddr>() {
        let whole = match address {
            IpAddr::V4(v4) => format!("{v4}:{PORT}"),
            IpAddr::V6(v6) => format!("[{v6}]:{PORT}"),
        };
        return Problem::new(format!("{text:?} has no port")).help(format!("write \"{whole}\""));
    }
    let (host, port) = text.rsplit_once(':').unwrap_or((text, ""));
    let digits = !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
    if digits && port.parse::<u16>().is_err() {
        return Problem::new(format!("{port} is not a port: the highest is 65535"));
    }
    let port = if digits { port } else { PORT };
    match host {
        "" | "*" => Problem::new(format!("{text:?} does not say which addresses"))
            .help(format!("write \"0.0.0.0:{port}\" for all of IPv4, \"[::]:{port}\" for all of IPv6")),
        "localhost" => not_looked_up(text).help(format!("write \"{}:{port}\"", Ipv4Addr::LOCALHOST)),
        host if host.parse::<Ipv6Addr>().is_ok() => {
            Problem::new(format!("{text:?} does not say where its port begins"))
                .help(format!("write \"[{host}]:{port}\""))
        }
        host if !host.is_empty() && host.bytes().all(|byte| byte.is_ascii_digit()) => no_address(text),
        host if name(host) => {
            not_looked_up(text).help(format!("write the address it stands for, or \"0.0.0.0:{port}\" for all of IPv4"))
        }
        _ => no_address(text),
    }
}

fn not_looked_up(text: &str) -> Problem {
    Problem::new(format!("{text:?} is a name: names are not looked up to listen on"))
}

fn no_address(text: &str) -> Problem {
    Problem::new(format!("{text:?} is not an address and a port, such as \"0.0.0.0:{PORT}\""))
}

fn name(host: &str) -> bool {
    host.starts_with(|c: char| c.is_ascii_alphabetic())
        && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_'))
}
