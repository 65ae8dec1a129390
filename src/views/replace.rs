//! The changes that replace a document's rows. Nothing is committed here.

use super::emission::{Emission, EmissionWriter};
use super::failures::FailureChange;
use super::index::ViewSpaces;
use super::mapped::{EmittedRow, MappedDocument};
use super::row::{row_key, row_value};
use crate::kv::{Batch, Check, Entry, Operation, Space, Versioning, Write};

/// Collects what to commit, and what to do with the failures once that is done.
#[derive(Debug)]
pub(super) struct Replacement {
    target: Target,
    batch: Batch,
    failures: Vec<FailureChange>,
    emitted: EmissionWriter,
}

/// Where the rows go, and what fits there.
#[derive(Clone, Copy, Debug)]
pub(super) struct Target {
    pub(super) spaces: ViewSpaces,
    pub(super) max_key_bytes: usize,
}

impl Replacement {
    pub(super) fn new(target: Target) -> Self {
        Self { target, batch: Batch::default(), failures: Vec::new(), emitted: EmissionWriter::default() }
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
            let key = row_key(collated, document.key(), ordinal);
            let limit = self.target.max_key_bytes;
            if key.len() > limit {
                let length = key.len();
                return Err(format!(
                    "an emitted key takes {length} bytes in the index, the limit is {limit}"
                ));
            }
            let value = row_value(collated, document, row);
            self.put(self.target.spaces.rows, key, value);
        }
        Ok(())
    }

    /// Deletes the old rows that no new one overwrites, and remembers what is there now.
    fn finish(&mut self, document_key: &[u8], old: Emission<'_>, new: Emission<'_>) {
        let mut new_keys = new.collated_keys();
        for (ordinal, collated) in (0..).zip(old.collated_keys()) {
            if new_keys.next() != Some(collated) {
                self.delete(self.target.spaces.rows, row_key(collated, document_key, ordinal));
            }
        }
        if old.is_failure() {
            self.failures.push(FailureChange::Remove(document_key.into()));
        }
        if new != Emission::NOTHING {
            self.put(self.target.spaces.documents, document_key.into(), new.bytes().into());
        } else if old != Emission::NOTHING {
            self.delete(self.target.spaces.documents, document_key.into());
        }
    }

    fn put(&mut self, space: Space, key: Box<[u8]>, value: Box<[u8]>) {
        // Nobody reads the version of a row; a fixed one saves stores from looking for the one before.
        let write = Write::Put(value, Versioning::Exact(0));
        self.batch.operations.push(Operation { space, key, check: Check::Any, write });
    }

    fn delete(&mut self, space: Space, key: Box<[u8]>) {
        self.batch.operations.push(Operation { space, key, check: Check::Any, write: Write::Delete });
    }
}
