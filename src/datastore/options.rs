//! The options of a datastore.

use crate::kv::Durability;
use crate::{Error, Result};
use std::path::PathBuf;
use std::time::Duration;

/// How to open a datastore.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// Where the documents are.
    pub location: Location,
    /// When a write is acknowledged. Memory is always volatile.
    pub durability: Durability,
    /// How often `Durability::Batched` writes are made durable.
    pub flush_interval: Duration,
}

/// Where documents are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Location {
    /// Nowhere but in memory.
    Memory,
    /// In a directory of JSON files.
    Directory(PathBuf),
}

impl Options {
    /// Handles on one directory must agree, since they share one journal.
    pub(super) fn assert_shareable(&self, wanted: &Self) -> Result<()> {
        if (self.durability, self.flush_interval) == (wanted.durability, wanted.flush_interval) {
            return Ok(());
        }
        let durability = format!("{:?}", self.durability).to_lowercase();
        let expected =
            format!("durability '{durability}' and flushInterval {}", self.flush_interval.as_millis());
        let message =
            format!("This directory is already open in this process, with {expected}. Use the same");
        Err(Error::assertion(message).with_expected(expected))
    }
}
