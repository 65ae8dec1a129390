//! One page: where it lies, what is in it, and whether it is what it was.

use std::ops::Range;
use twox_hash::xxhash3_128::Hasher;

pub(super) const PAGE_BYTES: u64 = 4_096;
/// How many pages of the smallest size a region has. Regions follow each other without a gap.
const REGION_PAGES: u64 = 1 << 20;
const MAX_ORDER: u64 = 20;
/// In larger pages a wrong bit is not looked for, which takes the square of the length.
const MAX_MENDED_BYTES: usize = 8 << 10;

const LEAF: u8 = 1;
const BRANCH: u8 = 2;
const LEAF_HEAD: usize = 4;
const BRANCH_HEAD: usize = 8;
const OFFSET: usize = 4;
const NUMBER: usize = 8;
const CHECKSUM: usize = 16;

/// Where a page lies, and its checksum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Pointer {
    pub(super) number: u64,
    pub(super) checksum: u128,
}

impl Pointer {
    /// Number and checksum, one behind the other.
    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        let checksum = u128::from_le_bytes(bytes.get(NUMBER..NUMBER + CHECKSUM)?.try_into().ok()?);
        Some(Self { number: u64_at(bytes, 0)?, checksum })
    }

    /// The bytes of the file that the page takes; none if there can't be such a page.
    pub(super) fn place(self) -> Option<Range<u64>> {
        let order = self.number >> 59;
        let index = self.number & ((REGION_PAGES - 1) >> order);
        let region = (self.number >> 20) & (REGION_PAGES - 1);
        if order > MAX_ORDER {
            return None;
        }
        let start = PAGE_BYTES + (region * REGION_PAGES + (index << order)) * PAGE_BYTES;
        Some(start..start + (PAGE_BYTES << order))
    }
}

/// How long keys and values are, where all are of one length.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Widths {
    pub(super) key: Option<usize>,
    pub(super) value: Option<usize>,
}

/// What a page holds.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Node {
    /// Keys and values; none where one can't be found in a damaged page.
    Leaf(Vec<Option<(Range<usize>, Range<usize>)>>),
    /// Children, and between them keys that lie above the one and below the other.
    Branch(Vec<Pointer>, Vec<Option<Range<usize>>>),
}

/// Whether `bytes` have this checksum.
pub(super) fn is_whole(bytes: &[u8], widths: Widths, checksum: u128) -> bool {
    sum(bytes, widths) == Some(checksum)
}

/// Turns the one wrong bit around, if there is one: no other page has the same checksum by chance.
pub(super) fn mend(bytes: &mut [u8], widths: Widths, checksum: u128) -> bool {
    if bytes.len() > MAX_MENDED_BYTES || bytes.iter().all(|byte| *byte == 0) {
        return false;
    }
    for at in 0..bytes.len() {
        for bit in 0..8 {
            bytes[at] ^= 1 << bit;
            if is_whole(bytes, widths, checksum) {
                return true;
            }
            bytes[at] ^= 1 << bit;
        }
    }
    false
}

/// Puts right the checksums of the children in a branch, if nothing else is wrong with it. `sum_of` gives
/// that of the child as it is.
pub(super) fn mend_sums(
    bytes: &mut [u8],
    widths: Widths,
    checksum: u128,
    sum_of: impl Fn(Pointer) -> Option<u128>,
) -> bool {
    let Some(Node::Branch(children, _)) = decode(bytes, widths) else { return false };
    for (number, child) in children.into_iter().enumerate() {
        let at = BRANCH_HEAD + CHECKSUM * number;
        let Some(sum) = sum_of(child) else { return false };
        bytes[at..at + CHECKSUM].copy_from_slice(&sum.to_le_bytes());
    }
    is_whole(bytes, widths, checksum)
}

/// The checksum of a page; none if it is none of a tree.
pub(super) fn sum(bytes: &[u8], widths: Widths) -> Option<u128> {
    Some(checksum_of(bytes.get(..end(bytes, widths)?)?))
}

/// What is in a page, as far as it can be made out; none if that is nothing.
pub(super) fn decode(bytes: &[u8], widths: Widths) -> Option<Node> {
    let count = usize::from(u16_at(bytes, 2)?);
    match *bytes.first()? {
        LEAF => {
            let pairs = Pairs { bytes, widths, count };
            Some(Node::Leaf((0..count).map(|number| pairs.get(number)).collect()))
        }
        BRANCH => decode_branch(bytes, widths.key, count),
        _ => None,
    }
}

fn decode_branch(bytes: &[u8], width: Option<usize>, count: usize) -> Option<Node> {
    let numbers = BRANCH_HEAD + CHECKSUM * (count + 1);
    let child = |at: usize| {
        let checksum = bytes.get(BRANCH_HEAD + CHECKSUM * at..)?.get(..CHECKSUM)?;
        let checksum = u128::from_le_bytes(checksum.try_into().ok()?);
        Some(Pointer { number: u64_at(bytes, numbers + NUMBER * at)?, checksum })
    };
    let children: Option<Vec<Pointer>> = (0..=count).map(child).collect();
    let key = |at| {
        let start = if at == 0 {
            keys_of_branch(width, count)
        } else {
            end_of_branch_key(bytes, width, count, at - 1)?
        };
        let range = start..end_of_branch_key(bytes, width, count, at)?;
        bytes.get(range.clone()).map(|_| range)
    };
    Some(Node::Branch(children?, (0..count).map(key).collect()))
}

/// The pairs of a leaf.
#[derive(Clone, Copy)]
struct Pairs<'a> {
    bytes: &'a [u8],
    widths: Widths,
    count: usize,
}

impl Pairs<'_> {
    fn get(self, number: usize) -> Option<(Range<usize>, Range<usize>)> {
        let key_start = if number == 0 { self.keys() } else { self.key_end(number - 1)? };
        let value_start = if number == 0 { self.values()? } else { self.value_end(number - 1)? };
        let (key, value) = (key_start..self.key_end(number)?, value_start..self.value_end(number)?);
        (self.bytes.get(key.clone()).is_some() && self.bytes.get(value.clone()).is_some())
            .then_some((key, value))
    }

    /// Where the keys begin.
    fn keys(self) -> usize {
        let offsets = usize::from(self.widths.key.is_none()) + usize::from(self.widths.value.is_none());
        LEAF_HEAD + OFFSET * self.count * offsets
    }

    /// Where the values begin.
    fn values(self) -> Option<usize> {
        self.key_end(self.count.checked_sub(1)?)
    }

    fn key_end(self, number: usize) -> Option<usize> {
        match self.widths.key {
            Some(width) => Some(self.keys() + width * (number + 1)),
            None => u32_at(self.bytes, LEAF_HEAD + OFFSET * number),
        }
    }

    fn value_end(self, number: usize) -> Option<usize> {
        let before = if self.widths.key.is_none() { self.count } else { 0 };
        match self.widths.value {
            Some(width) => Some(self.values()? + width * (number + 1)),
            None => u32_at(self.bytes, LEAF_HEAD + OFFSET * (before + number)),
        }
    }
}

/// Where what counts for the checksum ends.
fn end(bytes: &[u8], widths: Widths) -> Option<usize> {
    let count = usize::from(u16_at(bytes, 2)?);
    match *bytes.first()? {
        LEAF => Pairs { bytes, widths, count }.value_end(count.checked_sub(1)?),
        BRANCH => end_of_branch_key(bytes, widths.key, count, count.checked_sub(1)?),
        _ => None,
    }
}

fn keys_of_branch(width: Option<usize>, count: usize) -> usize {
    let offsets = if width.is_none() { OFFSET * count } else { 0 };
    BRANCH_HEAD + (CHECKSUM + NUMBER) * (count + 1) + offsets
}

fn end_of_branch_key(bytes: &[u8], width: Option<usize>, count: usize, number: usize) -> Option<usize> {
    match width {
        Some(width) => Some(keys_of_branch(Some(width), count) + width * (number + 1)),
        None => u32_at(bytes, BRANCH_HEAD + (CHECKSUM + NUMBER) * (count + 1) + OFFSET * number),
    }
}

pub(super) fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(bytes.get(at..at.checked_add(8)?)?.try_into().ok()?))
}

pub(super) fn u32_at(bytes: &[u8], at: usize) -> Option<usize> {
    let number = u32::from_le_bytes(bytes.get(at..at.checked_add(OFFSET)?)?.try_into().ok()?);
    usize::try_from(number).ok()
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(bytes.get(at..at.checked_add(2)?)?.try_into().ok()?))
}

pub(super) fn checksum_of(bytes: &[u8]) -> u128 {
    Hasher::oneshot(bytes)
}
