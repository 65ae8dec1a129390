//! The newest state of a resident store: what all of its spaces hold, and what changed lately.

use super::changes::ChangeLog;
use super::hash_index::HashIndex;
use super::snapshot::Snapshot;
use super::tree::{Memory, Tree};
use crate::kv::{Changes, Committed, Entry, KeyRange, Prepared, Scan, Sequence, Space};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The state of a resident store. The store wraps it in a lock and decides when to publish; nothing is
/// checked here any more. Sequence numbers must not fall.
#[derive(Debug, Default)]
pub struct State {
    now: Snapshot,
    changes: ChangeLog,
    /// Of one space, if look-ups in it are to be as fast as they can.
    index: Option<(Space, HashIndex)>,
}

impl State {
    /// The state after the commit `sequence`, whose history before that is not known.
    pub fn new(spaces: BTreeMap<Space, Tree>, sequence: Sequence) -> Self {
        let (now, changes) = (Snapshot::new(spaces, sequence), ChangeLog::new(sequence));
        Self { now, changes, index: None }
    }

    /// An empty state that will not know what changed.
    pub fn without_history() -> Self {
        Self { changes: ChangeLog::of_nothing(), ..Self::default() }
    }

    /// An empty state with an index of the keys in `space`, which takes memory, and time to write.
    pub fn with_index(space: Space) -> Self {
        Self { index: Some((space, HashIndex::default())), ..Self::default() }
    }

    /// The last commit that was published.
    pub fn sequence(&self) -> Sequence {
        self.now.sequence()
    }

    /// What there is now, to be read.
    pub fn now(&self) -> &Snapshot {
        &self.now
    }

    /// The entry at `key`.
    pub fn get(&self, space: Space, key: &[u8]) -> Option<&Entry> {
        match &self.index {
            Some((indexed, index)) if *indexed == space => index.get(key),
            _ => self.now.get(space, key),
        }
    }

    /// What `space` takes of memory.
    pub fn memory(&self, space: Space) -> Memory {
        let mut memory = self.now.memory(space);
        if let Some((indexed, index)) = &self.index
            && *indexed == space
        {
            memory.keys += index.memory_bytes();
        }
        memory
    }

    /// The entries of `scan`.
    pub fn range(&self, space: Space, scan: &Scan) -> Vec<Entry> {
        self.now.range(space, scan)
    }

    /// How many entries lie in `range`.
    pub fn count(&self, space: Space, range: &KeyRange) -> u64 {
        self.now.count(space, range)
    }

    /// What there is now, not changed by what is published later. O(1).
    pub fn snapshot(&self) -> Snapshot {
        self.now.clone()
    }

    /// The keys of `space` that changed after `since`.
    pub fn changes(&self, space: Space, since: Sequence) -> Changes {
        self.changes.since(space, since)
    }

    /// The keys of `space` that changed after `since` and up to `through`.
    pub fn changes_between(&self, space: Space, since: Sequence, through: Sequence) -> Changes {
        self.changes.between(space, since, through)
    }

    /// Publishes a batch that was prepared against this state.
    pub fn publish(&mut self, prepared: Prepared) -> Committed {
        let Prepared { sequence, versions, changes } = prepared;
        for change in changes {
            self.change(change.space, change.key, change.entry, sequence);
        }
        self.advance(sequence);
        Committed { sequence, versions }
    }

    /// Publishes a single entry, or with `None` its removal.
    pub fn apply(&mut self, space: Space, key: &[u8], entry: Option<Entry>, sequence: Sequence) {
        self.change(space, key.into(), entry, sequence);
        self.advance(sequence);
    }

    /// Makes `sequence` the newest commit. Only a commit that changes nothing needs it.
    pub fn advance(&mut self, sequence: Sequence) {
        self.now.set_sequence(sequence);
    }

    fn change(&mut self, space: Space, key: Arc<[u8]>, entry: Option<Entry>, sequence: Sequence) {
        if let Some(index) = self.index_of(space) {
            match &entry {
                Some(entry) => index.insert(entry.clone()),
                None => index.remove(&key),
            }
        }
        let tree = self.now.spaces_mut().entry(space).or_default();
        match entry {
            Some(entry) => drop(tree.insert(entry)),
            None => drop(tree.remove(&key)),
        }
        self.changes.record(space, key, sequence);
    }

    fn index_of(&mut self, space: Space) -> Option<&mut HashIndex> {
        self.index.as_mut().and_then(|(indexed, index)| (*indexed == space).then_some(index))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPACE: Space = Space(3);

    #[test]
    fn a_loaded_state_knows_no_history() {
        let tree = Tree::from_sorted([Entry::new(b"a", b"1", 0, 0), Entry::new(b"b", b"2", 0, 7)]);
        let mut state = State::new(BTreeMap::from([(SPACE, tree)]), 7);
        assert_eq!(state.changes(SPACE, 6), Changes::TooOld);
        assert_eq!(state.changes(SPACE, 7), Changes::Keys(vec![]));
        state.apply(SPACE, b"a", None, 8);
        assert_eq!(state.changes(SPACE, 7), Changes::Keys(vec![b"a"[..].into()]));
        assert_eq!((state.now().len(SPACE), state.sequence()), (1, 8));
    }
}
