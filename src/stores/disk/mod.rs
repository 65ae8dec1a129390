//! A store larger than memory: a journal that makes commits durable, and a B-tree file, `data.redb`, that
//! follows in the background as its checkpoint.
//!
//! What the file does not hold yet lies in memory as an *overlay*. Reads look there first; ranges merge both.
//! A checkpoint writes the overlay to the file in one transaction, in the order of the keys; then the state
//! stands on what the file holds now, and the overlay keeps only what was committed since.

mod blocks;
mod compact;
mod data_file;
mod layers;
mod merge;
mod overlay;
mod pages;
#[cfg(test)]
mod tests;
mod view;
mod write;

pub use compact::{Compaction, compact};
pub use data_file::DataFile;
pub(super) use data_file::missing_data_file;

/// The name of the file.
pub const DATA_FILE: &str = "data.redb";

/// The store over one directory with a file of its own. There must be only one per directory and process.
pub type DiskStore = super::durable::DurableStore<DataFile>;
