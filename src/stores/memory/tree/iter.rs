//! Walking over entries.

use super::Tree;
use crate::kv::{Direction, Entry};
use std::ops::Range;
use std::slice;

/// The entries at a range of indices, in either direction. Goes down from the root once per leaf.
pub struct Iter<'a> {
    tree: &'a Tree,
    /// What is left of this leaf.
    leaf: slice::Iter<'a, Entry>,
    /// The indices beyond this leaf.
    rest: Range<usize>,
    direction: Direction,
}

impl<'a> Iter<'a> {
    pub(super) fn new(tree: &'a Tree, indices: Range<usize>, direction: Direction) -> Self {
        let end = indices.end.min(tree.len());
        Self { tree, leaf: [].iter(), rest: indices.start.min(end)..end, direction }
    }

    /// Moves to the next leaf; there must be one.
    fn next_leaf(&mut self) -> Option<()> {
        let rest = &mut self.rest;
        let entries = match self.direction {
            Direction::Ascending => {
                let (leaf, at) = self.tree.leaf_at(rest.start)?;
                let entries = &leaf[at..leaf.len().min(at + rest.len())];
                rest.start += entries.len();
                entries
            }
            Direction::Descending => {
                let (leaf, at) = self.tree.leaf_at(rest.end.checked_sub(1)?)?;
                let entries = &leaf[(at + 1).saturating_sub(rest.len())..=at];
                rest.end -= entries.len();
                entries
            }
        };
        self.leaf = entries.iter();
        Some(())
    }
}

impl<'a> Iterator for Iter<'a> {
    type Item = &'a Entry;

    fn next(&mut self) -> Option<&'a Entry> {
        if self.leaf.as_slice().is_empty() {
            if self.rest.is_empty() {
                return None;
            }
            self.next_leaf()?;
        }
        match self.direction {
            Direction::Ascending => self.leaf.next(),
            Direction::Descending => self.leaf.next_back(),
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let length = self.leaf.len() + self.rest.len();
        (length, Some(length))
    }
}

impl ExactSizeIterator for Iter<'_> {}
