//! Users: who there is, what each holds, and that no secret stands in clear.

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::SystemTime;

use super::super::fields::Text;
use super::super::lines::Span;
use super::super::report::{Report, meant, quote};
use super::super::shape::{Token as RawToken, User as Raw};
use super::super::suggest::nearest;
use super::grants::{self, Roles};
use super::stored::{self, Stored};
use super::when;
use crate::policy::{
    Network, NetworkError, PasswordHash, PolicyBuilder, Rate, RateError, RoleId, Token, TokenHash, User, UserEntry,
};

pub(super) struct Reader<'a, 'n> {
    builder: &'a PolicyBuilder,
    roles: &'a Roles<'n>,
    grants: grants::Reader<'n>,
    /// Whose each token is: of two users with one token, a request could not say which it is from.
    owners: HashMap<TokenHash, Text<'n>>,
    now: SystemTime,
}

impl<'a, 'n> Reader<'a, 'n> {
    pub(super) fn new(
        builder: &'a PolicyBuilder,
        roles: &'a Roles<'n>,
        grants: grants::Reader<'n>,
        now: SystemTime,
    ) -> Self {
        Self { builder, roles, grants, owners: HashMap::new(), now }
    }

    pub(super) fn all(mut self, users: &[Raw<'n>], report: &mut Report<'_>) -> Vec<User> {
        users.iter().filter_map(|raw| self.user(raw, report)).collect()
    }

    fn user(&mut self, raw: &Raw<'n>, report: &mut Report<'_>) -> Option<User> {
        super::name(raw.name, "a user's name", report);
        if raw.name.value.contains(':') {
            let message = format!("a user's name has a ':', where credentials end it: {}", quote(raw.name.value));
            report.fault(raw.name.span, message);
        }
        let (tokens, password) = self.secrets(raw, report);
        let entry = UserEntry {
            name: raw.name.value.into(),
            title: raw.title.map(|title| title.value.into()),
            api_access: raw.api_access,
            tokens,
            password,
            roles: raw.roles.iter().filter_map(|text| self.role(*text, report)).collect(),
            grants: self.grants.all(&raw.permissions, report),
            networks: raw.addresses.iter().filter_map(|text| network(*text, report)).collect(),
            rate_limit: raw.rate_limit.and_then(|text| rate(text, report)),
            panel: raw.panel.and_then(|text| panel(text, report)),
        };
        let user = self.builder.user(entry);
        if user.is_none() && report.is_clean() {
            report.fault(raw.name.span, "this name cannot be sent as the value of a header");
        }
        user
    }

    fn role(&self, text: Text<'n>, report: &mut Report<'_>) -> Option<RoleId> {
        let found = self.roles.ids.get(text.value).copied();
        if found.is_none() && self.roles.whole {
            report.absent(text.span, format!("unknown role {}", quote(text.value)), || {
                let mut names: Vec<_> = self.roles.ids.keys().collect();
                names.sort_unstable();
                nearest(text.value, names).map(meant)
            });
        }
        found
    }

    /// The tokens of a user, and the one password that may stand among them.
    fn secrets(&mut self, raw: &Raw<'n>, report: &mut Report<'_>) -> (Vec<Token>, Option<PasswordHash>) {
        let mut tokens = Vec::with_capacity(raw.tokens.len());
        let mut password: Option<(PasswordHash, Span)> = None;
        for token in &raw.tokens {
            match stored::token(token.hash.value) {
                Ok(Stored::Token(hash)) => {
                    self.claim(hash, Text { value: raw.name.value, span: token.hash.span }, report);
                    tokens.push(self.token(hash, token, report));
                }
                Ok(Stored::Password(hash)) => {
                    timeless(token, report);
                    if let Some((_, first)) = &password {
                        let message =
                            format!("a second password: a user has one, and it is at {}", report.place(*first));
                        let help = || Some("remove one of them; of tokens there may be any number".to_owned());
                        report.helped(token.hash.span, message, help);
                    }
                    password = Some((hash, token.hash.span));
                }
                Err(error) => report.helped(token.hash.span, error.to_string(), || Some(error.help().to_owned())),
            }
        }
        (tokens, password.map(|(hash, _)| hash))
    }

    fn claim(&mut self, hash: TokenHash, owner: Text<'n>, report: &mut Report<'_>) {
        let Some(first) = self.owners.insert(hash, owner) else { return };
        let (place, help) = (report.place(first.span), "give each user a token of their own");
        if first.value == owner.value {
            report.fault(owner.span, format!("this token is listed twice, first at {place}"));
        } else {
            let message = format!("user {} has the same token, at {place}", quote(first.value));
            report.helped(owner.span, message, || Some(help.to_owned()));
        }
    }

    fn token(&self, hash: TokenHash, raw: &RawToken<'_>, report: &mut Report<'_>) -> Token {
        let created = raw.created.and_then(|text| when::moment(text, report));
        let expires = raw.expires.and_then(|text| when::moment(text, report));
        if let (Some(text), Some(end)) = (raw.expires, expires) {
            if created.is_some_and(|start| end <= start) {
                report.fault(text.span, "this token expires before it is created");
            } else if end <= self.now {
                report.warn(text.span, "this token has expired: it is refused".to_owned());
            }
        }
        Token { hash, label: raw.label.map(|label| label.value.into()), created, expires }
    }
}

/// A password does not expire here, and one that is said to must not be taken for one that does not.
fn timeless(token: &RawToken<'_>, report: &mut Report<'_>) {
    if let Some(expires) = token.expires {
        let help = || Some("remove it, or give the user a token in place of the password".to_owned());
        report.helped(expires.span, "a password cannot expire, only a token can", help);
    }
    if let Some(created) = token.created {
        when::moment(created, report);
    }
}

fn panel(text: Text<'_>, report: &mut Report<'_>) -> Option<PasswordHash> {
    let read = stored::password(text.value);
    let help = "make one with `portcullis user password`";
    match read {
        Ok(hash) if hash.as_str().starts_with("$argon2id$") => return Some(hash),
        Ok(_) => report.helped(text.span, "the panel takes argon2id hashes only", || Some(help.to_owned())),
        Err(stored::NotStored::Clear) => {
            let message = "this is no hash: a password is never stored in clear";
            report.helped(text.span, message, || Some(help.to_owned()));
        }
        Err(error) => report.helped(text.span, error.to_string(), || Some(help.to_owned())),
    }
    None
}

fn rate(text: Text<'_>, report: &mut Report<'_>) -> Option<Rate> {
    let message = |error: RateError| format!("rate limit {}: {error}", quote(text.value));
    match Rate::parse(text.value) {
        Ok(rate) => return Some(rate),
        Err(RateError::Unit(unit, Some(rate))) => {
            let help = || Some(meant(rate.to_string()));
            report.helped(text.span, message(RateError::Unit(unit, Some(rate))), help);
        }
        Err(error) => report.fault(text.span, message(error)),
    }
    None
}

fn network(text: Text<'_>, report: &mut Report<'_>) -> Option<Network> {
    let read = Network::parse(text.value);
    let address = text.value.split_once('/').map_or(text.value, |(address, _)| address);
    // Clients that come so are taken for the IPv4 clients they are.
    if let Ok(IpAddr::V6(v6)) = address.parse::<IpAddr>()
        && let Some(v4) = v6.to_ipv4_mapped()
    {
        let help = || Some(format!("write the IPv4 address: \"{v4}\""));
        report.helped(text.span, format!("address {}: no client ever comes from there", quote(text.value)), help);
        return None;
    }
    match read {
        Ok(network) => return Some(network),
        Err(NetworkError::HostBits(network)) => {
            let message = format!("address {}: bits behind the prefix are set", quote(text.value));
            report.helped(text.span, message, || Some(meant(network.to_string())));
        }
        Err(error) => report.fault(text.span, format!("address {}: {error}", quote(text.value))),
    }
    None
}
