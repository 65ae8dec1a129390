//! A counted, copy-on-write B+tree of entries in the order of their keys' bytes.
//!
//! Counted: every inner node knows how many entries lie below each child, so that the rank of a key, the
//! entry at an index, and the size of a range cost O(log n), like a look-up.
//!
//! Copy-on-write: nodes are shared by reference count. Cloning a tree costs one count and makes a
//! snapshot; a write then copies the nodes on its path that the snapshot shares, and those that nobody
//! shares it changes in place.

mod bulk;
mod heads;
mod iter;
mod leaf;
mod node;
mod separators;
#[cfg(test)]
mod tests;

pub use iter::Iter;

use crate::kv::{Direction, Entry, KeyRange, Scan};
use leaf::Leaf;
use node::{Inner, Node};
use separators::Separators;
use std::fmt;
use std::ops::{Bound, Range};
use std::sync::Arc;

/// The room in a node; with so many entries or children it is split. Unit tests use narrow nodes to get high
/// trees.
const CAPACITY: usize = if cfg!(test) { 8 } else { 64 };
/// Most entries of a leaf, most children of an inner node.
const MAX_WIDTH: usize = CAPACITY - 1;
/// Fewest, except in the root.
const MIN_WIDTH: usize = MAX_WIDTH.div_ceil(3);
/// The width that nodes get when they are built or joined: it leaves room for writes.
const FILL_WIDTH: usize = CAPACITY / 8 * 7;

/// A counted, copy-on-write B+tree. Cloning is O(1).
#[derive(Clone)]
pub struct Tree {
    root: Arc<Node>,
    length: usize,
    entry_bytes: usize,
    key_bytes: usize,
}

/// What a tree takes of memory, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Memory {
    /// The values, with the versions of their entries.
    pub values: usize,
    /// The keys, and the nodes and the index by which they are found.
    pub keys: usize,
}

impl Tree {
    /// An empty tree.
    pub fn new() -> Self {
        Self { root: Arc::new(Node::Leaf(Leaf::default())), length: 0, entry_bytes: 0, key_bytes: 0 }
    }

    /// A tree of `entries` in O(n). They must come in ascending order of keys, each key once.
    pub fn from_sorted(entries: impl IntoIterator<Item = Entry>) -> Self {
        let mut length = 0;
        let mut entry_bytes = 0;
        let mut key_bytes = 0;
        let root = bulk::build(entries.into_iter().inspect(|entry| {
            length += 1;
            entry_bytes += entry.memory_bytes();
            key_bytes += entry.key().len();
        }));
        let tree = Self { root: Arc::new(root), length, entry_bytes, key_bytes };
        debug_assert!(tree.iter().is_sorted_by(|a, b| a.key() < b.key()), "entries were not sorted");
        tree
    }

    /// How many entries there are.
    pub fn len(&self) -> usize {
        self.length
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// What the tree takes of memory, whoever shares it. Looks at the inner nodes only.
    pub fn memory(&self) -> Memory {
        Memory {
            values: self.entry_bytes - self.key_bytes,
            keys: self.key_bytes + self.root.memory_bytes() + size_of::<Node>(),
        }
    }

    /// The entry at `key`.
    pub fn get(&self, key: &[u8]) -> Option<&Entry> {
        let mut node = &*self.root;
        loop {
            match node {
                Node::Leaf(leaf) => return leaf.get(key),
                Node::Inner(inner) => node = &inner.children[inner.separators.child_of(key)],
            }
        }
    }

    /// Puts `entry` at its key; answers with the entry that was there.
    pub fn insert(&mut self, entry: Entry) -> Option<Entry> {
        self.entry_bytes += entry.memory_bytes();
        self.key_bytes += entry.key().len();
        let root = Arc::make_mut(&mut self.root);
        if let Some(replaced) = root.insert(entry) {
            self.entry_bytes -= replaced.memory_bytes();
            self.key_bytes -= replaced.key().len();
            return Some(replaced);
        }
        self.length += 1;
        if root.width() > MAX_WIDTH {
            let (separator, upper) = root.split_last();
            let lower = std::mem::replace(root, Node::Leaf(Leaf::default()));
            let separators = Separators::of([&*separator].into_iter());
            *root = Node::Inner(Inner::of(separators, vec![Arc::new(lower), Arc::new(upper)]));
        }
        None
    }

    /// Takes out the entry at `key`.
    pub fn remove(&mut self, key: &[u8]) -> Option<Entry> {
        // Looked up first, so that nothing is copied for a key that is not there.
        self.get(key)?;
        let root = Arc::make_mut(&mut self.root);
        let removed = root.remove(key)?;
        if let Node::Inner(inner) = root
            && inner.children.len() == 1
            && let Some(only) = inner.children.pop()
        {
            self.root = only;
        }
        self.length -= 1;
        self.entry_bytes -= removed.memory_bytes();
        self.key_bytes -= removed.key().len();
        Some(removed)
    }

    /// How many keys are lower than `key`, which need not be there.
    pub fn rank(&self, key: &[u8]) -> usize {
        match self.locate(key) {
            Ok(index) | Err(index) => index,
        }
    }

    /// The entry at `index`, counted from the lowest key.
    pub fn select(&self, index: usize) -> Option<&Entry> {
        let (leaf, at) = self.leaf_at(index)?;
        leaf.get(at)
    }

    /// How many entries lie in `range`.
    pub fn count(&self, range: &KeyRange) -> u64 {
        self.indices(range).len() as u64
    }

    /// The entries of `scan` in its direction, in O(log n + limit) wherever the page lies.
    pub fn range(&self, scan: &Scan) -> Vec<Entry> {
        let Range { mut start, mut end } = self.indices(&scan.range);
        let to_index = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
        let (skip, limit) = (to_index(scan.skip), to_index(scan.limit));
        match scan.direction {
            Direction::Ascending => {
                start = start.saturating_add(skip).min(end);
                end = start.saturating_add(limit).min(end);
            }
            Direction::Descending => {
                end = end.saturating_sub(skip).max(start);
                start = end.saturating_sub(limit).max(start);
            }
        }
        Iter::new(self, start..end, scan.direction).cloned().collect()
    }

    /// All entries, upwards.
    pub fn iter(&self) -> Iter<'_> {
        Iter::new(self, 0..self.length, Direction::Ascending)
    }

    /// The entries from that at `index` on, itself included: upwards, or downwards. An index beyond the end
    /// means the end.
    pub fn iter_from(&self, index: usize, direction: Direction) -> Iter<'_> {
        let indices = match direction {
            Direction::Ascending => index..self.length,
            Direction::Descending => 0..index.saturating_add(1),
        };
        Iter::new(self, indices, direction)
    }

    /// The entries in `range`, in this direction.
    pub fn iter_range(&self, range: &KeyRange, direction: Direction) -> Iter<'_> {
        Iter::new(self, self.indices(range), direction)
    }

    /// The indices of the entries in `range`; `start` equals `end` when there are none.
    pub fn indices(&self, range: &KeyRange) -> Range<usize> {
        let above = |key: &[u8]| self.locate(key).map_or_else(|index| index, |index| index + 1);
        let start = match &range.lower {
            Bound::Unbounded => 0,
            Bound::Included(key) => self.rank(key),
            Bound::Excluded(key) => above(key),
        };
        let end = match &range.upper {
            Bound::Unbounded => self.length,
            Bound::Included(key) => above(key),
            Bound::Excluded(key) => self.rank(key),
        };
        start..end.max(start)
    }

    /// The index of `key` (`Ok`), or the one that it would get (`Err`).
    fn locate(&self, key: &[u8]) -> Result<usize, usize> {
        let mut node = &*self.root;
        let mut before = 0;
        loop {
            match node {
                Node::Leaf(leaf) => {
                    return leaf.locate(key).map(|index| before + index).map_err(|index| before + index);
                }
                Node::Inner(inner) => {
                    let at = inner.separators.child_of(key);
                    before += inner.counts[..at].iter().sum::<usize>();
                    node = &inner.children[at];
                }
            }
        }
    }

    /// The leaf that holds the entry at `index`, and where in it.
    fn leaf_at(&self, index: usize) -> Option<(&[Entry], usize)> {
        if index >= self.length {
            return None;
        }
        let mut node = &*self.root;
        let mut index = index;
        loop {
            match node {
                Node::Leaf(leaf) => return Some((leaf.entries(), index)),
                Node::Inner(inner) => {
                    let mut at = 0;
                    while index >= inner.counts[at] {
                        index -= inner.counts[at];
                        at += 1;
                    }
                    node = &inner.children[at];
                }
            }
        }
    }
}

impl Default for Tree {
    fn default() -> Self {
        Self::new()
    }
}

impl<'a> IntoIterator for &'a Tree {
    type Item = &'a Entry;
    type IntoIter = Iter<'a>;

    fn into_iter(self) -> Iter<'a> {
        self.iter()
    }
}

impl fmt::Debug for Tree {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tree")
            .field("length", &self.length)
            .field("entry_bytes", &self.entry_bytes)
            .finish_non_exhaustive()
    }
}

/// Grows a full vector by doubling, up to what a node holds just before it is split.
fn make_room<T>(items: &mut Vec<T>) {
    let length = items.len();
    if length == items.capacity() {
        let room = CAPACITY.saturating_sub(length).max(1);
        items.reserve_exact(length.max(4).min(room));
    }
}
