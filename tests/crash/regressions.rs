//! What the random histories have found, each as short as it goes.

use crate::driver::DIRECTORY;
use crate::kind::Kind;
use kixx_datastore::fs::FileSystem;
use kixx_datastore::fs::simulated::{Call, Exhaustive, Failure, Fault, Seeded, SimulatedDisk};
use kixx_datastore::kv::{Batch, Check, Operation, Read, Space, Store};
use kixx_datastore::stores::directory::{DirectoryStore, Files};
use kixx_datastore::stores::durable::{Durable, OpenOptions};
use std::path::{Path, PathBuf};
use std::sync::Arc;

fn open(disk: &SimulatedDisk) -> DirectoryStore {
    let fs: Arc<dyn FileSystem> = Arc::new(disk.clone());
    DirectoryStore::open(&fs, Path::new(DIRECTORY), &OpenOptions::default()).unwrap()
}

fn put(store: &DirectoryStore, key: &str) {
    let operation = Operation::put(Space::DOCUMENTS, key.as_bytes(), Check::Any, b"{}");
    store.commit(Batch { operations: vec![operation] }).wait().unwrap();
}

fn killed(disk: &SimulatedDisk) -> SimulatedDisk {
    let mut history = disk.history();
    history.advance_to(usize::MAX);
    history.kill()
}

#[test]
fn a_journal_that_its_checkpoint_covers_goes_with_the_next_close() {
    let (disk, _) = Files::first_disk();
    let store = open(&disk);
    put(&store, "b");
    store.checkpoint().wait().unwrap();
    let disk = killed(&disk);
    store.close().wait().unwrap();

    open(&disk).close().wait().unwrap();
    let names: Vec<PathBuf> = disk.files().into_keys().collect();
    assert_eq!(names, ["a.json", "b.json", "z.json"].map(|name| Path::new(DIRECTORY).join(name)));
}

#[test]
fn a_new_segment_may_be_the_only_one() {
    let (disk, _) = Files::first_disk();
    let store = open(&disk);
    put(&store, "b");
    store.checkpoint().wait().unwrap();
    let disk = killed(&disk);
    store.close().wait().unwrap();

    let store = open(&disk);
    // Removes the segment that was found, and leaves none.
    store.checkpoint().wait().unwrap();
    let begun = disk.operations();
    put(&store, "c");
    store.close().wait().unwrap();
    let mut history = disk.history();
    history.advance_to(begun);
    while history.advance() {
        let mut choices = Exhaustive::default();
        for _ in 0..100 {
            open(&history.crash(&mut choices)).close().wait().unwrap();
            if !choices.advance() {
                break;
            }
        }
    }
}

#[test]
fn a_header_whose_flush_failed_is_written_again() {
    for seed in 0..20 {
        let (disk, _) = Files::first_disk();
        // What a failed flush leaves depends on how much went before.
        (0..seed).for_each(|_| disk.sync_directory(Path::new("")).unwrap());
        let store = open(&disk);
        disk.fail(Fault { call: Call::SyncFile, after: 0, times: 1, failure: Failure::Io, arriving: 0 });
        let operation = Operation::put(Space::DOCUMENTS, b"b", Check::Any, b"{}");
        store.commit(Batch { operations: vec![operation] }).wait().unwrap_err();
        assert_eq!(disk.heal(), 1);
        store.close().wait().unwrap_err();

        let store = open(&disk);
        put(&store, "c");
        let mut history = disk.history();
        history.advance_to(usize::MAX);
        let crashed = history.crash(&mut Seeded(seed));
        store.close().wait().unwrap();
        let store = open(&crashed);
        assert!(store.get(Space::DOCUMENTS, b"c").wait().unwrap().is_some(), "seed {seed}");
    }
}

#[test]
fn a_removal_that_was_not_flushed_is_flushed_before_a_new_journal_begins() {
    let (disk, _) = Files::first_disk();
    let store = open(&disk);
    put(&store, "b");
    // The last two flushes of a close: of the names of the documents, and of the removed journal.
    disk.fail(Fault { call: Call::SyncDirectory, after: 1, times: 1, failure: Failure::Io, arriving: 0 });
    store.close().wait().unwrap_err();
    assert_eq!(disk.heal(), 1);
    let begun = disk.operations();
    let store = open(&disk);
    put(&store, "c");
    store.close().wait().unwrap();
    let mut history = disk.history();
    history.advance_to(begun);
    while history.advance() {
        for seed in 0..20 {
            open(&history.crash(&mut Seeded(seed))).close().wait().unwrap();
        }
    }
}
