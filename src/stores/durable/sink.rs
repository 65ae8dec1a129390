//! The store as the journal sees it: checks batches against the head, and publishes them.

use super::base::{Base, Published};
use super::core::Core;
use crate::Result;
use crate::kv::{Batch, Entry, Overlay, Prepared, Sequence, Space, Write};
use crate::stores::journal::{Place, Sink};
use std::cell::RefCell;
use std::sync::Arc;

pub(super) struct DurableSink<B: Base> {
    core: Arc<Core<B>>,
    /// What the group leaves that is being written.
    group: Overlay,
    /// What publishing it needs.
    notes: <B::State as Published>::Notes,
}

impl<B: Base> DurableSink<B> {
    pub(super) fn new(core: Arc<Core<B>>) -> Self {
        Self { core, group: Overlay::default(), notes: Default::default() }
    }
}

/// The published state, as one batch reads it. It remembers the last answer, since the usual batch has one
/// operation and asks twice. Nobody else publishes meanwhile.
struct Newest<'a, B: Base> {
    core: &'a Core<B>,
    last: RefCell<Option<(Space, *const u8, Option<Entry>)>>,
}

impl<B: Base> Newest<'_, B> {
    /// `key` belongs to an operation of the batch, so its address says which it is.
    fn get(&self, space: Space, key: &[u8]) -> Result<Option<Entry>> {
        let mut last = self.last.borrow_mut();
        match &*last {
            Some((its_space, its_key, entry)) if (*its_space, *its_key) == (space, key.as_ptr()) => {
                Ok(entry.clone())
            }
            _ => {
                let entry = self.core.current(space, key)?;
                *last = Some((space, key.as_ptr(), entry.clone()));
                Ok(entry)
            }
        }
    }
}

impl<B: Base> Sink for DurableSink<B> {
    fn prepare(&mut self, batch: &mut Batch, sequence: Sequence) -> Result<Prepared> {
        // What only removes is what makes space.
        if batch.operations.iter().any(|operation| operation.write != Write::Delete) {
            self.core.backlog.check()?;
        }
        let newest = Newest { core: &*self.core, last: RefCell::default() };
        let exists = |space, key: &[u8]| match self.group.get(space, key) {
            Some(entry) => Ok(entry.is_some()),
            None => newest.get(space, key).map(|entry| entry.is_some()),
        };
        self.core.base.check(batch, &exists)?;
        let prepared = self.group.prepare(batch, sequence, |space, key| newest.get(space, key))?;
        self.core.prepare(&prepared, &mut self.notes)?;
        self.group.add(&prepared);
        Ok(prepared)
    }

    fn publish(&mut self, commits: Vec<Prepared>, end: Place) {
        self.core.publish(commits, &self.notes, end);
        self.abandon();
    }

    fn catch_up(&mut self, through: Sequence) -> Result<()> {
        self.core.catch_up(through)
    }

    fn abandon(&mut self) {
        (self.group, self.notes) = Default::default();
    }

    fn takes_batches(&self) -> bool {
        !self.core.backlog.is_full()
    }
}
