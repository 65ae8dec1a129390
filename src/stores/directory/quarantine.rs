//! Moves files aside that are not documents. Nothing is ever deleted.

use super::files::BadFile;
use crate::fs::FileSystem;
use crate::{Error, Result};
use std::collections::HashSet;
use std::path::Path;

/// A directory in our own directory.
const QUARANTINE: &str = "quarantine";

/// Moves `bad` files into the quarantine, and answers with the names that they have there.
pub(super) fn quarantine(
    fs: &dyn FileSystem,
    directory: &Path,
    internal: &Path,
    bad: &[BadFile],
) -> Result<Vec<String>> {
    let target = internal.join(QUARANTINE);
    fs.create_directory(&target).map_err(|error| Error::io("create the directory", &target, error))?;
    let entries =
        fs.read_directory(&target).map_err(|error| Error::io("read the directory", &target, error))?;
    let mut taken: HashSet<String> =
        entries.into_iter().filter_map(|entry| entry.name.into_string().ok()).collect();
    let mut moved = Vec::with_capacity(bad.len());
    for file in bad {
        let name = free_name(&file.name, &taken);
        let from = directory.join(&file.name);
        fs.rename(&from, &target.join(&name)).map_err(|error| Error::io("move aside", &from, error))?;
        taken.insert(name.clone());
        moved.push(name);
    }
    // First where they are now, then where they are no more.
    for path in [target.as_path(), directory] {
        fs.sync_directory(path).map_err(|error| Error::io("flush the directory", path, error))?;
    }
    Ok(moved)
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
