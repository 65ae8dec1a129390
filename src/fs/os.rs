//! The operating system's file system.

mod flush;
mod lock;
mod network;
mod page;
mod ranges;

use super::{DirectoryEntry, EntryKind, File, FileSystem, LockFile, OpenMode, Page, PageAccess, RangeLocks};
use std::fs::{self, OpenOptions};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

/// The operating system's file system.
#[derive(Clone, Copy, Debug)]
pub struct OsFileSystem {
    modes: Modes,
}

/// The permissions of what is made anew, less the umask. Only Unix has them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Modes {
    /// Of directories.
    pub directory: u32,
    /// Of files.
    pub file: u32,
}

impl Modes {
    /// For the owner only.
    pub const PRIVATE: Self = Self { directory: 0o700, file: 0o600 };
}

impl OsFileSystem {
    /// What is made is for its owner only.
    pub const PRIVATE: Self = Self::new(Modes::PRIVATE);

    /// What is made has these permissions.
    pub const fn new(modes: Modes) -> Self {
        Self { modes }
    }
}

/// How much a background thread gives way, from 0 to 19.
#[cfg(target_os = "linux")]
const BACKGROUND_NICENESS: i32 = 10;

impl FileSystem for OsFileSystem {
    fn lower_priority(&self) {
        // On Linux a priority is that of one thread. It is a wish: failing changes nothing.
        #[cfg(target_os = "linux")]
        let _ = rustix::process::setpriority_process(Some(rustix::thread::gettid()), BACKGROUND_NICENESS);
    }

    fn create_directory(&self, path: &Path) -> io::Result<()> {
        let mut made = self.modes.make_directory(path);
        if made.as_ref().is_err_and(|error| error.kind() == ErrorKind::NotFound)
            && let Some(parent) = path.parent()
        {
            self.create_directory(parent)?;
            made = self.modes.make_directory(path);
        }
        match made {
            Ok(()) => self.sync_directory(parent_of(path)),
            Err(error) if error.kind() == ErrorKind::AlreadyExists && path.is_dir() => {
                // Whoever made it may have died before it was durable. Where we may not look, it was not us.
                match self.sync_directory(parent_of(path)) {
                    Err(error) if error.kind() == ErrorKind::PermissionDenied => Ok(()),
                    result => result,
                }
            }
            Err(error) => Err(error),
        }
    }

    fn read_directory(&self, path: &Path) -> io::Result<Vec<DirectoryEntry>> {
        fs::read_dir(path)?
            .map(|entry| {
                let entry = entry?;
                let mut kind = entry.file_type()?;
                if kind.is_symlink() {
                    // A link that leads nowhere stays a link, which is neither file nor directory.
                    kind = fs::metadata(entry.path()).map_or(kind, |target| target.file_type());
                }
                let kind = match kind {
                    kind if kind.is_file() => EntryKind::File,
                    kind if kind.is_dir() => EntryKind::Directory,
                    _ => EntryKind::Other,
                };
                Ok(DirectoryEntry { name: entry.file_name(), kind })
            })
            .collect()
    }

    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        fs::read(path)
    }

    fn open(&self, path: &Path, mode: OpenMode) -> io::Result<Box<dyn File>> {
        let mut options = self.modes.new_file();
        match mode {
            OpenMode::Read => options.read(true),
            OpenMode::Write => options.write(true),
            OpenMode::CreateNew => options.write(true).create_new(true),
            OpenMode::Truncate => options.write(true).create(true).truncate(true),
            OpenMode::ReadWrite => options.read(true).write(true),
        };
        Ok(Box::new(OsFile(options.open(path)?)))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        #[cfg(unix)]
        keep_permissions(from, to)?;
        retrying(|| fs::rename(from, to))
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        retrying(|| fs::remove_file(path))
    }

    fn remove_directory(&self, path: &Path) -> io::Result<()> {
        retrying(|| fs::remove_dir(path))
    }

    fn sync_directory(&self, path: &Path) -> io::Result<()> {
        flush::directory(path)
    }

    fn sync_files(&self, directory: &Path, paths: &[PathBuf]) -> io::Result<()> {
        flush::files(directory, paths)
    }

    fn open_lock(&self, path: &Path) -> io::Result<Box<dyn LockFile>> {
        lock::open(path, self.modes)
    }

    fn find_lock(&self, path: &Path) -> io::Result<Option<Box<dyn LockFile>>> {
        lock::find(path)
    }

    fn range_locks(&self, path: &Path) -> io::Result<Box<dyn RangeLocks>> {
        ranges::open(path)
    }

    fn create_page(&self, path: &Path) -> io::Result<Arc<dyn Page>> {
        page::create(path, self.modes)
    }

    fn open_page(&self, path: &Path, access: PageAccess) -> io::Result<Arc<dyn Page>> {
        page::open(path, access)
    }

    fn network_kind(&self, directory: &Path) -> io::Result<Option<String>> {
        network::kind(directory)
    }

    fn is_case_insensitive(&self, directory: &Path) -> io::Result<bool> {
        let Some((lower, upper)) = create_probe(directory, self.modes)? else { return Ok(false) };
        let found = fs::symlink_metadata(upper);
        self.remove_file(&lower)?;
        match found {
            Ok(_) => Ok(true),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }

    #[cfg(unix)]
    fn process_exists(&self, id: u32) -> bool {
        let id = i32::try_from(id).ok().and_then(rustix::process::Pid::from_raw);
        // One that belongs to somebody else exists too.
        id.is_some_and(|id| rustix::process::test_kill_process(id) != Err(rustix::io::Errno::SRCH))
    }

    fn canonicalize(&self, path: &Path) -> io::Result<PathBuf> {
        fs::canonicalize(path)
    }

    fn modified(&self, path: &Path) -> io::Result<Option<SystemTime>> {
        match fs::metadata(path).and_then(|metadata| metadata.modified()) {
            Ok(time) => Ok(Some(time)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    #[cfg(unix)]
    fn identity(&self, path: &Path) -> io::Result<Option<u128>> {
        use std::os::unix::fs::MetadataExt;
        match fs::metadata(path) {
            Ok(metadata) => Ok(Some(u128::from(metadata.dev()) << 64 | u128::from(metadata.ino()))),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    #[cfg(not(unix))]
    fn identity(&self, _path: &Path) -> io::Result<Option<u128>> {
        Ok(None)
    }

    fn exists(&self, path: &Path) -> io::Result<bool> {
        fs::exists(path)
    }
}

struct OsFile(fs::File);

impl File for OsFile {
    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        write_all_at(&self.0, offset, bytes)
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        read_at(&self.0, offset, buffer)
    }

    fn length(&self) -> io::Result<u64> {
        Ok(self.0.metadata()?.len())
    }

    fn set_length(&self, length: u64) -> io::Result<()> {
        self.0.set_len(length)
    }

    fn sync_data(&self) -> io::Result<()> {
        flush::file(&self.0)
    }
}

/// Goes on after a short write and after a signal.
#[cfg(unix)]
fn write_all_at(file: &fs::File, offset: u64, bytes: &[u8]) -> io::Result<()> {
    std::os::unix::fs::FileExt::write_all_at(file, bytes, offset)
}

#[cfg(windows)]
fn write_all_at(file: &fs::File, mut offset: u64, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match std::os::windows::fs::FileExt::seek_write(file, bytes, offset) {
            Ok(0) => return Err(ErrorKind::WriteZero.into()),
            Ok(written) => {
                bytes = &bytes[written..];
                offset += written as u64;
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Goes on after a short read and after a signal; stops at the end of the file.
fn read_at(file: &fs::File, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
    let mut length = 0;
    while length < buffer.len() {
        #[cfg(unix)]
        let read = std::os::unix::fs::FileExt::read_at(file, &mut buffer[length..], offset + length as u64);
        #[cfg(windows)]
        let read =
            std::os::windows::fs::FileExt::seek_read(file, &mut buffer[length..], offset + length as u64);
        match read {
            Ok(0) => break,
            Ok(more) => length += more,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(length)
}

impl Modes {
    fn new_file(self) -> OpenOptions {
        #[cfg_attr(not(unix), expect(unused_mut, reason = "modes are for Unix"))]
        let mut options = OpenOptions::new();
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, self.file);
        options
    }

    fn make_directory(self, path: &Path) -> io::Result<()> {
        #[cfg_attr(not(unix), expect(unused_mut, reason = "modes are for Unix"))]
        let mut builder = fs::DirBuilder::new();
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, self.directory);
        builder.create(path)
    }
}

/// Gives `from` the permissions of what it is about to replace.
#[cfg(unix)]
fn keep_permissions(from: &Path, to: &Path) -> io::Result<()> {
    match (fs::metadata(from), fs::metadata(to)) {
        (Ok(new), Ok(old)) if new.permissions() != old.permissions() => {
            fs::set_permissions(from, old.permissions())
        }
        _ => Ok(()),
    }
}

fn parent_of(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// A new empty file: its name in lower case, and the same in upper case. `None` where files can't be made:
/// there, no new name can meet an old one either.
fn create_probe(directory: &Path, modes: Modes) -> io::Result<Option<(PathBuf, PathBuf)>> {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    loop {
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!(".case-probe-{}-{count}.tmp", std::process::id());
        let (lower, upper) = (directory.join(&name), directory.join(name.to_uppercase()));
        match modes.new_file().write(true).create_new(true).open(&lower) {
            Ok(_) => return Ok(Some((lower, upper))),
            // Left behind by a dead process that had our number.
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            Err(error) if is_not_writable(&error) => return Ok(None),
            Err(error) => return Err(error),
        }
    }
}

fn is_not_writable(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem)
}

#[cfg(not(windows))]
fn retrying<T>(operation: impl Fn() -> io::Result<T>) -> io::Result<T> {
    operation()
}

/// Virus scanners and indexers open files for a moment, and meanwhile nobody can rename or remove them.
#[cfg(windows)]
fn retrying<T>(operation: impl Fn() -> io::Result<T>) -> io::Result<T> {
    const ACCESS_DENIED: i32 = 5;
    const SHARING_VIOLATION: i32 = 32;
    const LOCK_VIOLATION: i32 = 33;
    for _ in 0..10 {
        match operation() {
            Err(error)
                if matches!(
                    error.raw_os_error(),
                    Some(ACCESS_DENIED | SHARING_VIOLATION | LOCK_VIOLATION)
                ) => {}
            result => return result,
        }
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    operation()
}

#[cfg(test)]
mod tests;
