//! `user list`.

use std::time::SystemTime;

use serde::Serialize;

use crate::cli::answer::{Answer, Failure};
use crate::cli::{Exit, credentials, holders, table};
use crate::policy::User;
use crate::source::document::Law;

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
    roles: Vec<String>,
}

impl Row {
    fn new(law: &Law, user: &User, now: SystemTime) -> Self {
        Self {
            name: user.name.to_string(),
            title: user.title.as_deref().map(str::to_owned),
            api_access: user.api_access,
            hindrance: credentials::hindrance(user, now),
            tokens: user.tokens.len(),
            roles: holders::role_names(law, user),
        }
    }

    fn cells(&self) -> Vec<String> {
        let access = self.hindrance.map_or_else(|| "may use the API".to_owned(), str::to_owned);
        vec![self.name.clone(), self.title.clone().unwrap_or_default(), access, self.roles.join(", ")]
    }
}

pub(super) fn run(law: &Law, now: SystemTime) -> Result<Answer, Failure> {
    let users: Vec<_> = holders::sorted(law).into_iter().map(|user| Row::new(law, user, now)).collect();
    let rows: Vec<_> = users.iter().map(Row::cells).collect();
    Answer::new(Exit::Yes, table::columns("", &rows), &Listed { users })
}
