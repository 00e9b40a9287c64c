//! Writing what a form says into the access document. All of it blocks, for a document may be large and a disk slow.

use std::net::IpAddr;
use std::path::Path;
use std::time::{Duration, SystemTime};

use super::rights;
use super::sheet::Sheet;
use crate::policy::{Grant, PasswordHash, TokenHash, User};
use crate::source::document::Law;
use crate::source::edit::{Author, Change, Draft, EditError, SaveError, Way};

/// How often saving begins anew where somebody else saves at the same moment.
const TRIES: u32 = 5;
/// Before it does.
const PAUSE: Duration = Duration::from_millis(20);

/// Who saves.
pub(super) struct Editor {
    pub(super) name: String,
    pub(super) address: IpAddr,
}

/// What is saved of a user.
pub(super) struct Edit {
    pub(super) user: String,
    pub(super) what: What,
}

pub(super) enum What {
    /// There is no such user yet.
    New {
        mine: Sheet,
        token: Option<Fresh>,
    },
    /// What the page was made from, and what the form says.
    Change {
        base: Sheet,
        mine: Sheet,
        token: Option<Fresh>,
    },
    Remove,
    /// The editor's own, for the panel.
    Password(PasswordHash),
}

/// A token that has been shown, and counts from now on.
#[derive(Clone)]
pub(super) struct Fresh {
    pub(super) hash: TokenHash,
    /// For how long the one before goes on to count.
    pub(super) keep_old: Option<Duration>,
}

/// How saving ended, where nothing hindered it.
pub(super) enum Saved {
    /// What the document says of the user now; nothing of one that was removed.
    Done(Option<Box<Sheet>>),
    /// The document says all that already.
    Nothing,
}

/// Why nothing was saved.
pub(super) enum NotSaved {
    /// Others changed the user meanwhile: what they made of it, and what they changed.
    Meanwhile { theirs: Box<Sheet>, changes: Vec<String> },
    /// It may not be; says why.
    Refused(String),
    /// It cannot be; says why. The second text is what a tool says, line by line.
    Failed(String, String),
}

/// Saves, unless somebody else changed the same user meanwhile.
pub(super) fn save(path: &Path, editor: &Editor, edit: &Edit) -> Result<Saved, NotSaved> {
    let mut tries = 1;
    loop {
        let mut draft = Draft::open(path, SystemTime::now()).map_err(failed)?;
        if let Some(said) = sent_before(draft.law(), edit) {
            permitted(draft.law(), editor)?;
            return Ok(Saved::Done(Some(Box::new(said))));
        }
        apply(&mut draft, editor, edit)?;
        if !draft.is_changed() {
            return Ok(Saved::Nothing);
        }
        let law = draft.law();
        let said = law.users.get(&edit.user).map(|user| Box::new(Sheet::of(&law.policy, user)));
        let author = Author { way: Way::Panel, who: editor.name.clone(), from: Some(editor.address) };
        match draft.save(&author) {
            Ok(saved) => {
                if let Some(why) = saved.unwritten {
                    tracing::warn!("a change by the control panel is not in the journal: {why}");
                }
                return Ok(Saved::Done(said));
            }
            // What others saved is read first, and may be no matter.
            Err(SaveError::Changed { .. } | SaveError::Busy(_)) if tries < TRIES => std::thread::sleep(PAUSE),
            Err(error) => {
                return Err(NotSaved::Failed("The access document could not be saved.".to_owned(), error.to_string()));
            }
        }
        tries += 1;
    }
}

/// What the document says of a user, where that is what a form with a new token says: somebody pressed Save twice, and
/// nobody else changed anything.
fn sent_before(law: &Law, edit: &Edit) -> Option<Sheet> {
    let (What::New { mine, token: Some(token) } | What::Change { mine, token: Some(token), .. }) = &edit.what else {
        return None;
    };
    let user = law.users.get(&edit.user)?;
    let there = Sheet::of(&law.policy, user);
    let is_same = Sheet { tokens: there.tokens.clone(), ..mine.clone() } == there;
    (is_same && user.tokens.iter().any(|one| one.hash == token.hash)).then_some(there)
}

fn apply(draft: &mut Draft, editor: &Editor, edit: &Edit) -> Result<(), NotSaved> {
    let user = edit.user.as_str();
    match &edit.what {
        What::Remove => {
            let law = draft.law();
            if !rights::may_give_token(&law.policy, permitted(law, editor)?, find(law, user)?) {
                return Err(NotSaved::Refused("This user may do more than you, so you cannot remove them.".to_owned()));
            }
            draft.make(user, &Change::Remove).map(drop).map_err(failed)
        }
        What::Password(hash) => draft.make(user, &Change::Panel(Some(hash.clone()))).map(drop).map_err(failed),
        What::New { mine, token } => write(draft, editor, user, (None, mine), token.as_ref()),
        What::Change { base, mine, token } => {
            let theirs = Sheet::of(&draft.law().policy, find(draft.law(), user)?);
            let changes = base.differences(&theirs);
            if !changes.is_empty() {
                return Err(NotSaved::Meanwhile { theirs: Box::new(theirs), changes });
            }
            write(draft, editor, user, (Some(theirs), mine), token.as_ref())
        }
    }
}

/// Makes a user what a form says, of what they were before; of nobody, where there was none.
fn write(
    draft: &mut Draft,
    editor: &Editor,
    user: &str,
    (before, mine): (Option<Sheet>, &Sheet),
    token: Option<&Fresh>,
) -> Result<(), NotSaved> {
    let law = draft.law();
    let is_new = before.is_none();
    let before = before.unwrap_or_default();
    let by = permitted(law, editor)?;
    let excess: Vec<_> = rights::excess(&law.policy, by, &before, mine).into_iter().collect();
    if !excess.is_empty() {
        let why = format!("You can grant only what you hold yourself, and not {}.", excess.join(", "));
        return Err(NotSaved::Refused(why));
    }
    let there = law.users.get(user);
    let networks = there.map(|user| user.networks.clone()).unwrap_or_default();
    let ends_access = Sheet { access: false, ..before.clone() } == *mine && token.is_none();
    let is_stronger = there.is_some_and(|user| !rights::may_give_token(&law.policy, by, user));
    let mut changes = before.changes(mine);
    if is_new {
        // With the title, for all that is asked for has to be so in the end.
        changes.insert(0, Change::Add { title: Some(mine.title.clone()).filter(|title| !title.is_empty()) });
    }
    if let Some(Fresh { hash, keep_old }) = token {
        let keep_old = keep_old.map(|time| SystemTime::now() + time);
        // Before access is given, so that there is never access with what was to go.
        changes.insert(usize::from(is_new), Change::NewToken { hash: *hash, label: None, expires: None, keep_old });
    }
    let changes: Vec<_> = changes.iter().map(|change| (user, change)).collect();
    draft.make_all(&changes).map_err(failed)?;
    let given = Given {
        token: token.is_some(),
        access: mine.access && !before.access,
        opened: rights::opens(&networks, &find(draft.law(), user)?.networks),
        above: is_stronger && !ends_access,
    };
    given.judge(draft.law(), editor, user).map_or(Ok(()), |why| Err(NotSaved::Refused(why)))
}

/// What a change gives beyond permissions.
struct Given {
    token: bool,
    access: bool,
    /// The user may come from where they could not.
    opened: bool,
    /// Something else of a user who could do more than the editor before.
    above: bool,
}

impl Given {
    /// Why it may not be, by what the document says with it.
    fn judge(&self, law: &Law, editor: &Editor, name: &str) -> Option<String> {
        let (by, user) = (law.users.get(&editor.name)?, law.users.get(name)?);
        let is_stronger = !rights::may_give_token(&law.policy, by, user);
        let is_own = editor.name == name;
        if self.token && is_stronger {
            Some("This user may do more than you, so you cannot make a token for them.".to_owned())
        } else if self.access && is_stronger {
            // A token that they had may be known to whoever switches it on again.
            Some("This user may do more than you, so you cannot give them API access.".to_owned())
        } else if self.opened && is_stronger {
            Some("This user may do more than you, so you cannot let them come from more networks.".to_owned())
        } else if self.opened && is_own && !rights::may_grant(&law.policy, by, &Grant::All) {
            Some("You may come only from these networks: somebody else can add to them.".to_owned())
        } else if is_own && !user.may_come_from(editor.address) {
            let address = editor.address;
            Some(format!("You are at {address}, and would shut yourself out: these networks do not have it."))
        } else if self.above {
            // The API behind the gateway perhaps goes by names: nobody comes to a stronger one by taking it down first.
            Some("This user may do more than you: all that you can change here is to end their API access.".to_owned())
        } else {
            None
        }
    }
}

fn find<'l>(law: &'l Law, name: &str) -> Result<&'l User, NotSaved> {
    law.users.get(name).ok_or_else(|| failed(EditError::no_user(law, name)))
}

/// Who saves, as the document has them at this moment: what they may was perhaps taken from them since the page was
/// made.
fn permitted<'l>(law: &'l Law, editor: &Editor) -> Result<&'l User, NotSaved> {
    let editor = law.users.get(&editor.name);
    let edits = editor.filter(|user| user.panel.is_some() && rights::may_edit(&law.policy, user));
    edits.ok_or_else(|| NotSaved::Refused("You may not change users any more.".to_owned()))
}

fn failed(error: EditError) -> NotSaved {
    match error {
        EditError::Read(_) | EditError::Faulty(_) | EditError::Form(_) => NotSaved::Failed(
            "The access document cannot be changed from here at the moment.".to_owned(),
            error.to_string(),
        ),
        EditError::Refused(faults) => NotSaved::Failed(
            "The access document would not be valid with this, so nothing has been saved.".to_owned(),
            faults.to_string(),
        ),
        other => NotSaved::Refused(format!("{}.", super::page::sentence(&other.to_string()))),
    }
}
