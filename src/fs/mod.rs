//! The file-system seam: every file operation of the crate goes through [`FileSystem`].
//!
//! The operations are as small as the rules of durability are: bytes are durable once their file was
//! synchronised, names (created, renamed, removed) once their directory was.

mod os;
mod page;
pub mod simulated;

pub use os::{Modes, OsFileSystem};
pub use page::{PAGE_BYTES, PAGE_WORDS, Page, PrivatePage};

use std::ffi::OsString;
use std::io;
use std::ops::Bound;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

/// A file system. Errors are the operating system's.
pub trait FileSystem: Send + Sync + 'static {
    /// Makes a directory and its parents, each durable in its own parent.
    fn create_directory(&self, path: &Path) -> io::Result<()>;

    /// What a directory holds, in no order.
    fn read_directory(&self, path: &Path) -> io::Result<Vec<DirectoryEntry>>;

    /// The whole content of a file.
    fn read(&self, path: &Path) -> io::Result<Vec<u8>>;

    /// Opens a file.
    fn open(&self, path: &Path, mode: OpenMode) -> io::Result<Box<dyn File>>;

    /// Gives a file another name, in place of what has that name, whose permissions it takes over.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Removes a file.
    fn remove_file(&self, path: &Path) -> io::Result<()>;

    /// Removes an empty directory.
    fn remove_directory(&self, path: &Path) -> io::Result<()>;

    /// Makes the names in a directory durable.
    fn sync_directory(&self, path: &Path) -> io::Result<()>;

    /// Makes the content of these closed files durable, all of them in `directory`: by one flush of the file
    /// system where there is one and they are many, otherwise one by one.
    fn sync_files(&self, directory: &Path, paths: &[PathBuf]) -> io::Result<()>;

    /// Opens the lock file at `path`, which is created if need be, without taking the lock.
    fn open_lock(&self, path: &Path) -> io::Result<Box<dyn LockFile>>;

    /// The lock file at `path`, if there is one; it need not be writable.
    fn find_lock(&self, path: &Path) -> io::Result<Option<Box<dyn LockFile>>>;

    /// Locks on parts of the file at `path`, which exists.
    fn range_locks(&self, path: &Path) -> io::Result<Box<dyn RangeLocks>>;

    /// Makes a new page of zeros at `path`, in place of what is there.
    fn create_page(&self, path: &Path) -> io::Result<Arc<dyn Page>>;

    /// The page at `path`, which all processes share that open it.
    fn open_page(&self, path: &Path, access: PageAccess) -> io::Result<Arc<dyn Page>>;

    /// What kind of network file system `directory` is on, if it is on one: locks and pages may not reach
    /// other machines there.
    fn network_kind(&self, directory: &Path) -> io::Result<Option<String>>;

    /// Whether two names that differ only in case are one file in this (existing) directory.
    fn is_case_insensitive(&self, directory: &Path) -> io::Result<bool>;

    /// Lets other threads go first from now on: what this one does can wait.
    fn lower_priority(&self) {}

    /// Whether there is a process with this id, as far as can be told.
    fn process_exists(&self, _id: u32) -> bool {
        true
    }

    /// The path with every link and dot resolved.
    fn canonicalize(&self, path: &Path) -> io::Result<PathBuf>;

    /// When something was last changed at `path`, in a directory when a name was; none if there is nothing.
    fn modified(&self, path: &Path) -> io::Result<Option<SystemTime>>;

    /// What tells the file or directory at `path` from every other one, whatever its name; none where that
    /// can't be told, or if there is nothing.
    fn identity(&self, path: &Path) -> io::Result<Option<u128>>;

    /// Whether there is something at `path`.
    fn exists(&self, path: &Path) -> io::Result<bool>;
}

/// An open file. Offsets and lengths are in bytes.
pub trait File: Send + Sync {
    /// Writes all of `bytes` at `offset`.
    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()>;

    /// Reads into `buffer` from `offset`; fewer bytes than fit only at the end of the file. Answers how many.
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize>;

    /// The length.
    fn length(&self) -> io::Result<u64>;

    /// Cuts the file or extends it with zeros.
    fn set_length(&self, length: u64) -> io::Result<()>;

    /// Makes the content durable, and the length where it is needed to read it.
    fn sync_data(&self) -> io::Result<()>;
}

/// How to open a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OpenMode {
    /// To read; it must exist.
    Read,
    /// To write; it must exist.
    Write,
    /// To write; it must not exist.
    CreateNew,
    /// To write; made empty first, or created.
    Truncate,
    /// To read and write; it must exist.
    ReadWrite,
}

/// What a directory holds under one name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DirectoryEntry {
    /// The name without its path.
    pub name: OsString,
    /// What it is.
    pub kind: EntryKind,
}

/// What a name stands for; links are followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntryKind {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// Anything else.
    Other,
}

/// How to open a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PageAccess {
    /// Storing to it is not allowed.
    Read,
    /// Its words may change.
    Write,
}

/// A lock that processes share, and threads that opened it on their own. Falls with the process, and when it
/// is dropped.
pub trait LockFile: Send + Sync {
    /// Takes the lock if nobody is in the way; whatever this file held before is let go. Never waits.
    fn try_lock(&self, kind: LockKind) -> io::Result<bool>;

    /// Lets go.
    fn unlock(&self) -> io::Result<()>;

    /// Whether the path still names this file. A lock on a file that was removed keeps nobody out.
    fn is_current(&self) -> io::Result<bool>;

    /// Writes down who we are, for those who wait.
    fn write_note(&self, note: &str) -> io::Result<()>;

    /// What the last holder wrote down; empty where that can't be read.
    fn read_note(&self) -> String;
}

/// Locks on ranges of bytes of one file. They keep out who locks through another handle, and nobody from
/// reading and writing. They fall with the process, and when they are dropped.
pub trait RangeLocks: Send + Sync {
    /// Takes the lock if nobody is in the way.
    fn try_lock(&self, range: ByteRange, kind: LockKind) -> io::Result<bool>;

    /// Lets go of a lock on exactly this range.
    fn unlock(&self, range: ByteRange) -> io::Result<()>;

    /// Whether somebody else holds a lock in this range, in which this handle holds none.
    fn is_held(&self, range: ByteRange) -> io::Result<bool>;
}

/// Bytes of a file, also beyond its end.
pub type ByteRange = (Bound<u64>, Bound<u64>);

/// Who may hold a lock at the same time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LockKind {
    /// All who want it shared.
    Shared,
    /// One alone.
    Exclusive,
}
