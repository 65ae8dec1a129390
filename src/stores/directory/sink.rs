//! The store as the journal sees it: checks batches against the head, and publishes them.

use super::core::Core;
use super::file_name::file_name;
use crate::kv::{Batch, Entry, Overlay, Prepared, Sequence, Space, Write};
use crate::stores::journal::{Place, Sink};
use crate::{Error, Result};
use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;

pub(super) struct DirectorySink {
    core: Arc<Core>,
    /// What the group leaves that is being written.
    group: Overlay,
}

impl DirectorySink {
    pub(super) fn new(core: Arc<Core>) -> Self {
        Self { core, group: Overlay::default() }
    }

    /// Every new key must have a file name of its own.
    fn check_names(&self, batch: &Batch, published: &Published<'_>) -> Result<()> {
        // What the operations before leave: whether there is a document.
        let mut names = self.core.names();
        let mut batch_leaves: HashMap<&[u8], bool> = HashMap::new();
        for operation in &batch.operations {
            if operation.space != Space::DOCUMENTS {
                return Err(Error::assertion("A directory of files holds documents only"));
            }
            let group = &self.group;
            let exists = |key: &[u8]| {
                batch_leaves.get(key).copied().unwrap_or_else(|| match group.get(Space::DOCUMENTS, key) {
                    Some(entry) => entry.is_some(),
                    None => published.get(Space::DOCUMENTS, key).is_some(),
                })
            };
            let is_put = matches!(operation.write, Write::Put(..));
            if is_put && !exists(&operation.key) {
                let name = file_name(&operation.key)?;
                names.claim(&operation.key, &name, exists)?;
            }
            if batch.operations.len() > 1 {
                batch_leaves.insert(&operation.key, is_put);
            }
        }
        Ok(())
    }
}

/// The published state, as one batch reads it. It remembers the last answer, since the usual batch has one
/// operation and asks twice. Nobody else publishes meanwhile.
struct Published<'a> {
    core: &'a Core,
    last: RefCell<Option<(Space, *const u8, Option<Entry>)>>,
}

impl Published<'_> {
    /// `key` belongs to an operation of the batch, so its address says which it is.
    fn get(&self, space: Space, key: &[u8]) -> Option<Entry> {
        let mut last = self.last.borrow_mut();
        match &*last {
            Some((its_space, its_key, entry)) if (*its_space, *its_key) == (space, key.as_ptr()) => {
                entry.clone()
            }
            _ => {
                let entry = self.core.current(space, key);
                *last = Some((space, key.as_ptr(), entry.clone()));
                entry
            }
        }
    }
}

impl Sink for DirectorySink {
    fn prepare(&mut self, batch: &Batch, sequence: Sequence) -> Result<Prepared> {
        // What only removes is what makes space.
        if batch.operations.iter().any(|operation| operation.write != Write::Delete) {
            self.core.backlog.check()?;
        }
        let published = Published { core: &self.core, last: RefCell::default() };
        self.check_names(batch, &published)?;
        self.group.prepare(batch, sequence, |space, key| published.get(space, key))
    }

    fn publish(&mut self, commits: Vec<Prepared>, end: Place) {
        self.group = Overlay::default();
        self.core.publish(commits, end);
    }

    fn catch_up(&mut self, through: Sequence) -> Result<()> {
        self.core.catch_up(through)
    }

    fn abandon(&mut self) {
        self.group = Overlay::default();
    }

    fn takes_batches(&self) -> bool {
        !self.core.backlog.is_full()
    }
}
