//! The kernel's reports: [`Listener`] has them made for a set of directories, [`Ear`] keeps what matters of them.
//!
//! Reports come on a thread of `notify`'s and are boiled down there to a few flags, so that a flood of them costs no
//! memory and wakes the control thread once. They are never believed further than that the files are worth a look,
//! with one exception: a file that was written to and not closed is being written.

use std::collections::HashMap;
use std::fs;
use std::mem;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use notify::event::{AccessKind, AccessMode, ModifyKind};
use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::Notify;
use tokio::time::Instant;

use super::places::Places;

/// Listens to the directories of some [`Places`]. Directories that change are not exchanged one by one: a new listener
/// is started, which can have forgotten nothing and dropped nothing late.
#[derive(Debug)]
pub(super) struct Listener {
    watcher: RecommendedWatcher,
    places: Arc<Places>,
    deaf: Vec<PathBuf>,
}

impl Listener {
    /// Starts listening. Directories that cannot be watched are left to [`Self::retry`].
    pub(super) fn start(ear: &Arc<Ear>, places: Places) -> notify::Result<Self> {
        let places = Arc::new(places);
        let hearing = (Arc::clone(ear), Arc::clone(&places));
        let handler = move |report: notify::Result<Event>| hearing.0.hear(report.as_ref().ok(), &hearing.1);
        let watcher = notify::recommended_watcher(handler)?;
        ear.forget_writes_outside(&places);
        let deaf = places.directories().cloned().collect();
        let mut listener = Self { watcher, places, deaf };
        listener.retry();
        Ok(listener)
    }

    /// Whether these are the places it listens to.
    pub(super) fn covers(&self, places: &Places) -> bool {
        *self.places == *places
    }

    /// The directories that could not be watched so far.
    pub(super) fn deaf(&self) -> &[PathBuf] {
        &self.deaf
    }

    /// Tries again to watch the directories that could not be; true if one more now is.
    pub(super) fn retry(&mut self) -> bool {
        let before = self.deaf.len();
        let watcher = &mut self.watcher;
        self.deaf.retain(|directory| watcher.watch(directory, RecursiveMode::NonRecursive).is_err());
        self.deaf.len() < before
    }
}

/// What was reported and not yet taken.
#[derive(Debug, Default)]
pub(super) struct Ear {
    state: Mutex<State>,
    bell: Notify,
}

#[derive(Debug, Default)]
struct State {
    heard: Heard,
    /// Files of ours that somebody is writing to.
    writes: HashMap<PathBuf, Write>,
}

/// What was reported since the last time.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Heard {
    /// Somebody asked for the files to be read.
    pub(super) asked: bool,
    /// A file, or something on the way to one, was touched.
    pub(super) named: bool,
    /// A watched directory went away, or reports were lost.
    pub(super) lost: bool,
}

#[derive(Debug)]
struct Write {
    stage: Stage,
    last: Instant,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// There now, and if still empty soon to be written. A link that was made in its place is complete.
    Created,
    Written,
}

impl Ear {
    /// Whether a writer's closing a file is reported here. Elsewhere a write is like any other change.
    pub(super) const HEARS_CLOSING: bool = cfg!(any(target_os = "linux", target_os = "android"));

    /// Waits for something to be heard since the last wait.
    pub(super) async fn rung(&self) {
        self.bell.notified().await;
    }

    /// Takes what was heard.
    pub(super) fn take(&self) -> Heard {
        mem::take(&mut self.state().heard)
    }

    /// Asks for the files to be read.
    pub(super) fn ask(&self) {
        self.state().heard.asked = true;
        self.bell.notify_one();
    }

    /// Whether a file is being written. One that was not written to for as long as `hold` no longer is.
    pub(super) fn is_writing(&self, hold: Duration) -> bool {
        let mut state = self.state();
        state.writes.retain(|path, write| {
            write.last.elapsed() < hold && (write.stage == Stage::Written || is_empty_file(path))
        });
        !state.writes.is_empty()
    }

    /// Writes that were going on where nobody listens any longer will never be heard to end.
    fn forget_writes_outside(&self, places: &Places) {
        self.state().writes.retain(|path, _| places.has_entry(path));
    }

    /// Takes in a report; `None` for one that the kernel failed to make.
    fn hear(&self, report: Option<&Event>, places: &Places) {
        let Some(event) = report else {
            // No bell: were it to fail each time, the poll is often enough to try again.
            self.state().heard.lost = true;
            return;
        };
        let closed = matches!(event.kind, EventKind::Access(AccessKind::Close(AccessMode::Write)));
        if event.kind.is_access() && !closed {
            // Reading the files is reported too, and is no change.
            return;
        }
        self.state().note(event, places);
        self.bell.notify_one();
    }

    /// The state is a few flags that hold whatever happens, so a panic elsewhere does not spoil it.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn note(&mut self, event: &Event, places: &Places) {
        let moved = matches!(event.kind, EventKind::Remove(_) | EventKind::Modify(ModifyKind::Name(_)));
        if event.need_rescan() {
            self.heard.lost = true;
            self.heard.named = true;
        }
        for path in &event.paths {
            if places.has_directory(path) {
                self.heard.lost |= moved;
                self.heard.named |= moved;
            }
            if places.has_entry(path) {
                self.heard.named = true;
                self.follow_write(path, event.kind);
            }
        }
    }

    fn follow_write(&mut self, path: &Path, kind: EventKind) {
        let stage = match kind {
            EventKind::Modify(ModifyKind::Data(_)) => Stage::Written,
            EventKind::Create(_) => Stage::Created,
            EventKind::Modify(ModifyKind::Metadata(_)) => return,
            _ => {
                self.writes.remove(path);
                return;
            }
        };
        if Ear::HEARS_CLOSING {
            self.writes.insert(path.to_owned(), Write { stage, last: Instant::now() });
        }
    }
}

fn is_empty_file(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_file() && metadata.len() == 0)
}

#[cfg(test)]
mod tests {
    use std::fs::{self, File};
    use std::io::Write as _;
    use std::path::{Path, PathBuf};
    use std::time::Duration;

    use notify::Event;
    use notify::event::{
        AccessKind, AccessMode, CreateKind, DataChange, EventKind, Flag, MetadataKind, ModifyKind, RemoveKind,
        RenameMode,
    };

    use super::{Ear, Places};

    const LONG: Duration = Duration::from_secs(3600);
    const CREATED: EventKind = EventKind::Create(CreateKind::File);
    const WRITTEN: EventKind = EventKind::Modify(ModifyKind::Data(DataChange::Any));
    const CLOSED: EventKind = EventKind::Access(AccessKind::Close(AccessMode::Write));
    const REMOVED: EventKind = EventKind::Remove(RemoveKind::Any);
    const OPENED: EventKind = EventKind::Access(AccessKind::Open(AccessMode::Any));
    const CHMOD: EventKind = EventKind::Modify(ModifyKind::Metadata(MetadataKind::Any));
    const ARRIVED: EventKind = EventKind::Modify(ModifyKind::Name(RenameMode::To));

    struct Scene {
        _dir: tempfile::TempDir,
        root: PathBuf,
        file: PathBuf,
        places: Places,
        ear: Ear,
    }

    impl Scene {
        fn new() -> Self {
            let dir = tempfile::tempdir().unwrap();
            let root = dir.path().canonicalize().unwrap();
            let file = root.join("access.toml");
            let places = Places::of(std::slice::from_ref(&file));
            Self { _dir: dir, root, file, places, ear: Ear::default() }
        }

        fn hear(&self, kind: EventKind, path: &Path) -> (bool, bool) {
            self.ear.hear(Some(&Event::new(kind).add_path(path.to_owned())), &self.places);
            let heard = self.ear.take();
            (heard.named, heard.lost)
        }
    }

    #[test]
    fn reports_are_sorted_by_what_they_are_about() {
        let scene = Scene::new();
        let other = scene.root.join("other.log");
        for (kind, path, named, lost) in [
            (WRITTEN, &scene.file, true, false),
            (CHMOD, &scene.file, true, false),
            (REMOVED, &scene.file, true, false),
            (OPENED, &scene.file, false, false),
            (WRITTEN, &other, false, false),
            (REMOVED, &scene.root, true, true),
            (ARRIVED, &scene.root, true, true),
            (CHMOD, &scene.root, false, false),
        ] {
            assert_eq!(scene.hear(kind, path), (named, lost), "{kind:?} {}", path.display());
        }
        scene.ear.hear(None, &scene.places);
        assert!(scene.ear.take().lost);
        scene.ear.hear(Some(&Event::new(EventKind::Other).set_flag(Flag::Rescan)), &scene.places);
        let heard = scene.ear.take();
        assert!(heard.named && heard.lost);
    }

    #[test]
    fn a_write_lasts_until_its_end_is_heard() {
        let scene = Scene::new();
        for end in [CLOSED, REMOVED, ARRIVED] {
            scene.hear(WRITTEN, &scene.file);
            scene.hear(CHMOD, &scene.file);
            scene.hear(OPENED, &scene.file);
            assert_eq!(scene.ear.is_writing(LONG), Ear::HEARS_CLOSING);
            scene.hear(end, &scene.file);
            assert!(!scene.ear.is_writing(LONG), "{end:?}");
        }
        scene.hear(WRITTEN, &scene.file);
        assert!(!scene.ear.is_writing(Duration::ZERO), "a writer who never closes is not waited for for ever");
        scene.hear(WRITTEN, &scene.root.join("other.log"));
        assert!(!scene.ear.is_writing(LONG), "somebody else's file");
    }

    #[test]
    fn a_new_file_is_being_written_while_it_is_empty() {
        let scene = Scene::new();
        scene.hear(CREATED, &scene.file);
        assert!(!scene.ear.is_writing(LONG), "gone again");
        let mut file = File::create(&scene.file).unwrap();
        scene.hear(CREATED, &scene.file);
        assert_eq!(scene.ear.is_writing(LONG), Ear::HEARS_CLOSING);
        file.write_all(b"x").unwrap();
        assert!(!scene.ear.is_writing(LONG), "a hard link to a file that was complete before");
        fs::remove_file(&scene.file).unwrap();
        std::os::unix::fs::symlink("elsewhere", &scene.file).unwrap();
        scene.hear(CREATED, &scene.file);
        assert!(!scene.ear.is_writing(LONG), "a link");
    }
}
