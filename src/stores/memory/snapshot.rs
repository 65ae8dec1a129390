//! All spaces at one moment.

use super::tree::{Memory, Tree};
use crate::kv::{Answer, Entry, KeyRange, Read, Scan, Sequence, Space};
use std::collections::BTreeMap;
use std::sync::Arc;

/// All spaces as they were after one commit. Cloning is O(1) and shares everything.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    spaces: Arc<BTreeMap<Space, Tree>>,
    sequence: Sequence,
}

impl Snapshot {
    pub(super) fn new(spaces: BTreeMap<Space, Tree>, sequence: Sequence) -> Self {
        Self { spaces: Arc::new(spaces), sequence }
    }

    /// The last commit that this holds.
    pub fn sequence(&self) -> Sequence {
        self.sequence
    }

    /// The entries of `space`; `None` when it never had any.
    pub fn tree(&self, space: Space) -> Option<&Tree> {
        self.spaces.get(&space)
    }

    /// The entry at `key`.
    pub fn get(&self, space: Space, key: &[u8]) -> Option<&Entry> {
        self.tree(space)?.get(key)
    }

    /// The entries of `scan`.
    pub fn range(&self, space: Space, scan: &Scan) -> Vec<Entry> {
        self.tree(space).map_or_else(Vec::new, |tree| tree.range(scan))
    }

    /// How many entries lie in `range`.
    pub fn count(&self, space: Space, range: &KeyRange) -> u64 {
        self.tree(space).map_or(0, |tree| tree.count(range))
    }

    /// How many entries `space` has.
    pub fn len(&self, space: Space) -> usize {
        self.tree(space).map_or(0, Tree::len)
    }

    /// What `space` takes of memory.
    pub fn memory(&self, space: Space) -> Memory {
        self.tree(space).map_or_else(Memory::default, Tree::memory)
    }

    /// The spaces, to be changed; copies what another snapshot shares.
    pub(super) fn spaces_mut(&mut self) -> &mut BTreeMap<Space, Tree> {
        Arc::make_mut(&mut self.spaces)
    }

    pub(super) fn set_sequence(&mut self, sequence: Sequence) {
        self.sequence = sequence;
    }
}

impl Read for Snapshot {
    fn sequence(&self) -> Sequence {
        self.sequence
    }

    fn get(&self, space: Space, key: &[u8]) -> Answer<Option<Entry>> {
        Ok(self.get(space, key).cloned()).into()
    }

    fn range(&self, space: Space, scan: &Scan) -> Answer<Vec<Entry>> {
        Ok(self.range(space, scan)).into()
    }

    fn count(&self, space: Space, range: &KeyRange) -> Answer<u64> {
        Ok(self.count(space, range)).into()
    }
}
