//! What a demo tells: what is running where, who there is, and commands to paste.

use std::net::SocketAddr;

use serde_json::{Value, json};

use super::prepared::Prepared;
use crate::cli::{shell, table};
use crate::demo::files::{PANEL_USER, USERS};
use crate::server::Addresses;

/// A command to paste, and what comes of it.
struct Command {
    status: u16,
    why: &'static str,
    line: String,
}

/// All that is told.
pub(super) struct Tour {
    gateway: String,
    panel: String,
    password: String,
    metrics: String,
    store: String,
    dir: String,
    /// Whether a usual port was in use.
    taken: bool,
    /// Name, token, and what this user may do.
    users: Vec<[String; 3]>,
    commands: Vec<Command>,
}

impl Tour {
    pub(super) fn new(prepared: &Prepared, addresses: &Addresses, store: SocketAddr, taken: bool) -> Self {
        let https = addresses.https.first().copied().unwrap_or(store);
        let gateway = format!("https://{https}");
        let users = USERS.iter().zip(prepared.tokens());
        let users: Vec<_> =
            users.map(|((name, may), token)| [*name, token.as_str(), *may].map(str::to_owned)).collect();
        Self {
            commands: commands(prepared, &gateway, &users),
            gateway,
            panel: addresses.panel.map(|panel| format!("https://{panel}")).unwrap_or_default(),
            password: prepared.password().to_owned(),
            metrics: addresses.ops.map(|ops| format!("http://{ops}/metrics")).unwrap_or_default(),
            store: format!("http://{store}"),
            dir: prepared.dir().display().to_string(),
            taken,
            users,
        }
    }

    /// For a terminal.
    pub(super) fn text(&self) -> String {
        let row = |name: &str, value: &str, what: &str| vec![name.to_owned(), value.to_owned(), what.to_owned()];
        let ports = if self.taken { "The usual ports are in use, so free ones were chosen.\n" } else { "" };
        let places = [
            row("gateway", &self.gateway, "TLS, credentials, permissions"),
            row("store", &self.store, "the sample API behind it, which asks nobody"),
            row("panel", &self.panel, "the control panel, for a browser"),
            row("", &format!("  sign in as {PANEL_USER}"), &format!("with the password {}", self.password)),
            row("metrics", &self.metrics, "what the gateway counts"),
            row("files", &self.dir, "gone when the demo ends"),
            row("", "  access.toml", "who may do what: change it, it takes effect at once"),
            row("", "  audit.jsonl", "one line for each request, kept out of this terminal"),
        ];
        let users: Vec<_> = self.users.iter().map(|user| user.to_vec()).collect();
        let mut text = format!(
            "\nThis is a demo: it listens on the loopback interface only, and its users and tokens are made up.\n\
             {ports}\n{}\nUsers, their tokens and what they may do:\n\n{}",
            table::columns("  ", &places),
            table::columns("  ", &users),
        );
        for command in &self.commands {
            let answer = if command.status < 400 { "Allowed" } else { "Refused" };
            text.push_str(&format!("\n{answer}, {}: {}\n\n  {}\n", command.status, command.why, command.line));
        }
        text.push_str("\nCtrl-C ends it.\n");
        text
    }

    /// For a program.
    pub(super) fn value(&self) -> Value {
        let users = self.users.iter().map(|[name, token, may]| json!({ "name": name, "token": token, "may": may }));
        let commands = self.commands.iter();
        let commands = commands.map(|one| json!({ "status": one.status, "why": one.why, "line": one.line }));
        json!({
            "gateway": self.gateway,
            "store": self.store,
            "panel": { "address": self.panel, "user": PANEL_USER, "password": self.password },
            "metrics": self.metrics,
            "directory": self.dir,
            "users": users.collect::<Value>(),
            "commands": commands.collect::<Value>(),
        })
    }
}

fn commands(prepared: &Prepared, gateway: &str, users: &[[String; 3]]) -> Vec<Command> {
    let authority = shell::path(&prepared.dir().join("ca.pem"));
    let curl = |name: Option<&str>, rest: &str| {
        let user = users.iter().find(|[user, ..]| Some(user.as_str()) == name);
        let user = user.map(|[name, token, _]| format!("--user {name}:{token} ")).unwrap_or_default();
        format!("curl -i --cacert {authority} {user}{rest}")
    };
    let product = format!("{gateway}/api/v2/products/1");
    vec![
        Command { status: 200, why: "bob may view products", line: curl(Some("bob"), &product) },
        Command { status: 401, why: "there are no credentials", line: curl(None, &product) },
        Command {
            status: 403,
            why: "bob may view products and not delete them",
            line: curl(Some("bob"), &format!("-X DELETE {product}")),
        },
    ]
}
