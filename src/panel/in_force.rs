//! From a form to a document that the gateway goes by.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::timeout;

use super::Panel;
use super::save::{self, Edit, Editor, NotSaved, Saved};
use super::sheet::Sheet;
use crate::source::live::Live;

/// How long a page waits for what was saved to be in force. It takes some milliseconds.
pub(super) const TIME: Duration = Duration::from_secs(3);
/// What is told where it takes longer.
pub(super) const PENDING: &str = "Saved, but it is not in force yet. The log of the gateway says why.";

/// What came of a form that could be saved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    InForce,
    /// It is in the document, and the gateway goes on with the one before.
    Pending,
    Nothing,
}

/// Saves on a thread that may wait for a disk, and returns when it is in force.
pub(super) async fn in_background(panel: &Arc<Panel>, editor: Editor, edit: Edit) -> Result<Outcome, NotSaved> {
    let parts = &panel.parts;
    let name = edit.user.clone();
    let path = parts.access.clone();
    let work = tokio::task::spawn_blocking(move || save::save(&path, &editor, &edit));
    let saved = work.await.unwrap_or_else(|_| {
        Err(NotSaved::Failed(
            "Something went wrong, which is a bug; nothing more is known here.".to_owned(),
            String::new(),
        ))
    })?;
    let Saved::Done(said) = saved else { return Ok(Outcome::Nothing) };
    parts.reload.poke();
    Ok(if in_force(&parts.live, &name, said.as_deref()).await { Outcome::InForce } else { Outcome::Pending })
}

/// Waits for the gateway to go by what was saved of a user, but not for ever; whether it does.
async fn in_force(live: &Live, name: &str, said: Option<&Sheet>) -> bool {
    let mut changes = live.changes();
    let goes_by_it = || {
        let snapshot = live.snapshot();
        snapshot.users.get(name).map(|user| Sheet::of(&snapshot.policy, user)).as_ref() == said
    };
    let waiting = async { while !goes_by_it() && changes.changed().await.is_ok() {} };
    let _ = timeout(TIME, waiting).await;
    goes_by_it()
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::{Sheet, in_force};
    use crate::policy::Snapshot;
    use crate::source::document::{Format, read};
    use crate::source::live::Live;

    fn snapshot(text: &str) -> Snapshot {
        let law = read("t", text, Format::Toml, SystemTime::UNIX_EPOCH).unwrap_or_else(|faults| panic!("{faults}"));
        law.into_snapshot(1)
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_saved_is_said_to_be_in_force_once_it_is() {
        let off = "[users.amy]\napi_access = false\n[users.bob]\n";
        let on = "[users.amy]\napi_access = true\n[users.bob]\n";
        let (live, mut publisher) = Live::start(snapshot(on));
        let wanted = snapshot(off);
        let wanted = Sheet::of(&wanted.policy, wanted.users.get("amy").unwrap());
        assert!(!in_force(&live, "amy", Some(&wanted)).await, "the reload was refused, say");
        assert!(!in_force(&live, "amy", None).await);
        let waiting = in_force(&live, "amy", Some(&wanted));
        let publishing = async {
            tokio::task::yield_now().await;
            publisher.publish(snapshot(&format!("{on}title = \"another change\"\n")));
            tokio::task::yield_now().await;
            publisher.publish(snapshot(off));
        };
        assert!(tokio::join!(waiting, publishing).0);
        publisher.publish(snapshot("[users.bob]\n"));
        assert!(in_force(&live, "amy", None).await, "removed");
    }
}
