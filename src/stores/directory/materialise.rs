//! Writes documents as files: temporary file, flush, rename, flush of the directory.

use super::file_name::file_name;
use super::files;
use crate::fs::{FileSystem, OpenMode};
use crate::kv::Entry;
use crate::{Error, Result};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Temporary files begin and end like this; only ours do.
const TEMPORARY_PREFIX: &str = ".";
const TEMPORARY_SUFFIX: &str = ".datastore-tmp";

/// What a file has to become.
pub(super) struct Change {
    pub(super) key: Arc<[u8]>,
    /// The document, or nothing if it was deleted.
    pub(super) entry: Option<Entry>,
    /// The name that the file has had, if not the one that we give.
    pub(super) stray: Option<String>,
}

/// Brings the files of `changes` up to date. When it answers, all of that is durable. On an error some files
/// may be up to date and others not, and none is half written.
pub(super) fn materialise(fs: &dyn FileSystem, directory: &Path, changes: &[Change]) -> Result<()> {
    let temporaries: Vec<PathBuf> =
        (0..changes.len()).map(|index| directory.join(temporary_name(index))).collect();
    let result = replace_files(fs, directory, changes, &temporaries);
    if result.is_err() {
        for path in &temporaries {
            let _ = fs.remove_file(path);
        }
    }
    result
}

/// Removes what an interrupted [`materialise`] left.
pub(super) fn remove_temporaries(fs: &dyn FileSystem, directory: &Path) -> Result<()> {
    let entries =
        fs.read_directory(directory).map_err(|error| Error::io("read the directory", directory, error))?;
    for entry in entries {
        if entry.name.to_str().is_some_and(is_temporary) {
            remove(fs, &directory.join(&entry.name))?;
        }
    }
    Ok(())
}

fn replace_files(
    fs: &dyn FileSystem,
    directory: &Path,
    changes: &[Change],
    temporaries: &[PathBuf],
) -> Result<()> {
    let mut written = Vec::new();
    for (change, temporary) in changes.iter().zip(temporaries) {
        if let Some(entry) = &change.entry {
            write(fs, temporary, &files::encode(entry))?;
            written.push(temporary.clone());
        }
    }
    fs.sync_files(directory, &written).map_err(|error| Error::io("flush files in", directory, error))?;
    // Removing comes first: where names differ only in case, a removed one may make room for a written one.
    for change in changes {
        if change.entry.is_none() {
            remove(fs, &directory.join(file_name(&change.key)?))?;
        }
        if let Some(stray) = &change.stray {
            remove(fs, &directory.join(stray))?;
        }
    }
    for (change, temporary) in changes.iter().zip(temporaries) {
        if change.entry.is_some() {
            let path = directory.join(file_name(&change.key)?);
            fs.rename(temporary, &path).map_err(|error| Error::io("replace", &path, error))?;
        }
    }
    fs.sync_directory(directory).map_err(|error| Error::io("flush the directory", directory, error))
}

fn write(fs: &dyn FileSystem, path: &Path, bytes: &[u8]) -> Result<()> {
    fs.open(path, OpenMode::Truncate)
        .and_then(|file| file.write_at(0, bytes))
        .map_err(|error| Error::io("write", path, error))
}

fn remove(fs: &dyn FileSystem, path: &Path) -> Result<()> {
    match fs.remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(Error::io("remove", path, error)),
        _ => Ok(()),
    }
}

fn temporary_name(index: usize) -> String {
    format!("{TEMPORARY_PREFIX}{index}{TEMPORARY_SUFFIX}")
}

fn is_temporary(name: &str) -> bool {
    name.strip_prefix(TEMPORARY_PREFIX)
        .and_then(|name| name.strip_suffix(TEMPORARY_SUFFIX))
        .is_some_and(|index| !index.is_empty() && index.bytes().all(|byte| byte.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_its_own_temporary_files_and_no_others() {
        assert!(is_temporary(&temporary_name(0)) && is_temporary(&temporary_name(usize::MAX)));
        for other in
            [".datastore-tmp", ".a.datastore-tmp", "1.datastore-tmp", ".1.json", ".1.datastore-tmp.json"]
        {
            assert!(!is_temporary(other), "{other}");
        }
    }
}
