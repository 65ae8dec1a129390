//! Removing what has expired.

use super::{DUE, ENTRIES, KeyValues, Millis, due, value};
use crate::kv::{Batch, Check, Entry, KeyRange, Operation, Scan};
use crate::{ErrorKind, Result};
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
            for removed in self.store().commit_each(batches).await? {
                match removed {
                    // What conflicts was written meanwhile, and is looked at again.
                    Err(error) if error.kind() != ErrorKind::Conflict => return Err(error),
                    _ => {}
                }
            }
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

#[cfg(test)]
mod tests {
    use super::super::value::{Content, Kind, encode};
    use super::super::{Action, Request, SystemClock};
    use super::*;
    use crate::fs::FileSystem;
    use crate::fs::simulated::{Call, Failure, Fault, SimulatedDisk};
    use crate::kv::block_on;
    use crate::stores::disk::DiskStore;
    use crate::stores::durable::OpenOptions;
    use std::path::Path;
    use std::sync::Arc;

    /// Else it would be tried again at once, for as long as there is no space.
    #[test]
    fn a_removal_that_fails_is_told() {
        let disk = SimulatedDisk::new();
        let directory = Path::new("data");
        disk.create_directory(directory).unwrap();
        let fs: Arc<dyn FileSystem> = Arc::new(disk.clone());
        let store = Arc::new(DiskStore::open(&fs, directory, &OpenOptions::default()).unwrap());
        let values = Arc::new(KeyValues::new(store, Arc::new(SystemClock)));
        let form = encode(Content { kind: Kind::Bytes, bytes: b"" }, Some(1));
        let request = Request { key: b"k".as_slice().into(), action: Action::Set(form) };
        assert!(values.write(request).wait().unwrap().is_some());

        disk.fail(Fault {
            call: Call::Write,
            after: 0,
            times: usize::MAX,
            failure: Failure::Full,
            arriving: 0,
        });
        assert_eq!(block_on(values.sweep()).unwrap_err().kind(), ErrorKind::Storage);
        disk.heal();
        assert_eq!(block_on(values.sweep()).unwrap(), None);
        assert_eq!(values.size().wait().unwrap(), 0);
    }
}
