//! Giving back what the file no longer needs.

use super::data_file::{Opened, Settings, open};
use super::view::{caught, failed};
use super::{DATA_FILE, DiskStore};
use crate::fs::{FileSystem, OpenMode};
use crate::kv::Store;
use crate::stores::durable::{Access, Found, INTERNAL_DIRECTORY, Internal, OpenOptions};
use crate::stores::journal::Form;
use crate::{Error, Result};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// How large the file was, in bytes, and how large it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Compaction {
    /// Before.
    pub before: u64,
    /// After.
    pub after: u64,
}

/// Brings the file in `directory` up to date and moves its pages together. Nobody else may have it open:
/// `Locked` if they do not go within `lock_timeout`. May be interrupted anywhere.
pub fn compact(fs: &Arc<dyn FileSystem>, directory: &Path, lock_timeout: Duration) -> Result<Compaction> {
    let path = directory.join(DATA_FILE);
    let length = || {
        let file = fs.open(&path, OpenMode::Read).and_then(|file| file.length());
        file.map_err(|error| Error::io("look at", &path, error))
    };
    let (access, form) = (Access::Exclusive, Form::UNKNOWN);
    let options = OpenOptions { access, lock_timeout, form, ..OpenOptions::default() };
    let store = DiskStore::open(fs, directory, &options)?;
    // Not sooner: a repair that was cut off leaves the file under another name, until it is opened.
    let before = length()?;
    store.close().wait()?;
    drop(store);

    let internal =
        Internal { fs: Arc::clone(fs), path: directory.join(INTERNAL_DIRECTORY), timeout: lock_timeout };
    let (door, found) = internal.enter(Access::Exclusive)?;
    if let Found::Others(..) = found {
        return Err(Error::internal("the lock of the members"));
    }
    let settings = Settings { cache_bytes: options.cache_bytes, patience: lock_timeout };
    let compacted = open(&**fs, &path, settings, 0).and_then(|opened| caught(|| move_together(opened)));
    drop(found);
    door.clear()?;
    compacted?;
    Ok(Compaction { before, after: length()? })
}

/// Moves pages to the front of the file as long as that makes it shorter.
fn move_together(mut opened: Opened) -> Result<()> {
    while opened.database_mut()?.compact().map_err(failed)? {}
    Ok(())
}
