//! Verification beside those who write, and of directories that are sound or do not belong together.

use crate::ruins::{TIMEOUT, closed, crashed, fill, real};
use crate::support::{image, open, put};
use kixx_datastore::kv::{Batch, Check, Operation, Read, Space, Store};
use kixx_datastore::stores::disk::{DATA_FILE, DiskStore, verify};
use kixx_datastore::stores::durable::{Access, Durable, OpenOptions};
use kixx_datastore::stores::maintenance::{Progress, Verification};
use kixx_datastore::{ErrorKind, Result};
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tempfile::tempdir;

fn try_verify(directory: &Path, timeout: Duration) -> Result<Verification> {
    verify(&real(), directory, timeout, &Progress::default())
}

fn verified(directory: &Path) -> Verification {
    try_verify(directory, TIMEOUT).unwrap()
}

#[test]
fn in_sound_directories_nothing_is_found() {
    for ruin in [closed(0), closed(1), closed(400), crashed(400)] {
        let found = ruin.verified();
        assert_eq!((&*found.findings, &*found.notes), (&[][..], &[][..]));
        assert_eq!((found.documents, found.files), (ruin.documents.len() as u64, 1));
        assert!(found.processes.is_empty());
    }
    let found = crashed(400).verified();
    assert!(found.segments == 1 && found.commits > 2, "{found:?}");
}

#[test]
fn progress_is_told() {
    let ruin = closed(400);
    let progress = Progress::default();
    verify(&real(), ruin.path(), TIMEOUT, &progress).unwrap();
    let (done, total) = progress.get();
    assert!(done == total && total > 400, "{done} of {total}");
}

/// Checkpoints free and reuse pages meanwhile.
#[test]
fn beside_those_who_write_nothing_is_found() {
    let directory = tempdir().unwrap();
    let store = open(directory.path());
    fill(&store, 300);
    let is_done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut round = 0_u32;
            while !is_done.load(Ordering::Relaxed) {
                round += 1;
                let value = format!("{round}{}", "x".repeat(300));
                let operations = (0..100).map(|number| {
                    let key = crate::ruins::key(number * 3);
                    Operation::put(Space::DOCUMENTS, key.as_bytes(), Check::Any, value.as_bytes())
                });
                store.commit(Batch { operations: operations.collect() }).wait().unwrap();
                store.checkpoint().wait().unwrap();
            }
        });
        for round in 0..30 {
            let found = verified(directory.path());
            assert_eq!(found.findings, [], "round {round}");
            assert_eq!(found.processes, [std::process::id()]);
        }
        is_done.store(true, Ordering::Relaxed);
    });
    let count = store.count(Space::DOCUMENTS, &kixx_datastore::kv::KeyRange::ALL).wait().unwrap();
    assert_eq!(verified(directory.path()).documents, count);
    store.close().wait().unwrap();
}

#[test]
fn who_has_the_directory_alone_is_named() {
    let directory = tempdir().unwrap();
    let options = OpenOptions { access: Access::Exclusive, ..OpenOptions::default() };
    let store = DiskStore::open(&real(), directory.path(), &options).unwrap();
    let error = try_verify(directory.path(), Duration::ZERO).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Locked);
    assert!(error.message().contains(&std::process::id().to_string()), "{error}");
    store.close().wait().unwrap();
}

#[test]
fn what_a_crash_left_is_no_damage() {
    let ruin = crashed(50);
    fs::write(ruin.path().join(".data.redb-new"), "half").unwrap();
    let found = ruin.verified();
    assert_eq!(found.findings, []);
    assert_eq!(found.notes[0].file, ".data.redb-new");
}

#[test]
fn a_file_and_a_journal_that_do_not_belong_together_are_told() {
    let ruin = crashed(50);
    let other = tempdir().unwrap();
    let store = open(other.path());
    for number in 0..60 {
        put(&store, &crate::ruins::key(number), "of another store");
    }
    store.close().wait().unwrap();
    let strange = ruin.with(&fs::read(other.path().join(DATA_FILE)).unwrap());
    let problems: Vec<String> = strange.verified().findings.into_iter().map(|found| found.problem).collect();
    assert!(problems.iter().any(|problem| problem.contains("not of one store")), "{problems:?}");

    let older = ruin.bytes();
    let store = open(ruin.path());
    put(&store, "more", "{}");
    store.checkpoint().wait().unwrap();
    put(&store, "newest", "{}");
    let mixed = image(ruin.path());
    fs::write(mixed.path().join(DATA_FILE), older).unwrap();
    let found = verified(mixed.path());
    assert!(found.findings.iter().any(|found| found.problem.contains("older than the journal")), "{found:?}");
    store.close().wait().unwrap();
}
