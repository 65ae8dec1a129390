//! A directory of JSON files, one per document: all documents in memory, a journal that makes commits
//! durable, and files that follow in the background as its checkpoint.

mod base;
pub mod file_name;
mod files;
mod load;
mod materialise;
mod names;
mod progress;
mod quarantine;
mod reader;
mod repair;
mod verify;

pub use base::Files;
pub use progress::Progress;
pub use reader::ReadOnlyStore;
pub use repair::{Repair, plan_repair, repair};
pub use verify::{Finding, Verification, verify};

/// The store over one directory of JSON files. There must be only one per directory and process.
pub type DirectoryStore = super::durable::DurableStore<Files>;
