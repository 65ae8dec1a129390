//! Data files that fail, vanish or change hands under stores that have them open.

use crate::process::{Process, Step};
use crate::support::{Documents, commit, documents, listing_names, options, put};
use kixx_datastore::ErrorKind;
use kixx_datastore::fs::{FileSystem, LockKind, OsFileSystem};
use kixx_datastore::kv::{Read, Space, Store};
use kixx_datastore::stores::disk::{DATA_FILE, DiskStore};
use kixx_datastore::stores::durable::{Durable, OpenOptions};
use std::fs;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tempfile::tempdir;

/// Reads go to the file, since none of it is kept in memory.
fn open(process: &Process, directory: &Path) -> kixx_datastore::Result<DiskStore> {
    DiskStore::open(&process.fs(), directory, &OpenOptions { cache_bytes: 0, ..options() })
}

fn is_data_file(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name == DATA_FILE)
}

/// Lets the operation on the data file fail that has this number, and counts them.
fn fail(process: &Process, number: usize) -> Arc<AtomicUsize> {
    let operations = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&operations);
    process.watch(move |step, path| {
        let counts = is_data_file(path) && !matches!(step, Step::Unlock | Step::Fall);
        if counts && counted.fetch_add(1, Ordering::SeqCst) + 1 == number {
            return Err(io::Error::other(format!("{step:?} fails")));
        }
        Ok(())
    });
    operations
}

fn key(number: usize) -> String {
    format!("key:{number:04}")
}

/// Enough for some pages, in the file.
fn fill(store: &DiskStore) {
    let operations: Vec<_> = (0..500).map(|number| put(&key(number), &"x".repeat(100))).collect();
    commit(store, &operations).unwrap();
    store.checkpoint().wait().unwrap();
}

/// Reading needs the file again, and so does publishing what others wrote.
#[test]
fn reads_recover_from_one_that_failed() {
    for others_checkpoint in [false, true] {
        let directory = tempdir().unwrap();
        let (process, other) = (Process::new(), open(&Process::new(), directory.path()).unwrap());
        fill(&other);
        let store = open(&process, directory.path()).unwrap();
        fail(&process, 1);
        assert_eq!(documents(&store).unwrap_err().kind(), ErrorKind::Storage);
        process.unwatch();
        commit(&other, &[put(&key(7), "{}"), put("new", "{}")]).unwrap();
        if others_checkpoint {
            other.checkpoint().wait().unwrap();
        }
        store.checkpoint().wait().unwrap();
        assert_eq!(documents(&store).unwrap(), documents(&other).unwrap());
        assert_eq!(documents(&store).unwrap().len(), 501);
    }
}

/// What was acknowledged stays readable, and nothing is lost.
#[test]
fn a_checkpoint_that_fails_anywhere_loses_nothing() {
    for number in 1.. {
        let directory = tempdir().unwrap();
        let process = Process::new();
        let store = open(&process, directory.path()).unwrap();
        fill(&store);
        commit(&store, &[put(&key(3), "{}"), put("new", "{}")]).unwrap();
        let expected: Documents = documents(&store).unwrap();
        // It keeps the file of before the failure open.
        let snapshot = store.snapshot().wait().unwrap();
        let operations = fail(&process, number);
        let failed = store.checkpoint().wait();
        process.unwatch();
        let failure = format!("operation {number}: {failed:?}");
        let old = documents(&store).or_else(|_| store.checkpoint().wait().and_then(|()| documents(&store)));
        assert_eq!(old.unwrap_or_else(|error| panic!("{failure}, {error}")), expected, "{failure}");
        store.checkpoint().wait().unwrap_or_else(|error| panic!("{failure}, and then {error}"));
        assert!(store.checkpoint_failure().is_none(), "{failure}");
        assert_eq!(documents(&store).unwrap(), expected, "{failure}");
        process.kill();
        drop((store, snapshot));
        let again = open(&Process::new(), directory.path()).unwrap();
        assert_eq!(documents(&again).unwrap(), expected, "{failure}");
        if operations.load(Ordering::SeqCst) < number {
            assert!(number > 20, "{number} operations");
            return;
        }
    }
}

/// As on a disk that is full: what only the file has can't be read meanwhile, since the library can't go on.
#[test]
fn reads_recover_once_writes_succeed() {
    let directory = tempdir().unwrap();
    let process = Process::new();
    let store = open(&process, directory.path()).unwrap();
    fill(&store);
    process.watch(|step, path| match step {
        Step::Write | Step::Flush if is_data_file(path) => Err(io::ErrorKind::StorageFull.into()),
        _ => Ok(()),
    });
    for number in 0..3 {
        commit(&store, &[put("new", &format!("{number}"))]).unwrap();
        assert_eq!(store.checkpoint().wait().unwrap_err().kind(), ErrorKind::Storage);
        let new = store.get(Space::DOCUMENTS, b"new").wait().unwrap().unwrap();
        assert_eq!((new.version(), new.value()), (number, number.to_string().as_bytes()));
    }
    process.unwatch();
    store.checkpoint().wait().unwrap();
    assert_eq!(documents(&store).unwrap().len(), 501);
}

/// Whoever comes then has a journal of its own.
#[test]
fn who_was_locked_out_does_not_write_to_the_file() {
    let directory = tempdir().unwrap();
    let store = open(&Process::new(), directory.path()).unwrap();
    commit(&store, &[put("a", "{}")]).unwrap();
    store.checkpoint().wait().unwrap();
    commit(&store, &[put("a", r#"{"lost":1}"#)]).unwrap();
    fs::remove_dir_all(directory.path().join(".datastore")).unwrap();
    let other = open(&Process::new(), directory.path()).unwrap();
    commit(&other, &[put("b", "{}")]).unwrap();
    let expected = documents(&other).unwrap();
    let error = store.checkpoint().wait().unwrap_err();
    assert!(error.to_string().contains("removed while the datastore"), "{error}");
    assert!(store.close().wait().is_err());
    other.close().wait().unwrap();
    let again = open(&Process::new(), directory.path()).unwrap();
    assert_eq!(documents(&again).unwrap(), expected);
}

/// The journal keeps what would go into a file that nobody finds.
#[test]
fn a_data_file_that_was_removed_or_replaced_keeps_the_journal() {
    for replaced in [false, true] {
        let directory = tempdir().unwrap();
        let path = directory.path().join(DATA_FILE);
        let process = Process::new();
        let store = open(&process, directory.path()).unwrap();
        fill(&store);
        let copy = fs::read(&path).unwrap();
        commit(&store, &[put("new", "{}")]).unwrap();
        let expected = documents(&store).unwrap();
        fs::remove_file(&path).unwrap();
        if replaced {
            fs::write(&path, &copy).unwrap();
        }
        let error = store.checkpoint().wait().unwrap_err();
        assert!(error.to_string().contains("data.redb was removed or replaced"), "{error}");
        assert_eq!(documents(&store).unwrap(), expected, "what is open can be read");
        // Nor is another file taken for it after a failure.
        fail(&process, 1);
        assert!(store.checkpoint().wait().is_err());
        process.unwatch();
        assert!(store.close().wait().is_err());
        drop(store);
        assert_eq!(listing_names(directory.path()).contains(&DATA_FILE.to_owned()), replaced);
        fs::write(&path, copy).unwrap();
        let again = open(&Process::new(), directory.path()).unwrap();
        assert_eq!(documents(&again).unwrap(), expected);
    }
}

/// Somebody else writes the file, again and again.
#[test]
fn memory_is_let_go_of_by_who_never_gets_a_turn() {
    const LARGE: usize = 1 << 20;
    let directory = tempdir().unwrap();
    let [store, other] = std::array::from_fn(|_| open(&Process::new(), directory.path()).unwrap());
    let turn = OsFileSystem::PRIVATE.open_lock(&directory.path().join(".datastore/checkpoint")).unwrap();
    let until = Instant::now() + Duration::from_secs(20);
    let take_turn = || {
        while !turn.try_lock(LockKind::Exclusive).unwrap() {
            assert!(Instant::now() < until, "it is not let go of");
        }
    };
    let write = |key: &str, value: &str| {
        commit(&other, &[put(key, value)]).unwrap();
        assert!(store.get(Space::DOCUMENTS, key.as_bytes()).wait().unwrap().is_some());
    };
    let used = || store.memory().map(|memory| memory.keys + memory.values).unwrap();
    // From now on it waits for a turn.
    take_turn();
    write("first", "{}");
    write("large", &"x".repeat(LARGE));
    // So that it has tried, or this shows nothing.
    std::thread::sleep(Duration::from_millis(1_100));
    turn.unlock().unwrap();
    other.checkpoint().wait().unwrap();
    take_turn();
    write("last", "{}");
    while used() > LARGE / 2 {
        assert!(Instant::now() < until, "{} bytes are held", used());
        std::thread::sleep(Duration::from_millis(10));
    }
}
