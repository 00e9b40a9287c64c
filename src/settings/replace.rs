//! What stands in the place of what a file of settings says: the few values that differ between a container and its host,
//! so that one file serves both.

use std::path::Path;

use super::check::{Check, Told};
use super::value::At;
use super::{Settings, upstream};
use crate::fault::{Faults, Source};

/// A value that can be replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Replaceable {
    /// `upstream.servers`, with commas between several.
    UpstreamServers,
    /// `panel.https`.
    PanelHttps,
    /// `ops.http`.
    OpsHttp,
}

impl Settings {
    /// Puts a value in the place of what the file says. It is checked as the file is; faults call it `name`.
    ///
    /// # Errors
    /// Every fault of the value. Nothing is replaced then.
    pub fn replace(&mut self, value: Replaceable, name: &str, text: &str) -> Result<(), Faults> {
        let mut check = Check::new(Source::new(name, text), Path::new(""));
        let replaced = self.put(value, text, &mut check);
        check.finish(replaced)
    }

    fn put(&mut self, value: Replaceable, text: &str, check: &mut Check<'_>) -> Result<(), Told> {
        let whole = At { value: text.to_owned(), span: 0..text.len() };
        match value {
            Replaceable::UpstreamServers => {
                let servers = At { value: parts(text), span: whole.span };
                self.upstream.servers = upstream::servers(&servers, check)?;
            }
            Replaceable::PanelHttps => self.panel.https = Some(check.address("panel.https", &whole)?),
            Replaceable::OpsHttp => self.ops.http = Some(check.address("ops.http", &whole)?),
        }
        Ok(())
    }
}

/// What stands between the commas, each with its place.
fn parts(text: &str) -> Vec<At<String>> {
    let mut from = 0;
    let part = |part: &str| {
        let trimmed = part.trim();
        let start = from + (part.len() - part.trim_start().len());
        from += part.len() + 1;
        At { value: trimmed.to_owned(), span: start..start + trimmed.len() }
    };
    text.split(',').map(part).collect()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::tests::LEAST;
    use super::{Replaceable, Settings};

    fn settings() -> Settings {
        Settings::parse("portcullis.toml", LEAST, Path::new("")).unwrap()
    }

    #[test]
    fn what_is_replaced_is_what_counts() {
        let mut settings = settings();
        for (value, text) in [
            (Replaceable::UpstreamServers, "http://store:9001, https://other"),
            (Replaceable::PanelHttps, "0.0.0.0:8444"),
            (Replaceable::OpsHttp, "[::1]:9090"),
        ] {
            settings.replace(value, "NAME", text).unwrap();
        }
        let servers: Vec<_> = settings.upstream.servers.iter().map(ToString::to_string).collect();
        assert_eq!(servers, ["http://store:9001", "https://other"]);
        assert_eq!(settings.panel.https, Some("0.0.0.0:8444".parse().unwrap()));
        assert_eq!(settings.ops.http, Some("[::1]:9090".parse().unwrap()));
    }

    #[test]
    fn a_fault_has_its_place_and_changes_nothing() {
        let (before, mut settings) = (settings(), settings());
        for (value, text, expected) in [
            (Replaceable::UpstreamServers, "http://a:1, b:2", "NAME:1:13: upstream.servers: \"b:2\" has no scheme"),
            (
                Replaceable::UpstreamServers,
                "http://a,http://a",
                "NAME:1:10: upstream.servers: http://a is listed twice",
            ),
            (Replaceable::UpstreamServers, "http://me:secret@a", "NAME:1:1: upstream.servers: "),
            (Replaceable::PanelHttps, "localhost:8444", "NAME:1:1: panel.https: \"localhost:8444\" is a name"),
            (Replaceable::OpsHttp, "9090", "NAME:1:1: ops.http: "),
        ] {
            let faults = settings.replace(value, "NAME", text).unwrap_err().to_string();
            assert!(faults.contains(expected), "{text}: {faults}");
            assert!(!faults.contains("secret"), "{faults}");
            assert_eq!(settings, before, "{text}");
        }
    }
}
