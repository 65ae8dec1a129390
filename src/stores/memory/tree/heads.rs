//! The search index of a node: for each key, the four bytes after the prefix that all of them share, as one
//! number. A search stays in this array and reads a key, a cache miss each, only where the numbers tie.

use super::CAPACITY;
use std::cmp::Ordering;

/// The index of a sorted list of keys, which its owner keeps. Lies in the node itself, not behind a pointer.
#[derive(Clone)]
pub(super) struct Heads {
    /// All keys share their first so many bytes. They may share more after a removal.
    prefix_length: usize,
    /// What they share, as far as it goes in here, so that a short prefix costs no cache miss.
    prefix: [u8; INLINE_PREFIX],
    length: usize,
    /// Ascending, the unused ones [`UNUSED`]. Zero bytes stand in for the end of a short key, so
    /// different keys may have equal heads.
    words: [u32; CAPACITY],
}

/// Prefixes up to this length are kept in the index.
const INLINE_PREFIX: usize = 24;
/// Heads that are compared at once: half a cache line.
const BLOCK: usize = 8;
const _: () = assert!(CAPACITY.is_multiple_of(BLOCK));
/// Not lower than any head, so that a search need not know the length.
const UNUSED: u32 = u32::MAX;

impl Heads {
    /// The index of `keys`, which are sorted. Only the first [`CAPACITY`] are indexed: a node that is
    /// wider is split before anyone searches it.
    pub(super) fn of<'a>(keys: impl DoubleEndedIterator<Item = &'a [u8]> + Clone) -> Self {
        let mut ends = keys.clone();
        let mut index = Self::default();
        if let (Some(first), Some(last)) = (ends.next(), ends.next_back()) {
            index.prefix_length = common_prefix(first, last);
            let kept = index.prefix_length.min(INLINE_PREFIX);
            index.prefix[..kept].copy_from_slice(&first[..kept]);
        }
        for (slot, key) in index.words.iter_mut().zip(keys) {
            *slot = head(key, index.prefix_length);
            index.length += 1;
        }
        index
    }

    /// Where `key` is in the list (`Ok`), or where it belongs (`Err`). `key_at` reads the list.
    pub(super) fn locate<'a>(&self, key: &[u8], key_at: impl Fn(usize) -> &'a [u8]) -> Result<usize, usize> {
        if self.length == 0 {
            return Err(0);
        }
        match self.compare_prefix(key, &key_at) {
            Ordering::Less => Err(0),
            Ordering::Greater => Err(self.length),
            Ordering::Equal => self.search(key, key_at),
        }
    }

    /// Where `key` is in the list. Cheaper than `locate`, since it need not check the prefix.
    pub(super) fn find<'a>(&self, key: &[u8], key_at: impl Fn(usize) -> &'a [u8]) -> Option<usize> {
        if key.len() < self.prefix_length {
            return None;
        }
        self.search(key, key_at).ok()
    }

    /// Whether `key` can be added with no other change, since it shares the prefix. `key_at` reads the list.
    pub(super) fn fits<'a>(&self, key: &[u8], key_at: impl Fn(usize) -> &'a [u8]) -> bool {
        self.length > 0 && self.compare_prefix(key, key_at).is_eq()
    }

    /// Adds the head of `key`, which fits, at `index`. There must be room.
    pub(super) fn insert(&mut self, index: usize, key: &[u8]) {
        self.words.copy_within(index..self.length, index + 1);
        self.words[index] = head(key, self.prefix_length);
        self.length += 1;
    }

    /// Drops the head at `index`.
    pub(super) fn remove(&mut self, index: usize) {
        self.words.copy_within(index + 1..self.length, index);
        self.length -= 1;
        self.words[self.length] = UNUSED;
    }

    /// How the beginning of `key` compares with the prefix. There must be a key in the list.
    fn compare_prefix<'a>(&self, key: &[u8], key_at: impl Fn(usize) -> &'a [u8]) -> Ordering {
        let inline = self.prefix.get(..self.prefix_length);
        let prefix = inline.unwrap_or_else(|| &key_at(0)[..self.prefix_length]);
        key[..key.len().min(self.prefix_length)].cmp(prefix)
    }

    /// Locates `key`, which is not shorter than the prefix, among those that have its head.
    fn search<'a>(&self, key: &[u8], key_at: impl Fn(usize) -> &'a [u8]) -> Result<usize, usize> {
        let wanted = head(key, self.prefix_length);
        let mut start = lower_bound(&self.words, wanted);
        let ties = self.words[start..self.length].iter().take_while(|head| **head == wanted).count();
        let mut end = start + ties;
        while start < end {
            let middle = start.midpoint(end);
            match key_at(middle).cmp(key) {
                Ordering::Less => start = middle + 1,
                Ordering::Greater => end = middle,
                Ordering::Equal => return Ok(middle),
            }
        }
        Err(start)
    }

    /// For tests: whether this is an index of `keys`.
    #[cfg(test)]
    pub(super) fn is_of(&self, keys: &[&[u8]]) -> bool {
        let (used, unused) = self.words.split_at(self.length);
        keys.iter().all(|key| common_prefix(key, keys[0]) >= self.prefix_length)
            && keys.iter().map(|key| head(key, self.prefix_length)).eq(used.iter().copied())
            && unused.iter().all(|head| *head == UNUSED)
    }
}

impl Default for Heads {
    fn default() -> Self {
        Self { prefix_length: 0, prefix: [0; INLINE_PREFIX], length: 0, words: [UNUSED; CAPACITY] }
    }
}

/// How many of the ascending `words`, whole blocks of them, are lower than `wanted`. Looks at the last word
/// of each block but the last one, then at all of one block. The first loads do not wait for one another, and
/// bring nearly all of a cold node.
fn lower_bound(words: &[u32], wanted: u32) -> usize {
    let lower = |word: &u32| u32::from(*word < wanted);
    let (blocks, _) = words.as_chunks::<BLOCK>();
    let Some((last, others)) = blocks.split_last() else { return 0 };
    let full = others.iter().map(|block| lower(&block[BLOCK - 1])).sum::<u32>() as usize;
    let block = others.get(full).unwrap_or(last);
    full * BLOCK + block.iter().map(lower).sum::<u32>() as usize
}

/// How many bytes both begin with.
pub(super) fn common_prefix(a: &[u8], b: &[u8]) -> usize {
    a.iter().zip(b).take_while(|(a, b)| a == b).count()
}

fn head(key: &[u8], prefix_length: usize) -> u32 {
    let tail = &key[prefix_length..];
    if let Some(first) = tail.first_chunk::<4>() {
        return u32::from_be_bytes(*first);
    }
    let mut padded = [0; 4];
    padded[..tail.len()].copy_from_slice(tail);
    u32::from_be_bytes(padded)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_search_in_blocks_is_one_in_all() {
        for step in [1, 3, 7, 20] {
            let words: Vec<u32> = (0..64).map(|at| at / step * 2 + 1).collect();
            for wanted in (0..=130).chain([UNUSED]) {
                let expected = words.partition_point(|word| *word < wanted);
                assert_eq!(lower_bound(&words, wanted), expected, "{wanted} in {words:?}");
            }
        }
    }

    #[test]
    fn locates_as_a_binary_search_does() {
        let lists: [&[&[u8]]; 4] = [
            &[],
            &[b"", b"\0", b"\0\0", b"a", b"ab\0", b"ab\0\0\0\0\0\0\0\0\0"],
            &[b"item:", b"item:\0", b"item:12345678", b"item:12345678a", b"item:12345678b", b"item:2"],
            &[b"\xff", b"\xff\xff\xff\xff\xff\xff\xff\xff", b"\xff\xff\xff\xff\xff\xff\xff\xff\xff"],
        ];
        for list in lists {
            let index = Heads::of(list.iter().copied());
            let probes =
                lists.iter().copied().flatten().copied().chain([&b"item"[..], b"itez", b"zz", b"item:1"]);
            for probe in probes {
                let expected = list.binary_search(&probe);
                assert_eq!(index.locate(probe, |at| list[at]), expected, "{probe:?} in {list:?}");
                assert_eq!(index.find(probe, |at| list[at]), expected.ok(), "{probe:?} in {list:?}");
            }
        }
    }
}
