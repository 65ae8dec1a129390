//! What readers see: the overlay over what the file held after a checkpoint.

use super::merge::Merge;
use super::overlay::{Layer, Overlay, is_tombstone};
use super::view::{View, place};
use crate::Result;
use crate::kv::{Answer, Changes, Direction, Entry, KeyRange, Prepared, Read, Scan, Sequence, Space};
use crate::stores::durable::Published;
use crate::stores::memory::{ChangeLog, Memory};
use std::collections::HashSet;
use std::ops::Bound;
use std::sync::Arc;

/// Passing over so many entries costs less than finding out where the page begins.
const SHORT_SKIP: u64 = 64;
/// So many of the overlay's entries are merged one by one rather than searched.
const SHORT_WALK: u64 = 512;

/// The state of a store on disk.
pub struct DiskState {
    now: Layers,
    changes: ChangeLog,
}

/// The same at one moment. Cloning is O(1).
#[derive(Clone)]
pub struct Layers {
    pub(super) overlay: Overlay,
    pub(super) view: Arc<View>,
    sequence: Sequence,
}

/// A newer view, and what was committed after it up to a sequence number.
pub struct Ground {
    overlay: Overlay,
    view: Arc<View>,
    sequence: Sequence,
}

/// Changed keys at which there was an entry. Once the overlay has forgotten one, the file has it.
#[derive(Default)]
pub struct Existing(HashSet<(Space, Arc<[u8]>)>);

impl DiskState {
    /// What the file holds; of its history only when each space was changed last.
    pub(super) fn new(view: View) -> Self {
        let sequence = view.through;
        let changes = ChangeLog::after(view.last_changes.iter().copied());
        Self { now: Layers { overlay: Overlay::default(), view: Arc::new(view), sequence }, changes }
    }
}

impl Published for DiskState {
    type Snapshot = Layers;
    type Notes = Existing;
    type Ground = Ground;

    fn sequence(&self) -> Sequence {
        self.now.sequence
    }

    fn get(&self, space: Space, key: &[u8]) -> Result<Option<Entry>> {
        self.now.find(space, key)
    }

    fn range(&self, space: Space, scan: &Scan) -> Result<Vec<Entry>> {
        self.now.scan(space, scan)
    }

    fn count(&self, space: Space, range: &KeyRange) -> Result<u64> {
        self.now.number(space, range)
    }

    fn snapshot(&self) -> Layers {
        self.now.clone()
    }

    fn changes_between(&self, space: Space, since: Sequence, through: Sequence) -> Changes {
        self.changes.between(space, since, through)
    }

    fn prepare(&self, commit: &Prepared, existing: &mut Existing) -> Result<()> {
        for change in &commit.changes {
            let (space, key) = (change.space, &change.key);
            let exists = match self.now.overlay.get(space, key) {
                Some(write) => !is_tombstone(write),
                None => self.now.view.contains(space, key)?,
            };
            if exists {
                existing.0.insert((space, Arc::clone(key)));
            }
        }
        Ok(())
    }

    fn publish(&mut self, commit: Prepared, existing: &Existing) {
        let sequence = commit.sequence;
        for change in commit.changes {
            let place = (change.space, change.key);
            let there = || existing.0.contains(&place);
            self.now.overlay.write(place.0, &place.1, change.entry, sequence, there);
            self.changes.record(place.0, place.1, sequence);
        }
        self.now.sequence = sequence;
    }

    fn stand_on(&mut self, ground: Ground) -> Result<()> {
        let Ground { mut overlay, view, sequence } = ground;
        // Somebody was faster, and the overlay has forgotten what lies between.
        if view.through < self.now.view.through || view.opening < self.now.view.opening {
            return Ok(());
        }
        add_since(&mut overlay, &view, &self.now.overlay, sequence)?;
        (self.now.overlay, self.now.view) = (overlay, view);
        Ok(())
    }

    fn memory(&self, space: Space) -> Memory {
        let memory = self.now.overlay.memory(space);
        Memory { keys: memory.keys + self.now.view.blocks.memory_bytes(), ..memory }
    }
}

impl Ground {
    /// What shows the same as `layers` over a newer view, which holds no commit that they do not show.
    pub(super) fn new(layers: &Layers, view: View) -> Result<Self> {
        let (mut overlay, sequence) = (Overlay::default(), layers.sequence);
        add_since(&mut overlay, &view, &layers.overlay, view.through)?;
        Ok(Self { overlay, view: Arc::new(view), sequence })
    }
}

/// Adds what was written after the commit `sequence`.
fn add_since(overlay: &mut Overlay, view: &View, from: &Overlay, sequence: Sequence) -> Result<()> {
    for (space, key, entry, sequence) in from.since(sequence) {
        let in_file = view.contains(space, key)?;
        overlay.write(space, key, entry.cloned(), sequence, || in_file);
    }
    Ok(())
}

impl Layers {
    fn find(&self, space: Space, key: &[u8]) -> Result<Option<Entry>> {
        match self.overlay.get(space, key) {
            Some(write) => Ok(Some(write).filter(|write| !is_tombstone(write)).cloned()),
            None => self.view.get(space, key),
        }
    }

    fn number(&self, space: Space, range: &KeyRange) -> Result<u64> {
        let in_file = self.view.count(space, range)?;
        let difference = self.overlay.layer(space).map_or(0, |layer| layer.difference(range));
        Ok(in_file.saturating_add_signed(difference))
    }

    fn scan(&self, space: Space, scan: &Scan) -> Result<Vec<Entry>> {
        let Scan { range, direction, skip, limit } = scan;
        let limit = usize::try_from(*limit).unwrap_or(usize::MAX);
        if *skip <= SHORT_SKIP {
            let skip = usize::try_from(*skip).unwrap_or(usize::MAX);
            return self.merge(space, range, *direction)?.skip(skip).take(limit).collect();
        }
        let total = self.number(space, range)?;
        let (first, count) = match direction {
            Direction::Ascending => (*skip, scan.limit.min(total.saturating_sub(*skip))),
            Direction::Descending => {
                let end = total.saturating_sub(*skip);
                let first = end.saturating_sub(scan.limit);
                (first, end - first)
            }
        };
        if count == 0 {
            return Ok(Vec::new());
        }
        let mut entries =
            self.upwards_from(space, range, first, usize::try_from(count).unwrap_or(usize::MAX))?;
        if *direction == Direction::Descending {
            entries.reverse();
        }
        Ok(entries)
    }

    /// Upwards from the entry with this number in `range`.
    fn upwards_from(&self, space: Space, range: &KeyRange, number: u64, count: usize) -> Result<Vec<Entry>> {
        let start = self.start_before(space, range, number)?;
        let (lower, skip) = match start {
            Some((key, before)) => (Bound::Included(key), number - before),
            None => (range.lower.clone(), number),
        };
        let rest = KeyRange { lower, upper: range.upper.clone() };
        let skip = usize::try_from(skip).unwrap_or(usize::MAX);
        self.merge(space, &rest, Direction::Ascending)?.skip(skip).take(count).collect()
    }

    /// A key from which it is not far upwards to the entry with this number in `range`, and how many entries
    /// of the range lie before that key. None if there is no better one than where the range begins.
    fn start_before(&self, space: Space, range: &KeyRange, number: u64) -> Result<Option<(Box<[u8]>, u64)>> {
        let begin = self.rank_of_lower(space, range)?;
        let wanted = begin + number;
        let mut found = self.block_before(space, range, wanted);
        let rest = wanted - found.as_ref().map_or(begin, |(_, rank)| *rank);
        if rest > SHORT_WALK
            && let Some(layer) = self.overlay.layer(space)
        {
            let lower = found.as_ref().map_or(range.lower.clone(), |(key, _)| Bound::Excluded(key.clone()));
            let between = KeyRange { lower, upper: range.upper.clone() };
            found = self.write_before(space, layer, &between, wanted)?.or(found);
        }
        Ok(found.map(|(key, rank)| (key, rank - begin)))
    }

    /// The last block that begins in `range` with no more than `wanted` entries before it.
    fn block_before(&self, space: Space, range: &KeyRange, wanted: u64) -> Option<(Box<[u8]>, u64)> {
        let blocks = &self.view.blocks;
        let (mut low, mut high) = (0, blocks.len());
        // Those of other spaces, and before the range, count as not too far; those behind it as too far.
        let key_of = |block: usize| {
            let (first, _) = blocks.at(block);
            let prefix = place(space, b"");
            first.strip_prefix(&*prefix).map(Box::<[u8]>::from).ok_or_else(|| *first > *prefix)
        };
        let mut found = None;
        while low < high {
            let middle = low.midpoint(high);
            match key_of(middle) {
                Err(is_behind) if is_behind => high = middle,
                Err(_) => low = middle + 1,
                Ok(key) if is_before(&key, &range.lower) => low = middle + 1,
                Ok(key) => {
                    let rank = self.shifted(space, &key, blocks.at(middle).1);
                    if rank <= wanted {
                        found = Some((key, rank));
                        low = middle + 1;
                    } else {
                        high = middle;
                    }
                }
            }
        }
        found
    }

    /// The last key of the overlay in `range` with no more than `wanted` entries before it.
    fn write_before(
        &self,
        space: Space,
        layer: &Layer,
        range: &KeyRange,
        wanted: u64,
    ) -> Result<Option<(Box<[u8]>, u64)>> {
        let indices = layer.writes.indices(range);
        let (mut low, mut high) = (indices.start, indices.end);
        let mut found = None;
        while low < high {
            let middle = low.midpoint(high);
            let Some(write) = layer.writes.select(middle) else { break };
            let rank = self.rank(space, write.key())?;
            if rank <= wanted {
                found = Some((write.key().into(), rank));
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        Ok(found)
    }

    /// How many entries lie before `key`, those of the file in other spaces too.
    fn rank(&self, space: Space, key: &[u8]) -> Result<u64> {
        Ok(self.shifted(space, key, self.view.rank(space, key)?))
    }

    /// The same, where the file has `in_file` entries before `key`.
    fn shifted(&self, space: Space, key: &[u8], in_file: u64) -> u64 {
        let difference = self.overlay.layer(space).map_or(0, |layer| layer.difference_before(key));
        in_file.saturating_add_signed(difference)
    }

    fn rank_of_lower(&self, space: Space, range: &KeyRange) -> Result<u64> {
        match &range.lower {
            Bound::Unbounded => self.rank(space, b""),
            Bound::Included(key) => self.rank(space, key),
            // Nothing lies between a key and the same with a zero.
            Bound::Excluded(key) => self.rank(space, &[key, &[0][..]].concat()),
        }
    }

    fn merge(&self, space: Space, range: &KeyRange, direction: Direction) -> Result<Merge<'_>> {
        Merge::new(&self.view, self.overlay.layer(space), space, range, direction)
    }
}

fn is_before(key: &[u8], lower: &Bound<Box<[u8]>>) -> bool {
    match lower {
        Bound::Unbounded => false,
        Bound::Included(lower) => *key < **lower,
        Bound::Excluded(lower) => *key <= **lower,
    }
}

impl Read for Layers {
    fn sequence(&self) -> Sequence {
        self.sequence
    }

    fn get(&self, space: Space, key: &[u8]) -> Answer<Option<Entry>> {
        self.find(space, key).into()
    }

    fn range(&self, space: Space, scan: &Scan) -> Answer<Vec<Entry>> {
        self.scan(space, scan).into()
    }

    fn count(&self, space: Space, range: &KeyRange) -> Answer<u64> {
        self.number(space, range).into()
    }
}
