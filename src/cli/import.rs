//! `import`: users from a file of `htpasswd`, and resources from a description of an API.

use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use clap::Subcommand;
use serde::Serialize;

use super::Exit;
use super::answer::{Answer, Failure};
use super::config::Common;
use super::user::change::{author, diff, told, unwritten};
use crate::source::edit::{Change, Draft};
use crate::source::file::read_file;
use crate::source::import::htpasswd::{self, Entry};
use crate::source::import::openapi::{self, ImportError, Imported};

/// How many names one line tells.
const NAMED: usize = 5;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Add the users of a file that htpasswd wrote, with their passwords: bcrypt and argon2id only
    Htpasswd {
        /// The file: lines NAME:HASH
        file: PathBuf,
        /// Show what would change in the document, and leave it as it is
        #[arg(long)]
        dry_run: bool,
    },
    /// Print resources for the paths of an OpenAPI description, for a person to edit
    Openapi {
        /// The description, as YAML or JSON: OpenAPI 3.0 or 3.1, or Swagger 2.0
        file: PathBuf,
        /// Write them into this file, which must not be there yet
        #[arg(long, value_name = "FILE")]
        output: Option<PathBuf>,
    },
}

#[derive(Serialize)]
struct Users {
    users: Vec<String>,
    changed: bool,
    /// Whether the document was left as it is.
    dry_run: bool,
    /// What changes in the document's text.
    diff: String,
    /// What is to be known about it.
    notes: Vec<String>,
}

#[derive(Serialize)]
struct Resources<'i> {
    /// The file that was written; none where the resources are in `text`.
    file: Option<&'i Path>,
    /// The resources, in TOML.
    text: Option<&'i str>,
    resources: usize,
    paths: usize,
    /// What a person should look at.
    notes: &'i [String],
    /// What cannot be said in an access document.
    left_out: &'i [String],
}

pub(super) fn run(command: &Command, common: &Common, now: SystemTime) -> Result<Answer, Failure> {
    match command {
        Command::Htpasswd { file, dry_run } => users(file, *dry_run, &common.settings()?.access, now),
        Command::Openapi { file, output } => resources(file, output.as_deref()),
    }
}

fn users(file: &Path, dry_run: bool, document: &Path, now: SystemTime) -> Result<Answer, Failure> {
    let bytes = read_file(file).map_err(|error| Failure::Wrong(error.to_string()))?.bytes;
    let mut draft = Draft::open(document, now).map_err(|error| told(&error))?;
    let before = draft.text();
    let entries = htpasswd::read(&file.display().to_string(), &bytes, draft.law())
        .map_err(|faults| Failure::Faults(faults.to_string()))?;
    let changes: Vec<_> = entries.iter().map(|entry| (entry.name.as_str(), added(entry))).collect();
    let changes: Vec<_> = changes.iter().flat_map(|(name, all)| all.iter().map(|change| (*name, change))).collect();
    let changed = draft.make_all(&changes).map_err(|error| told(&error))?;
    let diff = if changed { diff(&before, &draft.text(), document) } else { String::new() };
    let mut notes = Vec::new();
    if changed {
        notes.push("they are granted nothing yet: `portcullis user grant NAME …` does".to_owned());
    }
    if changed && !dry_run {
        let saved = draft.save(&author()).map_err(|error| Failure::Failed(error.to_string()))?;
        notes.extend(saved.unwritten.map(unwritten));
    }
    let names: Vec<_> = entries.into_iter().map(|entry| entry.name).collect();
    let text = match (changed, dry_run) {
        (true, true) => diff.clone(),
        (true, false) => format!("saved: {}", deed(&names)),
        (false, _) => "nothing to change: there are no users in this file".to_owned(),
    };
    let said = notes.join("\n");
    Ok(Answer::new(Exit::Yes, text, &Users { users: names, changed, dry_run, diff, notes })?.notes(said))
}

/// A new user who may use the API with the password of before.
fn added(entry: &Entry) -> [Change; 3] {
    [Change::Add { title: None }, Change::ImportPassword(entry.hash.clone()), Change::Access(true)]
}

fn deed(names: &[String]) -> String {
    let mut told: Vec<_> = names.iter().take(NAMED).cloned().collect();
    if names.len() > NAMED {
        told.push(format!("{} more", names.len() - NAMED));
    }
    let told = told.join(", ");
    match names.len() {
        1 => format!("1 new user with API access and the password of before: {told}"),
        count => format!("{count} new users with API access and the passwords of before: {told}"),
    }
}

fn resources(file: &Path, output: Option<&Path>) -> Result<Answer, Failure> {
    let bytes = read_file(file).map_err(|error| Failure::Wrong(error.to_string()))?.bytes;
    let imported = openapi::read(&file.display().to_string(), &bytes).map_err(|error| match error {
        ImportError::Faults(faults) => Failure::Faults(faults.to_string()),
        ImportError::Mistake(faults) => Failure::Failed(format!(
            "this is a mistake of portcullis, please report it with the description:\n{faults}"
        )),
    })?;
    if let Some(output) = output {
        write_new(output, &imported.text)?;
    }
    let value = Resources {
        file: output,
        text: output.is_none().then_some(&imported.text),
        resources: imported.resources,
        paths: imported.paths,
        notes: &imported.notes,
        left_out: &imported.left_out,
    };
    let said = counted(&imported);
    let (text, notes) = match output {
        Some(output) => (format!("written: {}, {said}", output.display()), String::new()),
        None => (imported.text.clone(), said),
    };
    Ok(Answer::new(Exit::Yes, text, &value)?.notes(notes))
}

fn write_new(path: &Path, text: &str) -> Result<(), Failure> {
    let failed = |error: io::Error| match error.kind() {
        io::ErrorKind::AlreadyExists => {
            Failure::Failed(format!("{}: is there already; name a new file", path.display()))
        }
        _ => Failure::Failed(format!("{}: cannot be written: {error}", path.display())),
    };
    // What it becomes part of is not for everybody to read.
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o640).open(path).map_err(failed)?;
    file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(failed)
}

fn counted(imported: &Imported) -> String {
    let count = |count: usize, one: &str, many: &str| format!("{count} {}", if count == 1 { one } else { many });
    format!(
        "{} for {}; {} to look at, {} that could not be said",
        count(imported.resources, "resource", "resources"),
        count(imported.paths, "path", "paths"),
        count(imported.notes.len(), "comment", "comments"),
        count(imported.left_out.len(), "thing", "things")
    )
}
