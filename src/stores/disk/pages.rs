//! The file as the B-tree library wants it: every operation goes through our own file-system seam.

use crate::fs::{File, FileSystem, LockKind, OpenMode, RangeLocks};
use redb::{BackendError, StorageBackend};
use std::fmt;
use std::io;
use std::ops::Bound;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

pub(super) struct Pages {
    path: PathBuf,
    file: Box<dyn File>,
    /// None once closed: whoever still reads the file then must not keep others out.
    locks: RwLock<Option<Arc<dyn RangeLocks>>>,
    failed: Arc<AtomicBool>,
}

impl Pages {
    /// Opens the file, which exists. `failed` tells once an operation did: then the library refuses all
    /// others, and the file has to be opened again.
    pub(super) fn open(fs: &dyn FileSystem, path: &Path, failed: Arc<AtomicBool>) -> io::Result<Self> {
        let file = fs.open(path, OpenMode::ReadWrite)?;
        let locks = RwLock::new(Some(Arc::from(fs.range_locks(path)?)));
        Ok(Self { path: path.to_owned(), file, locks, failed })
    }

    fn locks(&self) -> io::Result<Arc<dyn RangeLocks>> {
        let locks = self.locks.read().unwrap_or_else(PoisonError::into_inner);
        locks.clone().ok_or_else(|| io::Error::other("the data file is closed"))
    }

    fn noted<T>(&self, result: io::Result<T>) -> io::Result<T> {
        if result.is_err() {
            self.failed.store(true, Ordering::Release);
        }
        result
    }
}

impl StorageBackend for Pages {
    fn close(&self) -> io::Result<()> {
        drop(self.locks.write().unwrap_or_else(PoisonError::into_inner).take());
        Ok(())
    }

    fn len(&self) -> io::Result<u64> {
        self.noted(self.file.length())
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let read = self.file.read_at(offset, out);
        self.noted(match read {
            Ok(length) if length < out.len() => Err(io::ErrorKind::UnexpectedEof.into()),
            other => other.map(drop),
        })
    }

    fn set_len(&self, length: u64) -> io::Result<()> {
        self.noted(self.file.set_length(length))
    }

    fn sync_data(&self) -> io::Result<()> {
        self.noted(self.file.sync_data())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.noted(self.file.write_at(offset, data))
    }

    fn try_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        Ok(self.locks()?.try_lock((start, end), LockKind::Exclusive)?)
    }

    fn try_lock_shared_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        Ok(self.locks()?.try_lock((start, end), LockKind::Shared)?)
    }

    fn lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        Ok(self.locks()?.lock((start, end), LockKind::Exclusive)?)
    }

    fn lock_shared_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        Ok(self.locks()?.lock((start, end), LockKind::Shared)?)
    }

    fn unlock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        Ok(self.locks()?.unlock((start, end))?)
    }

    fn query_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        Ok(self.locks()?.is_held((start, end))?)
    }
}

impl fmt::Debug for Pages {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Pages").field(&self.path).finish()
    }
}
