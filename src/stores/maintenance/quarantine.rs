//! Moves files aside that are in the way. Nothing is ever deleted.

use crate::fs::FileSystem;
use crate::{Error, Result};
use std::collections::HashSet;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// A directory in our own directory.
const QUARANTINE: &str = "quarantine";

/// Moves files, all of one directory, into the quarantine, durably, and answers with their new paths.
pub(in crate::stores) fn move_aside(
    fs: &dyn FileSystem,
    internal: &Path,
    paths: &[PathBuf],
) -> Result<Vec<PathBuf>> {
    let Some(from) = paths.first().and_then(|path| path.parent()) else { return Ok(Vec::new()) };
    let target = internal.join(QUARANTINE);
    fs.create_directory(&target).map_err(|error| Error::io("create the directory", &target, error))?;
    let targets = destinations(fs, internal, paths)?;
    for (path, target) in paths.iter().zip(&targets) {
        fs.rename(path, target).map_err(|error| Error::io("move aside", path, error))?;
    }
    // First where they are now, then where they are no more.
    for path in [target.as_path(), from] {
        fs.sync_directory(path).map_err(|error| Error::io("flush the directory", path, error))?;
    }
    Ok(targets)
}

/// Where files would be moved to. Changes nothing.
pub(in crate::stores) fn destinations(
    fs: &dyn FileSystem,
    internal: &Path,
    paths: &[PathBuf],
) -> Result<Vec<PathBuf>> {
    let target = internal.join(QUARANTINE);
    let entries = match fs.read_directory(&target) {
        Err(error) if error.kind() == ErrorKind::NotFound => Vec::new(),
        result => result.map_err(|error| Error::io("read the directory", &target, error))?,
    };
    let mut taken: HashSet<String> =
        entries.into_iter().filter_map(|entry| entry.name.into_string().ok()).collect();
    let place = |path: &PathBuf| {
        let name = free_name(&name_of(path), &taken);
        taken.insert(name.clone());
        target.join(name)
    };
    Ok(paths.iter().map(place).collect())
}

/// The last part of a path.
pub(in crate::stores) fn name_of(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

/// `name`, or with a number behind it what is still free.
fn free_name(name: &str, taken: &HashSet<String>) -> String {
    let mut candidate = name.to_owned();
    let mut number = 1;
    while taken.contains(&candidate) {
        candidate = format!("{name}.{number}");
        number += 1;
    }
    candidate
}
