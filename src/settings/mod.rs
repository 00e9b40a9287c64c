//! The settings: what does not change while Portcullis runs. Addresses, TLS, the upstream, limits.
//!
//! Called by `cli` when Portcullis starts and by `check`; each part is handed to the room that it is for, which so
//! knows no others. Written settings (`raw`) become [`Settings`] only if every value in them makes sense, and what
//! exists is right: no room checks a setting again.

mod address;
mod audit;
mod check;
mod limits;
mod listen;
mod panel;
mod process;
mod raw;
mod read;
mod replace;
mod schema;
#[cfg(test)]
mod tests;
mod throttle;
mod tls;
mod units;
mod upstream;
mod value;

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

pub use audit::Audit;
pub use limits::Limits;
pub use listen::{Listen, Ops};
pub use panel::Panel;
pub use process::Process;
pub use replace::Replaceable;
pub use throttle::{Lockout, RateLimit};
pub use tls::{KeyPair, Tls, TlsVersion};
pub use upstream::{Authorization, Scheme, Server, Upstream};

use crate::fault::{Faults, Source};
use check::{Check, Problem, Told};
use value::At;

/// Settings that have been checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The access document.
    pub access: PathBuf,
    /// Where it is kept when tokens were last used; `None` for in memory alone.
    pub state: Option<PathBuf>,
    /// The form of Portcullis' own answers.
    pub answers: Answers,
    /// What browsers show when they ask for credentials.
    pub realm: Realm,
    /// Where clients are awaited.
    pub listen: Listen,
    /// Certificates.
    pub tls: Tls,
    /// The API behind the gateway.
    pub upstream: Upstream,
    /// What one client may take up.
    pub limits: Limits,
    /// How wrong credentials are slowed down.
    pub lockout: Lockout,
    /// How many requests are allowed.
    pub rate_limit: RateLimit,
    /// The record of requests.
    pub audit: Audit,
    /// The control panel.
    pub panel: Panel,
    /// What is for those who run Portcullis.
    pub ops: Ops,
    /// What the process may do.
    pub process: Process,
}

/// The form of the bodies of Portcullis' own answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Answers {
    /// As the store API writes its errors, in JSON or XML.
    #[default]
    Store,
    /// Problem details (RFC 9457).
    Problem,
}

/// A realm that stands between quotes in `WWW-Authenticate` as it is: printable ASCII without `"` and `\`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Realm(Box<str>);

impl Realm {
    /// The text between the quotes.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn parse(text: &str) -> Result<Self, Problem> {
        match text.chars().find(|c| !matches!(c, ' '..='~') || matches!(c, '"' | '\\')) {
            Some(c) => Err(Problem::new(format!("{c:?} cannot be in a realm"))
                .help("write printable ASCII without quotes and backslashes: clients disagree about the rest")),
            None if text.trim().is_empty() => Err(Problem::new("the realm is empty")),
            None => Ok(Self(text.into())),
        }
    }
}

impl Default for Realm {
    fn default() -> Self {
        Self("Store API".into())
    }
}

/// Why there are no settings.
#[derive(Debug)]
pub enum SettingsError {
    /// The file cannot be read.
    Read(PathBuf, io::Error),
    /// The file has these faults.
    Faults(Faults),
}

impl fmt::Display for SettingsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Read(path, error) => write!(f, "{}: cannot be read: {error}", path.display()),
            Self::Faults(faults) => faults.fmt(f),
        }
    }
}

impl std::error::Error for SettingsError {}

impl Settings {
    /// Reads a file of settings, and the password file that it may name.
    ///
    /// # Errors
    /// [`SettingsError`], with every fault of the file.
    pub fn load(path: &Path) -> Result<Self, SettingsError> {
        let text = std::fs::read_to_string(path).map_err(|error| SettingsError::Read(path.to_owned(), error))?;
        let base = path.parent().unwrap_or_else(|| Path::new(""));
        Self::parse(&path.display().to_string(), &text, base).map_err(SettingsError::Faults)
    }

    /// Reads the text of a file of settings. Faults call it `name`; its relative paths begin at `base`.
    ///
    /// ```
    /// use portcullis::settings::Settings;
    ///
    /// let faults = Settings::parse("portcullis.toml", "acess = \"access.toml\"", "config".as_ref()).unwrap_err();
    /// assert_eq!(faults.as_slice()[0].help.as_deref(), Some("write \"access\""));
    /// ```
    ///
    /// # Errors
    /// Every fault there is.
    pub fn parse(name: &str, text: &str, base: &Path) -> Result<Self, Faults> {
        let mut check = Check::new(Source::new(name, text), base);
        let settings = Self::check(&mut check);
        check.finish(settings)
    }

    fn check(check: &mut Check<'_>) -> Result<Self, Told> {
        let raw = read::read(check)?;
        let access = check.required(&(0..0), "access", raw.access, "\"access.toml\"");
        let access = access.and_then(|raw| check.path("access", &raw));
        let state = check.optional_path("state", raw.state.as_ref());
        let words = [("store", Answers::Store), ("problem", Answers::Problem)];
        let answers = check.choice("answers", raw.answers.as_ref(), &words, Answers::default());
        let realm = match &raw.realm {
            Some(raw) => check.value("realm", raw, |text| Realm::parse(text)),
            None => Ok(Realm::default()),
        };
        let listen = check.table("listen", raw.listen).and_then(|raw| Listen::check(raw, check));
        let tls = check.table("tls", raw.tls).and_then(|raw| Tls::check(raw, check));
        let upstream = check.table("upstream", raw.upstream).and_then(|raw| Upstream::check(raw, check));
        let limits = Limits::check(&or_default(raw.limits), check);
        let lockout = Lockout::check(&or_default(raw.lockout), check);
        let rate_limit = RateLimit::check(&or_default(raw.rate_limit), check);
        let audit = Audit::check(&or_default(raw.audit), check);
        let panel = Panel::check(or_default(raw.panel), check);
        let ops = Ops::check(or_default(raw.ops), check);
        let process = Process::check(&or_default(raw.process), check);
        Ok(Self {
            access: access?,
            state: state?,
            answers: answers?,
            realm: realm?,
            listen: listen?,
            tls: tls?,
            upstream: upstream?,
            limits: limits?,
            lockout: lockout?,
            rate_limit: rate_limit?,
            audit: audit?,
            panel: panel?,
            ops: ops?,
            process: process?,
        })
    }
}

/// The JSON Schema of the settings, for editors.
#[must_use]
pub fn settings_schema() -> serde_json::Value {
    schema::schema().clone()
}

fn or_default<T: Default>(part: Option<At<T>>) -> T {
    part.unwrap_or_default().value
}
