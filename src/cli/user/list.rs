//! `user list`.

use std::time::SystemTime;

use serde::Serialize;

use super::uses::{Uses, written};
use crate::cli::answer::{Answer, Failure};
use crate::cli::config::Common;
use crate::cli::{Exit, credentials, holders, reading, table};
use crate::policy::User;
use crate::source::document::Law;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Only those who may use the API by a token, and have never used one
    #[arg(long)]
    never_used: bool,
}

#[derive(Serialize)]
struct Listed {
    users: Vec<Row>,
}

#[derive(Serialize)]
struct Row {
    name: String,
    title: Option<String>,
    api_access: bool,
    /// Why the user cannot use the API at the moment.
    hindrance: Option<&'static str>,
    /// How many tokens there are, expired ones included.
    tokens: usize,
    /// When one of them was last used, null for never. Left out where that is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_used: Option<Option<String>>,
    roles: Vec<String>,
}

impl Row {
    fn new(law: &Law, user: &User, uses: &Uses, now: SystemTime) -> Self {
        Self {
            name: user.name.to_string(),
            title: user.title.as_deref().map(str::to_owned),
            api_access: user.api_access,
            hindrance: credentials::hindrance(user, now),
            tokens: user.tokens.len(),
            last_used: uses.of_user(user).map(|used| used.and_then(written)),
            roles: holders::role_names(law, user),
        }
    }

    fn cells(&self) -> Vec<String> {
        let access = self.hindrance.map_or_else(|| "may use the API".to_owned(), str::to_owned);
        let day = |moment: &String| moment.split('T').next().unwrap_or_default().to_owned();
        let used = match &self.last_used {
            None => "-".to_owned(),
            Some(used) => used.as_ref().map_or_else(|| "never".to_owned(), day),
        };
        vec![self.name.clone(), self.title.clone().unwrap_or_default(), access, used, self.roles.join(", ")]
    }
}

pub(super) fn run(args: &Args, common: &Common, now: SystemTime) -> Result<Answer, Failure> {
    let settings = common.settings()?;
    let (law, uses) = (reading::law(&settings.access)?, Uses::of(&settings));
    if args.never_used && !uses.are_known() {
        let problem = "state is not set in the settings, so the gateway does not keep when tokens were last used";
        return Err(Failure::Wrong(uses.trouble.unwrap_or_else(|| problem.to_owned())));
    }
    let wanted = |user: &&User| !args.never_used || is_never_used(user, &uses, now);
    let users = holders::sorted(&law).into_iter().filter(wanted);
    let users: Vec<_> = users.map(|user| Row::new(&law, user, &uses, now)).collect();
    let head = ["USER", "TITLE", "API ACCESS", "LAST USED", "ROLES"].map(str::to_owned).to_vec();
    let rows: Vec<_> = std::iter::once(head).chain(users.iter().map(Row::cells)).collect();
    let answer = Answer::new(Exit::Yes, table::columns("", &rows), &Listed { users })?;
    Ok(answer.notes(uses.trouble.unwrap_or_default()))
}

/// Whether a user could come in by a token, and never has.
fn is_never_used(user: &User, uses: &Uses, now: SystemTime) -> bool {
    let live = user.tokens.iter().any(|token| !token.expired(now));
    user.api_access && live && uses.of_user(user) == Some(None)
}
