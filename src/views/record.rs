//! What a view is that outlives its process, and how far it has come.
//!
//! A record lies in the store of the rows and is written in one batch with them. It is also the lock: a batch
//! goes through only if nobody else has moved the record since it was read.

use super::failures::Failures;
use super::index::ViewSpaces;
use crate::kv::{
    Batch, Check, Committed, Entry, KeyRange, Operation, Read, Scan, Sequence, Space, Store, block_on,
};
use crate::{Error, ErrorKind, Result};
use serde_json::{Value, json};
use std::ops::Bound;

/// Where the records lie.
const RECORDS: Space = Space::OF_DERIVED;
/// What tells which spaces are free. Sorts before all records.
const COUNTER: &[u8] = b"";
const FIRST_FREE_SPACE: u32 = Space::FIRST_DERIVED.0;
/// How many rows of a view that nobody wants any more are removed in one batch.
const ROWS_PER_REMOVAL: u64 = 1_000;

/// A view by its id, and what tells its map function from others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ViewName {
    /// The id.
    pub id: String,
    /// Two map functions with the same signature emit the same rows.
    pub signature: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Record {
    key: Box<[u8]>,
    /// The commit that wrote it, with the newest rows.
    pub(super) sequence: Sequence,
    pub(super) spaces: ViewSpaces,
    /// The rows show this commit; none before they were complete for the first time.
    pub(super) through: Option<Sequence>,
    /// Whether some rows are newer than that.
    pub(super) is_partial: bool,
    /// The documents that have no rows since mapping them failed.
    pub(super) failures: Failures,
}

impl Record {
    /// The record of a view; a new one, if there is none.
    pub(super) fn find_or_make(store: &dyn Store, name: &ViewName) -> Result<Self> {
        loop {
            if let Some(entry) = store.get(RECORDS, &key(name)).wait()? {
                return Self::read(&entry);
            }
            match Self::make(store, name) {
                // Somebody else has made one, perhaps this.
                Err(error) if error.kind() == ErrorKind::Conflict => {}
                made => return made,
            }
        }
    }

    /// Whether nobody has moved it, as far as `read` shows.
    pub(super) async fn is_current(&self, read: &dyn Read) -> Result<bool> {
        let entry = read.get(RECORDS, &self.key).await?;
        Ok(entry.is_some_and(|entry| entry.sequence() == self.sequence))
    }

    /// `Conflict` if somebody else has moved it.
    pub(super) fn assert_current(&self, read: &dyn Read) -> Result<()> {
        if block_on(self.is_current(read))? {
            return Ok(());
        }
        Err(Error::new(ErrorKind::Conflict, "Somebody else works on the rows of the view"))
    }

    fn make(store: &dyn Store, name: &ViewName) -> Result<Self> {
        let counter = store.get(RECORDS, COUNTER).wait()?;
        let free = match &counter {
            None => behind_all(store)?,
            Some(counter) => number(&parse(counter)?, "free")?,
        };
        let check = counter.map_or(Check::Absent, |counter| Check::Unchanged(counter.sequence()));
        let spaces = ViewSpaces { rows: Space(free), documents: Space(free + 1) };
        let mut record = Self {
            key: key(name),
            sequence: 0,
            spaces,
            through: None,
            is_partial: false,
            failures: Failures::default(),
        };
        let operations = vec![
            put(COUNTER, check, &json!({ "free": free + 2 })),
            put(&record.key, Check::Absent, &record.value()),
        ];
        record.sequence = store.commit(Batch { operations }).wait()?.sequence;
        Ok(record)
    }

    /// Commits `batch` together with what it makes of the record. `Conflict` if somebody else has moved it.
    pub(super) fn commit(
        &mut self,
        store: &dyn Store,
        mut batch: Batch,
        change: impl FnOnce(&mut Self),
    ) -> Result<()> {
        let mut next = self.clone();
        change(&mut next);
        batch.operations.push(put(&self.key, Check::Unchanged(self.sequence), &next.value()));
        let Committed { sequence, .. } = store.commit(batch).wait()?;
        *self = Self { sequence, ..next };
        Ok(())
    }

    fn value(&self) -> Value {
        json!({
            "rows": self.spaces.rows.0,
            "documents": self.spaces.documents.0,
            "through": self.through,
            "partial": self.is_partial,
            "failures": self.failures.to_json(),
        })
    }

    fn read(entry: &Entry) -> Result<Self> {
        let value = parse(entry)?;
        let spaces = ViewSpaces {
            rows: Space(number(&value, "rows")?),
            documents: Space(number(&value, "documents")?),
        };
        let is_partial = value.get("partial") == Some(&Value::Bool(true));
        let through = value.get("through").and_then(Value::as_u64);
        let failures = value.get("failures").and_then(Failures::from_json).unwrap_or_default();
        Ok(Self {
            key: entry.key().into(),
            sequence: entry.sequence(),
            spaces,
            through,
            is_partial,
            failures,
        })
    }
}

/// What is free where that is not noted: at first, or if the note was lost.
fn behind_all(store: &dyn Store) -> Result<u32> {
    let mut free = FIRST_FREE_SPACE;
    for entry in store.range(RECORDS, &Scan::all(KeyRange::ALL)).wait()? {
        free = free.max(Record::read(&entry)?.spaces.documents.0 + 1);
    }
    Ok(free)
}

/// Removes the rows that other map functions of the view `name` have left; all of them, if there is no
/// `signature` to keep. Whoever still works on them begins anew.
pub fn remove_others(store: &dyn Store, id: &str, signature: Option<&str>) -> Result<()> {
    let kept =
        signature.map(|signature| key(&ViewName { id: id.to_owned(), signature: signature.to_owned() }));
    for entry in store.range(RECORDS, &Scan::all(all_of(id))).wait()? {
        if kept.as_deref() != Some(entry.key()) {
            remove(store, Record::read(&entry)?)?;
        }
    }
    Ok(())
}

fn remove(store: &dyn Store, record: Record) -> Result<()> {
    match empty(store, record) {
        // Somebody else is at it.
        Err(error) if error.kind() == ErrorKind::Conflict => Ok(()),
        result => result,
    }
}

/// Every batch moves the record: rows that somebody works on again must not go.
fn empty(store: &dyn Store, mut record: Record) -> Result<()> {
    record.commit(store, Batch::default(), |record| {
        (record.through, record.is_partial, record.failures) = (None, true, Failures::default());
    })?;
    for space in [record.spaces.rows, record.spaces.documents] {
        loop {
            let scan = Scan { limit: ROWS_PER_REMOVAL, ..Scan::all(KeyRange::ALL) };
            let rows = store.range(space, &scan).wait()?;
            if rows.is_empty() {
                break;
            }
            let delete = |row: &Entry| Operation::delete(space, row.key(), Check::Any);
            let batch = Batch { operations: rows.iter().map(delete).collect() };
            record.commit(store, batch, |_| {})?;
        }
    }
    let gone = Operation::delete(RECORDS, &record.key, Check::Unchanged(record.sequence));
    store.commit(Batch::of(gone)).wait().map(drop)
}

/// Id and signature as JSON text: no id is the beginning of another one.
fn key(name: &ViewName) -> Box<[u8]> {
    json!([name.id, name.signature]).to_string().into_bytes().into()
}

/// The keys of all records of an id.
fn all_of(id: &str) -> KeyRange {
    let mut first = json!([id]).to_string().into_bytes();
    first.pop();
    first.push(b',');
    let mut end = first.clone();
    end.pop();
    end.push(b',' + 1);
    KeyRange { lower: Bound::Included(first.into()), upper: Bound::Excluded(end.into()) }
}

fn put(key: &[u8], check: Check, value: &Value) -> Operation {
    Operation::put_exact(RECORDS, key, check, value.to_string().as_bytes(), 0)
}

fn parse(entry: &Entry) -> Result<Value> {
    serde_json::from_slice(entry.value()).map_err(|_| damaged())
}

fn number(value: &Value, name: &str) -> Result<u32> {
    value.get(name).and_then(Value::as_u64).and_then(|number| u32::try_from(number).ok()).ok_or_else(damaged)
}

fn damaged() -> Error {
    Error::corrupt("The record of a view is damaged. Delete the view, and register it again")
}
