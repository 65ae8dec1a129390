//! The lock of a directory: a file that one process holds and that says which one.

use crate::fs::{Lock, LockGuard};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

/// Bounds the wait for a holder that is just removing the file or about to write its name: 0.5 s.
const ATTEMPTS: u32 = 50;
const DELAY: Duration = Duration::from_millis(10);

/// Takes the lock at `path`, or says what its holder wrote.
pub(super) fn lock(path: &Path, content: &str) -> io::Result<Lock> {
    for _ in 0..ATTEMPTS {
        match attempt(path)? {
            Attempt::Acquired(file) => {
                file.set_len(0)?;
                write_content(&file, content)?;
                return Ok(Lock::Acquired(Box::new(OsLock { path: path.to_owned(), _file: file })));
            }
            Attempt::Held(holder) if !holder.is_empty() => return Ok(Lock::Held(holder)),
            Attempt::Held(_) | Attempt::Removed => thread::sleep(DELAY),
        }
    }
    Ok(Lock::Held(String::new()))
}

enum Attempt {
    Acquired(fs::File),
    Held(String),
    /// The file was removed by its holder after we had opened it.
    Removed,
}

struct OsLock {
    path: PathBuf,
    /// Closing it lets go.
    _file: fs::File,
}

impl LockGuard for OsLock {
    fn remove(self: Box<Self>) -> io::Result<()> {
        super::retrying(|| fs::remove_file(&self.path))
    }
}

#[cfg(unix)]
fn attempt(path: &Path) -> io::Result<Attempt> {
    use rustix::fs::{FlockOperation, flock};
    use rustix::io::Errno;
    let mut file = super::private().read(true).write(true).create(true).truncate(false).open(path)?;
    match flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) if is_at(&file, path)? => Ok(Attempt::Acquired(file)),
        Ok(()) => Ok(Attempt::Removed),
        Err(Errno::WOULDBLOCK) => {
            let mut holder = String::new();
            io::Read::read_to_string(&mut file, &mut holder)?;
            Ok(Attempt::Held(holder))
        }
        Err(error) => Err(error.into()),
    }
}

/// Whether `path` still names `file`: a lock on a file without a name keeps nobody out.
#[cfg(unix)]
fn is_at(file: &fs::File, path: &Path) -> io::Result<bool> {
    use std::os::unix::fs::MetadataExt;
    let ours = file.metadata()?;
    match fs::metadata(path) {
        Ok(named) => Ok((named.dev(), named.ino()) == (ours.dev(), ours.ino())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

#[cfg(unix)]
fn write_content(file: &fs::File, content: &str) -> io::Result<()> {
    std::os::unix::fs::FileExt::write_all_at(file, content.as_bytes(), 0)
}

/// Opening for writing while letting others only read is the lock. A lock on the bytes would keep others
/// from reading who holds it.
#[cfg(windows)]
fn attempt(path: &Path) -> io::Result<Attempt> {
    use std::os::windows::fs::OpenOptionsExt;
    const SHARE_READ: u32 = 1;
    const SHARE_DELETE: u32 = 4;
    const SHARING_VIOLATION: i32 = 32;
    const DELETE_PENDING: i32 = 303;
    let opened = super::private()
        .write(true)
        .create(true)
        .truncate(false)
        .share_mode(SHARE_READ | SHARE_DELETE)
        .open(path);
    match opened {
        Ok(file) => Ok(Attempt::Acquired(file)),
        Err(error) if error.raw_os_error() == Some(SHARING_VIOLATION) => match fs::read_to_string(path) {
            Ok(holder) => Ok(Attempt::Held(holder)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Attempt::Removed),
            Err(error) => Err(error),
        },
        Err(error) if error.raw_os_error() == Some(DELETE_PENDING) => Ok(Attempt::Removed),
        Err(error) => Err(error),
    }
}

#[cfg(windows)]
fn write_content(mut file: &fs::File, content: &str) -> io::Result<()> {
    io::Write::write_all(&mut file, content.as_bytes())
}
