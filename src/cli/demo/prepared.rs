//! The files of a demo: a directory with certificates, settings and an access document, removed at the end.

use std::fmt::Display;
use std::fs::File;
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::time::SystemTime;

use tempfile::TempDir;
use zeroize::Zeroizing;

use crate::cli::answer::Failure;
use crate::demo::files::{self, Places};
use crate::edge::devcert;
use crate::policy::TOKEN_PREFIX;
use crate::settings::Settings;
use crate::source::mint::{NewToken, mint};
use crate::source::password;

/// Characters of the password.
const PASSWORD: usize = 16;

const HOSTS: [&str; 3] = ["localhost", "127.0.0.1", "::1"];

/// What a demo is run on.
pub(super) struct Prepared {
    dir: TempDir,
    settings: Settings,
    /// One for each of [`files::USERS`].
    tokens: [NewToken; 3],
    /// For [`files::PANEL_USER`].
    password: Zeroizing<String>,
}

impl Prepared {
    pub(super) fn new(places: &Places) -> Result<Self, Failure> {
        // Only its owner may enter such a directory, so keys and audit lines are nobody else's.
        let dir = tempfile::Builder::new().prefix("portcullis-demo-").tempdir().map_err(failed)?;
        let hosts = HOSTS.map(str::to_owned);
        let made = devcert::generate(&hosts, SystemTime::now()).map_err(failed)?;
        devcert::write(dir.path(), &made, false).map_err(failed)?;
        let tokens = [mint().map_err(failed)?, mint().map_err(failed)?, mint().map_err(failed)?];
        let hashes = tokens.each_ref().map(NewToken::hash);
        // As random as a token, and short enough to be typed.
        let password = mint().map_err(failed)?;
        let password = password.as_str().trim_start_matches(TOKEN_PREFIX).get(..PASSWORD).unwrap_or_default();
        let password = Zeroizing::new(password.to_owned());
        let stored = password::hash(password.as_bytes()).map_err(failed)?;
        write(&dir.path().join("access.toml"), &files::access(&hashes, stored.as_str())).map_err(failed)?;
        let path = dir.path().join("portcullis.toml");
        write(&path, &files::settings(places)).map_err(failed)?;
        let settings = Settings::load(&path).map_err(failed)?;
        Ok(Self { dir, settings, tokens, password })
    }

    pub(super) fn dir(&self) -> &Path {
        self.dir.path()
    }

    pub(super) fn settings(&self) -> &Settings {
        &self.settings
    }

    pub(super) fn tokens(&self) -> &[NewToken; 3] {
        &self.tokens
    }

    pub(super) fn password(&self) -> &str {
        &self.password
    }

    /// Removes the directory. A demo that fails removes it too, by dropping this.
    pub(super) fn remove(self) -> Result<(), Failure> {
        let place = self.dir.path().display().to_string();
        self.dir.close().map_err(|error| Failure::Failed(format!("{place}: cannot be removed: {error}")))
    }
}

fn write(path: &Path, text: &str) -> io::Result<()> {
    // As a gateway wants its access document: nobody else reads who may do what.
    File::options().write(true).create_new(true).mode(0o600).open(path)?.write_all(text.as_bytes())
}

fn failed(error: impl Display) -> Failure {
    Failure::Failed(format!("the demo cannot be prepared: {error}"))
}
