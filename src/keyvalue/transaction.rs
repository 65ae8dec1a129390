//! Transactions: reads of one moment that still hold when the writes are committed.

use super::request::push_write;
use super::{Cursor, ENTRIES, KeyValues, KeyWrite, Millis, Selection, value};
use crate::kv::{Batch, Changes, Check, Entry, KeyRange, Operation, Read, Sequence};
use crate::{Error, ErrorKind, Result};
use std::collections::HashMap;
use std::sync::Arc;

/// Reads the store as it is when the transaction begins, and remembers what it read.
pub struct Transaction {
    values: Arc<KeyValues>,
    read: Arc<dyn Read>,
    now: Millis,
    /// The keys that were read, each with the commit that wrote its entry if there was one.
    keys: HashMap<Box<[u8]>, Option<Sequence>>,
    ranges: Vec<KeyRange>,
}

/// How often a transaction with ranges tries to find a moment in which nobody else commits.
const MAX_ATTEMPTS: usize = 100;

impl Transaction {
    /// A transaction that sees what is committed by now.
    pub async fn begin(values: Arc<KeyValues>) -> Result<Self> {
        let read = values.store().snapshot().await?;
        let now = values.now();
        Ok(Self { values, read, now, keys: HashMap::new(), ranges: Vec::new() })
    }

    /// The entry at `key`.
    pub async fn get(&mut self, key: &[u8]) -> Result<Option<Entry>> {
        let entry = self.read.get(ENTRIES, key).await?;
        self.keys.insert(key.into(), entry.as_ref().map(Entry::sequence));
        Ok(entry.filter(|entry| value::is_live(entry.value(), self.now)))
    }

    /// A walk over a selection, all of whose range counts as read.
    pub fn cursor(&mut self, selection: Selection) -> Cursor {
        self.ranges.push(selection.range.clone());
        Cursor::new(Arc::clone(&self.read), selection, self.now)
    }

    /// Commits `writes`, each key once. `Conflict` if something that was read has changed meanwhile.
    pub async fn commit(self, writes: Vec<KeyWrite>) -> Result<()> {
        if writes.is_empty() {
            // What was read was there at one moment: that is all it takes.
            return Ok(());
        }
        let operations = self.operations(writes).await?;
        if self.ranges.is_empty() {
            return self.values.commit(Batch { operations }).await.map(drop);
        }
        for _ in 0..MAX_ATTEMPTS {
            let latest = self.values.store().sequence();
            self.assert_ranges().await?;
            let mut guarded = vec![Operation::delete(ENTRIES, b"", Check::Latest(latest))];
            guarded.extend_from_slice(&operations);
            match self.values.commit(Batch { operations: guarded }).await {
                Err(error) if error.kind() == ErrorKind::Conflict => self.assert_keys().await?,
                result => return result.map(drop),
            }
        }
        Err(conflict("others commit all the time"))
    }

    async fn operations(&self, writes: Vec<KeyWrite>) -> Result<Vec<Operation>> {
        let mut keys = self.keys.clone();
        let mut operations = Vec::with_capacity(keys.len() + writes.len());
        for (key, form) in writes {
            let check = match keys.remove(&key) {
                None => Check::Any,
                Some(None) => Check::Absent,
                Some(Some(sequence)) => Check::Unchanged(sequence),
            };
            let current = self.read.get(ENTRIES, &key).await?;
            push_write(&mut operations, &key, check, form.as_deref(), current.as_ref());
        }
        let still = |(key, seen): (Box<[u8]>, Option<Sequence>)| {
            Operation::delete(ENTRIES, &key, seen.map_or(Check::StillAbsent, Check::Still))
        };
        operations.extend(keys.into_iter().map(still));
        Ok(operations)
    }

    async fn assert_ranges(&self) -> Result<()> {
        match self.values.store().changes(ENTRIES, self.read.sequence()).await? {
            Changes::TooOld => Err(conflict("too much has changed since")),
            Changes::Keys(keys) => match keys.iter().find(|key| self.has_range_of(key)) {
                Some(_) => Err(conflict("a range that it read has changed")),
                None => Ok(()),
            },
        }
    }

    fn has_range_of(&self, key: &[u8]) -> bool {
        self.ranges.iter().any(|range| range.contains(key))
    }

    async fn assert_keys(&self) -> Result<()> {
        for (key, seen) in &self.keys {
            if self.values.store().get(ENTRIES, key).await?.map(|entry| entry.sequence()) != *seen {
                return Err(conflict("a key that it read has changed"));
            }
        }
        Ok(())
    }
}

fn conflict(why: &str) -> Error {
    Error::new(ErrorKind::Conflict, format!("The transaction can't be committed: {why}"))
}
