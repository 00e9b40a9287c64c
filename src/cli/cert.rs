//! `cert`: a development authority and a server certificate in a directory.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde::Serialize;
use serde_json::json;

use super::Exit;
use super::answer::{Answer, Failure};
use super::{shell, table};
use crate::edge::devcert::{self, Error, Paths};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The directory, which is made where it is missing
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// What clients will call the server: DNS names, *. wildcards or IP addresses
    #[arg(long = "host", value_name = "NAME", required = true, num_args = 1..)]
    hosts: Vec<String>,
    /// Replace a server certificate that is there already; an authority is always kept
    #[arg(long)]
    force: bool,
    /// Succeed and change nothing where a server certificate is there already
    #[arg(long, conflicts_with = "force")]
    keep: bool,
}

#[derive(Serialize)]
struct Written<'a> {
    certificate: &'a PathBuf,
    key: &'a PathBuf,
    authority: &'a PathBuf,
    authority_key: &'a PathBuf,
    authority_kept: bool,
    hosts: &'a [String],
}

pub(super) fn run(args: &Args, now: SystemTime) -> Result<Answer, Failure> {
    let made = devcert::generate_in(&args.out, &args.hosts, now).map_err(|error| failed(&error))?;
    let paths = match devcert::write(&args.out, &made, args.force) {
        Err(Error::Exists(path)) if args.keep => return kept(&path),
        written => written.map_err(|error| failed(&error))?,
    };
    let value = Written {
        certificate: &paths.server,
        key: &paths.server_key,
        authority: &paths.authority,
        authority_key: &paths.authority_key,
        authority_kept: paths.authority_kept,
        hosts: &args.hosts,
    };
    Answer::new(Exit::Yes, text(&paths, &args.hosts), &value)
}

fn kept(path: &Path) -> Result<Answer, Failure> {
    Answer::new(Exit::Yes, format!("{} is there already and is kept", path.display()), &json!({ "kept": path }))
}

fn failed(error: &Error) -> Failure {
    match error {
        Error::NoHosts | Error::Host { .. } => Failure::Wrong(error.to_string()),
        Error::Exists(_) => Failure::Failed(format!("{error}; --force replaces it")),
        _ => Failure::Failed(error.to_string()),
    }
}

fn text(paths: &Paths, hosts: &[String]) -> String {
    let kept = if paths.authority_kept { ", as it was" } else { "" };
    let row = |path: &PathBuf, what: String| vec![path.display().to_string(), what];
    let files = table::columns(
        "  ",
        &[
            row(&paths.server, format!("the certificate for {}", table::listed(hosts))),
            row(&paths.server_key, "its private key".to_owned()),
            row(&paths.authority, format!("the authority that signed it{kept}: for clients to trust")),
            row(&paths.authority_key, "the authority's key: keep it to yourself".to_owned()),
        ],
    );
    // A wildcard is no name that a client could ask for.
    let host = hosts.first().map_or_else(|| "localhost".to_owned(), |host| host.replacen('*', "www", 1));
    let host = if host.contains(':') { format!("[{host}]") } else { host };
    let authority = shell::path(&paths.authority);
    format!(
        "{files}\nClients that are told of the authority trust the server:\n\n  \
         curl --cacert {authority} {}\n",
        shell::word(&format!("https://{host}:8443/"))
    )
}
