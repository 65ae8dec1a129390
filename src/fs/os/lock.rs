//! Locks: files that the operating system locks as a whole, for as long as they are open.

use super::Modes;
use crate::fs::{LockFile, LockKind};
use std::fs::{self, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

/// Notes are the number of a process.
const MAX_NOTE_BYTES: usize = 32;

pub(super) fn open(path: &Path, modes: Modes) -> io::Result<Box<dyn LockFile>> {
    let file = modes.new_file().read(true).write(true).create(true).truncate(false).open(path)?;
    Ok(Box::new(OsLockFile { path: path.to_owned(), file }))
}

pub(super) fn find(path: &Path) -> io::Result<Option<Box<dyn LockFile>>> {
    match fs::File::open(path) {
        Ok(file) => Ok(Some(Box::new(OsLockFile { path: path.to_owned(), file }))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

struct OsLockFile {
    path: PathBuf,
    file: fs::File,
}

impl LockFile for OsLockFile {
    fn try_lock(&self, kind: LockKind) -> io::Result<bool> {
        // Elsewhere than on Unix a file may hold several locks, and its own keep it out.
        #[cfg(not(unix))]
        self.unlock()?;
        let locked = match kind {
            LockKind::Shared => self.file.try_lock_shared(),
            LockKind::Exclusive => self.file.try_lock(),
        };
        match locked {
            Ok(()) => Ok(true),
            Err(TryLockError::WouldBlock) => Ok(false),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    fn unlock(&self) -> io::Result<()> {
        self.file.unlock()
    }

    #[cfg(unix)]
    fn is_current(&self) -> io::Result<bool> {
        use std::os::unix::fs::MetadataExt;
        let ours = self.file.metadata()?;
        match fs::metadata(&self.path) {
            Ok(named) => Ok((named.dev(), named.ino()) == (ours.dev(), ours.ino())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// A file that is open can't get out of the way of another one of its name.
    #[cfg(not(unix))]
    fn is_current(&self) -> io::Result<bool> {
        fs::exists(&self.path)
    }

    fn write_note(&self, note: &str) -> io::Result<()> {
        self.file.set_len(0)?;
        super::write_all_at(&self.file, 0, note.as_bytes())
    }

    fn read_note(&self) -> String {
        let mut note = [0; MAX_NOTE_BYTES];
        let length = super::read_at(&self.file, 0, &mut note).unwrap_or(0);
        String::from_utf8_lossy(&note[..length]).into_owned()
    }
}
