//! A change of the access document, as the audit log tells it between its requests.
//!
//! Made by `server` with every reload. It names what changed and never a token or a hash.

use std::net::IpAddr;
use std::time::SystemTime;

use super::json::{Line, key};
use super::stamp::Stamps;

/// What became of a changed access document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// When it was judged.
    pub time: SystemTime,
    /// What became of it.
    pub outcome: Outcome,
    /// The generation that is in force since.
    pub generation: u64,
}

/// Whether a change took effect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It did.
    Made {
        /// The way that it was made by: `panel`, `command` or `file`.
        way: &'static str,
        /// Who made it; `None` where the file was saved by hand, which does not say.
        who: Option<Box<str>>,
        /// Where they were, if they came over the network.
        from: Option<IpAddr>,
        /// What changed, by name.
        changes: Box<str>,
    },
    /// It was refused, and what was in force stays in force; says why.
    Refused(Box<str>),
}

impl Change {
    /// Appends it as one line of JSON. Unlike the line of a request it has `event`; absent values are null.
    ///
    /// | member | value |
    /// |---|---|
    /// | `time` | as in a request's line |
    /// | `event` | `change` |
    /// | `way` | `panel`, `command` or `file` |
    /// | `who` | the panel's user, the login name of who ran the command; null for a file saved by hand |
    /// | `from` | the address that the panel was used from |
    /// | `changes` | what changed, by name |
    /// | `generation` | the generation that took effect |
    ///
    /// A refused one has `time`, `event` (`change_refused`), `why` and the `generation` that stays in force.
    pub fn write_json(&self, out: &mut Vec<u8>) {
        let mut line = Line::open(out);
        line.time(key!("time"), self.time, &mut Stamps::default());
        match &self.outcome {
            Outcome::Made { way, who, from, changes } => {
                line.plain(key!("event"), b"change");
                line.plain(key!("way"), way.as_bytes());
                line.text(key!("who"), who.as_deref());
                line.address(key!("from"), *from);
                line.text(key!("changes"), Some(changes.as_ref()));
            }
            Outcome::Refused(why) => {
                line.plain(key!("event"), b"change_refused");
                line.text(key!("why"), Some(why.as_ref()));
            }
        }
        line.number(key!("generation"), Some(self.generation));
        line.close();
    }
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::{Change, Outcome};

    #[test]
    fn lines_are_golden() {
        let made = Outcome::Made {
            way: "panel",
            who: Some("carol".into()),
            from: Some(sample::entry().address),
            changes: "amy title \"A\" → \"B\"".into(),
        };
        let by_hand = Outcome::Made { way: "file", who: None, from: None, changes: "+1 user (zoe)".into() };
        let mut out = Vec::new();
        for outcome in [made, by_hand, Outcome::Refused("access.toml:1:2: \u{1b}".into())] {
            Change { time: sample::entry().time, outcome, generation: 3 }.write_json(&mut out);
        }
        let golden = concat!(
            r#"{"time":"2026-07-01T00:00:00.000042Z","event":"change","way":"panel","who":"carol","from":"192.0.2.7","#,
            r#""changes":"amy title \"A\" → \"B\"","generation":3}"#,
            "\n",
            r#"{"time":"2026-07-01T00:00:00.000042Z","event":"change","way":"file","who":null,"from":null,"#,
            r#""changes":"+1 user (zoe)","generation":3}"#,
            "\n",
            r#"{"time":"2026-07-01T00:00:00.000042Z","event":"change_refused","why":"access.toml:1:2: \u001b","generation":3}"#,
            "\n",
        );
        assert_eq!(String::from_utf8(out).unwrap(), golden);
    }
}
