//! The operating system's file system as one that does not tell upper from lower case, and that panics or
//! fails on demand.

use kixx_datastore::fs::{
    DirectoryEntry, File, FileSystem, LockFile, OpenMode, OsFileSystem, Page, PageAccess, RangeLocks,
};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::SystemTime;

#[derive(Default)]
pub(crate) struct FoldingFs {
    /// Whether the next flush of files panics.
    pub(crate) panics: AtomicBool,
    /// Whether segments of the journal can't be removed.
    pub(crate) keeps_segments: AtomicBool,
    /// Whether it is on another machine.
    pub(crate) network: AtomicBool,
}

/// Where a file really lies: its name in lower case.
fn folded(path: &Path) -> PathBuf {
    match path.file_name().and_then(|name| name.to_str()) {
        Some(name) => path.with_file_name(name.to_ascii_lowercase()),
        None => path.to_owned(),
    }
}

impl FileSystem for FoldingFs {
    fn create_directory(&self, path: &Path) -> io::Result<()> {
        OsFileSystem::PRIVATE.create_directory(path)
    }

    fn read_directory(&self, path: &Path) -> io::Result<Vec<DirectoryEntry>> {
        OsFileSystem::PRIVATE.read_directory(path)
    }

    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        OsFileSystem::PRIVATE.read(&folded(path))
    }

    fn open(&self, path: &Path, mode: OpenMode) -> io::Result<Box<dyn File>> {
        OsFileSystem::PRIVATE.open(&folded(path), mode)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        OsFileSystem::PRIVATE.rename(&folded(from), &folded(to))
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        if self.keeps_segments.load(Ordering::SeqCst) && path.extension().is_some_and(|name| name == "log") {
            return Err(io::Error::other("on demand"));
        }
        OsFileSystem::PRIVATE.remove_file(&folded(path))
    }

    fn remove_directory(&self, path: &Path) -> io::Result<()> {
        OsFileSystem::PRIVATE.remove_directory(path)
    }

    fn sync_directory(&self, path: &Path) -> io::Result<()> {
        OsFileSystem::PRIVATE.sync_directory(path)
    }

    fn sync_files(&self, directory: &Path, paths: &[PathBuf]) -> io::Result<()> {
        assert!(!self.panics.swap(false, Ordering::SeqCst), "on demand");
        let paths: Vec<PathBuf> = paths.iter().map(|path| folded(path)).collect();
        OsFileSystem::PRIVATE.sync_files(directory, &paths)
    }

    fn open_lock(&self, path: &Path) -> io::Result<Box<dyn LockFile>> {
        OsFileSystem::PRIVATE.open_lock(path)
    }

    fn find_lock(&self, path: &Path) -> io::Result<Option<Box<dyn LockFile>>> {
        OsFileSystem::PRIVATE.find_lock(path)
    }

    fn range_locks(&self, path: &Path) -> io::Result<Box<dyn RangeLocks>> {
        OsFileSystem::PRIVATE.range_locks(path)
    }

    fn create_page(&self, path: &Path) -> io::Result<Arc<dyn Page>> {
        OsFileSystem::PRIVATE.create_page(path)
    }

    fn open_page(&self, path: &Path, access: PageAccess) -> io::Result<Arc<dyn Page>> {
        OsFileSystem::PRIVATE.open_page(path, access)
    }

    fn network_kind(&self, directory: &Path) -> io::Result<Option<String>> {
        if self.network.load(Ordering::SeqCst) {
            return Ok(Some("NFS".to_owned()));
        }
        OsFileSystem::PRIVATE.network_kind(directory)
    }

    fn modified(&self, path: &Path) -> io::Result<Option<SystemTime>> {
        OsFileSystem::PRIVATE.modified(path)
    }

    fn identity(&self, path: &Path) -> io::Result<Option<u128>> {
        OsFileSystem::PRIVATE.identity(path)
    }

    fn exists(&self, path: &Path) -> io::Result<bool> {
        OsFileSystem::PRIVATE.exists(path)
    }

    fn is_case_insensitive(&self, _directory: &Path) -> io::Result<bool> {
        Ok(true)
    }

    fn canonicalize(&self, path: &Path) -> io::Result<PathBuf> {
        OsFileSystem::PRIVATE.canonicalize(path)
    }
}
