//! `lockout`: who is locked out of the gateway that runs, and letting them in again.
//!
//! The gateway is asked over the socket that `ops.socket` names; it alone knows.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{IpAddr, Shutdown};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use clap::Subcommand;
use serde::Serialize;

use super::Exit;
use super::answer::{Answer, Failure};
use super::config::Common;
use super::table::columns;
use crate::server::protocol::{Ask, Kept, Listed, Scope, Told};

/// How long the gateway may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// Longer than any answer.
const LONGEST: u64 = 16 << 20;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// List wrong tries that are counted, and who has to wait for them
    List,
    /// Forget them: all, those of an address, or those for a user from an address
    Clear(Clear),
}

#[derive(Debug, clap::Args)]
pub(super) struct Clear {
    /// The address that they came from, as list shows it; of IPv6, its network of 64 bits is meant
    #[arg(value_parser = address)]
    address: Option<IpAddr>,
    /// The user whose name they claimed
    #[arg(requires = "address")]
    user: Option<String>,
}

#[derive(Serialize)]
struct Cleared {
    cleared: usize,
}

pub(super) fn run(command: &Command, common: &Common) -> Result<Answer, Failure> {
    let settings = common.settings()?;
    let Some(socket) = settings.ops.socket else {
        let problem = "ops.socket is not set in the settings, so nothing can be asked of the gateway that runs";
        return Err(Failure::Wrong(format!("{problem}: set it, and start the gateway anew")));
    };
    let ask = match command {
        Command::List => Ask::LockoutList {},
        Command::Clear(clear) => Ask::LockoutClear { address: clear.address, user: clear.user.clone() },
    };
    match converse(&socket, &ask).map_err(|error| unreachable(&socket, &error))? {
        Told::Listed(listed) => Answer::new(Exit::Yes, text(&listed), &listed),
        Told::Cleared { entries } => {
            let text = format!("cleared {entries} {}", if entries == 1 { "entry" } else { "entries" });
            Answer::new(Exit::Yes, text, &Cleared { cleared: entries })
        }
        Told::Refused(problem) => Err(Failure::Failed(problem)),
    }
}

/// Asks the gateway one thing.
fn converse(socket: &Path, ask: &Ask) -> io::Result<Told> {
    let mut stream = UnixStream::connect(socket)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let mut line = serde_json::to_vec(ask)?;
    line.push(b'\n');
    stream.write_all(&line)?;
    stream.shutdown(Shutdown::Write)?;
    let mut answer = String::new();
    stream.take(LONGEST).read_to_string(&mut answer)?;
    Ok(serde_json::from_str(&answer)?)
}

fn unreachable(socket: &Path, error: &io::Error) -> Failure {
    let socket = socket.display();
    Failure::Failed(match error.kind() {
        ErrorKind::NotFound | ErrorKind::ConnectionRefused => {
            format!("{socket}: nobody listens: no gateway runs with these settings")
        }
        ErrorKind::PermissionDenied => {
            format!("{socket}: {error}: only the user that the gateway runs as may speak to it")
        }
        ErrorKind::WouldBlock | ErrorKind::TimedOut => format!("{socket}: the gateway does not answer"),
        _ => format!("{socket}: {error}"),
    })
}

/// An address, or a network as the list shows one.
fn address(text: &str) -> Result<IpAddr, String> {
    let bare = match text.split_once('/') {
        Some((bare, "32" | "64")) => bare,
        Some((_, prefix)) => {
            return Err(format!("what is counted is an IPv4 address or an IPv6 /64, and no /{prefix}"));
        }
        None => text,
    };
    bare.parse().map_err(|_| "this is not an address".to_owned())
}

fn text(listed: &Listed) -> String {
    if listed.entries.is_empty() {
        return "no wrong tries are remembered".to_owned();
    }
    let head = ["ADDRESS", "USER", "FAILURES", "LOCKED UNTIL"].map(str::to_owned).to_vec();
    let rows: Vec<_> = std::iter::once(head).chain(listed.entries.iter().map(row)).collect();
    let more = listed.total.saturating_sub(listed.entries.len());
    let rest = if more > 0 { format!("and {more} more that matter less\n") } else { String::new() };
    format!("{}{rest}", columns("", &rows))
}

fn row(kept: &Kept) -> Vec<String> {
    let user = match (&kept.user, kept.scope) {
        (Some(user), _) => user.clone(),
        (None, Scope::Address) => "(all names)".to_owned(),
        (None, Scope::User | Scope::UnknownName) => "(unknown name)".to_owned(),
    };
    let until = kept.locked_until.clone().unwrap_or_else(|| "-".to_owned());
    vec![kept.address.clone(), user, kept.failures.to_string(), until]
}
