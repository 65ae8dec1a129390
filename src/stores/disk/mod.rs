//! A store larger than memory: a journal that makes commits durable, and a B-tree file, `data.redb`, that
//! follows in the background as its checkpoint.
//!
//! What the file does not hold yet lies in memory as an *overlay*. Reads look there first; ranges merge both.
//! A checkpoint writes the overlay to the file in one transaction, in the order of the keys; then the state
//! stands on what the file holds now, and the overlay keeps only what was committed since.

mod blocks;
mod compact;
mod data_file;
mod examine;
mod facts;
mod layers;
mod merge;
mod overlay;
mod pages;
mod rebuild;
mod repair;
mod salvage;
mod survey;
#[cfg(test)]
mod tests;
mod verify;
mod view;
mod write;

pub use compact::{Compaction, compact};
pub use data_file::DataFile;
pub(super) use data_file::missing_data_file;
pub use repair::{plan_repair, repair};
pub use verify::verify;

use crate::fs::FileSystem;
use crate::{Error, Result};
use std::path::Path;

/// The name of the file.
pub const DATA_FILE: &str = "data.redb";
/// What a repair has made, whole, and that takes the place of the file. Found without one, it is the file.
const REPAIRED_FILE: &str = ".data.redb-repaired";

/// Whether `directory` is that of a store on disk.
pub fn has_data_file(fs: &dyn FileSystem, directory: &Path) -> Result<bool> {
    let there = |name| {
        let path = directory.join(name);
        fs.exists(&path).map_err(|error| Error::io("look at", &path, error))
    };
    Ok(there(DATA_FILE)? || there(REPAIRED_FILE)?)
}

/// The store over one directory with a file of its own. There must be only one per directory and process.
pub type DiskStore = super::durable::DurableStore<DataFile>;
