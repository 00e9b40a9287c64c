mod saving;

use std::fs::{self, File};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tokio::sync::oneshot;

use super::{Contents, Published, Reload, Reloadable, Sink, guard_no_users};
use crate::policy::{Policy, PolicyBuilder, Snapshot, UserEntry, Users};
use crate::source::watch::{Poker, Watch};

/// How long to wait for what has to come, and for what must not.
const DEADLINE: Duration = Duration::from_secs(10);
const SILENCE: Duration = Duration::from_millis(300);
const NEVER: Duration = Duration::from_secs(3600);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Told {
    Good(String),
    Refused(String),
    Restored,
}

fn good(text: &str) -> Told {
    Told::Good(text.to_owned())
}

/// Files whose text is good unless it says otherwise.
struct Words(Vec<PathBuf>);

impl Reloadable for Words {
    type Value = String;
    type Fault = String;

    fn name(&self) -> &str {
        "words"
    }

    fn paths(&self) -> Vec<PathBuf> {
        self.0.clone()
    }

    fn load(&mut self, contents: &[Contents]) -> Result<String, String> {
        let texts: Vec<_> = contents.iter().map(|file| String::from_utf8(file.bytes.to_vec()).unwrap()).collect();
        let text = texts.join("+");
        assert!(!text.contains("panic"), "told to panic");
        if text.contains("broken") { Err(format!("{text} is broken")) } else { Ok(text) }
    }
}

struct Tell(Sender<Told>);

impl Sink<String> for Tell {
    fn publish(&mut self, value: String) -> Result<Published, String> {
        if value == "unwanted" {
            return Err("must not follow".to_owned());
        }
        let _ = self.0.send(Told::Good(value));
        Ok(Published { generation: 1, changes: String::new() })
    }

    fn restored(&mut self) {
        let _ = self.0.send(Told::Restored);
    }

    fn refused(&mut self, why: &str) {
        let _ = self.0.send(Told::Refused(why.to_owned()));
    }
}

/// The loop on a thread of its own, as in the gateway.
struct Scene {
    told: Receiver<Told>,
    poker: Poker,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Scene {
    /// Starts the loop and waits until it answers: from then on it listens.
    fn start(paths: Vec<PathBuf>, tune: impl FnOnce(Watch) -> Watch) -> Self {
        let scene = Self::begin(paths, tune, || ());
        scene.poker.poke();
        assert!(matches!(scene.next(), Told::Good(_)));
        scene
    }

    fn begin(paths: Vec<PathBuf>, tune: impl FnOnce(Watch) -> Watch, meanwhile: impl FnOnce()) -> Self {
        let mut reload = Reload::new(Words(paths));
        reload.first().unwrap();
        meanwhile();
        let watch = tune(reload.watch());
        let (poker, (sender, told), (stop, stopped)) = (watch.poker(), channel(), oneshot::channel());
        let thread = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
            runtime.block_on(async {
                tokio::select! {
                    never = reload.run(watch, Tell(sender)) => match never {},
                    _ = stopped => (),
                }
            });
        });
        Self { told, poker, stop: Some(stop), thread: Some(thread) }
    }

    fn next(&self) -> Told {
        self.told.recv_timeout(DEADLINE).expect("nothing was told")
    }

    /// Waits for a text and gives all that was told before it.
    fn until(&self, text: &str) -> Vec<Told> {
        let mut before = Vec::new();
        loop {
            match self.told.recv_timeout(DEADLINE) {
                Ok(told) if told == good(text) => return before,
                Ok(told) => before.push(told),
                Err(_) => panic!("{text} never came, only {before:?}"),
            }
        }
    }

    fn assert_silent(&self) {
        assert_eq!(self.told.recv_timeout(SILENCE), Err(RecvTimeoutError::Timeout));
    }
}

impl Drop for Scene {
    fn drop(&mut self) {
        drop(self.stop.take());
        let ended = self.thread.take().unwrap().join();
        assert!(ended.is_ok() || thread::panicking(), "the loop ended by itself");
    }
}

/// Kernel reports alone: the poll never comes.
fn kernel(watch: Watch) -> Watch {
    watch.poll_every(NEVER).hold_for(NEVER)
}

fn polling(watch: Watch) -> Watch {
    watch.polling_only().poll_every(Duration::from_millis(20))
}

struct Place {
    _dir: tempfile::TempDir,
    root: PathBuf,
}

impl Place {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().canonicalize().unwrap();
        fs::create_dir(root.join("etc")).unwrap();
        Self { _dir: dir, root }
    }

    /// With a file, which says `first`.
    fn with_file() -> (Self, PathBuf) {
        let place = Self::new();
        let file = place.root.join("etc/access.toml");
        fs::write(&file, "first").unwrap();
        (place, file)
    }
}

fn rename_over(file: &Path, text: &str) {
    let fresh = file.with_extension("tmp");
    fs::write(&fresh, text).unwrap();
    fs::rename(fresh, file).unwrap();
}

#[test]
fn an_unchanged_file_is_left_alone() {
    for tune in [kernel, polling] {
        let (_place, path) = Place::with_file();
        let scene = Scene::start(vec![path.clone()], tune);
        File::options().write(true).open(&path).unwrap().set_modified(std::time::SystemTime::UNIX_EPOCH).unwrap();
        rename_over(&path, "first");
        scene.assert_silent();
    }
}

#[test]
fn what_is_refused_is_told_once_and_changes_nothing() {
    let (_place, path) = Place::with_file();
    let scene = Scene::start(vec![path.clone()], kernel);
    rename_over(&path, "broken");
    assert_eq!(scene.next(), Told::Refused("broken is broken".to_owned()));
    rename_over(&path, "broken");
    scene.assert_silent();
    rename_over(&path, "unwanted");
    assert_eq!(scene.next(), Told::Refused("must not follow".to_owned()));
    rename_over(&path, "panic");
    assert!(matches!(scene.next(), Told::Refused(why) if why.contains("a bug: told to panic")));
    rename_over(&path, "first");
    assert_eq!(scene.next(), Told::Restored);
    rename_over(&path, "second");
    assert_eq!(scene.next(), good("second"));
}

#[test]
fn asking_tries_again_and_tells_each_time() {
    for tune in [kernel, polling] {
        let (_place, path) = Place::with_file();
        let scene = Scene::start(vec![path.clone()], tune);
        scene.poker.poke();
        assert_eq!(scene.next(), good("first"), "also what is in force");
        rename_over(&path, "broken");
        assert!(matches!(scene.next(), Told::Refused(_)));
        for _ in 0..2 {
            scene.poker.poke();
            assert_eq!(scene.next(), Told::Refused("broken is broken".to_owned()));
        }
    }
}

#[test]
fn files_that_cannot_be_read_are_refused_until_they_can() {
    for tune in [kernel, polling] {
        let (place, path) = Place::with_file();
        let scene = Scene::start(vec![path.clone()], tune);
        for (replace, why) in [
            ((|_| ()) as fn(&Path), "no such file"),
            (|path| fs::create_dir(path).unwrap(), "is a directory"),
            (|path| symlink("nowhere", path).unwrap(), "no such file"),
            (|path| symlink("access.toml", path).unwrap(), "cannot be read"),
        ] {
            fs::rename(&path, place.root.join("aside")).unwrap();
            replace(&path);
            let mut told = scene.next();
            while !matches!(&told, Told::Refused(text) if text.contains(why)) {
                told = scene.next();
            }
            let _ = fs::remove_dir(&path).or_else(|_| fs::remove_file(&path));
            fs::rename(place.root.join("aside"), &path).unwrap();
            while told != Told::Restored {
                told = scene.next();
            }
        }
    }
}

#[test]
fn several_files_are_judged_together() {
    let (place, first) = Place::with_file();
    let second = place.root.join("key");
    fs::write(&second, "key").unwrap();
    let scene = Scene::start(vec![first.clone(), second.clone()], kernel);
    rename_over(&second, "new key");
    assert_eq!(scene.next(), good("first+new key"));
    fs::remove_file(&second).unwrap();
    assert!(matches!(scene.next(), Told::Refused(why) if why.contains("key: there is no such file")));
    fs::write(&first, "pair").unwrap();
    // Still refused for the same reason, and not for another: said once more, as what is there is new.
    assert!(matches!(scene.next(), Told::Refused(why) if !why.contains("access.toml")));
    rename_over(&second, "key 3");
    assert_eq!(scene.next(), good("pair+key 3"));
}

#[test]
fn a_first_version_that_is_refused_is_the_callers_to_judge() {
    let place = Place::new();
    let paths = ["a", "b"].map(|name| place.root.join(name)).to_vec();
    let refused = Reload::new(Words(paths.clone())).first().unwrap_err().to_string();
    assert_eq!(refused.lines().count(), 2, "{refused}");
    fs::write(&paths[0], "broken").unwrap();
    fs::write(&paths[1], "x").unwrap();
    assert_eq!(Reload::new(Words(paths)).first().unwrap_err().to_string(), "broken+x is broken");
}

#[test]
fn a_document_that_loses_all_users_is_refused() {
    let snapshot = |names: &[&str]| {
        let builder = PolicyBuilder::default();
        let entries = names.iter().map(|name| UserEntry { name: (*name).into(), ..UserEntry::default() });
        let users = entries.map(|entry| builder.user(entry).unwrap()).collect();
        Snapshot { generation: 1, users: Users::new(users), policy: Policy::default() }
    };
    let (two, none) = (snapshot(&["amy", "bob"]), snapshot(&[]));
    assert_eq!(guard_no_users(&two, 1, false), Ok(()));
    assert_eq!(guard_no_users(&two, 0, true), Ok(()));
    assert_eq!(guard_no_users(&none, 0, false), Ok(()));
    let told = guard_no_users(&two, 0, false).unwrap_err().to_string();
    assert!(told.contains("no users, while 2 are in force") && told.contains("allow_no_users = true"), "{told}");
}
