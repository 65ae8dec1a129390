//! The file-system seam: every file operation of the crate goes through [`FileSystem`].
//!
//! The operations are as small as the rules of durability are: bytes are durable once their file was
//! synchronised, names (created, renamed, removed) once their directory was.

mod os;
pub mod simulated;

pub use os::OsFileSystem;

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

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

    /// Takes the exclusive lock at `path` and writes `content` to its file, or says who holds it. Falls with
    /// the process.
    fn lock(&self, path: &Path, content: &str) -> io::Result<Lock>;

    /// Whether two names that differ only in case are one file in this (existing) directory.
    fn is_case_insensitive(&self, directory: &Path) -> io::Result<bool>;

    /// Lets other threads go first from now on: what this one does can wait.
    fn lower_priority(&self) {}

    /// The path with every link and dot resolved.
    fn canonicalize(&self, path: &Path) -> io::Result<PathBuf>;
}

/// An open file. Offsets and lengths are in bytes.
pub trait File: Send + Sync {
    /// Writes all of `bytes` at `offset`.
    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()>;

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
    /// To write; it must exist.
    Write,
    /// To write; it must not exist.
    CreateNew,
    /// To write; made empty first, or created.
    Truncate,
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

/// The answer of [`FileSystem::lock`].
pub enum Lock {
    /// It is ours until the guard is dropped.
    Acquired(Box<dyn LockGuard>),
    /// Another process holds it; the content that it wrote.
    Held(String),
}

/// A lock that we hold. Dropping it lets go and leaves the file.
pub trait LockGuard: Send + Sync {
    /// Removes the lock file, then lets go.
    fn remove(self: Box<Self>) -> io::Result<()>;
}
