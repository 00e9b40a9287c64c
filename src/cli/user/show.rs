//! `user show`.

use std::time::SystemTime;

use serde::Serialize;

use super::uses::{Uses, written};
use crate::cli::answer::{Answer, Failure};
use crate::cli::config::Common;
use crate::cli::holders::{self, Held};
use crate::cli::{Exit, credentials, reading, table};
use crate::policy::{Permission, Token, User};
use crate::source::document::Law;
use crate::source::edit::EditError;

#[derive(Serialize)]
struct Shown {
    name: String,
    title: Option<String>,
    api_access: bool,
    /// Why the user cannot use the API at the moment.
    hindrance: Option<&'static str>,
    tokens: Vec<ShownToken>,
    roles: Vec<String>,
    grants: Vec<String>,
    /// Every permission that the user has, and each way to it.
    held: Vec<Held>,
    /// From where the user may come; empty for anywhere.
    addresses: Vec<String>,
    /// Whether there is a password for the control panel.
    panel: bool,
}

/// A token, without its hash.
#[derive(Serialize)]
struct ShownToken {
    label: Option<String>,
    created: Option<String>,
    expires: Option<String>,
    expired: bool,
    /// Null for never. Left out where that is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_used: Option<Option<String>>,
}

impl ShownToken {
    fn new(token: &Token, uses: &Uses, now: SystemTime) -> Self {
        Self {
            label: token.label.as_deref().map(str::to_owned),
            created: token.created.and_then(written),
            expires: token.expires.and_then(written),
            expired: token.expired(now),
            last_used: uses.of_token(token).map(|used| used.and_then(written)),
        }
    }

    fn text(&self) -> String {
        let ended = if self.expired { "expired" } else { "expires" };
        let parts = [
            self.label.clone(),
            self.created.as_ref().map(|created| format!("created {created}")),
            self.expires.as_ref().map(|expires| format!("{ended} {expires}")),
            self.last_used.as_ref().map(|used| match used {
                Some(used) => format!("last used {used}"),
                None => "never used".to_owned(),
            }),
        ];
        let said: Vec<_> = parts.into_iter().flatten().collect();
        if said.is_empty() { "without a label".to_owned() } else { said.join(", ") }
    }
}

pub(super) fn run(name: &str, common: &Common, now: SystemTime) -> Result<Answer, Failure> {
    let settings = common.settings()?;
    let (law, uses) = (reading::law(&settings.access)?, Uses::of(&settings));
    let user = law.users.get(name).ok_or_else(|| Failure::Failed(EditError::no_user(&law, name).to_string()))?;
    let shown = Shown::new(&law, user, &uses, now);
    Ok(Answer::new(Exit::Yes, shown.text(), &shown)?.notes(uses.trouble.unwrap_or_default()))
}

impl Shown {
    fn new(law: &Law, user: &User, uses: &Uses, now: SystemTime) -> Self {
        let all: Vec<&Permission> = law.policy.permissions().iter().collect();
        Self {
            name: user.name.to_string(),
            title: user.title.as_deref().map(str::to_owned),
            api_access: user.api_access,
            hindrance: credentials::hindrance(user, now),
            tokens: user.tokens.iter().map(|token| ShownToken::new(token, uses, now)).collect(),
            roles: holders::role_names(law, user),
            grants: user.grants.iter().map(ToString::to_string).collect(),
            held: holders::held(law, user, &all),
            addresses: user.networks.iter().map(ToString::to_string).collect(),
            panel: user.panel.is_some(),
        }
    }

    fn text(&self) -> String {
        let row = |name: &str, value: String| vec![name.to_owned(), value];
        let mut rows = Vec::new();
        rows.extend(self.title.as_ref().map(|title| row("title", title.clone())));
        rows.push(row("API access", if self.api_access { "on" } else { "off" }.to_owned()));
        rows.extend(self.hindrance.filter(|_| self.api_access).map(|hindrance| row("but", hindrance.to_owned())));
        rows.extend(self.tokens.iter().map(|token| row("token", token.text())));
        rows.extend(self.roles.iter().map(|role| row("role", role.clone())));
        rows.extend(self.grants.iter().map(|grant| row("granted", grant.clone())));
        rows.extend(self.held.iter().map(|held| row("may", held.to_string())));
        let addresses = (!self.addresses.is_empty()).then(|| self.addresses.join(", "));
        rows.extend(addresses.map(|addresses| row("only from", addresses)));
        rows.extend(self.panel.then(|| row("panel", "may sign in".to_owned())));
        format!("{}\n{}", self.name, table::columns("  ", &rows))
    }
}
