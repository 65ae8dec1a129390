//! The changes that replace a document's rows. Nothing is committed here.

use super::emission::{Emission, EmissionWriter};
use super::failures::FailureChange;
use super::index::ViewSpaces;
use super::mapped::{EmittedRow, MappedDocument};
use super::row::{push_row_key, push_row_value};
use crate::kv::{Batch, Check, Entry, Operation, Space};

/// Collects what to commit, and what to do with the failures once that is done.
#[derive(Debug)]
pub(super) struct Replacement {
    target: Target,
    batch: Batch,
    failures: Vec<FailureChange>,
    emitted: EmissionWriter,
    // Of the row that is being written.
    key: Vec<u8>,
    value: Vec<u8>,
}

/// Where the rows go, and what fits there.
#[derive(Clone, Copy, Debug)]
pub(super) struct Target {
    pub(super) spaces: ViewSpaces,
    pub(super) max_key_bytes: usize,
}

impl Replacement {
    pub(super) fn new(target: Target) -> Self {
        Self {
            target,
            batch: Batch::default(),
            failures: Vec::new(),
            emitted: EmissionWriter::default(),
            key: Vec::new(),
            value: Vec::new(),
        }
    }

    /// Puts the rows that `mapped` says in place of those of `old`.
    pub(super) fn replace(&mut self, document: &Entry, old: Emission<'_>, mapped: &MappedDocument<'_>) {
        let first = self.batch.operations.len();
        let mut emitted = std::mem::take(&mut self.emitted);
        emitted.begin();
        let outcome = match mapped {
            MappedDocument::Failed(message) => Err(message.clone()),
            MappedDocument::Rows(rows) => self.put_rows(document, rows, &mut emitted),
        };
        match outcome {
            Ok(()) => self.finish(document.key(), old, emitted.emission()),
            Err(message) => {
                self.batch.operations.truncate(first);
                self.finish(document.key(), old, Emission::FAILURE);
                self.failures.push(FailureChange::Add(document.key().into(), message));
            }
        }
        self.emitted = emitted;
    }

    /// Removes the rows of a document that is gone.
    pub(super) fn remove(&mut self, document_key: &[u8], old: Emission<'_>) {
        self.finish(document_key, old, Emission::NOTHING);
    }

    /// What to commit, and then what to tell the failures.
    pub(super) fn into_parts(self) -> (Batch, Vec<FailureChange>) {
        (self.batch, self.failures)
    }

    fn put_rows(
        &mut self,
        document: &Entry,
        rows: &[EmittedRow<'_>],
        emitted: &mut EmissionWriter,
    ) -> Result<(), String> {
        for (ordinal, row) in (0..).zip(rows) {
            let collated = emitted.push(row.key).map_err(|error| error.to_string())?;
            self.key.clear();
            push_row_key(&mut self.key, collated, document.key(), ordinal);
            let (length, limit) = (self.key.len(), self.target.max_key_bytes);
            if length > limit {
                return Err(format!(
                    "an emitted key takes {length} bytes in the index, the limit is {limit}"
                ));
            }
            self.value.clear();
            push_row_value(&mut self.value, collated, document, row);
            self.batch.operations.push(put(self.target.spaces.rows, &self.key, &self.value));
        }
        Ok(())
    }

    /// Deletes the old rows that no new one overwrites, and remembers what is there now.
    fn finish(&mut self, document_key: &[u8], old: Emission<'_>, new: Emission<'_>) {
        let mut new_keys = new.collated_keys();
        for (ordinal, collated) in (0..).zip(old.collated_keys()) {
            if new_keys.next() != Some(collated) {
                self.key.clear();
                push_row_key(&mut self.key, collated, document_key, ordinal);
                self.batch.operations.push(delete(self.target.spaces.rows, &self.key));
            }
        }
        if old.is_failure() {
            self.failures.push(FailureChange::Remove(document_key.into()));
        }
        let space = self.target.spaces.documents;
        if new != Emission::NOTHING {
            self.batch.operations.push(put(space, document_key, new.bytes()));
        } else if old != Emission::NOTHING {
            self.batch.operations.push(delete(space, document_key));
        }
    }
}

/// Nobody reads the version of a row; a fixed one saves stores from looking for the one before.
fn put(space: Space, key: &[u8], value: &[u8]) -> Operation {
    Operation::put_exact(space, key, Check::Any, value, 0)
}

fn delete(space: Space, key: &[u8]) -> Operation {
    Operation::delete(space, key, Check::Any)
}
