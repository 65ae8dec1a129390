//! Building a tree from sorted entries, level by level.

use super::leaf::Leaf;
use super::node::{Inner, Node};
use super::separators::{Separators, separator};
use super::{FILL_WIDTH, MIN_WIDTH};
use crate::kv::Entry;
use std::sync::Arc;

/// A finished node of one level, and the separator from the one before it.
struct Part {
    separator: Box<[u8]>,
    node: Arc<Node>,
}

/// The root of a tree of `entries`, which are sorted and differ in their keys.
pub(super) fn build(entries: impl Iterator<Item = Entry>) -> Node {
    let leaves = groups(entries);
    let mut below: Option<Entry> = None;
    let mut level: Vec<Part> = Vec::with_capacity(leaves.len());
    for entries in leaves {
        let separator = match (&below, entries.first()) {
            (Some(below), Some(first)) => separator(below.key(), first.key()).into(),
            _ => Box::default(),
        };
        below = entries.last().cloned();
        level.push(Part { separator, node: Arc::new(Node::Leaf(Leaf::of(entries))) });
    }
    while level.len() > 1 {
        level = groups(level.into_iter()).into_iter().map(parent).collect();
    }
    let root = level.pop().map(|part| Arc::unwrap_or_clone(part.node));
    root.unwrap_or_else(|| Node::Leaf(Leaf::default()))
}

/// The parent of a group of nodes. The first one's separator goes up, since it parts the parents.
fn parent(group: Vec<Part>) -> Part {
    let inner = Separators::of(group.iter().skip(1).map(|part| &*part.separator));
    let mut separator = Box::default();
    let mut children = Vec::with_capacity(group.len());
    for (index, part) in group.into_iter().enumerate() {
        if index == 0 {
            separator = part.separator;
        }
        children.push(part.node);
    }
    Part { separator, node: Arc::new(Node::Inner(Inner::of(inner, children))) }
}

/// Groups that make well filled nodes. None is too narrow, unless it is the only one.
fn groups<T>(mut items: impl Iterator<Item = T>) -> Vec<Vec<T>> {
    let mut groups: Vec<Vec<T>> = Vec::new();
    loop {
        let mut group = Vec::with_capacity(FILL_WIDTH);
        group.extend(items.by_ref().take(FILL_WIDTH));
        if group.is_empty() {
            return groups;
        }
        if group.len() < MIN_WIDTH
            && let Some(previous) = groups.last_mut()
        {
            let half = previous.len().midpoint(group.len());
            let mut evened = previous.split_off(half);
            evened.append(&mut group);
            group = evened;
        }
        groups.push(group);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_are_well_filled() {
        for length in 0..10 * FILL_WIDTH {
            let groups = groups(0..length);
            assert!(groups.iter().flatten().copied().eq(0..length), "{length}");
            assert_eq!(groups.len(), length.div_ceil(FILL_WIDTH));
            if groups.len() > 1 {
                assert!(
                    groups.iter().all(|group| (MIN_WIDTH..=FILL_WIDTH).contains(&group.len())),
                    "{length}"
                );
            }
        }
    }
}
