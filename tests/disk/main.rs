//! The store on disk, over real files.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod compaction;
mod model;
mod views;

use kixx_datastore::fs::{FileSystem, OsFileSystem};
use kixx_datastore::stores::disk::DiskStore;
use kixx_datastore::stores::durable::OpenOptions;
use std::path::Path;
use std::sync::Arc;

/// Opens the store in `directory`, with little memory.
fn open(directory: &Path) -> DiskStore {
    let fs: Arc<dyn FileSystem> = Arc::new(OsFileSystem::PRIVATE);
    let options = OpenOptions { cache_bytes: 1 << 20, ..OpenOptions::default() };
    DiskStore::open(&fs, directory, &options).unwrap()
}
