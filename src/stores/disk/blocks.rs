//! How many entries the file has before any key: the keys fall into *blocks*, whose sizes are kept.
//!
//! The B-tree does not count. A block begins at a key, which need not be there any more, and goes to the next
//! one; the first begins at the empty key. To count before a key, only its block has to be read.

/// A block with more entries is split ...
pub(super) const MAX_BLOCK_ENTRIES: u64 = 256;
/// ... into blocks of so many.
pub(super) const NEW_BLOCK_ENTRIES: u64 = 128;

/// The blocks of a file at one moment.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Blocks {
    firsts: Vec<Box<[u8]>>,
    /// How many entries lie before each block; and at the end, how many there are.
    before: Vec<u64>,
}

impl Blocks {
    /// From first keys, in order, and sizes.
    pub(super) fn new(blocks: impl IntoIterator<Item = (Box<[u8]>, u64)>) -> Self {
        let (mut firsts, mut before, mut total) = (Vec::new(), vec![0], 0);
        for (first, count) in blocks {
            firsts.push(first);
            total += count;
            before.push(total);
        }
        Self { firsts, before }
    }

    /// How many entries there are.
    pub(super) fn total(&self) -> u64 {
        self.before.last().copied().unwrap_or(0)
    }

    /// How many blocks.
    pub(super) fn len(&self) -> usize {
        self.firsts.len()
    }

    /// The number of the block in which `key` lies or would lie. There must be one.
    pub(super) fn of(&self, key: &[u8]) -> usize {
        self.firsts.partition_point(|first| **first <= *key).saturating_sub(1)
    }

    /// Where a block begins, and how many entries lie before it.
    pub(super) fn at(&self, block: usize) -> (&[u8], u64) {
        (&self.firsts[block], self.before[block])
    }

    /// How many entries a block has.
    pub(super) fn count(&self, block: usize) -> u64 {
        self.before[block + 1] - self.before[block]
    }

    /// Bytes of memory, about.
    pub(super) fn memory_bytes(&self) -> usize {
        let keys: usize = self.firsts.iter().map(|first| first.len()).sum();
        keys + self.firsts.capacity() * size_of::<Box<[u8]>>() + self.before.capacity() * size_of::<u64>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_blocks_and_counts_before_them() {
        let key = |key: &str| Box::from(key.as_bytes());
        let blocks = Blocks::new([(key(""), 3), (key("d"), 2), (key("m"), 0)]);
        assert_eq!([b"", &b"c"[..], b"d", b"l", b"m", b"z"].map(|key| blocks.of(key)), [0, 0, 1, 1, 2, 2]);
        assert_eq!((blocks.at(1), blocks.at(2)), ((&b"d"[..], 3), (&b"m"[..], 5)));
        assert_eq!((blocks.total(), blocks.len(), blocks.count(0), blocks.count(2)), (5, 3, 3, 0));
        assert_eq!(Blocks::default().total(), 0);
    }
}
