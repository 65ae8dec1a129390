//! Directories and stores to test with.

use kixx_datastore::Result;
use kixx_datastore::fs::{FileSystem, LockFile, LockKind, OsFileSystem};
use kixx_datastore::kv::{Batch, Check, Committed, KeyRange, Operation, Read, Scan, Space, Store};
use kixx_datastore::stores::directory::DirectoryStore;
use kixx_datastore::stores::durable::{OnDamage, OpenOptions};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub(crate) const DOCUMENTS: Space = Space::DOCUMENTS;

pub(crate) fn open(directory: &Path) -> DirectoryStore {
    try_open(directory, OnDamage::Refuse).unwrap()
}

pub(crate) fn try_open(directory: &Path, damage: OnDamage) -> Result<DirectoryStore> {
    let fs: Arc<dyn FileSystem> = Arc::new(OsFileSystem::PRIVATE);
    DirectoryStore::open(&fs, directory, &OpenOptions { damage, ..OpenOptions::default() })
}

pub(crate) fn put(key: &str, body: &str) -> Operation {
    Operation::put(DOCUMENTS, key.as_bytes(), Check::Any, body.as_bytes())
}

pub(crate) fn delete(key: &str) -> Operation {
    Operation::delete(DOCUMENTS, key.as_bytes(), Check::Any)
}

pub(crate) fn commit(store: &DirectoryStore, operations: &[Operation]) -> Result<Committed> {
    store.commit(Batch { operations: operations.to_vec() }).wait()
}

/// Key to (version, body).
pub(crate) fn documents(store: &DirectoryStore) -> BTreeMap<String, (u64, String)> {
    let entries = store.range(DOCUMENTS, &Scan::all(KeyRange::ALL)).wait().unwrap();
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    entries.iter().map(|entry| (text(entry.key()), (entry.version(), text(entry.value())))).collect()
}

/// Name to content of what lies in a directory, directories as `name/`.
pub(crate) fn listing(directory: &Path) -> BTreeMap<String, String> {
    let mut listing = BTreeMap::new();
    for entry in std::fs::read_dir(directory).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        if entry.file_type().unwrap().is_dir() {
            listing.insert(format!("{name}/"), String::new());
        } else {
            listing.insert(name, std::fs::read_to_string(entry.path()).unwrap());
        }
    }
    listing
}

/// What a killed process leaves: a copy of everything as it is now.
pub(crate) fn copy_as_killed(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_as_killed(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

pub(crate) fn expected(rows: &[(&str, u64, &str)]) -> BTreeMap<String, (u64, String)> {
    rows.iter().map(|(key, version, body)| ((*key).to_owned(), (*version, (*body).to_owned()))).collect()
}

/// Keeps the checkpointer from writing files, so that everything stays in the journal, until it is dropped.
pub(crate) fn hold_checkpoints(directory: &Path) -> Box<dyn LockFile> {
    let lock = OsFileSystem::PRIVATE.open_lock(&directory.join(".datastore/checkpoint")).unwrap();
    while !lock.try_lock(LockKind::Exclusive).unwrap() {
        std::thread::yield_now();
    }
    lock
}

/// The segments of the journal, oldest first.
pub(crate) fn segments(directory: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(directory.join(".datastore")).unwrap().map(|entry| entry.unwrap().path());
    let mut segments: Vec<PathBuf> =
        entries.filter(|path| path.extension().is_some_and(|extension| extension == "log")).collect();
    segments.sort();
    segments
}

/// Where the records of a sound segment begin, and how long they are with their zeros.
pub(crate) fn records(bytes: &[u8]) -> Vec<(usize, usize)> {
    let mut records = Vec::new();
    let mut at = 64;
    while bytes.get(at + 24) == Some(&1) {
        let payload = u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap()) as usize;
        let length = (32 + payload).next_multiple_of(8);
        records.push((at, length));
        at += length;
    }
    records
}

pub(crate) fn flip(path: &Path, at: usize) {
    let mut bytes = std::fs::read(path).unwrap();
    bytes[at] ^= 0x10;
    std::fs::write(path, bytes).unwrap();
}
