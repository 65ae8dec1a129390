//! Repair makes a directory loadable, keeps every byte, and may be interrupted.

use crate::support::{
    commit, copy_as_killed, delete, documents, expected, flip, hold_checkpoints, listing, open, put, records,
    segments, try_open,
};
use kixx_datastore::fs::simulated::{Seeded, SimulatedDisk};
use kixx_datastore::fs::{FileSystem, OpenMode, OsFileSystem};
use kixx_datastore::kv::{KeyRange, Read, Scan, Space, Store};
use kixx_datastore::stores::directory::{DirectoryStore, plan_repair, repair};
use kixx_datastore::stores::durable::{OnDamage, OpenOptions};
use kixx_datastore::stores::maintenance::{Progress, Repair};
use kixx_datastore::{ErrorKind, Result};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tempfile::{TempDir, tempdir};

const TIMEOUT: Duration = Duration::from_secs(10);

fn real() -> Arc<dyn FileSystem> {
    Arc::new(OsFileSystem::PRIVATE)
}

fn repaired(directory: &Path) -> Repair {
    let planned = plan_repair(&real(), directory, TIMEOUT, &Progress::default()).unwrap();
    let done = repair(&real(), directory, TIMEOUT, &Progress::default()).unwrap();
    assert_eq!(planned, done, "the plan says what happens");
    done
}

/// A directory whose journal has lost its third commit of six, beside files of all kinds.
fn damaged() -> TempDir {
    let (live, dead) = (tempdir().unwrap(), tempdir().unwrap());
    for (name, text) in
        [("a", r#"{"_rev":3,"v":"file"}"#), ("ahead", r#"{"_rev":9,"v":"file"}"#), ("gone", "{}")]
    {
        fs::write(live.path().join(format!("{name}.json")), text).unwrap();
    }
    let store = open(live.path());
    let held = hold_checkpoints(live.path());
    commit(&store, &[put("a", r#"{"v":1}"#), put("new", r#"{"v":1}"#)]).unwrap();
    commit(&store, &[delete("gone")]).unwrap();
    commit(&store, &[put("lost", r#"{"v":1}"#), put("a", r#"{"v":2}"#)]).unwrap();
    commit(&store, &[put("new", r#"{"v":2}"#)]).unwrap();
    commit(&store, &[put("ahead", r#"{"v":"journal"}"#)]).unwrap();
    commit(&store, &[put("last", r#"{"v":1}"#)]).unwrap();
    copy_as_killed(live.path(), dead.path());
    drop(held);
    // A checkpoint that the journal does not know of any more was ahead of it.
    fs::write(dead.path().join("ahead.json"), r#"{"_rev":12,"v":"file"}"#).unwrap();
    fs::write(dead.path().join("bad.json"), "{").unwrap();
    let segment = segments(dead.path()).remove(0);
    let third = records(&fs::read(&segment).unwrap())[2].0;
    flip(&segment, third + 40);
    dead
}

fn after() -> BTreeMap<String, (u64, String)> {
    expected(&[
        ("a", 4, r#"{"v":1}"#),
        ("ahead", 12, r#"{"v":"file"}"#),
        ("last", 0, r#"{"v":1}"#),
        ("new", 1, r#"{"v":2}"#),
    ])
}

#[test]
fn files_that_are_no_documents_are_moved_aside_and_the_journal_stays() {
    let (live, dead) = (tempdir().unwrap(), tempdir().unwrap());
    let store = open(live.path());
    let held = hold_checkpoints(live.path());
    commit(&store, &[put("a", "{}")]).unwrap();
    copy_as_killed(live.path(), dead.path());
    drop(held);
    fs::write(dead.path().join("bad.json"), "{").unwrap();
    let done = repaired(dead.path());
    assert_eq!((done.moved.len(), done.written), (1, 0));
    assert_eq!(done.moved[0].0.file, "bad.json");
    assert_eq!(done.moved[0].1, ".datastore/quarantine/bad.json");
    assert_eq!(segments(dead.path()).len(), 1);
    assert_eq!(documents(&open(dead.path())), expected(&[("a", 0, "{}")]));
}

#[test]
fn a_sound_directory_is_left_as_it_is() {
    let directory = tempdir().unwrap();
    fs::write(directory.path().join("a.json"), "{}").unwrap();
    let before = listing(directory.path());
    assert_eq!(repaired(directory.path()), Repair::default());
    assert_eq!(listing(directory.path()), before);
}

#[test]
fn of_a_damaged_journal_everything_is_kept_that_can_be_read() {
    let dead = damaged();
    assert_eq!(try_open(dead.path(), OnDamage::Quarantine).err().unwrap().kind(), ErrorKind::Corrupt);
    let journal = fs::read(segments(dead.path()).remove(0)).unwrap();
    let done = repaired(dead.path());
    let moved: Vec<&str> = done.moved.iter().map(|(found, _)| found.file.as_str()).collect();
    let segment = ".datastore/journal-0000000000000001.log";
    assert_eq!(moved, ["bad.json", "a.json", "gone.json", segment]);
    assert_eq!(done.written, 3);

    let store = open(dead.path());
    assert_eq!(documents(&store), after());
    store.close().wait().unwrap();
    let kept = dead.path().join(".datastore/quarantine");
    assert_eq!(fs::read_to_string(kept.join("a.json")).unwrap(), r#"{"_rev":3,"v":"file"}"#);
    assert_eq!(fs::read(kept.join("journal-0000000000000001.log")).unwrap(), journal);
    assert_eq!(fs::read_dir(kept).unwrap().count(), 4);
    assert_eq!(repaired(dead.path()), Repair::default(), "nothing is left to do");
}

/// A newer version can read it: moved aside, its commits would be missing from then on.
#[test]
fn a_journal_of_a_newer_version_is_left_alone() {
    let change = |forge: fn(&mut [u8])| {
        let dead = damaged();
        let segment = segments(dead.path()).remove(0);
        let mut bytes = fs::read(&segment).unwrap();
        forge(&mut bytes);
        fs::write(&segment, bytes).unwrap();
        dead
    };
    let format = change(|bytes| {
        bytes[8] = 2;
        let crc = crc32c::crc32c(&bytes[..60]);
        bytes[60..64].copy_from_slice(&crc.to_le_bytes());
    });
    let kind = change(|bytes| {
        bytes[64 + 25] = 3;
        let place = crc32c::crc32c_append(crc32c::crc32c(&bytes[24..32]), &64_u64.to_le_bytes());
        let crc = crc32c::crc32c_append(place, &bytes[64..64 + 28]);
        bytes[64 + 28..64 + 32].copy_from_slice(&crc.to_le_bytes());
    });
    for dead in [format, kind] {
        let before = listing(dead.path());
        let planned = plan_repair(&real(), dead.path(), TIMEOUT, &Progress::default()).unwrap_err();
        let error = repair(&real(), dead.path(), TIMEOUT, &Progress::default()).unwrap_err();
        assert_eq!(error.message(), planned.message());
        assert_eq!(error.kind(), ErrorKind::Corrupt);
        assert!(error.message().contains("a newer version wrote"), "{error}");
        assert_eq!(listing(dead.path()), before);
    }
}

#[test]
fn who_has_the_directory_open_is_named() {
    let directory = tempdir().unwrap();
    let store = open(directory.path());
    fs::write(directory.path().join("bad.json"), "{").unwrap();
    let error = repair(&real(), directory.path(), Duration::ZERO, &Progress::default()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Locked);
    assert!(error.message().contains(&std::process::id().to_string()), "{error}");
    assert!(directory.path().join("bad.json").exists());
    store.close().wait().unwrap();
}

/// After a crash at any operation of a repair, the next one ends as the first would have.
#[test]
fn a_repair_may_be_cut_off_anywhere() {
    let dead = damaged();
    let disk = SimulatedDisk::new();
    copy_to(&disk, dead.path(), Path::new("data"));
    let mut history = disk.history();
    history.advance_to(history.total());
    let disk = history.settle();
    mend(&disk).unwrap();
    let operations = disk.operations();
    assert_eq!(contents(&disk), after());
    let mut images = 0;
    for seed in 0..8 {
        let mut random = Seeded(seed);
        let mut history = disk.history();
        loop {
            for image in [history.kill(), history.crash(&mut random)] {
                let at = history.done();
                mend(&image).unwrap_or_else(|error| panic!("seed {seed}, operation {at}: {error}"));
                assert_eq!(contents(&image), after(), "seed {seed}, operation {at}");
                images += 1;
            }
            if history.done() == operations || !history.advance() {
                break;
            }
        }
    }
    println!("{images} images after each of {operations} operations");
    assert!(operations > 20 && images > 300, "{operations}, {images}");
}

fn mend(disk: &SimulatedDisk) -> Result<Repair> {
    let fs: Arc<dyn FileSystem> = Arc::new(disk.clone());
    repair(&fs, Path::new("data"), TIMEOUT, &Progress::default())
}

fn contents(disk: &SimulatedDisk) -> BTreeMap<String, (u64, String)> {
    let fs: Arc<dyn FileSystem> = Arc::new(disk.clone());
    let store = DirectoryStore::open(&fs, Path::new("data"), &OpenOptions::default()).unwrap();
    let entries = store.range(Space::DOCUMENTS, &Scan::all(KeyRange::ALL)).wait().unwrap();
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let documents =
        entries.iter().map(|entry| (text(entry.key()), (entry.version(), text(entry.value())))).collect();
    store.close().wait().unwrap();
    documents
}

fn copy_to(disk: &SimulatedDisk, from: &Path, to: &Path) {
    disk.create_directory(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_to(disk, &entry.path(), &target);
        } else {
            let file = disk.open(&target, OpenMode::CreateNew).unwrap();
            file.write_at(0, &fs::read(entry.path()).unwrap()).unwrap();
        }
    }
}
