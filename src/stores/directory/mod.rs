//! A directory of JSON files, one per document: all documents in memory, a journal that makes commits
//! durable, and files that follow in the background as its checkpoint.

mod base;
pub mod file_name;
mod files;
mod load;
mod materialise;
mod names;
mod reader;
mod repair;
mod verify;

pub use base::Files;
pub use reader::ReadOnlyStore;
pub use repair::{plan_repair, repair};
pub use verify::verify;

/// The store over one directory of JSON files. There must be only one per directory and process.
pub type DirectoryStore = super::durable::DurableStore<Files>;
