//! The changes that replace a document's rows. Nothing is written here.

use super::failures::FailureChange;
use super::index::ViewSpaces;
use super::mapped::{EmittedRow, MappedDocument};
use super::row::{Emission, row_key, row_value};
use crate::json::collate;
use crate::kv::{Batch, Check, Entry, Operation, Versioning, Write};

/// What to commit, and what to do with the failures once that is done.
#[derive(Debug, Default)]
pub(super) struct Changes {
    pub(super) batch: Batch,
    pub(super) failures: Vec<FailureChange>,
}

/// Where the rows go, and what fits there.
#[derive(Clone, Copy, Debug)]
pub(super) struct Target {
    pub(super) spaces: ViewSpaces,
    pub(super) max_key_bytes: usize,
}

impl Changes {
    /// Puts the rows that `mapped` says in place of those of `old`.
    pub(super) fn replace(&mut self, target: Target, document: &Entry, old: &Emission, mapped: &MappedDocument<'_>) {
        let first = self.batch.operations.len();
        let outcome = match mapped {
            MappedDocument::Failed(message) => Err(message.clone()),
            MappedDocument::Rows(rows) => self.put_rows(target, document, rows),
        };
        let (new, message) = match outcome {
            Ok(collated_keys) => (Emission { failed: false, collated_keys }, None),
            Err(message) => {
                self.batch.operations.truncate(first);
                (Emission { failed: true, collated_keys: Vec::new() }, Some(message))
            }
        };
        self.finish(target, document.key(), old, &new, message);
    }

    /// Removes the rows of a document that is gone.
    pub(super) fn remove(&mut self, target: Target, document_key: &[u8], old: &Emission) {
        self.finish(target, document_key, old, &Emission::default(), None);
    }

    fn put_rows(
        &mut self,
        target: Target,
        document: &Entry,
        rows: &[EmittedRow<'_>],
    ) -> Result<Vec<Box<[u8]>>, String> {
        let mut collated_keys = Vec::with_capacity(rows.len());
        for (ordinal, row) in (0..).zip(rows) {
            let collated = collate(row.key).map_err(|error| error.to_string())?;
            let key = row_key(&collated, document.key(), ordinal);
            if key.len() > target.max_key_bytes {
                return Err(format!(
                    "an emitted key takes {} bytes in the index, the limit is {}",
                    key.len(),
                    target.max_key_bytes
                ));
            }
            let value = row_value(&collated, document, row.key, row.value);
            self.put(target.spaces.rows, key, value);
            collated_keys.push(collated.into());
        }
        Ok(collated_keys)
    }

    /// Deletes the old rows that no new one overwrites, and remembers what is there now.
    fn finish(
        &mut self,
        target: Target,
        document_key: &[u8],
        old: &Emission,
        new: &Emission,
        message: Option<String>,
    ) {
        for (ordinal, collated) in (0..).zip(&old.collated_keys) {
            if new.collated_keys.get(ordinal as usize) != Some(collated) {
                let key = row_key(collated, document_key, ordinal);
                self.delete(target.spaces.rows, key);
            }
        }
        if old.failed {
            self.failures.push(FailureChange::Remove(document_key.into()));
        }
        if let Some(message) = message {
            self.failures.push(FailureChange::Add(document_key.into(), message));
        }
        if !new.is_empty() {
            self.put(target.spaces.documents, document_key.into(), new.to_bytes());
        } else if !old.is_empty() {
            self.delete(target.spaces.documents, document_key.into());
        }
    }

    fn put(&mut self, space: crate::kv::Space, key: Box<[u8]>, value: Box<[u8]>) {
        let write = Write::Put(value, Versioning::Next);
        self.batch.operations.push(Operation { space, key, check: Check::Any, write });
    }

    fn delete(&mut self, space: crate::kv::Space, key: Box<[u8]>) {
        self.batch.operations.push(Operation { space, key, check: Check::Any, write: Write::Delete });
    }
}
