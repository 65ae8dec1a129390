//! The separators of an inner node, packed into one buffer: a copied path allocates nothing per
//! separator, and a search stays in few cache lines.

use super::heads::{Heads, common_prefix};
use crate::kv::allocated_bytes;

/// Sorted keys that part the children of a node: child `i` holds the keys from separator `i - 1` on, up
/// to but not including separator `i`. All changes but an insertion make a new list; they happen once in many
/// writes.
#[derive(Clone, Default)]
pub(super) struct Separators {
    heads: Heads,
    /// Where each separator ends in `bytes`.
    ends: Vec<usize>,
    bytes: Vec<u8>,
}

impl Separators {
    /// Of a sorted list.
    pub(super) fn of<'a>(list: impl DoubleEndedIterator<Item = &'a [u8]> + Clone) -> Self {
        let mut ends = Vec::new();
        let mut bytes = Vec::new();
        for separator in list.clone() {
            bytes.extend_from_slice(separator);
            ends.push(bytes.len());
        }
        Self { heads: Heads::of(list), ends, bytes }
    }

    /// What they take of memory besides the list itself.
    pub(super) fn memory_bytes(&self) -> usize {
        allocated_bytes(self.bytes.capacity()) + allocated_bytes(self.ends.capacity() * size_of::<usize>())
    }

    /// How many there are: one less than children.
    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    /// The separator before child `index + 1`.
    pub(super) fn at(&self, index: usize) -> &[u8] {
        let start = if index == 0 { 0 } else { self.ends[index - 1] };
        &self.bytes[start..self.ends[index]]
    }

    /// The child where `key` belongs.
    pub(super) fn child_of(&self, key: &[u8]) -> usize {
        match self.heads.locate(key, |index| self.at(index)) {
            Ok(equal) => equal + 1,
            Err(lower) => lower,
        }
    }

    /// Inserts `separator` at `index`.
    pub(super) fn insert(&mut self, index: usize, separator: &[u8]) {
        let fits = self.heads.fits(separator, |index| self.at(index));
        if fits {
            self.heads.insert(index, separator);
        }
        let start = if index == 0 { 0 } else { self.ends[index - 1] };
        self.bytes.splice(start..start, separator.iter().copied());
        self.ends.insert(index, start);
        for end in &mut self.ends[index..] {
            *end += separator.len();
        }
        if !fits {
            self.heads = Heads::of(self.list(0, self.len()));
        }
    }

    /// Without the one at `index`.
    pub(super) fn without(&self, index: usize) -> Self {
        Self::of(self.list(0, index).chain(self.list(index + 1, self.len())))
    }

    /// Those below `index`, and those above; the one at `index` is in neither.
    pub(super) fn split(&self, index: usize) -> (Self, Self) {
        (Self::of(self.list(0, index)), Self::of(self.list(index + 1, self.len())))
    }

    /// These, then `middle`, then `right`.
    pub(super) fn joined(&self, middle: &[u8], right: &Self) -> Self {
        Self::of(self.list(0, self.len()).chain([middle]).chain(right.list(0, right.len())))
    }

    fn list(&self, start: usize, end: usize) -> impl DoubleEndedIterator<Item = &[u8]> + Clone {
        (start..end).map(|index| self.at(index))
    }

    /// For tests: whether the index fits.
    #[cfg(test)]
    pub(super) fn is_sound(&self) -> bool {
        let list: Vec<&[u8]> = self.list(0, self.len()).collect();
        list.is_sorted_by(|a, b| a < b) && self.heads.is_of(&list)
    }
}

/// The shortest key above `below` and not above `above`: as much of `above` as tells them apart.
pub(super) fn separator<'a>(below: &[u8], above: &'a [u8]) -> &'a [u8] {
    &above[..(common_prefix(below, above) + 1).min(above.len())]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn separators_are_short_and_part_their_neighbours() {
        let parts: [(&[u8], &[u8], &[u8]); 5] = [
            (b"a", b"b", b"b"),
            (b"user:123", b"user:456", b"user:4"),
            (b"ab", b"abc", b"abc"),
            (b"", b"x", b"x"),
            (b"", b"\0\0", b"\0"),
        ];
        for (below, above, expected) in parts {
            assert_eq!(separator(below, above), expected);
            assert!(below < expected && expected <= above);
        }
    }

    #[test]
    fn edits_keep_the_order() {
        let list = |separators: &Separators| -> Vec<Vec<u8>> {
            (0..separators.len()).map(|index| separators.at(index).to_vec()).collect()
        };
        let mut two = Separators::default();
        two.insert(0, b"m");
        two.insert(0, b"c");
        let four = two.joined(b"p", &Separators::of([&b"x"[..]].into_iter()));
        assert_eq!(list(&four), [b"c", b"m", b"p", b"x"]);
        assert_eq!(list(&four.without(1)), [b"c", b"p", b"x"]);
        let (left, right) = four.split(2);
        assert_eq!((list(&left), list(&right)), (vec![b"c".to_vec(), b"m".to_vec()], vec![b"x".to_vec()]));
        let children = [b"a", b"c", b"d", b"m", b"z"].map(|key| four.child_of(key));
        assert_eq!(children, [0, 1, 1, 2, 4]);
    }
}
