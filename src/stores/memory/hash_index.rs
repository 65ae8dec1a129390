//! A hash index beside the tree: it finds the entry at a key without a search in the nodes on the way there.

use crate::kv::Entry;
use foldhash::quality::RandomState;
use hashbrown::hash_table::{self, HashTable};
use std::fmt;
use std::hash::BuildHasher;

/// Entries by their keys. A table that grows hashes all of its entries again, so there are many small ones.
pub(super) struct HashIndex {
    /// Random for each index, so that keys that collide can't be chosen in advance.
    hasher: RandomState,
    tables: Box<[HashTable<Entry>]>,
}

const TABLES: usize = 256;
/// Which bits of a hash choose the table: a table itself uses the highest and the lowest ones.
const TABLE_SHIFT: u32 = 32;

/// A table with room for more than so many times its entries is made smaller.
const SPARSE: usize = 8;

impl HashIndex {
    /// The entry at `key`.
    pub(super) fn get(&self, key: &[u8]) -> Option<&Entry> {
        let hash = self.hash(key);
        self.tables[table_of(hash)].find(hash, |entry| {
            entry.touch_end();
            entry.key() == key
        })
    }

    /// Puts `entry` at its key.
    pub(super) fn insert(&mut self, entry: Entry) {
        let hash = self.hash(entry.key());
        let hasher = &self.hasher;
        let table = &mut self.tables[table_of(hash)];
        let is_same = |other: &Entry| other.key() == entry.key();
        match table.entry(hash, is_same, |other| hasher.hash_one(other.key())) {
            hash_table::Entry::Occupied(mut place) => *place.get_mut() = entry,
            hash_table::Entry::Vacant(place) => drop(place.insert(entry)),
        }
    }

    /// Takes out the entry at `key`.
    pub(super) fn remove(&mut self, key: &[u8]) {
        let hash = self.hash(key);
        let hasher = &self.hasher;
        let table = &mut self.tables[table_of(hash)];
        if let Ok(place) = table.find_entry(hash, |entry| entry.key() == key) {
            drop(place.remove());
        }
        if table.capacity() > (table.len() + 1) * SPARSE {
            table.shrink_to(table.len() * 2, |entry| hasher.hash_one(entry.key()));
        }
    }

    /// What it takes of memory besides the entries.
    pub(super) fn memory_bytes(&self) -> usize {
        self.tables.iter().map(|table| size_of_val(table) + table.allocation_size()).sum()
    }

    fn hash(&self, key: &[u8]) -> u64 {
        self.hasher.hash_one(key)
    }
}

impl Default for HashIndex {
    fn default() -> Self {
        Self { hasher: RandomState::default(), tables: (0..TABLES).map(|_| HashTable::new()).collect() }
    }
}

impl fmt::Debug for HashIndex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HashIndex").finish_non_exhaustive()
    }
}

fn table_of(hash: u64) -> usize {
    (hash >> TABLE_SHIFT) as usize % TABLES
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::collection::vec;
    use proptest::prelude::*;
    use std::collections::HashMap;

    fn entry(key: &[u8], version: u64) -> Entry {
        Entry::new(key, b"value", version, 0)
    }

    proptest! {
        #[test]
        fn finds_what_a_map_finds(
            changes in vec((vec(0..3u8, 0..4), proptest::option::of(0..9u64)), 0..200),
        ) {
            let mut index = HashIndex::default();
            let mut map = HashMap::new();
            for (key, version) in &changes {
                if let Some(version) = version {
                    index.insert(entry(key, *version));
                    map.insert(key, *version);
                } else {
                    index.remove(key);
                    map.remove(key);
                }
                for (key, _) in &changes {
                    prop_assert_eq!(index.get(key).map(Entry::version), map.get(key).copied());
                    prop_assert!(index.get(key).is_none_or(|entry| entry.key() == key));
                }
            }
        }
    }

    #[test]
    fn memory_of_what_was_removed_is_given_back() {
        let keys: Vec<[u8; 4]> = (0..50_000u32).map(u32::to_be_bytes).collect();
        let mut index = HashIndex::default();
        let empty = index.memory_bytes();
        assert!(empty <= 8 << 10);
        for key in &keys {
            index.insert(entry(key, 0));
        }
        let full = index.memory_bytes();
        assert!((17 * keys.len()..50 * keys.len()).contains(&full), "{full}");
        for key in &keys[100..] {
            index.remove(key);
        }
        assert!(index.memory_bytes() < empty + full / 20, "{empty} {full} {}", index.memory_bytes());
        assert!(keys.iter().enumerate().all(|(at, key)| index.get(key).is_some() == (at < 100)));
    }
}
