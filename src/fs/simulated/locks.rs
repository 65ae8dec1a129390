//! Locks that hold between all who use one simulated disk.

use super::SimulatedDisk;
use crate::fs::{ByteRange, LockFile, LockKind, RangeLocks};
use std::collections::BTreeMap;
use std::io;
use std::ops::Bound;
use std::path::PathBuf;

/// Who holds what.
#[derive(Default)]
pub(super) struct LockTable {
    handles: usize,
    held: BTreeMap<PathBuf, BTreeMap<usize, LockKind>>,
    notes: BTreeMap<PathBuf, String>,
    ranges: BTreeMap<PathBuf, Vec<HeldRange>>,
}

struct HeldRange {
    handle: usize,
    range: ByteRange,
    kind: LockKind,
}

pub(super) struct SimulatedLock {
    pub(super) disk: SimulatedDisk,
    pub(super) path: PathBuf,
    pub(super) handle: usize,
}

pub(super) struct SimulatedRanges {
    pub(super) disk: SimulatedDisk,
    pub(super) path: PathBuf,
    pub(super) handle: usize,
}

impl LockTable {
    pub(super) fn open(&mut self) -> usize {
        self.handles += 1;
        self.handles
    }
}

impl LockFile for SimulatedLock {
    fn try_lock(&self, kind: LockKind) -> io::Result<bool> {
        let mut inner = self.disk.lock_inner();
        let holders = inner.locks.held.entry(self.path.clone()).or_default();
        holders.remove(&self.handle);
        let free = match kind {
            LockKind::Shared => holders.values().all(|held| *held == LockKind::Shared),
            LockKind::Exclusive => holders.is_empty(),
        };
        if free {
            holders.insert(self.handle, kind);
        }
        Ok(free)
    }

    fn unlock(&self) -> io::Result<()> {
        if let Some(holders) = self.disk.lock_inner().locks.held.get_mut(&self.path) {
            holders.remove(&self.handle);
        }
        Ok(())
    }

    fn is_current(&self) -> io::Result<bool> {
        Ok(true)
    }

    fn write_note(&self, note: &str) -> io::Result<()> {
        self.disk.lock_inner().locks.notes.insert(self.path.clone(), note.to_owned());
        Ok(())
    }

    fn read_note(&self) -> String {
        self.disk.lock_inner().locks.notes.get(&self.path).cloned().unwrap_or_default()
    }
}

impl Drop for SimulatedLock {
    fn drop(&mut self) {
        let _ = self.unlock();
    }
}

impl SimulatedRanges {
    fn with_held<T>(&self, work: impl FnOnce(&mut Vec<HeldRange>) -> T) -> T {
        work(self.disk.lock_inner().locks.ranges.entry(self.path.clone()).or_default())
    }

    fn is_in_the_way(&self, held: &HeldRange, range: ByteRange, kind: LockKind) -> bool {
        let both_share = held.kind == LockKind::Shared && kind == LockKind::Shared;
        held.handle != self.handle && !both_share && overlap(held.range, range)
    }
}

impl RangeLocks for SimulatedRanges {
    fn try_lock(&self, range: ByteRange, kind: LockKind) -> io::Result<bool> {
        Ok(self.with_held(|held| {
            let free = !held.iter().any(|held| self.is_in_the_way(held, range, kind));
            if free {
                held.push(HeldRange { handle: self.handle, range, kind });
            }
            free
        }))
    }

    fn unlock(&self, range: ByteRange) -> io::Result<()> {
        self.with_held(|held| held.retain(|held| held.handle != self.handle || held.range != range));
        Ok(())
    }

    fn is_held(&self, range: ByteRange) -> io::Result<bool> {
        Ok(self
            .with_held(|held| held.iter().any(|held| self.is_in_the_way(held, range, LockKind::Exclusive))))
    }
}

impl Drop for SimulatedRanges {
    fn drop(&mut self) {
        self.with_held(|held| held.retain(|held| held.handle != self.handle));
    }
}

fn overlap(a: ByteRange, b: ByteRange) -> bool {
    let first = |(start, _): ByteRange| match start {
        Bound::Included(at) => at,
        Bound::Excluded(at) => at.saturating_add(1),
        Bound::Unbounded => 0,
    };
    let last = |(_, end): ByteRange| match end {
        Bound::Included(at) => at,
        Bound::Excluded(at) => at.saturating_sub(1),
        Bound::Unbounded => u64::MAX,
    };
    first(a) <= last(b) && first(b) <= last(a)
}
