//! What the process may do once it has what it needs: as whom it runs, and what of the file system it sees.

use super::check::{Check, Problem, Told};
use super::raw::RawProcess;
use super::value::At;

/// The process. Used by `server`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Process {
    /// The user to become where it is started as root; `None` to stay who started it.
    pub user: Option<Box<str>>,
    /// The group to become; `None` for the user's own.
    pub group: Option<Box<str>>,
    /// Whether the file system is closed but for what is read and written while it runs.
    pub sandbox: bool,
}

impl Process {
    pub(super) fn check(raw: &RawProcess, check: &mut Check<'_>) -> Result<Self, Told> {
        let user = name("process.user", raw.user.as_ref(), check);
        let group = name("process.group", raw.group.as_ref(), check);
        if let (Some(raw), None) = (&raw.group, &raw.user) {
            let problem = Problem::new("there is no process.user that would be in it").help("name the user too");
            return Err(check.tell(raw.span.clone(), "process.group", problem));
        }
        let sandbox = raw.sandbox.as_ref().is_none_or(|raw| raw.value);
        Ok(Self { user: user?, group: group?, sandbox })
    }
}

/// A name as the system's list of users or groups can have it; whether it does is found out at start.
fn name(key: &str, raw: Option<&At<String>>, check: &mut Check<'_>) -> Result<Option<Box<str>>, Told> {
    let Some(raw) = raw else { return Ok(None) };
    let read = |text: &String| match text.chars().find(|c| *c == ':' || c.is_whitespace() || c.is_control()) {
        Some(c) => Err(Problem::new(format!("{c:?} cannot be in such a name"))),
        None if text.is_empty() => Err(Problem::new("the name is empty")),
        None => Ok(Some(text.as_str().into())),
    };
    check.value(key, raw, read)
}
