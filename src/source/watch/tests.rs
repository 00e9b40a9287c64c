use std::fs::{self, File};
use std::future::Future;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::mpsc::{self, TryRecvError};
use std::task::Poll;
use std::thread;
use std::time::Duration;

use tokio::time::timeout;

use super::{Hint, Watch};

const DEADLINE: Duration = Duration::from_secs(10);
const SILENCE: Duration = Duration::from_millis(300);
const NEVER: Duration = Duration::from_secs(3600);

struct Place {
    _dir: tempfile::TempDir,
    root: PathBuf,
    file: PathBuf,
}

impl Place {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        // One down, so that what other tests do in the system's directory is not heard even when `etc` is gone.
        let root = dir.path().canonicalize().unwrap().join("root");
        let file = root.join("etc/access.toml");
        fs::create_dir_all(root.join("etc")).unwrap();
        fs::write(&file, "first").unwrap();
        Self { _dir: dir, root, file }
    }

    /// A watch that has given its first hint and rests.
    async fn rested(&self, poll: Duration) -> Watch {
        let mut watch = Watch::new(vec![self.file.clone()]).poll_every(poll);
        assert_eq!(hint(&mut watch).await, Hint::Changed);
        assert!(watch.undisturbed().await);
        watch
    }
}

async fn hint(watch: &mut Watch) -> Hint {
    timeout(DEADLINE, watch.changed()).await.expect("no hint came")
}

/// Drives a watch for some time; gives how often it woke up, or fails if it gave a hint.
async fn wake_ups(watch: &mut Watch, time: Duration) -> u32 {
    let mut count = 0;
    {
        let mut changed = pin!(watch.changed());
        let counted = std::future::poll_fn(|context| {
            count += 1;
            match changed.as_mut().poll(context) {
                Poll::Ready(hint) => panic!("{hint:?}, but nothing happened"),
                Poll::Pending => Poll::<()>::Pending,
            }
        });
        assert!(timeout(time, counted).await.is_err());
    }
    // The first look and the one that ends the test are no wake-ups.
    count - 2
}

#[tokio::test]
async fn idle_wakes_up_for_nothing_but_the_poll() {
    let place = Place::new();
    let mut watch = place.rested(NEVER).await;
    assert_eq!(wake_ups(&mut watch, SILENCE).await, 0);

    let mut watch = place.rested(SILENCE / 3).await;
    // A change is looked at once more after it was told.
    assert_eq!(hint(&mut watch).await, Hint::Changed);
    let count = wake_ups(&mut watch, SILENCE).await;
    assert!(count <= 3, "{count}");
}

#[tokio::test]
async fn reading_is_no_change() {
    let place = Place::new();
    let mut watch = place.rested(NEVER).await;
    for _ in 0..100 {
        fs::read(&place.file).unwrap();
        fs::read_dir(place.root.join("etc")).unwrap().for_each(drop);
    }
    assert_eq!(wake_ups(&mut watch, SILENCE).await, 0);
}

#[tokio::test]
async fn a_flood_about_something_else_is_looked_at_in_slices() {
    let place = Place::new();
    let mut watch = place.rested(NEVER).await;
    let log = place.root.join("etc/other.log");
    let (enough, ended) = mpsc::channel::<()>();
    let flood = thread::spawn(move || {
        let mut lines = 0;
        while ended.try_recv() == Err(TryRecvError::Empty) {
            fs::write(&log, "line").unwrap();
            lines += 1;
        }
        lines
    });
    let count = wake_ups(&mut watch, SILENCE).await;
    drop(enough);
    let lines = flood.join().unwrap();
    assert!(lines > 80, "{lines} lines are no flood");
    assert!((1..=80).contains(&count), "{count} wake-ups for {lines} lines");
}

#[tokio::test]
async fn a_directory_that_is_gone_is_waited_for_at_rest() {
    let place = Place::new();
    let mut watch = place.rested(NEVER).await;
    fs::remove_dir_all(place.root.join("etc")).unwrap();
    assert_eq!(hint(&mut watch).await, Hint::Changed);
    // What rang while it calmed down is answered once more.
    assert!(wake_ups(&mut watch, SILENCE).await <= 2);
    fs::create_dir(place.root.join("etc")).unwrap();
    fs::write(&place.file, "back").unwrap();
    assert_eq!(hint(&mut watch).await, Hint::Changed);
    assert_eq!(fs::read_to_string(&place.file).unwrap(), "back");
}

#[tokio::test]
async fn asking_is_told_from_changing_and_counts_once() {
    let place = Place::new();
    let mut watch = place.rested(NEVER).await;
    let poker = watch.poker();
    poker.poke();
    poker.poke();
    assert_eq!(hint(&mut watch).await, Hint::Asked);
    assert!(wake_ups(&mut watch, SILENCE).await <= 2);
    fs::write(&place.file, "second").unwrap();
    assert_eq!(hint(&mut watch).await, Hint::Changed);
}

#[tokio::test]
async fn a_hint_survives_its_future() {
    let place = Place::new();
    let mut watch = place.rested(NEVER).await;
    watch.poker().poke();
    for _ in 0..3 {
        // Dropped in the middle of waiting for things to calm down.
        assert!(timeout(Duration::ZERO, watch.changed()).await.is_err());
    }
    assert_eq!(hint(&mut watch).await, Hint::Asked);
}

#[tokio::test]
async fn the_first_poll_after_a_change_has_it_read_again() {
    let place = Place::new();
    let mut watch = place.rested(Duration::from_millis(50)).await.polling_only();
    assert_eq!(hint(&mut watch).await, Hint::Changed);
    wake_ups(&mut watch, SILENCE).await;
    fs::write(&place.file, "second").unwrap();
    for _ in 0..2 {
        assert_eq!(hint(&mut watch).await, Hint::Changed);
    }
    wake_ups(&mut watch, SILENCE).await;
}

#[tokio::test]
async fn what_was_read_while_somebody_wrote_is_known() {
    let place = Place::new();
    for polling in [false, true] {
        let mut watch = place.rested(Duration::from_millis(50)).await;
        if polling {
            watch = watch.polling_only();
        }
        fs::write(&place.file, format!("longer {polling}")).unwrap();
        assert!(!watch.undisturbed().await);
        assert_eq!(hint(&mut watch).await, Hint::Changed);
        assert!(watch.undisturbed().await);
    }
}

#[tokio::test]
async fn what_is_replaced_after_reading_was_whole() {
    let place = Place::new();
    let mut watch = place.rested(NEVER).await;
    let fresh = place.root.join("fresh");
    fs::write(&fresh, "second").unwrap();
    fs::rename(&fresh, &place.file).unwrap();
    assert!(watch.undisturbed().await);
    assert_eq!(hint(&mut watch).await, Hint::Changed);
}

#[tokio::test]
async fn a_growing_file_is_waited_for_where_no_kernel_reports() {
    let place = Place::new();
    let mut watch = Watch::new(vec![place.file.clone()]).polling_only().poll_every(Duration::from_millis(20));
    hint(&mut watch).await;
    let path = place.file.clone();
    let writer = thread::spawn(move || append(&path, 20));
    hint(&mut watch).await;
    while !watch.undisturbed().await {
        hint(&mut watch).await;
    }
    writer.join().unwrap();
    assert_eq!(fs::metadata(&place.file).unwrap().len(), 5 + 20);
}

fn append(path: &Path, bytes: usize) {
    use std::io::Write as _;
    let mut file = File::options().append(true).open(path).unwrap();
    for _ in 0..bytes {
        file.write_all(b"x").unwrap();
        thread::sleep(Duration::from_millis(10));
    }
}
