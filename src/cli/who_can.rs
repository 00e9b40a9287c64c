//! `who-can`: every user who may do something, and through which role or grant.

use std::time::SystemTime;

use serde::Serialize;

use super::answer::{Answer, Failure};
use super::holders::{self, Held};
use super::reading::{self, Governing};
use super::{Exit, credentials, table};
use crate::policy::{Asked, Target, User};
use crate::source::document::Law;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The method, such as GET
    method: String,
    /// The path, such as /api/v2/products/7
    path: String,
}

#[derive(Debug, Default, Serialize)]
struct Able {
    request: String,
    #[serde(flatten)]
    governing: Governing,
    /// Whether no credentials are asked for.
    public: bool,
    users: Vec<AbleUser>,
    /// Those who have the permission and cannot prove to be themselves at the moment.
    hindered: Vec<HinderedUser>,
    /// Why nobody can.
    problem: Option<String>,
}

#[derive(Debug, Serialize)]
struct AbleUser {
    name: String,
    title: Option<String>,
    held: Vec<Held>,
    /// Empty for anywhere.
    addresses: Vec<String>,
}

#[derive(Debug, Serialize)]
struct HinderedUser {
    name: String,
    hindrance: &'static str,
}

pub(super) fn run(args: &Args, law: &Law, now: SystemTime) -> Result<Answer, Failure> {
    let able = able(args, law, now);
    let somebody = able.public || !able.users.is_empty();
    Answer::new(if somebody { Exit::Yes } else { Exit::No }, able.text(), &able)
}

fn able(args: &Args, law: &Law, now: SystemTime) -> Able {
    let request = format!("{} {}", args.method, args.path);
    let target = match Target::parse(&args.method, &args.path) {
        Ok(target) => target,
        Err(error) => return Able { request, problem: Some(format!("{error} (400)")), ..Able::default() },
    };
    let asked = law.policy.ask(target);
    let mut able = Able { request, public: asked.is_public(), ..Able::default() };
    able.governing = Governing::of(&law.policy, &asked);
    able.problem = match (asked.resource(), asked.rule()) {
        (None, _) => Some("no resource covers this path".to_owned()),
        (Some(_), None) => {
            let advice = reading::method_advice(asked.target().method());
            Some(advice.unwrap_or_else(|| "the resource does not list this method".to_owned()))
        }
        (Some(_), Some(_)) => None,
    };
    for user in holders::sorted(law) {
        if !able.public && law.policy.would_allow(user, None, &asked).is_ok() {
            match credentials::hindrance(user, now) {
                None => able.users.push(AbleUser::new(law, user, &asked)),
                Some(hindrance) => able.hindered.push(HinderedUser { name: user.name.to_string(), hindrance }),
            }
        }
    }
    able
}

impl AbleUser {
    fn new(law: &Law, user: &User, asked: &Asked) -> Self {
        let required = asked.rule().map(|rule| law.policy.required(rule)).unwrap_or_default();
        Self {
            name: user.name.to_string(),
            title: user.title.as_deref().map(str::to_owned),
            held: holders::held(law, user, &required),
            addresses: user.networks.iter().map(ToString::to_string).collect(),
        }
    }

    fn row(&self) -> Vec<String> {
        let mut how: Vec<_> = self.held.iter().map(ToString::to_string).collect();
        if !self.addresses.is_empty() {
            how.push(format!("only from {}", self.addresses.join(", ")));
        }
        vec![self.name.clone(), self.title.clone().unwrap_or_default(), how.join("; ")]
    }
}

impl Able {
    fn text(&self) -> String {
        let authenticated = self.governing.requires.iter().any(|word| word == "authenticated");
        let headline = match &self.problem {
            Some(problem) => format!("nobody: {problem}"),
            None if self.public => "everybody: no credentials are asked for".to_owned(),
            None if authenticated => "every user with API access:".to_owned(),
            None if self.users.is_empty() => "nobody".to_owned(),
            None => "these users:".to_owned(),
        };
        let users: Vec<_> = self.users.iter().map(AbleUser::row).collect();
        let mut text = format!("{}: {headline}\n{}", self.request, table::columns("  ", &users));
        if !self.hindered.is_empty() {
            let row = |user: &HinderedUser| vec![user.name.clone(), user.hindrance.to_owned()];
            let rows: Vec<_> = self.hindered.iter().map(row).collect();
            text.push_str(&format!("permitted, but not at the moment:\n{}", table::columns("  ", &rows)));
        }
        let governing = self.governing.rows();
        if !governing.is_empty() {
            text.push_str(&format!("by this rule:\n{}", table::columns("  ", &governing)));
        }
        text
    }
}
