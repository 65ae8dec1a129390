//! What queries see of a view.

use super::failures::Failures;
use super::record::Record;
use crate::Result;
use crate::kv::{KeyRange, Read, Sequence, Space, Store};
use std::sync::Arc;

/// What queries see, and what figures tell.
#[derive(Default)]
pub(super) struct Shown {
    pub(super) complete: Option<Complete>,
    pub(super) failures: Failures,
    /// Told anew after every step.
    pub(super) building: Option<Building>,
}

/// How many documents of those are mapped that a view has to look at to show a newer commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Building {
    /// Those whose rows are stored, or that need none.
    pub mapped: u64,
    /// All of them.
    pub total: u64,
}

/// The rows after one commit.
#[derive(Clone)]
pub(super) struct Complete {
    pub(super) rows: Rows,
    pub(super) space: Space,
    pub(super) through: Sequence,
}

#[derive(Clone)]
pub(super) enum Rows {
    /// As they were at that moment.
    Kept(Arc<dyn Read>),
    /// There were so many, and they are being changed. If they were kept as they were, every part of them
    /// would be copied, for nobody: whoever asks wants to see the commit for which they change.
    Changing(u64),
    /// As they are while nobody moves this record. On disk, a moment that is kept keeps from being used again
    /// all that is written over after it.
    Recorded(Record),
}

impl Shown {
    /// What queries see of the rows that `record` tells of.
    pub(super) fn recorded(record: &Record) -> Self {
        let complete = record.through.filter(|_| !record.is_partial).map(|through| Complete {
            rows: Rows::Recorded(record.clone()),
            space: record.spaces.rows,
            through,
        });
        Self { complete, failures: record.failures.clone(), building: None }
    }

    /// Lets go of rows that are kept as they were: they are about to be changed.
    pub(super) fn release(&mut self) -> Result<()> {
        if let Some(Complete { rows, space, .. }) = &mut self.complete
            && let Rows::Kept(kept) = rows
        {
            *rows = Rows::Changing(kept.count(*space, &KeyRange::ALL).wait()?);
        }
        Ok(())
    }
}

impl Complete {
    /// How many rows there are. `store` is the one that has them.
    pub(super) async fn count(&self, store: &dyn Store) -> Result<u64> {
        match &self.rows {
            Rows::Kept(rows) => rows.count(self.space, &KeyRange::ALL).await,
            Rows::Changing(count) => Ok(*count),
            Rows::Recorded(_) => store.count(self.space, &KeyRange::ALL).await,
        }
    }
}
