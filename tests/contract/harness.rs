//! A store under test, and short ways to say what to do with it.

use crate::busy::Busy;
use kixx_datastore::fs::{FileSystem, OsFileSystem};
use kixx_datastore::kv::{
    Batch, Check, Committed, Direction, Entry, KeyRange, Operation, Read, Scan, Space, Store,
};
use kixx_datastore::stores::directory::DirectoryStore;
use kixx_datastore::stores::disk::DiskStore;
use kixx_datastore::stores::durable::OpenOptions;
use kixx_datastore::stores::memory::MemoryStore;
use kixx_datastore::{ErrorKind, Result};
use std::path::Path;
use std::sync::Arc;

/// A store, empty at first, and how to open it again.
pub(crate) struct Harness {
    pub(crate) store: Arc<dyn Store>,
    /// A space that takes keys and values of any bytes, if there is one; it need not outlive a close.
    /// `Space::DOCUMENTS` only has to take text keys and JSON objects.
    pub(crate) raw: Option<Space>,
    /// Opens what a closed store left, and owns what has to outlive it, such as its directory. `None` if
    /// a closed store leaves nothing.
    pub(crate) reopen: Option<Box<dyn Fn() -> Arc<dyn Store>>>,
}

/// An empty [`MemoryStore`].
pub(crate) fn memory() -> Harness {
    Harness { store: Arc::new(MemoryStore::new()), raw: Some(Space(1)), reopen: None }
}

/// The same with an index of the documents.
pub(crate) fn indexed_memory() -> Harness {
    let store = Arc::new(MemoryStore::with_index(Space::DOCUMENTS));
    Harness { store, raw: Some(Space(1)), reopen: None }
}

/// An empty directory store.
pub(crate) fn directory() -> Harness {
    let directory = tempfile::tempdir().unwrap();
    let open = move || {
        let fs: Arc<dyn FileSystem> = Arc::new(OsFileSystem::PRIVATE);
        let store = DirectoryStore::open(&fs, directory.path(), &OpenOptions::default());
        Arc::new(store.unwrap()) as Arc<dyn Store>
    };
    Harness { store: open(), raw: None, reopen: Some(Box::new(open)) }
}

/// An empty store on disk.
pub(crate) fn disk() -> Harness {
    let directory = tempfile::tempdir().unwrap();
    let open = move || Arc::new(open_disk(directory.path())) as Arc<dyn Store>;
    Harness { store: open(), raw: Some(Space(1)), reopen: Some(Box::new(open)) }
}

/// The same, where checkpoints happen between all commits.
pub(crate) fn busy_disk() -> Harness {
    let directory = tempfile::tempdir().unwrap();
    let open = move || Arc::new(Busy::new(open_disk(directory.path()))) as Arc<dyn Store>;
    Harness { store: open(), raw: Some(Space(1)), reopen: Some(Box::new(open)) }
}

fn open_disk(directory: &Path) -> DiskStore {
    let fs: Arc<dyn FileSystem> = Arc::new(OsFileSystem::PRIVATE);
    DiskStore::open(&fs, directory, &OpenOptions::default()).unwrap()
}

impl Harness {
    /// The kinds of spaces.
    pub(crate) fn spaces(&self) -> Vec<Space> {
        [Space::DOCUMENTS].into_iter().chain(self.raw).collect()
    }

    /// A space for what need not last.
    pub(crate) fn scratch(&self) -> Space {
        self.raw.unwrap_or(Space::DOCUMENTS)
    }

    pub(crate) fn commit(&self, operations: Vec<Operation>) -> Result<Committed> {
        self.store.commit(Batch { operations }).wait()
    }

    /// Puts documents numbered by their place in `keys`.
    pub(crate) fn fill(&self, space: Space, keys: &[&str]) {
        let operations = keys.iter().zip(0..).map(|(key, number)| put(space, key, Check::Any, number));
        self.commit(operations.collect()).unwrap();
    }

    /// The version at `key`.
    pub(crate) fn version(&self, space: Space, key: &str) -> Option<u64> {
        get(&*self.store, space, key).map(|entry| entry.version())
    }
}

/// Like any read, but of text keys and waiting.
pub(crate) fn get(read: &dyn Read, space: Space, key: &str) -> Option<Entry> {
    read.get(space, key.as_bytes()).wait().unwrap()
}

/// The same where the store can be looked at.
pub(crate) fn look(read: &dyn Read, space: Space, key: &str) -> Option<Result<Option<Entry>>> {
    let mut seen = None;
    let looked = read.look_at_once(space, key.as_bytes(), &mut |entry| seen = entry.cloned())?;
    Some(looked.map(|()| seen))
}

/// The keys of a scan.
pub(crate) fn keys(read: &dyn Read, space: Space, scan: &Scan) -> Vec<String> {
    let entries = read.range(space, scan).wait().unwrap();
    entries.iter().map(|entry| String::from_utf8(entry.key().to_vec()).unwrap()).collect()
}

/// All keys, upwards.
pub(crate) fn all_keys(read: &dyn Read, space: Space) -> Vec<String> {
    keys(read, space, &Scan::all(KeyRange::ALL))
}

/// A scan of a range of text keys, bounds included.
pub(crate) fn scan(lower: Option<&str>, upper: Option<&str>, direction: Direction) -> Scan {
    let range = KeyRange::inclusive(lower.map(str::as_bytes), upper.map(str::as_bytes));
    Scan { range, direction, skip: 0, limit: u64::MAX }
}

pub(crate) fn put(space: Space, key: &str, check: Check, number: u64) -> Operation {
    Operation::put(space, key.as_bytes(), check, &value(number))
}

pub(crate) fn delete(space: Space, key: &str, check: Check) -> Operation {
    Operation::delete(space, key.as_bytes(), check)
}

/// A value that every space takes: the body of a document.
pub(crate) fn value(number: u64) -> Vec<u8> {
    format!("{{\"number\":{number}}}").into_bytes()
}

/// The number of an entry with such a value.
pub(crate) fn number(entry: &Entry) -> u64 {
    number_in(entry.value())
}

/// The number in such a value.
pub(crate) fn number_in(value: &[u8]) -> u64 {
    let text = std::str::from_utf8(value).unwrap();
    text.trim_start_matches("{\"number\":").trim_end_matches('}').parse().unwrap()
}

pub(crate) fn error_kind<T>(result: Result<T>) -> Option<ErrorKind> {
    result.err().map(|error| error.kind())
}
