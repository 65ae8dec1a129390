//! The store as the journal sees it: checks batches against the head, and publishes them.

use super::core::Core;
use super::file_name::file_name;
use crate::kv::{Batch, Overlay, Prepared, Sequence, Space, Write};
use crate::stores::journal::{Place, Sink};
use crate::{Error, Result};
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
    fn check_names(&self, batch: &Batch) -> Result<()> {
        // What the operations before leave: whether there is a document.
        let mut names = self.core.names();
        let mut batch_leaves: HashMap<&[u8], bool> = HashMap::new();
        for operation in &batch.operations {
            if operation.space != Space::DOCUMENTS {
                return Err(Error::assertion("A directory of files holds documents only"));
            }
            let (core, group) = (&self.core, &self.group);
            let exists = |key: &[u8]| {
                batch_leaves.get(key).copied().unwrap_or_else(|| match group.get(Space::DOCUMENTS, key) {
                    Some(entry) => entry.is_some(),
                    None => core.current(Space::DOCUMENTS, key).is_some(),
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

impl Sink for DirectorySink {
    fn prepare(&mut self, batch: &Batch, sequence: Sequence) -> Result<Prepared> {
        // What only removes is what makes space.
        if batch.operations.iter().any(|operation| operation.write != Write::Delete) {
            self.core.backlog.check()?;
        }
        self.check_names(batch)?;
        self.group.prepare(batch, sequence, |space, key| self.core.current(space, key))
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
