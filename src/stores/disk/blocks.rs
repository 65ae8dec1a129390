//! How many entries the file has before any key: the keys fall into *blocks*, whose sizes are kept.
//!
//! The B-tree does not count. A block begins at a key, which need not be there any more, and goes to the next
//! one; the first begins at the empty key. To count before a key, only its block has to be read.

use super::view::SPACE_BYTES;

/// A block with more entries is split ...
pub(super) const MAX_BLOCK_ENTRIES: u64 = 256;
/// ... into blocks of so many.
pub(super) const NEW_BLOCK_ENTRIES: u64 = 128;

/// The blocks of a file at one moment.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Blocks {
    /// Where each block begins, one key behind the other, and where each of these ends: of many millions of
    /// entries there are many blocks.
    firsts: Vec<u8>,
    ends: Vec<usize>,
    /// How many entries lie before each block.
    before: Vec<u64>,
    /// How many entries there are.
    end: u64,
}

impl Blocks {
    /// Adds a block behind the others.
    pub(super) fn push(&mut self, first: &[u8], count: u64) {
        self.before.push(self.total());
        self.end += count;
        self.firsts.extend_from_slice(first);
        self.ends.push(self.firsts.len());
    }

    /// How many entries there are.
    pub(super) fn total(&self) -> u64 {
        self.end
    }

    /// How many blocks.
    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    /// The number of the block in which `key` lies or would lie. There must be one.
    pub(super) fn of(&self, key: &[u8]) -> usize {
        let (mut low, mut high) = (0, self.len());
        while low < high {
            let middle = low.midpoint(high);
            if self.first(middle) <= key { low = middle + 1 } else { high = middle }
        }
        low.saturating_sub(1)
    }

    /// Where a block begins, and how many entries lie before it.
    pub(super) fn at(&self, block: usize) -> (&[u8], u64) {
        (self.first(block), self.before[block])
    }

    /// How many entries a block has.
    pub(super) fn count(&self, block: usize) -> u64 {
        self.before.get(block + 1).unwrap_or(&self.end) - self.before[block]
    }

    /// Bytes of memory, about.
    pub(super) fn memory_bytes(&self) -> usize {
        self.firsts.capacity() + (self.ends.capacity() + self.before.capacity()) * size_of::<u64>()
    }

    fn first(&self, block: usize) -> &[u8] {
        let start = if block == 0 { 0 } else { self.ends[block - 1] };
        &self.firsts[start..self.ends[block]]
    }
}

/// Where a block may begin that has `place` as its first and `previous` before it: the shortest such place
/// that names a space.
pub(super) fn beginning<'a>(previous: &[u8], place: &'a [u8]) -> &'a [u8] {
    let common = previous.iter().zip(place).take_while(|(a, b)| a == b).count();
    &place[..(common + 1).max(SPACE_BYTES).min(place.len())]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_blocks_and_counts_before_them() {
        let mut blocks = Blocks::default();
        for (first, count) in [(&b""[..], 3), (b"d", 2), (b"m", 0)] {
            blocks.push(first, count);
        }
        assert_eq!([b"", &b"c"[..], b"d", b"l", b"m", b"z"].map(|key| blocks.of(key)), [0, 0, 1, 1, 2, 2]);
        assert_eq!((blocks.at(1), blocks.at(2)), ((&b"d"[..], 3), (&b"m"[..], 5)));
        assert_eq!((blocks.total(), blocks.len(), blocks.count(0), blocks.count(2)), (5, 3, 3, 0));
        assert_eq!(Blocks::default().total(), 0);
    }

    #[test]
    fn blocks_begin_between_their_entries() {
        let parts: [(&[u8], &[u8], &[u8]); 4] = [
            (b"\0\0\0\0event:123", b"\0\0\0\0event:456", b"\0\0\0\0event:4"),
            (b"\0\0\0\0ab", b"\0\0\0\0abc", b"\0\0\0\0abc"),
            (b"\0\0\0\0ab", b"\0\0\0\x01abc", b"\0\0\0\x01"),
            (b"\0\0\0\xffab", b"\0\0\x01\0", b"\0\0\x01\0"),
        ];
        for (previous, place, expected) in parts {
            assert_eq!(beginning(previous, place), expected);
            assert!(previous < expected && expected <= place);
        }
    }
}
