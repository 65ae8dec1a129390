//! The core of kixx-datastore: a document datastore that keeps plain JSON files
//! with the crash safety of a database.
//!
//! Modules in reading order; a module imports only from those above it:
//!
//! - [`error`]: the one error type,
//! - [`threads`]: threads that nobody waits for,
//! - [`json`]: document text, and the collation of view keys,
//! - [`kv`]: the contract that every store fulfils,
//! - [`fs`]: the file-system seam,
//! - [`stores`]: memory, journal, directory,
//! - [`documents`]: keys, revisions and pages over any store,
//! - [`views`]: emitted rows, kept up to date incrementally,
//! - [`keyvalue`]: strings and bytes by key over any store: expiry, conditional writes, transactions,
//! - [`distributor`]: named key-value stores, one of each name per process,
//! - [`datastore`]: puts the parts together; one engine per directory per process,
//! - `node`: the Node-API binding (feature `node`).

pub mod error;
pub mod threads;
pub mod json;
pub mod kv;
pub mod fs;
pub mod stores;
pub mod documents;
pub mod views;
pub mod keyvalue;
pub mod distributor;
pub mod datastore;
#[cfg(feature = "node")]
#[cfg_attr(test, allow(dead_code, reason = "exports are not registered in test builds"))]
#[allow(unsafe_code, unreachable_pub, reason = "Node-API is a C interface, and its exports are public")]
#[allow(
    clippy::needless_pass_by_value,
    clippy::trivially_copy_pass_by_ref,
    reason = "the macro decides how arguments are passed"
)]
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "numbers are doubles in JavaScript: whole numbers are exact up to 2^53, and casts back saturate"
)]
mod node;

pub use error::{Error, ErrorKind, Result};
