//! Locks on ranges of bytes: those of redb, which knows how each system has them.

use crate::fs::{ByteRange, LockKind, RangeLocks};
use redb::StorageBackend;
use redb::backends::FileBackend;
use std::fs::OpenOptions;
use std::io;
use std::path::Path;

struct OsRangeLocks(FileBackend);

pub(super) fn open(path: &Path) -> io::Result<Box<dyn RangeLocks>> {
    let file = OpenOptions::new().read(true).write(true).open(path)?;
    Ok(Box::new(OsRangeLocks(FileBackend::new(file).map_err(io::Error::other)?)))
}

impl RangeLocks for OsRangeLocks {
    fn try_lock(&self, (start, end): ByteRange, kind: LockKind) -> io::Result<bool> {
        let locked = match kind {
            LockKind::Shared => self.0.try_lock_shared_range(start, end),
            LockKind::Exclusive => self.0.try_lock_range(start, end),
        };
        locked.map_err(Into::into)
    }

    fn unlock(&self, (start, end): ByteRange) -> io::Result<()> {
        self.0.unlock_range(start, end).map_err(Into::into)
    }

    fn is_held(&self, (start, end): ByteRange) -> io::Result<bool> {
        self.0.query_lock_range(start, end).map_err(Into::into)
    }
}
