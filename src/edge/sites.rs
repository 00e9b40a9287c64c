//! The sites of a gateway: its pairs of certificate and key, and the names that each is for.
//!
//! Each pair has a configuration, and with it ticket keys, of its own: a session that was begun with one site is not
//! taken up with another (CVE-2025-23419). `tls` makes them, the handshake chooses among them.

use std::collections::HashMap;
use std::sync::Arc;

use rustls::ServerConfig;

/// Which pair, in the order of the settings.
pub(super) type Number = usize;

/// All pairs.
#[derive(Debug, Default)]
pub(crate) struct Sites {
    configs: Vec<Arc<ServerConfig>>,
    exact: HashMap<String, Number>,
    /// `*.example.com`, kept as `example.com`.
    wildcard: HashMap<String, Number>,
    /// The first pair whose certificate has no names at all, which so is for every name that no other is for.
    nameless: Option<Number>,
}

impl Sites {
    /// Adds a pair. Of two certificates for one name the first listed counts.
    pub(super) fn add(&mut self, names: &[String], config: Arc<ServerConfig>) {
        let number = self.configs.len();
        self.configs.push(config);
        if names.is_empty() {
            self.nameless.get_or_insert(number);
        }
        for name in names {
            match name.strip_prefix("*.") {
                Some(parent) => self.wildcard.entry(parent.to_owned()).or_insert(number),
                None => self.exact.entry(name.clone()).or_insert(number),
            };
        }
    }

    /// The pair for a name, in whatever case; `None` where no certificate is for it.
    pub(super) fn find(&self, name: &str) -> Option<Number> {
        let name = name.to_ascii_lowercase();
        let parent = || self.wildcard.get(name.split_once('.')?.1);
        self.exact.get(&name).or_else(parent).copied().or(self.nameless)
    }

    /// The pair for what a client asks for in its first message (RFC 6066 section 3). One that asks for no name gets the
    /// first.
    pub(super) fn choose(&self, name: Option<&str>) -> Option<(Number, &Arc<ServerConfig>)> {
        let number = name.map_or(Some(0), |name| self.find(name))?;
        Some((number, self.configs.get(number)?))
    }

    /// Whether there is more than one, so that a request can be meant for another.
    pub(super) fn are_several(&self) -> bool {
        self.configs.len() > 1
    }
}
