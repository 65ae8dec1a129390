//! Which distributors see the same stores.

use crate::fs::FileSystem;
use crate::{Error, Result};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// The canonical path of a base directory, which need not exist: memory stores touch no disk.
pub fn scope(fs: &dyn FileSystem, directory: &Path) -> Result<PathBuf> {
    let mut missing = Vec::new();
    let mut existing = directory;
    loop {
        match fs.canonicalize(existing) {
            Ok(path) => return Ok(missing.iter().rev().fold(path, |path, name| path.join(name))),
            Err(error) if error.kind() == ErrorKind::NotFound => {
                let (Some(parent), Some(name)) = (existing.parent(), existing.file_name()) else {
                    return Err(Error::io("resolve", directory, error));
                };
                missing.push(name);
                existing = parent;
            }
            Err(error) => return Err(Error::io("resolve", directory, error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fs::OsFileSystem;

    #[test]
    fn a_directory_has_one_scope_before_and_after_it_is_made() {
        let root = tempfile::tempdir().unwrap();
        let fs = OsFileSystem::PRIVATE;
        let directory = root.path().join("a/b");
        let before = scope(&fs, &directory).unwrap();
        std::fs::create_dir_all(&directory).unwrap();
        assert_eq!(scope(&fs, &directory).unwrap(), before);
        assert_eq!(scope(&fs, &root.path().join("a/../a/b")).unwrap(), before);
    }
}
