//! Out of a snapshot: all documents in the order of their keys, or those with certain keys.

use super::line::{write_deletion, write_document};
use crate::Result;
use crate::kv::{Direction, Entry, KeyRange, Read, Scan, Space};
use std::collections::VecDeque;
use std::ops::Bound;
use std::sync::Arc;

/// How many entries are asked for at once.
const ENTRIES_PER_SCAN: u64 = 256;

/// The lines of a backup.
pub struct Export {
    read: Arc<dyn Read>,
    source: Source,
    documents: u64,
    deletions: u64,
}

enum Source {
    /// All entries: those that were fetched, and the key that the next ones come after.
    All { fetched: VecDeque<Entry>, after: Option<Box<[u8]>> },
    /// What there is at these keys.
    Keys(std::vec::IntoIter<Arc<[u8]>>),
}

impl Export {
    /// All documents.
    pub fn all(read: Arc<dyn Read>) -> Self {
        let source = Source::All { fetched: VecDeque::new(), after: None };
        Self { read, source, documents: 0, deletions: 0 }
    }

    /// Only the documents at `keys`, each once; tells those that are not there as gone.
    pub fn narrow(&mut self, mut keys: Vec<Arc<[u8]>>) {
        keys.sort_unstable();
        self.source = Source::Keys(keys.into_iter());
    }

    /// How many lines there will be.
    pub async fn total(&self) -> Result<u64> {
        match &self.source {
            Source::All { .. } => self.read.count(Space::DOCUMENTS, &KeyRange::ALL).await,
            Source::Keys(keys) => Ok(keys.len() as u64),
        }
    }

    /// How many documents, and how many deletions, were told so far.
    pub fn counts(&self) -> (u64, u64) {
        (self.documents, self.deletions)
    }

    /// The next lines, of about so many bytes; nothing at the end.
    pub async fn lines(&mut self, bytes: usize) -> Result<Vec<u8>> {
        let mut out = Vec::with_capacity(bytes + bytes / 4);
        while out.len() < bytes {
            match &mut self.source {
                Source::All { fetched, after } => {
                    if fetched.is_empty() {
                        fetched.extend(fetch(&*self.read, after.as_deref()).await?);
                    }
                    let Some(entry) = fetched.pop_front() else { break };
                    if fetched.is_empty() {
                        *after = Some(entry.key().into());
                    }
                    write_document(&mut out, &entry);
                    self.documents += 1;
                }
                Source::Keys(keys) => {
                    let Some(key) = keys.next() else { break };
                    if let Some(entry) = self.read.get(Space::DOCUMENTS, &key).await? {
                        write_document(&mut out, &entry);
                        self.documents += 1;
                    } else {
                        write_deletion(&mut out, &key);
                        self.deletions += 1;
                    }
                }
            }
        }
        Ok(out)
    }
}

async fn fetch(read: &dyn Read, after: Option<&[u8]>) -> Result<Vec<Entry>> {
    let lower = after.map_or(Bound::Unbounded, |after| Bound::Excluded(after.into()));
    let range = KeyRange { lower, ..KeyRange::ALL };
    let scan = Scan { range, direction: Direction::Ascending, skip: 0, limit: ENTRIES_PER_SCAN };
    read.range(Space::DOCUMENTS, &scan).await
}
