//! The file as the B-tree library wants it: every operation goes through our own file-system seam.

use crate::fs::{ByteRange, File, FileSystem, LockKind, OpenMode, RangeLocks};
use redb::{BackendError, StorageBackend};
use std::fmt;
use std::io;
use std::ops::Bound;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

pub(super) struct Pages {
    path: PathBuf,
    file: Box<dyn File>,
    /// `None` once closed: old snapshots may keep this open, but no locks.
    locks: Mutex<Option<Arc<dyn RangeLocks>>>,
    patience: Duration,
    notes: Arc<Notes>,
}

/// What whoever uses the file is told.
#[derive(Debug, Default)]
pub(super) struct Notes {
    /// An operation failed: then the library refuses all others, and the file has to be opened again.
    pub(super) has_failed: AtomicBool,
    /// How many bytes were read and written: no more of them can be in a cache.
    pub(super) moved_bytes: AtomicU64,
}

/// How often to look whether a lock is free.
const LOOK_AGAIN: Duration = Duration::from_millis(1);

impl Pages {
    /// Opens the file, which exists. Waits for locks no longer than `patience`.
    pub(super) fn open(
        fs: &dyn FileSystem,
        path: &Path,
        patience: Duration,
        notes: Arc<Notes>,
    ) -> io::Result<Self> {
        let file = fs.open(path, OpenMode::ReadWrite)?;
        let locks = Mutex::new(Some(fs.range_locks(path)?.into()));
        Ok(Self { path: path.to_owned(), file, locks, patience, notes })
    }

    fn locks(&self) -> io::Result<Arc<dyn RangeLocks>> {
        let locks = self.locks.lock().unwrap_or_else(PoisonError::into_inner);
        locks.clone().ok_or_else(|| io::ErrorKind::NotConnected.into())
    }

    fn lock(&self, range: ByteRange, kind: LockKind) -> Result<(), BackendError> {
        let (locks, deadline) = (self.locks()?, Instant::now() + self.patience);
        while !locks.try_lock(range, kind)? {
            if Instant::now() >= deadline {
                let message = "another process has locked the file and does not go on";
                return Err(io::Error::new(io::ErrorKind::TimedOut, message).into());
            }
            thread::sleep(LOOK_AGAIN);
        }
        Ok(())
    }

    fn noted<T>(&self, result: io::Result<T>) -> io::Result<T> {
        if result.is_err() {
            self.notes.has_failed.store(true, Ordering::Release);
        }
        result
    }

    fn count(&self, moved: &[u8]) {
        self.notes.moved_bytes.fetch_add(moved.len() as u64, Ordering::Relaxed);
    }
}

impl StorageBackend for Pages {
    fn len(&self) -> io::Result<u64> {
        self.noted(self.file.length())
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.count(out);
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
        self.count(data);
        self.noted(self.file.write_at(offset, data))
    }

    fn close(&self) -> io::Result<()> {
        let locks = self.locks.lock().unwrap_or_else(PoisonError::into_inner).take();
        drop(locks);
        Ok(())
    }

    fn try_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        Ok(self.locks()?.try_lock((start, end), LockKind::Exclusive)?)
    }

    fn try_lock_shared_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        Ok(self.locks()?.try_lock((start, end), LockKind::Shared)?)
    }

    fn lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.lock((start, end), LockKind::Exclusive)
    }

    fn lock_shared_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.lock((start, end), LockKind::Shared)
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
