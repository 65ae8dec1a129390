//! Removing what has expired.

use super::{DUE, ENTRIES, KeyValues, Millis, due, value};
use crate::Result;
use crate::kv::{Batch, Check, Entry, KeyRange, Operation, Scan};
use std::ops::Bound;

/// How many entries are removed together.
const PORTION: u64 = 256;

impl KeyValues {
    /// Removes the entries that have expired. Answers when the next one is due.
    pub async fn sweep(&self) -> Result<Option<Millis>> {
        loop {
            let now = self.now();
            let behind = now.saturating_add(1).to_be_bytes();
            let upper = Bound::Excluded(behind.as_slice().into());
            let scan = Scan { limit: PORTION, ..Scan::all(KeyRange { lower: Bound::Unbounded, upper }) };
            let rows = self.store().range(DUE, &scan).await?;
            let mut batches = Vec::with_capacity(rows.len());
            for row in &rows {
                batches.push(self.removal(row, now).await?);
            }
            // What conflicts was written meanwhile, and is looked at again.
            self.store().commit_each(batches).await?;
            self.changed.notify();
            if (rows.len() as u64) < PORTION {
                break;
            }
        }
        let first = Scan { limit: 1, ..Scan::all(KeyRange::ALL) };
        let rows = self.store().range(DUE, &first).await?;
        Ok(rows.first().and_then(|row| due::parse(row.key())).map(|(step, _)| step))
    }

    /// Removes the row, and its entry if that has expired.
    async fn removal(&self, row: &Entry, now: Millis) -> Result<Batch> {
        let mut operations = vec![Operation::delete(DUE, row.key(), Check::Unchanged(row.sequence()))];
        if let Some((_, key)) = due::parse(row.key())
            && let Some(entry) = self.store().get(ENTRIES, key).await?
            && !value::is_live(entry.value(), now)
        {
            operations.push(Operation::delete(ENTRIES, key, Check::Unchanged(entry.sequence())));
        }
        Ok(Batch { operations })
    }
}
