//! Leaves: sorted entries with a search index.

use super::heads::Heads;
use super::separators::separator;
use super::{CAPACITY, make_room};
use crate::kv::{Entry, allocated_bytes};
use std::hint::black_box;

/// Bytes that come from memory at once.
const CACHE_LINE: usize = 64;

/// Entries in the order of their keys.
#[derive(Clone, Default)]
pub(super) struct Leaf {
    heads: Heads,
    entries: Vec<Entry>,
}

impl Leaf {
    /// Of sorted entries.
    pub(super) fn of(entries: Vec<Entry>) -> Self {
        Self { heads: Heads::of(entries.iter().map(Entry::key)), entries }
    }

    /// The entries.
    pub(super) fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// What it takes of memory besides itself and the entries.
    pub(super) fn memory_bytes(&self) -> usize {
        allocated_bytes(self.entries.capacity() * size_of::<Entry>())
    }

    /// The entry at `key`.
    pub(super) fn get(&self, key: &[u8]) -> Option<&Entry> {
        // All of the list is fetched while the index is searched: only then it is known what part is wanted.
        black_box(
            self.entries.iter().step_by(CACHE_LINE / size_of::<Entry>()).map(Entry::size).sum::<usize>(),
        );
        let key_at = |index: usize| {
            let entry = &self.entries[index];
            entry.touch_end();
            entry.key()
        };
        self.heads.find(key, key_at).map(|index| &self.entries[index])
    }

    /// Where `key` is (`Ok`), or belongs (`Err`).
    pub(super) fn locate(&self, key: &[u8]) -> Result<usize, usize> {
        self.heads.locate(key, |index| self.entries[index].key())
    }

    /// Puts `entry`; answers with what it replaced.
    pub(super) fn insert(&mut self, entry: Entry) -> Option<Entry> {
        let index = match self.locate(entry.key()) {
            Ok(index) => return Some(std::mem::replace(&mut self.entries[index], entry)),
            Err(index) => index,
        };
        let fits = self.heads.fits(entry.key(), |index| self.entries[index].key());
        if fits {
            self.heads.insert(index, entry.key());
        }
        make_room(&mut self.entries);
        self.entries.insert(index, entry);
        if !fits {
            self.reindex();
        }
        None
    }

    /// Takes out the entry at `key`.
    pub(super) fn remove(&mut self, key: &[u8]) -> Option<Entry> {
        let index = self.locate(key).ok()?;
        self.heads.remove(index);
        Some(self.entries.remove(index))
    }

    /// Takes out the entries from `index` on, and says what parts them from the rest.
    pub(super) fn split_off(&mut self, index: usize) -> (Box<[u8]>, Self) {
        let mut upper = Vec::with_capacity(CAPACITY);
        upper.extend(self.entries.drain(index..));
        self.reindex();
        let separator = separator(self.entries[index - 1].key(), upper[0].key()).into();
        (separator, Self::of(upper))
    }

    /// Adds the entries of the next leaf.
    pub(super) fn append(&mut self, mut next: Self) {
        self.entries.append(&mut next.entries);
        self.reindex();
    }

    fn reindex(&mut self) {
        self.heads = Heads::of(self.entries.iter().map(Entry::key));
    }

    /// For tests: whether the entries are sorted and the index fits.
    #[cfg(test)]
    pub(super) fn is_sound(&self) -> bool {
        let keys: Vec<&[u8]> = self.entries.iter().map(Entry::key).collect();
        keys.is_sorted_by(|a, b| a < b) && self.heads.is_of(&keys)
    }
}
