//! Batches of documents to map.

use crate::Result;
use crate::json::{FlatBatch, Flattener};
use crate::kv::Entry;
use std::hint::black_box;
use std::sync::Arc;

/// Documents whose map function has to be called, in this order.
#[derive(Clone, Debug)]
pub struct MapBatch {
    /// Comes back with the rows.
    pub ticket: Ticket,
    /// The documents.
    pub documents: Arc<[Entry]>,
}

/// Names one batch of one view.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ticket(pub u64);

/// How large a batch may be. It holds at least one document.
#[derive(Clone, Copy, Debug)]
pub struct BatchLimit {
    /// The number of documents.
    pub documents: usize,
    /// The size of their text, in bytes; the last document may pass it.
    pub text_bytes: usize,
}

impl Default for BatchLimit {
    fn default() -> Self {
        Self { documents: 128, text_bytes: 256 * 1024 }
    }
}

impl MapBatch {
    /// The documents in flat form.
    pub fn flat(&self, flattener: &mut Flattener) -> Result<FlatBatch> {
        let text_bytes = self.documents.iter().map(|document| document.value().len()).sum();
        let mut flat = FlatBatch::with_room_for(text_bytes);
        fetch(&self.documents);
        for document in self.documents.iter() {
            flat.push(flattener, document.version(), document.value())?;
        }
        Ok(flat)
    }
}

/// Looks at each cache line of the documents, which lie anywhere: so the processor fetches many of them at
/// the same time, and not one by one as they are read.
fn fetch(documents: &[Entry]) {
    const CACHE_LINE_BYTES: usize = 64;
    let first_bytes =
        |document: &Entry| document.value().chunks(CACHE_LINE_BYTES).fold(0, |all, line| all ^ line[0]);
    black_box(documents.iter().fold(0, |all, document| all ^ first_bytes(document)));
}
