//! The options of a datastore.

use crate::fs::Modes;
use crate::stores::durable::{Access, OpenOptions};
use crate::{Error, Result};
use std::path::PathBuf;

/// How to open a datastore.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// Where the documents are.
    pub location: Location,
    /// In which form a directory has them.
    pub storage: Storage,
    /// What may be done.
    pub rights: Rights,
    /// The permissions of what is made anew.
    pub modes: Modes,
    /// How to open a directory. What to do with damage is asked at each load.
    pub directory: OpenOptions,
}

/// What a handle may do with a directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Rights {
    /// Read and write.
    ReadWrite,
    /// Read, and change nothing.
    ReadOnly,
}

/// How a directory holds what is committed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Storage {
    /// A JSON file for each document; all of them in memory too.
    Files,
    /// A B-tree file, which may be larger than memory.
    Disk,
}

/// Where documents are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Location {
    /// Nowhere but in memory.
    Memory,
    /// In a directory.
    Directory(PathBuf),
}

impl Options {
    /// Handles on one directory must agree, since they share one journal.
    pub(super) fn assert_shareable(&self, wanted: &Self) -> Result<()> {
        let ours = &self.directory;
        let same = *ours == (OpenOptions { damage: ours.damage, ..wanted.directory });
        if same && self.modes == wanted.modes && self.storage == wanted.storage {
            return Ok(());
        }
        let expected = format!(
            "storage '{}', cacheSize {}, durability '{}', flushInterval {}, lockTimeout {}, exclusive {}, \
             directoryMode 0o{:o}, fileMode 0o{:o}",
            format!("{:?}", self.storage).to_lowercase(),
            ours.cache_bytes,
            format!("{:?}", ours.durability).to_lowercase(),
            ours.flush_interval.as_millis(),
            ours.lock_timeout.as_millis(),
            ours.access == Access::Exclusive,
            self.modes.directory,
            self.modes.file
        );
        let message =
            format!("This directory is already open in this process, with {expected}. Use the same");
        Err(Error::assertion(message).with_expected(expected))
    }
}
