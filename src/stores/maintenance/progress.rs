//! How far a long piece of work has come, to be read while it goes on.

use std::sync::atomic::{AtomicU64, Ordering};

/// Counts steps. Any thread may look.
#[derive(Debug, Default)]
pub struct Progress {
    done: AtomicU64,
    total: AtomicU64,
}

impl Progress {
    /// How many steps are done, and how many there will be as far as is known.
    pub fn get(&self) -> (u64, u64) {
        (self.done.load(Ordering::Relaxed), self.total.load(Ordering::Relaxed))
    }

    pub(in crate::stores) fn add_total(&self, steps: u64) {
        self.total.fetch_add(steps, Ordering::Relaxed);
    }

    pub(in crate::stores) fn step(&self) {
        self.done.fetch_add(1, Ordering::Relaxed);
    }
}
