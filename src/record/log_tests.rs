//! The audit log against real files, and against a pipe that nobody reads: the nearest thing to a stuck disk.

use std::fs::{self, File};
use std::io::{PipeReader, Read, pipe};
use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;
use std::thread;

use tokio::time::Instant;

use super::super::change::Outcome;
use super::super::entry::Entry;
use super::super::sample;
use super::super::words::{Decided, Reason};
use super::{
    AuditHandle, AuditSink, AuditWriter, BATCH_BYTES, BATCH_TIME, BATCHES, Change, Metrics, REFUSALS, Recent,
    WAITING_BYTES,
};

fn entry(detail: impl Into<Box<str>>) -> Entry {
    Entry { detail: Some(detail.into()), ..sample::entry() }
}

/// The `detail` of each line of a file.
fn details(path: &Path) -> Vec<String> {
    let text = fs::read_to_string(path).unwrap();
    let detail = |line| serde_json::from_str::<serde_json::Value>(line).unwrap()["detail"].as_str().unwrap().to_owned();
    text.lines().map(detail).collect()
}

#[test]
fn what_was_handed_over_before_finish_is_in_the_file() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("audit.log");
    let metrics = Arc::new(Metrics::new());
    let (writer, handle) =
        AuditWriter::start(AuditSink::File(path.clone()), Arc::default(), Arc::clone(&metrics)).unwrap();
    thread::scope(|scope| {
        for worker in 0..4 {
            let handle = &handle;
            scope.spawn(move || {
                let log = handle.log();
                (0..200).for_each(|n| log.record(&entry(format!("{worker}/{n:03}"))));
            });
        }
    });
    writer.finish();
    let mut told = details(&path);
    // Within a worker lines keep their order; between workers there is none.
    for worker in ["0/", "1/", "2/", "3/"] {
        let own: Vec<_> = told.iter().filter(|detail| detail.starts_with(worker)).collect();
        assert!(own.is_sorted(), "{own:?}");
    }
    told.sort();
    let expected: Vec<_> = (0..4).flat_map(|worker| (0..200).map(move |n| format!("{worker}/{n:03}"))).collect();
    assert_eq!(told, expected);
    assert_eq!(metrics.audit_dropped_so_far(), 0);
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o137, 0, "not for others, not executable");
}

#[test]
fn a_file_is_appended_to() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("audit.log");
    for run in ["first", "second"] {
        let (writer, handle) =
            AuditWriter::start(AuditSink::File(path.clone()), Arc::default(), Arc::default()).unwrap();
        handle.log().record(&entry(run));
        writer.finish();
    }
    assert_eq!(details(&path), ["first", "second"]);
}

#[test]
fn after_a_rename_and_reopen_lines_go_to_the_new_file() {
    let dir = tempfile::tempdir().unwrap();
    let (path, rotated) = (dir.path().join("audit.log"), dir.path().join("audit.log.1"));
    let (writer, handle) = AuditWriter::start(AuditSink::File(path.clone()), Arc::default(), Arc::default()).unwrap();
    let log = handle.log();
    log.record(&entry("before"));
    log.flush();
    // The line must have reached the old file, or it may as well go to the new one.
    while fs::metadata(&path).unwrap().len() == 0 {
        thread::yield_now();
    }
    fs::rename(&path, &rotated).unwrap();
    handle.reopen();
    log.record(&entry("after"));
    log.flush();
    writer.finish();
    assert_eq!(details(&rotated), ["before"]);
    assert_eq!(details(&path), ["after"]);
}

#[test]
fn a_failed_reopen_keeps_the_old_file() {
    let dir = tempfile::tempdir().unwrap();
    let (logs, moved) = (dir.path().join("logs"), dir.path().join("moved"));
    fs::create_dir(&logs).unwrap();
    let (writer, handle) =
        AuditWriter::start(AuditSink::File(logs.join("audit.log")), Arc::default(), Arc::default()).unwrap();
    fs::rename(&logs, &moved).unwrap();
    handle.reopen();
    handle.log().record(&entry("kept"));
    writer.finish();
    assert_eq!(details(&moved.join("audit.log")), ["kept"]);
}

#[test]
fn a_file_that_cannot_be_opened_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("missing").join("audit.log");
    let error = AuditWriter::start(AuditSink::File(path.clone()), Arc::default(), Arc::default())
        .expect_err("no such directory");
    assert!(error.to_string().starts_with(&format!("{}: cannot open the audit log", path.display())), "{error}");
}

/// A log on a disk that is stuck: a pipe that nobody reads from yet.
fn stuck() -> (PipeReader, AuditWriter, AuditHandle, Arc<Metrics>) {
    let (reader, stuck) = pipe().unwrap();
    let metrics = Arc::new(Metrics::new());
    let file = File::from(OwnedFd::from(stuck));
    let (writer, handle) = AuditWriter::spawn((file, None), Arc::default(), Arc::clone(&metrics)).unwrap();
    (reader, writer, handle, metrics)
}

#[test]
fn a_stuck_disk_costs_lines_and_no_time() {
    let (mut reader, writer, handle, metrics) = stuck();
    let log = handle.log();
    let long = entry("x".repeat(BATCH_BYTES));
    // The pipe itself takes one batch of this size, the writer holds one.
    let recorded = BATCHES as u64 + 50;
    (0..recorded).for_each(|_| log.record(&long));
    let lost = metrics.audit_dropped_so_far();

    let drain = thread::spawn(move || {
        let mut text = String::new();
        reader.read_to_string(&mut text).unwrap();
        text.lines().filter(|line| line.ends_with('}')).count() as u64
    });
    writer.finish();
    let written = drain.join().unwrap();
    // Looked at only now: a test that fails while the writer is stuck would wait for it for ever.
    assert!(lost >= 10, "recording must have gone on with a full inbox");
    let kept = recorded - lost;
    assert!(kept as usize * BATCH_BYTES <= WAITING_BYTES + 4 * BATCH_BYTES, "{kept} batches wait in memory");
    assert_eq!(written + metrics.audit_dropped_so_far(), recorded, "every line is written or counted as lost");
}

/// At little load a batch is what came in a few milliseconds, from each worker: many of them are not much.
#[test]
fn a_disk_that_is_stuck_for_a_while_costs_no_lines_where_they_are_few() {
    let (mut reader, writer, handle, metrics) = stuck();
    let log = handle.log();
    // More than the pipe takes, so that the writer waits with it.
    log.record(&entry("x".repeat(BATCH_BYTES)));
    for _ in 0..60 {
        log.record(&entry("short"));
        log.flush();
    }
    let drain = thread::spawn(move || {
        let mut text = String::new();
        reader.read_to_string(&mut text).unwrap();
        text.lines().count()
    });
    writer.finish();
    assert_eq!((drain.join().unwrap(), metrics.audit_dropped_so_far()), (61, 0));
}

#[test]
fn lines_for_a_closed_log_are_counted() {
    let (reader, closed) = pipe().unwrap();
    drop(reader);
    let metrics = Arc::new(Metrics::new());
    let (writer, handle) =
        AuditWriter::spawn((File::from(OwnedFd::from(closed)), None), Arc::default(), Arc::clone(&metrics)).unwrap();
    let log = handle.log();
    log.record(&entry("nobody reads this"));
    log.flush();
    writer.finish();
    assert_eq!(metrics.audit_dropped_so_far(), 1);
    log.record(&entry("nor this"));
    drop(log);
    assert_eq!(metrics.audit_dropped_so_far(), 2);
}

#[test]
fn off_writes_and_loses_nothing() {
    let metrics = Arc::new(Metrics::new());
    let (writer, handle) = AuditWriter::start(AuditSink::Off, Arc::default(), Arc::clone(&metrics)).unwrap();
    let log = handle.log();
    log.record(&entry("x"));
    assert!(log.lines.borrow().is_empty());
    handle.reopen();
    drop(log);
    writer.finish();
    assert_eq!(metrics.audit_dropped_so_far(), 0);
}

#[test]
fn warnings_are_seldom() {
    let (_, handle) = {
        let (reader, stream) = pipe().unwrap();
        drop(reader);
        AuditWriter::spawn((File::from(OwnedFd::from(stream)), None), Arc::default(), Arc::default()).unwrap()
    };
    let shared = handle.shared.unwrap();
    assert!(shared.may_warn());
    assert!(!shared.may_warn());
}

#[tokio::test]
async fn a_lone_line_is_handed_over_soon() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("audit.log");
    let (writer, handle) = AuditWriter::start(AuditSink::File(path.clone()), Arc::default(), Arc::default()).unwrap();
    let log = handle.log();
    let begun = Instant::now();
    tokio::select! {
        () = log.run() => {}
        () = async {
            for detail in ["one", "two"] {
                log.record(&entry(detail));
                while !log.lines.borrow().is_empty() {
                    tokio::time::sleep(BATCH_TIME / 10).await;
                }
            }
        } => {}
    }
    assert!(begun.elapsed() >= BATCH_TIME * 2, "a line waits for others to go with it");
    writer.finish();
    assert_eq!(details(&path), ["one", "two"]);
}

#[tokio::test]
async fn refusals_and_changes_are_kept_whether_or_not_lines_are_written() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("audit.log");
    for sink in [AuditSink::Off, AuditSink::File(path.clone())] {
        let recent = Arc::new(Recent::default());
        let (writer, handle) = AuditWriter::start(sink, Arc::clone(&recent), Arc::default()).unwrap();
        let log = handle.log();
        let refused = Entry { reason: Reason::BadTarget, status: Some(400), ..sample::entry() };
        tokio::select! {
            () = log.run() => {}
            () = async {
                log.record(&refused);
                while recent.refusals().is_empty() {
                    tokio::time::sleep(BATCH_TIME / 10).await;
                }
            } => {}
        }
        (0..10 * REFUSALS).for_each(|_| log.record(&refused));
        assert_eq!(log.refusals.borrow().len(), REFUSALS);
        log.record(&Entry { decision: Decided::Permit, reason: Reason::Ok, ..sample::entry() });
        log.flush();
        assert_eq!((log.refusals.borrow().len(), recent.refusals().len()), (0, REFUSALS));
        let change = Change { time: refused.time, outcome: Outcome::Refused("a fault".into()), generation: 2 };
        handle.change(change.clone());
        assert_eq!(recent.changes(), [change]);
        drop(log);
        writer.finish();
    }
    let text = fs::read_to_string(&path).unwrap();
    assert_eq!(text.lines().count(), 1 + 10 * REFUSALS + 2);
    assert!(text.ends_with("\"event\":\"change_refused\",\"why\":\"a fault\",\"generation\":2}\n"), "{text}");
}
