//! Stores in a directory of their own.

use crate::fs::FileSystem;
use crate::kv::{Durability, Store};
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
    _fs: &Arc<dyn FileSystem>,
    directory: &Path,
    _options: &DiskOptions,
) -> Result<Arc<dyn Store>> {
    let place = directory.display();
    Err(Error::assertion(format!("This version has no disk stores, and can't open {place}. Use 'memory'")))
}
