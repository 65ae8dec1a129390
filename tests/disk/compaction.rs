//! A file gives back what it no longer needs.

use crate::support::open;
use kixx_datastore::ErrorKind;
use kixx_datastore::fs::{FileSystem, OsFileSystem};
use kixx_datastore::kv::{Batch, Check, KeyRange, Operation, Read, Space, Store};
use kixx_datastore::stores::disk::{DATA_FILE, DiskStore, compact};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

fn os() -> Arc<dyn FileSystem> {
    Arc::new(OsFileSystem::PRIVATE)
}

fn key(number: u32) -> Vec<u8> {
    format!("key:{number:06}").into_bytes()
}

fn write(store: &DiskStore, operation: impl Fn(u32) -> Operation) {
    for chunk in 0..20 {
        let operations = (chunk * 500..(chunk + 1) * 500).map(&operation).collect();
        store.commit(Batch { operations }).wait().unwrap();
    }
}

fn is_left(number: u32) -> bool {
    number.is_multiple_of(50)
}

fn length(directory: &Path) -> u64 {
    directory.join(DATA_FILE).metadata().unwrap().len()
}

#[test]
fn what_was_deleted_is_given_back() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    let value = vec![b'v'; 1_000];
    write(&store, |number| Operation::put(Space::DOCUMENTS, &key(number), Check::Any, &value));
    store.close().wait().unwrap();
    let store = open(directory.path());
    write(&store, |number| {
        let check = if is_left(number) { Check::AbsentOrSkip } else { Check::Any };
        match check {
            Check::Any => Operation::delete(Space::DOCUMENTS, &key(number), check),
            _ => Operation::put(Space::DOCUMENTS, &key(number), check, &value),
        }
    });
    let sequence = store.sequence();
    let busy = compact(&os(), directory.path(), Duration::ZERO).unwrap_err();
    assert_eq!(busy.kind(), ErrorKind::Locked);
    store.close().wait().unwrap();

    let full = length(directory.path());
    let compaction = compact(&os(), directory.path(), Duration::ZERO).unwrap();
    assert_eq!((compaction.before, compaction.after), (full, length(directory.path())));
    assert!(compaction.after * 4 < compaction.before, "{compaction:?}");

    let store = open(directory.path());
    assert_eq!(store.count(Space::DOCUMENTS, &KeyRange::ALL).wait().unwrap(), 200);
    assert!(store.get(Space::DOCUMENTS, &key(50)).wait().unwrap().is_some());
    assert_eq!(store.sequence(), sequence);
    store.close().wait().unwrap();
    let left: Vec<_> =
        std::fs::read_dir(directory.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, [DATA_FILE]);
}
