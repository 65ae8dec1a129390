//! Making files and directories durable.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// From how many files on one flush of the whole file system is cheaper than one for each.
#[cfg(any(target_os = "linux", target_os = "android"))]
const MANY_FILES: usize = 9;

/// Makes the content of `file` durable, past the cache of the drive.
pub(super) fn file(file: &fs::File) -> io::Result<()> {
    let result = file.sync_data();
    // On Apple systems the standard library asks for a flush of the drive, which not every file system has.
    #[cfg(target_vendor = "apple")]
    if result.as_ref().is_err_and(is_unsupported) {
        return Ok(rustix::fs::fsync(file)?);
    }
    result
}

/// Makes the content of all files in `directory` durable.
pub(super) fn files(directory: &Path, paths: &[PathBuf]) -> io::Result<()> {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    if paths.len() >= MANY_FILES && reports_write_errors() {
        // A descriptor that is new is told of all earlier failures that nobody was told of yet.
        return Ok(rustix::fs::syncfs(fs::File::open(directory)?)?);
    }
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    let _ = directory;
    // Windows flushes only what is open for writing.
    paths.iter().try_for_each(|path| file(&fs::OpenOptions::new().write(true).open(path)?))
}

/// Makes the names in a directory durable.
#[cfg(unix)]
pub(super) fn directory(path: &Path) -> io::Result<()> {
    match file(&fs::File::open(path)?) {
        // Some file systems can't flush directories. They have nothing better to offer.
        Err(error) if is_unsupported(&error) => Ok(()),
        result => result,
    }
}

/// Windows writes names in the order in which they change, and can't flush directories.
#[cfg(not(unix))]
#[expect(clippy::unnecessary_wraps, reason = "as on Unix")]
pub(super) fn directory(_path: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(unix)]
fn is_unsupported(error: &io::Error) -> bool {
    use rustix::io::Errno;
    Errno::from_io_error(error)
        .is_some_and(|errno| [Errno::INVAL, Errno::NOTSUP, Errno::OPNOTSUPP, Errno::NOTTY].contains(&errno))
}

/// Whether `syncfs` tells of failed writes: it does from Linux 5.8 on.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn reports_write_errors() -> bool {
    static ANSWER: std::sync::OnceLock<bool> = std::sync::OnceLock::new();
    *ANSWER.get_or_init(|| {
        fs::read_to_string("/proc/sys/kernel/osrelease")
            .ok()
            .and_then(|release| kernel_version(&release))
            .is_some_and(|version| version >= (5, 8))
    })
}

#[cfg(any(target_os = "linux", target_os = "android"))]
fn kernel_version(release: &str) -> Option<(u32, u32)> {
    let mut numbers = release.split(|c: char| !c.is_ascii_digit()).map(str::parse);
    Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
}

#[cfg(all(test, any(target_os = "linux", target_os = "android")))]
mod tests {
    use super::*;

    #[test]
    fn kernel_versions_are_read_from_their_release_names() {
        assert_eq!(kernel_version("6.18.44-generic\n"), Some((6, 18)));
        assert_eq!(kernel_version("4.18.0-553.el8_10.x86_64"), Some((4, 18)));
        assert_eq!(kernel_version("5.8-rc1"), Some((5, 8)));
        assert_eq!(kernel_version("unknown"), None);
    }
}
