//! The operating system's file system as one that does not tell upper from lower case, and that panics on
//! demand.

use kixx_datastore::fs::{
    DirectoryEntry, File, FileSystem, LockFile, OpenMode, OsFileSystem, Page, PageAccess,
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
        OsFileSystem.create_directory(path)
    }

    fn read_directory(&self, path: &Path) -> io::Result<Vec<DirectoryEntry>> {
        OsFileSystem.read_directory(path)
    }

    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        OsFileSystem.read(&folded(path))
    }

    fn open(&self, path: &Path, mode: OpenMode) -> io::Result<Box<dyn File>> {
        OsFileSystem.open(&folded(path), mode)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        OsFileSystem.rename(&folded(from), &folded(to))
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        OsFileSystem.remove_file(&folded(path))
    }

    fn remove_directory(&self, path: &Path) -> io::Result<()> {
        OsFileSystem.remove_directory(path)
    }

    fn sync_directory(&self, path: &Path) -> io::Result<()> {
        OsFileSystem.sync_directory(path)
    }

    fn sync_files(&self, directory: &Path, paths: &[PathBuf]) -> io::Result<()> {
        assert!(!self.panics.swap(false, Ordering::SeqCst), "on demand");
        let paths: Vec<PathBuf> = paths.iter().map(|path| folded(path)).collect();
        OsFileSystem.sync_files(directory, &paths)
    }

    fn open_lock(&self, path: &Path) -> io::Result<Box<dyn LockFile>> {
        OsFileSystem.open_lock(path)
    }

    fn find_lock(&self, path: &Path) -> io::Result<Option<Box<dyn LockFile>>> {
        OsFileSystem.find_lock(path)
    }

    fn create_page(&self, path: &Path) -> io::Result<Arc<dyn Page>> {
        OsFileSystem.create_page(path)
    }

    fn open_page(&self, path: &Path, access: PageAccess) -> io::Result<Arc<dyn Page>> {
        OsFileSystem.open_page(path, access)
    }

    fn network_kind(&self, directory: &Path) -> io::Result<Option<String>> {
        OsFileSystem.network_kind(directory)
    }

    fn modified(&self, path: &Path) -> io::Result<Option<SystemTime>> {
        OsFileSystem.modified(path)
    }

    fn identity(&self, path: &Path) -> io::Result<Option<u128>> {
        OsFileSystem.identity(path)
    }

    fn exists(&self, path: &Path) -> io::Result<bool> {
        OsFileSystem.exists(path)
    }

    fn is_case_insensitive(&self, _directory: &Path) -> io::Result<bool> {
        Ok(true)
    }

    fn canonicalize(&self, path: &Path) -> io::Result<PathBuf> {
        OsFileSystem.canonicalize(path)
    }
}
