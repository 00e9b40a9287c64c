//! `explain`: whether a user may do something, and which line of the document decides it.
//!
//! The answer is the gate's own: the same target, the same rule, the same decision. Only who asks is supposed instead of
//! proved, so what hinders the proof is told beside it.

use std::net::IpAddr;
use std::time::SystemTime;

use serde::Serialize;

use super::answer::{Answer, Failure};
use super::holders::{self, Held, Lacking};
use super::reading::{self, Governing};
use super::{Exit, credentials, table};
use crate::fault::nearest;
use crate::policy::{Asked, Decision, DenialReason, Target, User};
use crate::source::document::Law;

/// The user name that stands for nobody.
const NOBODY: &str = "-";

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The address that the request comes from [default: one that the user may come from]
    #[arg(long, value_name = "ADDRESS")]
    from: Option<IpAddr>,
    /// The user, or - for a request without credentials
    user: String,
    /// The method, such as GET
    method: String,
    /// The path, such as /api/v2/products/7
    path: String,
}

#[derive(Debug, Default, Serialize)]
struct Explanation {
    allowed: bool,
    /// What the gateway answers by itself.
    status: Option<u16>,
    /// Why it is denied; the first is what a client meets.
    reasons: Vec<String>,
    help: Option<String>,
    user: Option<String>,
    request: String,
    /// What the upstream would be asked for: the canonical path and the query.
    sent: Option<String>,
    #[serde(flatten)]
    governing: Governing,
    held: Vec<Held>,
    lacking: Vec<Lacking>,
    /// From where the user may come; empty for anywhere.
    addresses: Vec<String>,
}

/// What is asked about a user.
struct Question<'a> {
    law: &'a Law,
    asked: &'a Asked,
    from: Option<IpAddr>,
    now: SystemTime,
}

pub(super) fn run(args: &Args, law: &Law, now: SystemTime) -> Result<Answer, Failure> {
    let explanation = explain(args, law, now);
    let exit = if explanation.allowed { Exit::Yes } else { Exit::No };
    Answer::new(exit, explanation.text(), &explanation)
}

fn explain(args: &Args, law: &Law, now: SystemTime) -> Explanation {
    let mut told = Explanation { request: format!("{} {}", args.method, args.path), ..Explanation::default() };
    told.user = (args.user != NOBODY).then(|| args.user.clone());
    let target = match Target::parse(&args.method, &args.path) {
        Ok(target) => target,
        Err(error) => return told.denied(400, error.to_string()),
    };
    told.sent = Some(target.path_and_query().to_string());
    let asked = law.policy.ask(target);
    told.governing = Governing::of(&law.policy, &asked);
    if asked.resource().is_some() && asked.rule().is_none() {
        told.help = reading::method_advice(asked.target().method());
    }
    if args.user == NOBODY || asked.is_public() {
        return match law.policy.decide(None, asked) {
            Decision::Permit(_) => Explanation { allowed: true, ..told },
            Decision::Denial(denial) => told.denied(401, denial.reason().to_string()),
        };
    }
    match law.users.get(&args.user) {
        Some(user) => told.about(user, &Question { law, asked: &asked, from: args.from, now }),
        None => {
            let meant = nearest(&args.user, law.users.iter().map(|user| &*user.name));
            told.help = meant.map(|name| format!("did you mean {name:?}?"));
            told.denied(401, "no such user".to_owned())
        }
    }
}

impl Explanation {
    /// What holds for a user who exists.
    fn about(mut self, user: &User, question: &Question<'_>) -> Self {
        let Question { law, asked, from, now } = *question;
        self.addresses = user.networks.iter().map(ToString::to_string).collect();
        if let Some(rule) = asked.rule() {
            self.held = holders::held(law, user, &law.policy.required(rule));
        }
        if let Some(hindrance) = credentials::hindrance(user, now) {
            self = self.denied(401, hindrance.to_owned());
        }
        let mut decided = vec![law.policy.would_allow(user, from, asked)];
        // The address is judged first; what would be decided from the right one is worth knowing too.
        if let Some(Err(DenialReason::Address)) = decided.first() {
            decided.push(law.policy.would_allow(user, None, asked));
        }
        for reason in decided.into_iter().filter_map(Result::err) {
            if let DenialReason::Missing(missing) = &reason {
                self.lacking = missing.iter().map(|one| holders::lacking(law, one)).collect();
            }
            self = self.denied(403, reason.to_string());
        }
        self.allowed = self.reasons.is_empty();
        self
    }

    /// Adds a reason; the status is that of the first.
    fn denied(mut self, status: u16, reason: String) -> Self {
        self.status.get_or_insert(status);
        self.reasons.push(reason);
        self
    }

    fn text(&self) -> String {
        let (headline, others) = match self.reasons.split_first() {
            None => (format!("allowed: {} may {}\n", self.user.as_deref().unwrap_or("anybody"), self.request), &[][..]),
            Some((first, others)) => (format!("denied: {first}\n"), others),
        };
        let mut rows = Vec::new();
        let row = |name: &str, value: String| vec![name.to_owned(), value];
        if !self.allowed {
            rows.push(row("request", self.request.clone()));
            rows.push(row("user", self.user.clone().unwrap_or_else(|| "none, no credentials".to_owned())));
            rows.extend(others.iter().map(|other| row("also", other.clone())));
        }
        let respelled = self.sent.as_ref().filter(|sent| !self.request.ends_with(&format!(" {sent}")));
        rows.extend(respelled.map(|sent| row("read as", sent.clone())));
        rows.extend(self.governing.rows());
        rows.extend(self.held.iter().map(|held| row("has", held.to_string())));
        rows.extend(self.lacking.iter().map(|lacking| row("lacks", lacking.to_string())));
        let addresses = (!self.addresses.is_empty()).then(|| self.addresses.join(", "));
        rows.extend(addresses.map(|addresses| row("only from", addresses)));
        rows.extend(self.status.map(|status| row("answer", status.to_string())));
        rows.extend(self.help.as_ref().map(|help| row("help", help.clone())));
        format!("{headline}{}", table::columns("  ", &rows))
    }
}
