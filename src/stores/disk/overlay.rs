//! What was committed and is not yet in the file.

use crate::kv::{Entry, KeyRange, Sequence, Space, Version};
use crate::stores::memory::Memory;
use crate::stores::memory::tree::Tree;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The version of a tombstone: an entry that says that there is none.
const TOMBSTONE: Version = Version::MAX;

/// The newest entries of all spaces. Cloning is O(1).
#[derive(Clone, Default)]
pub(super) struct Overlay {
    spaces: Arc<BTreeMap<Space, Layer>>,
}

/// The newest entries of one space, over what the file holds.
#[derive(Clone, Default)]
pub(super) struct Layer {
    /// Entries and tombstones.
    pub(super) writes: Tree,
    /// Keys of entries that the file does not have.
    added: Tree,
    /// Keys of tombstones that hide an entry of the file.
    removed: Tree,
}

impl Overlay {
    pub(super) fn layer(&self, space: Space) -> Option<&Layer> {
        self.spaces.get(&space)
    }

    /// The entry or tombstone that was written at `key`; none if it was not touched.
    pub(super) fn get(&self, space: Space, key: &[u8]) -> Option<&Entry> {
        self.spaces.get(&space)?.writes.get(key)
    }

    /// Notes what the commit `sequence` left at `key`. `in_file`: whether the file has an entry there; asked
    /// only if the key was not touched before.
    pub(super) fn write(
        &mut self,
        space: Space,
        key: &[u8],
        entry: Option<Entry>,
        sequence: Sequence,
        in_file: impl FnOnce() -> bool,
    ) {
        let layer = Arc::make_mut(&mut self.spaces).entry(space).or_default();
        let is_put = entry.is_some();
        let new = entry.unwrap_or_else(|| Entry::new(key, b"", TOMBSTONE, sequence));
        let old = layer.writes.insert(new);
        let was_there = match &old {
            Some(old) => !is_tombstone(old),
            None => in_file(),
        };
        let mark = || Entry::new(key, b"", 0, sequence);
        match (was_there, is_put) {
            (false, true) if layer.removed.remove(key).is_none() => drop(layer.added.insert(mark())),
            (true, false) if layer.added.remove(key).is_none() => drop(layer.removed.insert(mark())),
            _ => {}
        }
    }

    /// Everything that was written after the commit `sequence`, in the order of the keys: tombstones as
    /// `None`.
    pub(super) fn since(
        &self,
        sequence: Sequence,
    ) -> impl Iterator<Item = (Space, &[u8], Option<&Entry>, Sequence)> {
        self.spaces.iter().flat_map(move |(space, layer)| {
            layer.writes.iter().filter(move |entry| entry.sequence() > sequence).map(move |entry| {
                (*space, entry.key(), (!is_tombstone(entry)).then_some(entry), entry.sequence())
            })
        })
    }

    /// What `space` takes of memory.
    pub(super) fn memory(&self, space: Space) -> Memory {
        let Some(layer) = self.spaces.get(&space) else { return Memory::default() };
        [&layer.writes, &layer.added, &layer.removed].into_iter().fold(Memory::default(), |sum, tree| {
            let memory = tree.memory();
            Memory { values: sum.values + memory.values, keys: sum.keys + memory.keys }
        })
    }
}

impl Layer {
    /// How many more entries there are in `range` than in the file; less if negative.
    pub(super) fn difference(&self, range: &KeyRange) -> i64 {
        signed(self.added.count(range)) - signed(self.removed.count(range))
    }

    /// The same before `key`.
    pub(super) fn difference_before(&self, key: &[u8]) -> i64 {
        signed(self.added.rank(key) as u64) - signed(self.removed.rank(key) as u64)
    }
}

pub(super) fn is_tombstone(entry: &Entry) -> bool {
    entry.version() == TOMBSTONE
}

/// Numbers of entries stay far below 2^63.
fn signed(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPACE: Space = Space(3);

    #[test]
    fn counts_what_the_file_does_not_know() {
        let mut overlay = Overlay::default();
        let mut write = |key: &[u8], is_put: bool, in_file: bool| {
            let entry = is_put.then(|| Entry::new(key, b"v", 0, 1));
            overlay.write(SPACE, key, entry, 1, || in_file);
            overlay.layer(SPACE).unwrap().difference(&KeyRange::ALL)
        };
        assert_eq!(write(b"new", true, false), 1);
        assert_eq!(write(b"new", true, false), 1);
        assert_eq!(write(b"old", true, true), 1);
        assert_eq!(write(b"old", false, true), 0);
        assert_eq!(write(b"old", false, true), 0);
        assert_eq!(write(b"new", false, false), -1);
        assert_eq!(write(b"old", true, true), 0);
        assert_eq!(write(b"none", false, false), 0);
        let is_put = |key: &[u8]| overlay.get(SPACE, key).map(|write| !is_tombstone(write));
        assert_eq!([&b"none"[..], b"other", b"old"].map(is_put), [Some(false), None, Some(true)]);
        assert_eq!(overlay.since(0).count(), 3);
        assert_eq!(overlay.since(1).count(), 0);
    }
}
