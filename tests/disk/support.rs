//! Stores on real files.

use kixx_datastore::Result;
use kixx_datastore::fs::{FileSystem, OsFileSystem};
use kixx_datastore::kv::{Batch, Check, Operation, Space, Store};
use kixx_datastore::stores::disk::DiskStore;
use kixx_datastore::stores::durable::OpenOptions;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tempfile::{TempDir, tempdir};

pub(crate) fn try_open(directory: &Path) -> Result<DiskStore> {
    let fs: Arc<dyn FileSystem> = Arc::new(OsFileSystem::PRIVATE);
    DiskStore::open(&fs, directory, &OpenOptions { cache_bytes: 1 << 20, ..OpenOptions::default() })
}

pub(crate) fn open(directory: &Path) -> DiskStore {
    try_open(directory).unwrap()
}

pub(crate) fn put(store: &DiskStore, key: &str, value: &str) {
    let operation = Operation::put(Space::DOCUMENTS, key.as_bytes(), Check::Any, value.as_bytes());
    store.commit(Batch::of(operation)).wait().unwrap();
}

pub(crate) fn delete(store: &DiskStore, key: &str) {
    let operation = Operation::delete(Space::DOCUMENTS, key.as_bytes(), Check::Any);
    store.commit(Batch::of(operation)).wait().unwrap();
}

/// A copy of a directory: what a crash leaves of it now.
pub(crate) fn image(directory: &Path) -> TempDir {
    let copy = tempdir().unwrap();
    for path in files(directory) {
        let target = copy.path().join(path.strip_prefix(directory).unwrap());
        fs::create_dir_all(target.parent().unwrap()).unwrap();
        fs::copy(path, target).unwrap();
    }
    copy
}

/// Name to content.
pub(crate) fn journal(directory: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let is_segment = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "log");
    let segments = files(directory).into_iter().filter(is_segment);
    // Behind its records a segment is zeros.
    let content = |path: &Path| {
        let mut bytes = fs::read(path).unwrap();
        bytes.truncate(bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1));
        bytes
    };
    segments.map(|path| (path.clone(), content(&path))).collect()
}

/// All files but those that only tell who is there.
fn files(directory: &Path) -> Vec<PathBuf> {
    let in_directory = |directory: &Path| {
        let entries = fs::read_dir(directory).into_iter().flatten();
        entries.map(|entry| entry.unwrap().path()).filter(|path| path.is_file()).collect::<Vec<_>>()
    };
    let mut files = in_directory(&directory.join(".datastore"));
    files.retain(|path| path.extension().is_some_and(|extension| extension == "log"));
    files.extend(in_directory(directory));
    files
}
