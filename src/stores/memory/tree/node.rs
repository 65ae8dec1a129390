//! Nodes: leaves, and inner nodes that know how many entries lie below each child.

use super::leaf::Leaf;
use super::separators::Separators;
use super::{CAPACITY, FILL_WIDTH, MAX_WIDTH, MIN_WIDTH};
use crate::kv::{Entry, allocated_bytes};
use std::sync::Arc;

/// A node. Its width is the number of its entries or children; after an insert it may be one too wide,
/// and the parent splits it; after a removal it may be one too narrow, and the parent joins it with a
/// sibling.
#[derive(Clone)]
pub(super) enum Node {
    Leaf(Leaf),
    Inner(Inner),
}

/// Children, what parts them, and how many entries each has.
#[derive(Clone)]
pub(super) struct Inner {
    pub(super) separators: Separators,
    pub(super) children: Vec<Arc<Node>>,
    pub(super) counts: Vec<usize>,
}

impl Node {
    /// Entries or children.
    pub(super) fn width(&self) -> usize {
        match self {
            Self::Leaf(leaf) => leaf.entries().len(),
            Self::Inner(inner) => inner.children.len(),
        }
    }

    /// The entries below.
    pub(super) fn count(&self) -> usize {
        match self {
            Self::Leaf(leaf) => leaf.entries().len(),
            Self::Inner(inner) => inner.counts.iter().sum(),
        }
    }

    /// What the node and those below take of memory, besides entries and the node itself. Nodes at the
    /// bottom are reckoned by their entries, so that only inner nodes are looked at.
    pub(super) fn memory_bytes(&self) -> usize {
        match self {
            Self::Leaf(leaf) => leaf.memory_bytes(),
            Self::Inner(inner) => inner.memory_bytes(),
        }
    }

    /// Puts `entry`; answers with what it replaced.
    pub(super) fn insert(&mut self, entry: Entry) -> Option<Entry> {
        match self {
            Self::Leaf(leaf) => leaf.insert(entry),
            Self::Inner(inner) => inner.insert(entry),
        }
    }

    /// Takes out the entry at `key`.
    pub(super) fn remove(&mut self, key: &[u8]) -> Option<Entry> {
        match self {
            Self::Leaf(leaf) => leaf.remove(key),
            Self::Inner(inner) => inner.remove(key),
        }
    }

    /// Takes out the upper half, and says what parts it from the rest.
    fn split(&mut self) -> (Box<[u8]>, Self) {
        self.split_off(self.width() / 2)
    }

    /// The same for a last child, which gives away no more than it must: keys that come in ascending order
    /// all go to the last ones, and leave their nodes better filled.
    pub(super) fn split_last(&mut self) -> (Box<[u8]>, Self) {
        self.split_off(self.width() - MIN_WIDTH)
    }

    fn split_off(&mut self, at: usize) -> (Box<[u8]>, Self) {
        match self {
            Self::Leaf(leaf) => {
                let (separator, upper) = leaf.split_off(at);
                (separator, Self::Leaf(upper))
            }
            Self::Inner(inner) => {
                let (separator, upper) = inner.split_off(at);
                (separator, Self::Inner(upper))
            }
        }
    }

    /// Adds what is in the next node, which is of the same height.
    fn append(&mut self, separator: &[u8], next: Self) {
        match (self, next) {
            (Self::Leaf(leaf), Self::Leaf(next)) => leaf.append(next),
            (Self::Inner(inner), Self::Inner(next)) => inner.append(separator, next),
            _ => debug_assert!(false, "siblings differ in height"),
        }
    }
}

impl Inner {
    fn memory_bytes(&self) -> usize {
        let shared_node = allocated_bytes(2 * size_of::<usize>() + size_of::<Node>());
        let own = allocated_bytes(self.children.capacity() * size_of::<Arc<Node>>())
            + allocated_bytes(self.counts.capacity() * size_of::<usize>())
            + self.separators.memory_bytes();
        let below = match self.children.first().map(|child| &**child) {
            Some(Node::Leaf(_)) => self.children.len() * allocated_bytes(CAPACITY * size_of::<Entry>()),
            _ => self.children.iter().map(|child| child.memory_bytes()).sum(),
        };
        own + self.children.len() * shared_node + below
    }

    /// Of children and what parts them.
    pub(super) fn of(separators: Separators, children: Vec<Arc<Node>>) -> Self {
        let counts = children.iter().map(|child| child.count()).collect();
        Self { separators, children, counts }
    }

    fn insert(&mut self, entry: Entry) -> Option<Entry> {
        let at = self.separators.child_of(entry.key());
        let child = Arc::make_mut(&mut self.children[at]);
        let replaced = child.insert(entry);
        if replaced.is_none() {
            self.counts[at] += 1;
            if child.width() > MAX_WIDTH {
                self.split_child(at);
            }
        }
        replaced
    }

    fn remove(&mut self, key: &[u8]) -> Option<Entry> {
        let at = self.separators.child_of(key);
        let child = Arc::make_mut(&mut self.children[at]);
        let removed = child.remove(key)?;
        self.counts[at] -= 1;
        if child.width() < MIN_WIDTH {
            self.widen_child(at);
        }
        Some(removed)
    }

    fn split_child(&mut self, at: usize) {
        let is_last = at + 1 == self.children.len();
        let child = Arc::make_mut(&mut self.children[at]);
        let (separator, upper) = if is_last { child.split_last() } else { child.split() };
        let upper_count = upper.count();
        self.separators.insert(at, &separator);
        self.children.insert(at + 1, Arc::new(upper));
        self.counts[at] -= upper_count;
        self.counts.insert(at + 1, upper_count);
    }

    /// Joins a child with a sibling, and parts them evenly if that is too much for one.
    fn widen_child(&mut self, at: usize) {
        let left = at.saturating_sub(1);
        if left + 1 == self.children.len() {
            return;
        }
        let right = self.children.remove(left + 1);
        self.counts[left] += self.counts.remove(left + 1);
        let joined = Arc::make_mut(&mut self.children[left]);
        joined.append(self.separators.at(left), Arc::unwrap_or_clone(right));
        let width = joined.width();
        self.separators = self.separators.without(left);
        if width > FILL_WIDTH {
            self.split_child(left);
        }
    }

    fn split_off(&mut self, middle: usize) -> (Box<[u8]>, Self) {
        let separator = self.separators.at(middle - 1).into();
        let (lower, upper) = self.separators.split(middle - 1);
        self.separators = lower;
        let children = self.children.split_off(middle);
        let counts = self.counts.split_off(middle);
        (separator, Self { separators: upper, children, counts })
    }

    fn append(&mut self, separator: &[u8], mut next: Self) {
        self.separators = self.separators.joined(separator, &next.separators);
        self.children.append(&mut next.children);
        self.counts.append(&mut next.counts);
    }
}
