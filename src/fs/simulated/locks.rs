//! Locks that hold between all who use one simulated disk.

use super::SimulatedDisk;
use crate::fs::{LockFile, LockKind};
use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;

/// Who holds what.
#[derive(Default)]
pub(super) struct LockTable {
    handles: usize,
    held: BTreeMap<PathBuf, BTreeMap<usize, LockKind>>,
    notes: BTreeMap<PathBuf, String>,
}

pub(super) struct SimulatedLock {
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
