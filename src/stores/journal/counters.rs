//! What the journal's thread did, counted.

use crate::kv::Committed;
use crate::{ErrorKind, Result};
use std::sync::atomic::{AtomicU64, Ordering};

/// What this process wrote to a journal since it opened it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct JournalTotals {
    /// How many batches were committed.
    pub commits: u64,
    /// How many were refused, since a document was not as expected.
    pub conflicts: u64,
    /// How many bytes of commits were appended.
    pub bytes: u64,
}

#[derive(Default)]
pub(super) struct Counters {
    commits: AtomicU64,
    conflicts: AtomicU64,
    bytes: AtomicU64,
}

impl Counters {
    /// Counts a group that was published, of so many bytes.
    pub(super) fn count_published(&self, commits: usize, bytes: usize) {
        self.commits.fetch_add(commits as u64, Ordering::Relaxed);
        self.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    /// Counts the conflicts among answers.
    pub(super) fn count_conflicts(&self, outcomes: &[Result<Committed>]) {
        let is_conflict = |outcome: &&Result<Committed>| {
            outcome.as_ref().is_err_and(|error| error.kind() == ErrorKind::Conflict)
        };
        let conflicts = outcomes.iter().filter(is_conflict).count();
        if conflicts > 0 {
            self.conflicts.fetch_add(conflicts as u64, Ordering::Relaxed);
        }
    }

    pub(super) fn totals(&self) -> JournalTotals {
        JournalTotals {
            commits: self.commits.load(Ordering::Relaxed),
            conflicts: self.conflicts.load(Ordering::Relaxed),
            bytes: self.bytes.load(Ordering::Relaxed),
        }
    }
}
