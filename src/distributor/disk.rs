//! Stores in a directory of their own.

use crate::fs::FileSystem;
use crate::kv::Durability;
use crate::stores::disk::DiskStore;
use crate::stores::durable::OpenOptions;
use crate::stores::journal::Form;
use crate::{Error, Result};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// How a disk store is opened. All handles of a process on one store must agree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DiskOptions {
    /// How much memory the cache takes, in bytes; none for the default.
    pub cache_bytes: Option<u64>,
    /// When writes are acknowledged.
    pub durability: Durability,
    /// For [`Durability::Batched`].
    pub flush_interval: Duration,
}

/// The disk store in `directory`, which is made if it is missing. Blocks while it is opened.
pub fn open_disk(
    fs: &Arc<dyn FileSystem>,
    directory: &Path,
    options: &DiskOptions,
) -> Result<Arc<DiskStore>> {
    fs.create_directory(directory).map_err(|error| Error::io("create the directory", directory, error))?;
    let default = OpenOptions::default();
    let cache_bytes = options.cache_bytes.and_then(|bytes| usize::try_from(bytes).ok());
    let options = OpenOptions {
        durability: options.durability,
        flush_interval: options.flush_interval,
        form: Form::KEY_VALUES,
        cache_bytes: cache_bytes.unwrap_or(default.cache_bytes),
        ..default
    };
    Ok(Arc::new(DiskStore::open(fs, directory, &options)?))
}
