//! What is common to all commands, and where the settings are found.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::answer::Failure;
use super::reading;
use crate::settings::{Replaceable, Settings, SettingsError};
use crate::source::document::Law;

const VARIABLE: &str = "PORTCULLIS_CONFIG";
/// What the environment puts in the place of what the file says: all that differs between a container and its host.
const IN_PLACE: [(&str, Replaceable); 3] = [
    ("PORTCULLIS_UPSTREAM_SERVERS", Replaceable::UpstreamServers),
    ("PORTCULLIS_PANEL_HTTPS", Replaceable::PanelHttps),
    ("PORTCULLIS_OPS_HTTP", Replaceable::OpsHttp),
];
/// Looked for in this order: a checkout or container first, then an installation.
const PLACES: [&str; 2] = ["config/portcullis.toml", "/etc/portcullis/portcullis.toml"];

/// Options that every command takes, before or behind its verbs.
#[derive(Debug, clap::Args)]
pub(super) struct Common {
    /// The settings [default: $PORTCULLIS_CONFIG, then config/portcullis.toml, then /etc/portcullis/portcullis.toml]
    #[arg(long, global = true, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
    /// Print results as JSON
    #[arg(long, global = true)]
    pub(super) json: bool,
}

impl Common {
    /// The file of settings, if there is any: as asked for, or else the first that is found.
    pub(super) fn path(&self) -> Option<PathBuf> {
        let found = || PLACES.iter().map(Path::new).find(|place| place.exists()).map(Path::to_owned);
        self.asked().or_else(found)
    }

    /// The settings.
    ///
    /// # Errors
    /// [`Failure`] with every fault, or with the places where settings were looked for.
    pub(super) fn settings(&self) -> Result<Settings, Failure> {
        let path = self.path().ok_or_else(nowhere)?;
        load(&path).map_err(|error| Failure::Faults(error.to_string()))
    }

    /// The access document that the settings name.
    ///
    /// # Errors
    /// [`Failure`] with every fault of the settings or of the document.
    pub(super) fn law(&self) -> Result<Law, Failure> {
        reading::law(&self.settings()?.access)
    }

    fn asked(&self) -> Option<PathBuf> {
        self.config.clone().or_else(|| variable(VARIABLE).map(PathBuf::from))
    }
}

/// The settings in a file, with what the environment puts in their place.
///
/// # Errors
/// Every fault of the file, or else of the first variable that has any.
pub(super) fn load(path: &Path) -> Result<Settings, SettingsError> {
    let mut settings = Settings::load(path)?;
    for (name, value) in IN_PLACE {
        if let Some(text) = variable(name) {
            settings.replace(value, name, &text.to_string_lossy()).map_err(SettingsError::Faults)?;
        }
    }
    Ok(settings)
}

/// There are no settings where they are looked for.
pub(super) fn nowhere() -> Failure {
    let [first, second] = PLACES;
    Failure::Wrong(format!(
        "there are no settings: neither {first} nor {second} exists; name a file with --config or {VARIABLE}"
    ))
}

/// A variable of the environment; one that is empty counts as not set.
#[allow(clippy::disallowed_methods, reason = "the one place that reads the environment")]
pub(super) fn variable(name: &str) -> Option<OsString> {
    std::env::var_os(name).filter(|value| !value.is_empty())
}
