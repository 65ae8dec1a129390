//! Through one tree, in the order of its keys, past what is damaged.

use super::Bounds;
use super::image::Image;
use super::page::{Node, PAGE_BYTES, Pointer, Widths, decode, is_whole, mend, mend_sums, sum};
use crate::Result;
use std::ops::Range;

/// Deeper than any tree; each level takes stack.
const MAX_DEPTH: usize = 64;
/// In so many pages of a file a wrong bit is looked for. It takes some hundredths of a second each.
const MAX_MENDED_PAGES: usize = 256;

/// What a walk comes upon.
pub(in crate::stores::disk) enum Step<'a> {
    /// A key and its value, in a page that is whole.
    Pair(&'a [u8], &'a [u8]),
    /// Something is wrong there, and nothing is lost by it.
    Trouble(String),
    /// What a damaged leaf holds.
    Remains(Remains<'a>),
    /// Nothing can be read there: what is wrong.
    Gap(String),
}

/// A leaf with a wrong checksum.
pub(in crate::stores::disk) struct Remains<'a> {
    /// Where it lies in the file.
    pub(in crate::stores::disk) at: u64,
    /// Its pairs as they seem to be; none where one can't be made out. Of a page larger than what a disk
    /// writes at once, any part may be of another time.
    pub(in crate::stores::disk) pairs: Vec<Option<(&'a [u8], &'a [u8])>>,
    pub(in crate::stores::disk) bounds: Bounds,
    /// Whether it is that large.
    pub(in crate::stores::disk) is_large: bool,
}

/// Where a pointer was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Source {
    /// In a page that is whole: it leads to the right page, whatever has become of that.
    Whole,
    /// In one that is not: only a page with the right checksum is the right one.
    Damaged,
}

pub(super) struct Walker<'a> {
    pub(super) image: &'a Image,
    pub(super) widths: Widths,
    pub(super) visit: &'a mut dyn FnMut(Step<'_>) -> Result<()>,
}

enum Found {
    Whole(Vec<u8>),
    Mended(Vec<u8>),
    Damaged(Vec<u8>),
    Unreadable(String),
}

impl Walker<'_> {
    pub(super) fn walk(
        &mut self,
        pointer: Pointer,
        source: Source,
        bounds: Bounds,
        depth: usize,
    ) -> Result<()> {
        let at = pointer.place().map_or(0, |place| place.start);
        let found = self.find(pointer);
        if let Found::Mended(_) = found {
            (self.visit)(Step::Trouble(format!("the page at byte {at}: some bits of it are wrong")))?;
        }
        match found {
            _ if depth > MAX_DEPTH => self.gap(at, "it lies too deep in the tree"),
            Found::Unreadable(problem) => self.gap(at, &problem),
            Found::Whole(bytes) | Found::Mended(bytes) => match decode(&bytes, self.widths) {
                Some(Node::Leaf(pairs)) => self.leaf(&bytes, &pairs),
                Some(Node::Branch(children, keys)) => {
                    let keys: Vec<Option<&[u8]>> = keys.into_iter().map(|key| bytes.get(key?)).collect();
                    self.branch(&children, &keys, Source::Whole, &bounds, depth)
                }
                None => self.gap(at, "it is no page of a tree"),
            },
            Found::Damaged(_) if source == Source::Damaged => {
                self.gap(at, "its checksum is wrong, and that of the page above it too")
            }
            Found::Damaged(bytes) => self.damaged(at, &bytes, bounds, depth),
        }
    }

    fn leaf(&mut self, bytes: &[u8], pairs: &[Option<(Range<usize>, Range<usize>)>]) -> Result<()> {
        for (key, value) in pairs.iter().flatten() {
            (self.visit)(Step::Pair(&bytes[key.clone()], &bytes[value.clone()]))?;
        }
        Ok(())
    }

    fn branch(
        &mut self,
        children: &[Pointer],
        keys: &[Option<&[u8]>],
        source: Source,
        bounds: &Bounds,
        depth: usize,
    ) -> Result<()> {
        for (number, child) in children.iter().enumerate() {
            let key = |number: usize| keys.get(number).copied().flatten().map(Box::from);
            let above = if number == 0 { bounds.above.clone() } else { key(number - 1) };
            let through = if number == keys.len() { bounds.through.clone() } else { key(number) };
            self.walk(*child, source, Bounds { above, through }, depth + 1)?;
        }
        Ok(())
    }

    /// The right page, and its checksum is wrong.
    fn damaged(&mut self, at: u64, bytes: &[u8], bounds: Bounds, depth: usize) -> Result<()> {
        match decode(bytes, self.widths) {
            Some(Node::Leaf(pairs)) => {
                let pairs =
                    pairs.into_iter().map(|pair| pair.map(|(key, value)| (&bytes[key], &bytes[value])));
                let is_large = bytes.len() as u64 > PAGE_BYTES;
                (self.visit)(Step::Remains(Remains { at, pairs: pairs.collect(), bounds, is_large }))
            }
            Some(Node::Branch(children, keys)) => {
                let keys: Vec<Option<&[u8]>> = keys.into_iter().map(|key| bytes.get(key?)).collect();
                if keys.iter().all(Option::is_some) && keys.is_sorted_by(|a, b| a < b) {
                    // A disk that dropped a write leaves such a page, and what it names may be outdated.
                    return self.gap(at, "its checksum is wrong, it may be of another time");
                }
                (self.visit)(Step::Trouble(format!("the page at byte {at}: its checksum is wrong")))?;
                self.branch(&children, &keys, Source::Damaged, &bounds, depth)
            }
            None => self.gap(at, "its checksum is wrong, and nothing in it can be read"),
        }
    }

    fn find(&self, pointer: Pointer) -> Found {
        let mut bytes = match self.image.page(pointer) {
            Ok(bytes) => bytes,
            Err(problem) => return Found::Unreadable(problem),
        };
        if is_whole(&bytes, self.widths, pointer.checksum) {
            return Found::Whole(bytes);
        }
        if self.image.may_mend(MAX_MENDED_PAGES) {
            let sum_of = |child| sum(&self.image.page(child).ok()?, self.widths);
            let mut branch = bytes.clone();
            if mend_sums(&mut branch, self.widths, pointer.checksum, sum_of) {
                return Found::Mended(branch);
            }
            if mend(&mut bytes, self.widths, pointer.checksum) {
                return Found::Mended(bytes);
            }
        }
        Found::Damaged(bytes)
    }

    fn gap(&mut self, at: u64, what: &str) -> Result<()> {
        (self.visit)(Step::Gap(format!("the page at byte {at}: {what}")))
    }
}
