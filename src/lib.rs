//! The core of kixx-datastore: a document datastore that keeps plain JSON files
//! with the crash safety of a database.
//!
//! Modules in reading order; a module imports only from those above it:
//!
//! - [`error`]: the one error type,
//! - [`json`]: document text, and the collation of view keys,
//! - [`kv`]: the contract that every store fulfils,
//! - [`fs`]: the file-system seam,
//! - [`stores`]: memory, journal, directory,
//! - [`documents`]: keys, revisions and pages over any store,
//! - [`views`]: emitted rows, kept up to date incrementally,
//! - [`datastore`]: puts the parts together; one engine per directory per process,
//! - `node`: the Node-API binding (feature `node`).

pub mod error;
pub mod json;
pub mod kv;
pub mod fs;
pub mod stores;
pub mod documents;
pub mod views;
pub mod datastore;
#[cfg(feature = "node")]
#[allow(unsafe_code, unreachable_pub, reason = "Node-API is a C interface, and its exports are public")]
mod node;

pub use error::{Error, ErrorKind, Result};
