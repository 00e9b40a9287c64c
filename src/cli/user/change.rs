//! The verbs of `user` that change the access document.

use std::path::Path;
use std::time::{Duration, SystemTime};

use clap::Subcommand;
use jiff::SignedDuration;
use serde::Serialize;
use similar::TextDiff;

use crate::cli::answer::{Answer, Failure};
use crate::cli::config::variable;
use crate::cli::{Exit, credentials, holders, secret, table};
use crate::policy::PasswordHash;
use crate::server::process;
use crate::source::document::Law;
use crate::source::edit::{Author, Change, Draft, EditError, Way};
use crate::source::mint::{NewToken, mint};
use crate::source::password::{self, PasswordError};

/// Whom sudo was called by.
const SUDO: &str = "SUDO_USER";

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Add a user, without API access at first
    Add {
        #[command(flatten)]
        whom: Whom,
        /// What a person calls them
        #[arg(long)]
        title: Option<String>,
    },
    /// Remove a user
    Remove(Whom),
    /// Allow a user to use the API
    Enable(Whom),
    /// End a user's API access
    Disable(Whom),
    /// Make a new token, print it, and put the old ones out
    Regenerate {
        #[command(flatten)]
        whom: Whom,
        /// What a person calls the token
        #[arg(long)]
        label: Option<String>,
        /// When it ends: a date such as 2026-12-31, or a date and time such as 2026-12-31T18:00:00Z
        #[arg(long, value_name = "MOMENT")]
        expires: Option<String>,
        /// Let the latest old token count for so long, such as 24h
        #[arg(long, value_name = "TIME")]
        keep_old: Option<SignedDuration>,
    },
    /// Grant a user permissions, or give roles
    Grant(Granted),
    /// Take back what was granted to a user
    Revoke(Granted),
    /// Set a user's password for the control panel: asked for twice, or one line on standard input
    Password {
        #[command(flatten)]
        whom: Whom,
        /// No password any more: the user may not sign in to the control panel
        #[arg(long)]
        remove: bool,
    },
}

#[derive(Debug, clap::Args)]
pub(super) struct Whom {
    /// The user
    name: String,
    /// Show what would change in the document, and leave it as it is
    #[arg(long)]
    dry_run: bool,
}

#[derive(Debug, clap::Args)]
pub(super) struct Granted {
    #[command(flatten)]
    whom: Whom,
    /// Permissions such as orders.edit, or areas such as orders.*
    #[arg(required_unless_present = "roles")]
    permissions: Vec<String>,
    /// A role; may be given several times
    #[arg(long = "role", value_name = "ROLE")]
    roles: Vec<String>,
}

#[derive(Serialize)]
struct Done {
    user: String,
    changed: bool,
    /// Whether the document was left as it is.
    dry_run: bool,
    /// What changes in the document's text.
    diff: String,
    /// A new token. It is told here and nowhere else.
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<String>,
    /// What is to be known about it.
    notes: Vec<String>,
}

/// What is made for a change: a new token, or the hash of a new password.
#[derive(Default)]
struct Made {
    token: Option<NewToken>,
    password: Option<PasswordHash>,
}

pub(super) fn run(command: &Command, document: &Path, now: SystemTime) -> Result<Answer, Failure> {
    let made = command.made(document, now)?;
    let (whom, changes) = command.changes(&made, now)?;
    let mut draft = Draft::open(document, now).map_err(|error| told(&error))?;
    let (before, mut changed) = (draft.text(), false);
    for change in &changes {
        changed |= draft.make(&whom.name, change).map_err(|error| told(&error))?;
    }
    let mut notes = command.notes(draft.law(), now);
    let diff = if changed { diff(&before, &draft.text(), document) } else { String::new() };
    // One that is not stored opens nothing, so it is not told either.
    let token = made.token.filter(|_| !whom.dry_run).map(|token| token.as_str().to_owned());
    if changed && !whom.dry_run {
        let saved = draft.save(&author()).map_err(|error| Failure::Failed(error.to_string()))?;
        notes.extend(saved.unwritten.map(unwritten));
    }
    let text = match (&token, changed, whom.dry_run) {
        (Some(token), ..) => token.clone(),
        (None, true, true) => diff.clone(),
        (None, true, false) => format!("saved: {}", command.deed(&whom.name)),
        (None, false, _) => "nothing to change".to_owned(),
    };
    if token.is_some() {
        notes.insert(0, "this is the only time that the token is shown; it counts from now on".to_owned());
    }
    let told = notes.join("\n");
    let done = Done { user: whom.name.clone(), changed, dry_run: whom.dry_run, diff, token, notes };
    Ok(Answer::new(Exit::Yes, text, &done)?.notes(told))
}

/// What is told where a change is not in the journal.
pub(in crate::cli) fn unwritten(why: impl std::fmt::Display) -> String {
    format!("saved, and not noted who did it: {why}")
}

/// Whoever runs the command.
pub(in crate::cli) fn author() -> Author {
    let sudo = variable(SUDO).and_then(|name| name.into_string().ok());
    Author { way: Way::Command, who: process::login_name(sudo), from: None }
}

pub(in crate::cli) fn told(error: &EditError) -> Failure {
    match error {
        EditError::Faulty(_) | EditError::Refused(_) => Failure::Faults(error.to_string()),
        EditError::Read(_) | EditError::Form(_) => Failure::Wrong(error.to_string()),
        EditError::NoUser(..)
        | EditError::UserExists(_)
        | EditError::LastUser(_)
        | EditError::LastEditor(_)
        | EditError::NotHeld(_) => Failure::Failed(error.to_string()),
    }
}

pub(in crate::cli) fn diff(before: &str, after: &str, document: &Path) -> String {
    let name = document.display().to_string();
    TextDiff::from_lines(before, after).unified_diff().context_radius(3).header(&name, &name).to_string()
}

impl Command {
    /// Makes what the change needs.
    fn made(&self, document: &Path, now: SystemTime) -> Result<Made, Failure> {
        match self {
            Self::Regenerate { .. } => {
                let token = mint().map_err(|error| Failure::Failed(format!("no random bytes: {error}")))?;
                Ok(Made { token: Some(token), password: None })
            }
            Self::Password { whom, remove: false } => {
                // Nobody types a password for a user that there is not, nor for a document that cannot be changed.
                let draft = Draft::open(document, now).map_err(|error| told(&error))?;
                if draft.law().users.get(&whom.name).is_none() {
                    return Err(told(&EditError::no_user(draft.law(), &whom.name)));
                }
                let typed = secret::new("password", &whom.name)?;
                let hash = password::hash(&typed).map_err(|error| match error {
                    PasswordError::System => Failure::Failed(error.to_string()),
                    _ => Failure::Wrong(error.to_string()),
                })?;
                Ok(Made { token: None, password: Some(hash) })
            }
            _ => Ok(Made::default()),
        }
    }

    /// What is to be known about what the document says now.
    fn notes(&self, law: &Law, now: SystemTime) -> Vec<String> {
        let name = &self.whom().name;
        let Some(user) = law.users.get(name) else { return Vec::new() };
        match self {
            Self::Disable(_) | Self::Password { remove: true, .. } => Vec::new(),
            Self::Password { .. } => {
                let panel: Vec<_> =
                    law.policy.permissions().iter().filter(|one| one.as_str().starts_with("panel.")).collect();
                let none = holders::held(law, user, &panel).is_empty();
                let words = "panel.users.view, panel.users.edit and panel.audit.view";
                none.then(|| {
                    format!("{name} can do nothing in the control panel yet: there are {words}, to be granted")
                })
                .into_iter()
                .collect()
            }
            _ => {
                let hindrance = credentials::hindrance(user, now);
                hindrance.map(|hindrance| format!("{name} cannot use the API yet: {hindrance}")).into_iter().collect()
            }
        }
    }

    fn whom(&self) -> &Whom {
        match self {
            Self::Add { whom, .. } | Self::Regenerate { whom, .. } | Self::Password { whom, .. } => whom,
            Self::Remove(whom) | Self::Enable(whom) | Self::Disable(whom) => whom,
            Self::Grant(granted) | Self::Revoke(granted) => &granted.whom,
        }
    }

    /// Whom it is about, and what is to be done.
    fn changes(&self, made: &Made, now: SystemTime) -> Result<(&Whom, Vec<Change>), Failure> {
        Ok(match self {
            Self::Add { whom, title } => (whom, vec![Change::Add { title: title.clone() }]),
            Self::Remove(whom) => (whom, vec![Change::Remove]),
            Self::Enable(whom) => (whom, vec![Change::Access(true)]),
            Self::Disable(whom) => (whom, vec![Change::Access(false)]),
            Self::Regenerate { whom, label, expires, keep_old } => {
                let keep_old = keep_old.map(|time| until(now, time)).transpose()?;
                let new = |hash| Change::NewToken { hash, label: label.clone(), expires: expires.clone(), keep_old };
                (whom, made.token.as_ref().map(NewToken::hash).map(new).into_iter().collect())
            }
            Self::Grant(granted) => (&granted.whom, granted.changes(Change::Grant, Change::GiveRole)),
            Self::Revoke(granted) => (&granted.whom, granted.changes(Change::Revoke, Change::TakeRole)),
            Self::Password { whom, .. } => (whom, vec![Change::Panel(made.password.clone())]),
        })
    }

    /// What has been done.
    fn deed(&self, name: &str) -> String {
        match self {
            Self::Add { .. } => format!("{name} is a user, without API access"),
            Self::Remove(_) => format!("{name} is no user any more"),
            Self::Enable(_) => format!("{name} may use the API"),
            Self::Disable(_) => format!("{name} may not use the API any more"),
            Self::Regenerate { .. } => format!("{name} has a new token"),
            Self::Grant(granted) => format!("{name} has {}", granted.listed()),
            Self::Revoke(granted) => format!("{name} was granted {}, and is no more", granted.listed()),
            Self::Password { remove: false, .. } => format!("{name} has a new password for the control panel"),
            Self::Password { .. } => format!("{name} has no password for the control panel any more"),
        }
    }
}

impl Granted {
    fn changes(&self, permission: fn(String) -> Change, role: fn(String) -> Change) -> Vec<Change> {
        let permissions = self.permissions.iter().cloned().map(permission);
        permissions.chain(self.roles.iter().cloned().map(role)).collect()
    }

    fn listed(&self) -> String {
        let all: Vec<_> = self.permissions.iter().chain(&self.roles).cloned().collect();
        table::listed(&all)
    }
}

fn until(now: SystemTime, time: SignedDuration) -> Result<SystemTime, Failure> {
    let wrong = || Failure::Wrong("--keep-old is a time such as 24h or 90m".to_owned());
    let time = Duration::try_from(time).map_err(|_| wrong())?;
    now.checked_add(time).ok_or_else(wrong)
}
