//! Repair keeps every byte, takes what is right, and may be interrupted.

use crate::ruins::{Documents, PAGE, Ruin, TIMEOUT, closed, crashed, documents, everything, key, real};
use crate::support::{image, open, put};
use kixx_datastore::fs::simulated::{Seeded, SimulatedDisk};
use kixx_datastore::fs::{FileSystem, OpenMode};
use kixx_datastore::kv::{Batch, KeyRange, Operation, Read, Scan, Space, Store};
use kixx_datastore::stores::disk::{DATA_FILE, DiskStore, plan_repair, repair};
use kixx_datastore::stores::durable::{Durable, OpenOptions};
use kixx_datastore::stores::maintenance::{Progress, Repair};
use kixx_datastore::{ErrorKind, Result};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// A store of which one page with documents is zeros, and the keys that were in it.
fn damaged(ruin: &Ruin) -> Ruin {
    let bytes = ruin.bytes();
    let named = key(300);
    let holds =
        |page: &usize| bytes[page * PAGE..(page + 1) * PAGE].windows(8).any(|at| at == named.as_bytes());
    let mut zeros = bytes.clone();
    for page in (1..bytes.len() / PAGE).filter(holds) {
        zeros[page * PAGE..(page + 1) * PAGE].fill(0);
    }
    ruin.with(&zeros)
}

fn segments(directory: &Path) -> Vec<PathBuf> {
    let is_segment = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "log");
    everything(&directory.join(".datastore")).into_keys().filter(is_segment).collect()
}

#[test]
fn a_sound_directory_is_left_as_it_is() {
    for ruin in [closed(50), crashed(50)] {
        let before = everything(ruin.path());
        let done = repair(&real(), ruin.path(), TIMEOUT, &Progress::default()).unwrap();
        assert_eq!(done, Repair::default());
        let journal = |files: std::collections::BTreeMap<PathBuf, Vec<u8>>| {
            files.into_iter().filter(|(path, _)| !path.ends_with("page") && !path.ends_with("members"))
        };
        assert!(journal(before.clone()).all(|(path, bytes)| {
            !(path.extension().is_some_and(|extension| extension == "log") || path.ends_with(DATA_FILE))
                || fs::read(path).unwrap() == bytes
        }));
    }
}

#[test]
fn a_damaged_file_is_moved_aside_and_what_is_lost_is_named() {
    let ruin = damaged(&closed(600));
    let bytes = ruin.bytes();
    let (done, lost) = ruin.repaired("a page of zeros");
    assert!(lost.contains(&key(300)) && lost.len() < 100, "{lost:?}");
    let moved: Vec<&str> = done.moved.iter().map(|(found, _)| found.file.as_str()).collect();
    assert_eq!(moved, [DATA_FILE]);
    assert_eq!(done.moved[0].1, ".datastore/quarantine/data.redb");
    assert!(fs::read(ruin.path().join(&done.moved[0].1)).unwrap() == bytes);
    assert_eq!(fs::read_dir(ruin.path()).unwrap().count(), 2, "nothing is left over");
}

#[test]
fn the_journal_has_what_the_file_lost() {
    let ruin = crashed(600);
    let store = open(ruin.path());
    put(&store, &key(300), "in the journal");
    let documents = documents(&store);
    let ruin = Ruin { directory: image(ruin.path()), documents };
    drop(store);
    let ruin = damaged(&ruin);
    let (done, lost) = ruin.repaired("a page of zeros and a journal");
    assert!(!lost.contains(&key(300)), "{lost:?}");
    assert!(done.written > 0);
    assert!(done.moved.iter().skip(1).all(|(found, _)| found.file.contains("/journal-")), "{:?}", done.moved);
    assert_eq!(
        segments(ruin.path()).iter().filter(|path| !path.to_string_lossy().contains("quarantine")).count(),
        0
    );
}

#[test]
fn of_a_damaged_journal_everything_is_kept_that_can_be_read() {
    let ruin = crashed(200);
    let segment = segments(ruin.path()).pop().unwrap();
    let mut bytes = fs::read(&segment).unwrap();
    // The commit of the document `last`, which is followed by that which removes another one.
    let at = bytes.windows(4).rposition(|bytes| bytes == b"last").unwrap();
    bytes[at] = b'p';
    fs::write(&segment, &bytes).unwrap();
    let found = ruin.verified().findings;
    assert!(found.iter().any(|found| found.file.contains("/journal-")), "{found:?}");

    let done = repair(&real(), ruin.path(), TIMEOUT, &Progress::default()).unwrap();
    assert_eq!(done.lost, [], "{done:?}");
    let store = open(ruin.path());
    let mut expected = ruin.documents.clone();
    expected.remove("last");
    assert!(documents(&store) == expected);
    store.close().wait().unwrap();
    assert!(
        fs::read(ruin.path().join(".datastore/quarantine").join(segment.file_name().unwrap())).unwrap()
            == bytes
    );
}

#[test]
fn what_does_not_belong_together_or_is_newer_is_left_alone() {
    let ruin = crashed(50);
    let other = closed(60);
    let store = open(other.path());
    store
        .commit(Batch::of(Operation::delete(Space::DOCUMENTS, b"key:0002", kixx_datastore::kv::Check::Any)))
        .wait()
        .unwrap();
    store.close().wait().unwrap();
    let strange = ruin.with(&other.bytes());
    let newer = {
        let newer = crashed(50);
        let segment = segments(newer.path()).remove(0);
        let mut bytes = fs::read(&segment).unwrap();
        bytes[8] = 2;
        let crc = crc32c::crc32c(&bytes[..60]);
        bytes[60..64].copy_from_slice(&crc.to_le_bytes());
        fs::write(&segment, bytes).unwrap();
        newer
    };
    let older = {
        let file = ruin.bytes();
        let store = open(ruin.path());
        put(&store, "more", "{}");
        store.checkpoint().wait().unwrap();
        put(&store, "newest", "{}");
        let ruin = Ruin { directory: image(ruin.path()), documents: Documents::new() };
        ruin.with(&file)
    };
    for (ruin, what) in
        [(strange, "of one store"), (newer, "newer version"), (older, "older than the journal")]
    {
        let bytes = ruin.bytes();
        let planned = plan_repair(&real(), ruin.path(), TIMEOUT, &Progress::default()).unwrap_err();
        let error = repair(&real(), ruin.path(), TIMEOUT, &Progress::default()).unwrap_err();
        assert_eq!(error.message(), planned.message());
        assert_eq!(error.kind(), ErrorKind::Corrupt);
        assert!(error.message().contains(what), "{error}");
        assert!(ruin.bytes() == bytes && !segments(ruin.path()).is_empty());
    }
}

#[test]
fn who_has_the_directory_open_is_named() {
    let ruin = closed(10);
    let store = open(ruin.path());
    let error = repair(&real(), ruin.path(), Duration::ZERO, &Progress::default()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Locked);
    assert!(error.message().contains(&std::process::id().to_string()), "{error}");
    store.close().wait().unwrap();
}

/// After a crash at any operation of a repair, an application that opens it or another repair has the same.
#[test]
fn a_repair_may_be_cut_off_anywhere() {
    let ruin = damaged(&crashed(420));
    let disk = SimulatedDisk::new();
    copy_to(&disk, ruin.path(), Path::new("data"));
    let mut history = disk.history();
    history.advance_to(history.total());
    let disk = history.settle();
    mend(&disk).unwrap();
    let expected = contents(&disk);
    let operations = disk.operations();
    let mut images = 0;
    for seed in 0..2 {
        let mut random = Seeded(seed);
        let mut history = disk.history();
        loop {
            for image in [history.kill(), history.crash(&mut random)] {
                let at = history.done();
                mend(&image).unwrap_or_else(|error| panic!("seed {seed}, operation {at}: {error}"));
                assert!(contents(&image) == expected, "seed {seed}, operation {at}");
                images += 1;
            }
            if history.done() == operations || !history.advance() {
                break;
            }
        }
    }
    println!("{images} images after each of {operations} operations");
    assert!(operations > 20 && images > 80, "{operations}, {images}");
}

fn mend(disk: &SimulatedDisk) -> Result<Repair> {
    let fs: Arc<dyn FileSystem> = Arc::new(disk.clone());
    repair(&fs, Path::new("data"), TIMEOUT, &Progress::default())
}

fn contents(disk: &SimulatedDisk) -> Vec<(Vec<u8>, Vec<u8>)> {
    let fs: Arc<dyn FileSystem> = Arc::new(disk.clone());
    let store = DiskStore::open(&fs, Path::new("data"), &OpenOptions::default()).unwrap();
    let entries = store.range(Space::DOCUMENTS, &Scan::all(KeyRange::ALL)).wait().unwrap();
    store.close().wait().unwrap();
    entries.iter().map(|entry| (entry.key().to_vec(), entry.value().to_vec())).collect()
}

fn copy_to(disk: &SimulatedDisk, from: &Path, to: &Path) {
    disk.create_directory(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy_to(disk, &path, &target);
        } else {
            let file = disk.open(&target, OpenMode::CreateNew).unwrap();
            file.write_at(0, &fs::read(path).unwrap()).unwrap();
        }
    }
}
