//! What may be named where. Every place that is listed is used; `main` fails when one no longer is.

use std::fmt;

use super::code::{Code, module_dir};

/// The rooms, and what of other rooms each may name. `*` is all of them.
const ROOMS: &[(&str, &[&str])] = &[
    ("fault", &[]),
    ("policy", &[]),
    ("settings", &["fault", "policy::Rate", "policy::RateError"]),
    ("source", &["fault", "policy"]),
    ("record", &["policy"]),
    ("wire", &[]),
    ("gate", &["policy", "record", "settings", "source::live::Live", "wire"]),
    ("edge", &["gate", "record", "source::live::Live", "wire"]),
    (
        "panel",
        &[
            "gate::Locked",
            "gate::Passwords",
            "gate::Throttle",
            "policy",
            "record",
            "settings",
            "source::document::Law",
            "source::edit",
            "source::live::Live",
            "source::mint",
            "source::password",
            "source::watch::Poker",
        ],
    ),
    ("server", &["edge", "gate", "panel", "policy", "record", "settings", "source", "wire"]),
    ("demo", &[]),
    ("cli", &["*"]),
    // Doors for the fuzz targets and benchmarks, compiled for nothing else.
    ("fuzzing", &["edge", "gate", "record", "settings", "source", "wire"]),
    ("main", &["cli"]),
    ("lib", &["*"]),
];

/// The crates that the law may name, besides what comes with Rust.
const POLICY_CRATES: &[&str] = &["http", "sha2", "subtle"];

/// Crates that belong to certain places. A place is a file, or a directory with everything below it.
const CRATES: &[(&str, &[&str])] = &[
    ("hyper", &["edge/", "panel/mod.rs"]),
    ("askama", &["panel/"]),
    ("rustls", &["edge/", "gate/upstream/connect.rs", "server/files/"]),
    ("rcgen", &["edge/devcert/"]),
    ("notify", &["source/watch"]),
    ("prometheus_client", &["record/"]),
    ("clap", &["cli/", "main.rs"]),
    ("landlock", &["server/process/"]),
    ("nix", &["server/process/", "gate/beat.rs"]),
    ("rustix", &["server/process/"]),
    ("rpassword", &["cli/"]),
    // Descriptions of an API are YAML; what Portcullis itself reads is not.
    ("serde_saphyr", &["source/import/"]),
    // The sample store is a guest here: it plays somebody else's API.
    ("axum", &["demo/", "panel/"]),
];

/// Crates that stand for one of the above.
const KIN: &[(&str, &str)] = &[("hyper_util", "hyper"), ("tokio_rustls", "rustls"), ("rustls_pki_types", "rustls")];

/// Where something is printed: by the commands, and by the record where it goes to standard output.
const PRINTING: (&str, &[&str]) = ("standard output", &["cli/", "record/log.rs"]);
/// Where the environment is read.
const ENVIRONMENT: (&str, &[&str]) = ("the environment", &["cli/"]);
const PRINTERS: &[&str] = &["print", "println", "eprint", "eprintln", "dbg"];

/// The most lines of a file, tests included.
const LINES: usize = 400;

/// Something that is not allowed.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Violation {
    file: String,
    pub(crate) line: usize,
    pub(crate) rule: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "src/{}:{}: {}", self.file, self.line, self.rule)
    }
}

/// The room that a file is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Room<'a>(&'a str);

impl<'a> Room<'a> {
    pub(crate) fn of(file: &'a str) -> Self {
        Self(file.split(['/', '.']).next().unwrap_or(file))
    }

    pub(crate) fn is_known(self) -> bool {
        ROOMS.iter().any(|(room, _)| *room == self.0)
    }

    fn may_name(self, path: &str) -> bool {
        let (_, allowed) = ROOMS.iter().find(|(room, _)| *room == self.0).unwrap_or(&("", &[]));
        let inside = |allowed: &str| path.strip_prefix(allowed).is_some_and(|r| r.is_empty() || r.starts_with("::"));
        inside(self.0) || allowed.iter().any(|allowed| *allowed == "*" || inside(allowed))
    }
}

/// What a path leads to.
enum Place {
    /// A crate, by its name.
    Crate(String),
    /// Something in this crate, from its root.
    Here(String),
}

/// Everything in a file that is not allowed there. `crates` are the dependencies.
pub(crate) fn check(file: &str, text: &str, crates: &[String]) -> Vec<Violation> {
    let (code, mut found) = (Code::read(text), Vec::new());
    let mut tell = |line, rule| found.push(Violation { file: file.to_owned(), line, rule });
    for (line, place) in places(file, &code, crates) {
        match place {
            Place::Here(path) if !is_room(&path) || Room::of(file).may_name(&path) => {}
            Place::Here(path) => tell(line, format!("{} must not know {path}", Room::of(file).0)),
            Place::Crate(name) => {
                if let Some(rule) = foreign(file, &name, crates) {
                    tell(line, rule);
                }
            }
        }
    }
    for (what, places) in [PRINTING, ENVIRONMENT] {
        let lines = if is_in(file, places) { Vec::new() } else { used(&code, what) };
        lines.into_iter().for_each(|line| tell(line, format!("{what} is for {}", places.join(" and "))));
    }
    for way in ["unwrap", "expect"] {
        let lines = code.find(&[".", way, "("]);
        lines.into_iter().for_each(|line| tell(line, format!(".{way}() may end the gateway; hand the error on")));
    }
    found
}

/// A file that is too long to be read in one go.
pub(crate) fn check_length(file: &str, text: &str) -> Option<Violation> {
    let lines = text.lines().count();
    let rule = format!("{lines} lines, and {LINES} are the most");
    (lines > LINES).then(|| Violation { file: file.to_owned(), line: lines, rule })
}

/// What is allowed in certain places only, and where.
pub(crate) fn allowances() -> impl Iterator<Item = (&'static str, &'static [&'static str])> {
    CRATES.iter().copied().chain([PRINTING, ENVIRONMENT])
}

/// Whether a file makes use of an allowance.
pub(crate) fn uses(file: &str, text: &str, crates: &[String], what: &str) -> bool {
    let code = Code::read(text);
    let named = |place: &Place| matches!(place, Place::Crate(name) if family(name) == what);
    !used(&code, what).is_empty() || places(file, &code, crates).iter().any(|(_, place)| named(place))
}

/// The lines where a file prints, or reads the environment.
fn used(code: &Code<'_>, what: &str) -> Vec<usize> {
    let paths = code.paths();
    let named = |ends: &'static [&str]| {
        let hits = paths.iter().filter(move |p| ends.iter().any(|end| p.parts.join("::").ends_with(end)));
        hits.map(|path| path.line)
    };
    if what == PRINTING.0 {
        let macros = PRINTERS.iter().flat_map(|name| code.find(&[name, "!"]));
        macros.chain(named(&["io::stdout", "io::stderr", "io::Stdout", "io::Stderr"])).collect()
    } else if what == ENVIRONMENT.0 {
        named(&["env::var", "env::var_os", "env::vars", "env::vars_os", "env::args", "env::args_os"]).collect()
    } else {
        Vec::new()
    }
}

/// Where the paths of a file lead.
fn places(file: &str, code: &Code<'_>, crates: &[String]) -> Vec<(usize, Place)> {
    let dir = module_dir(file);
    let module: Vec<&str> = dir.split('/').filter(|part| !part.is_empty()).collect();
    let lead = |parts: &[&str]| {
        let up = parts.iter().take_while(|part| **part == "super").count();
        match parts {
            ["crate" | "portcullis", rest @ ..] => Place::Here(rest.join("::")),
            ["super", ..] => {
                let above = &module[..module.len().saturating_sub(up)];
                Place::Here([above, &parts[up..]].concat().join("::"))
            }
            [first, ..] if crates.iter().any(|name| name == first) => Place::Crate((*first).to_owned()),
            _ => Place::Here([&module[..], parts].concat().join("::")),
        }
    };
    code.paths().iter().map(|path| (path.line, lead(&path.parts))).collect()
}

/// Whether a path from the crate's root is in a room; `*` there stands for all of them.
fn is_room(path: &str) -> bool {
    let first = path.split("::").next().unwrap_or_default();
    first == "*" || ROOMS.iter().any(|(room, _)| *room == first)
}

/// Why a file must not name a crate.
fn foreign(file: &str, name: &str, crates: &[String]) -> Option<String> {
    if Room::of(file).0 == "policy" && crates.iter().any(|one| one == name) && !POLICY_CRATES.contains(&name) {
        return Some(format!("policy names only {}, and not {name}", POLICY_CRATES.join(", ")));
    }
    let (_, places) = CRATES.iter().find(|(one, _)| *one == family(name))?;
    (!is_in(file, places)).then(|| format!("{name} is for {}", places.join(", ")))
}

fn family(name: &str) -> &str {
    KIN.iter().find(|(kin, _)| *kin == name).map_or(name, |(_, family)| family)
}

fn is_in(file: &str, places: &[&str]) -> bool {
    places.iter().any(|place| file.starts_with(place))
}
