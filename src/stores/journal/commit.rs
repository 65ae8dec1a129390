//! The payload of a commit record: what a batch changed.
//!
//! Number of changes u32, then for each: kind u8 (0 delete, 1 put), space u32, length of the key u32, key;
//! for a put also version u64, length of the value u32, value. Numbers are little-endian.

use super::bytes::Reader;
use crate::kv::{Batch, Committed, Entry, Operation, Sequence, Space, Version, Write};
use crate::{Error, Result};
use std::collections::HashMap;

const DELETE: u8 = 0;
const PUT: u8 = 1;
/// A change without its key and value: kind, space and two lengths, version.
const MAX_CHANGE_OVERHEAD_BYTES: usize = 1 + 4 + 4 + 8 + 4;
const COUNT_BYTES: usize = 4;

/// A batch whose checks held: one change per operation, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Commit {
    /// Its place in the history of the store.
    pub sequence: Sequence,
    /// What it changes, in order.
    pub changes: Vec<Change>,
}

/// What a commit does to one key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// The entry is there from now on.
    Put(Space, Entry),
    /// There is no entry with this key from now on; perhaps there was none.
    Delete(Space, Box<[u8]>),
}

impl Change {
    /// Which map it changes.
    pub fn space(&self) -> Space {
        match self {
            Self::Put(space, _) | Self::Delete(space, _) => *space,
        }
    }

    /// The key that it changes.
    pub fn key(&self) -> &[u8] {
        match self {
            Self::Put(_, entry) => entry.key(),
            Self::Delete(_, key) => key,
        }
    }

    /// What it leaves.
    pub fn entry(&self) -> Option<&Entry> {
        match self {
            Self::Put(_, entry) => Some(entry),
            Self::Delete(..) => None,
        }
    }

    fn version(&self) -> Option<Version> {
        self.entry().map(Entry::version)
    }
}

impl Commit {
    /// What `batch` would change, given how to find the `current` entry of a key; `Conflict` if a check does
    /// not hold. Operations see the effects of those before them.
    pub fn prepare(
        batch: &Batch,
        sequence: Sequence,
        current: impl Fn(Space, &[u8]) -> Option<Entry>,
    ) -> Result<Self> {
        let mut changes: Vec<Change> = Vec::with_capacity(batch.operations.len());
        let mut newest: HashMap<(Space, &[u8]), usize> = HashMap::new();
        for operation in &batch.operations {
            let place = (operation.space, &*operation.key);
            let entry = match newest.get(&place) {
                Some(index) => changes[*index].apply(operation, sequence)?,
                None => operation.apply(current(place.0, place.1).as_ref(), sequence)?,
            };
            if batch.operations.len() > 1 {
                newest.insert(place, changes.len());
            }
            changes.push(match entry {
                Some(entry) => Change::Put(operation.space, entry),
                None => Change::Delete(operation.space, operation.key.clone()),
            });
        }
        Ok(Self { sequence, changes })
    }

    /// The answer to whoever committed the batch.
    pub fn committed(&self) -> Committed {
        Committed { sequence: self.sequence, versions: self.changes.iter().map(Change::version).collect() }
    }

    /// Appends the payload to `bytes`.
    pub fn encode(&self, bytes: &mut Vec<u8>) -> Result<()> {
        push_length(bytes, self.changes.len())?;
        for change in &self.changes {
            bytes.push(if change.entry().is_some() { PUT } else { DELETE });
            bytes.extend_from_slice(&change.space().0.to_le_bytes());
            push_length(bytes, change.key().len())?;
            bytes.extend_from_slice(change.key());
            if let Some(entry) = change.entry() {
                bytes.extend_from_slice(&entry.version().to_le_bytes());
                push_length(bytes, entry.value().len())?;
                bytes.extend_from_slice(entry.value());
            }
        }
        Ok(())
    }

    /// Reads the payload of the commit with this sequence number; `Corrupt` if it is not one.
    pub fn decode(sequence: Sequence, payload: &[u8]) -> Result<Self> {
        let mut reader = Reader(payload);
        decode_changes(&mut reader, sequence)
            .filter(|_| reader.0.is_empty())
            .map(|changes| Self { sequence, changes })
            .ok_or_else(|| Error::corrupt(format!("Commit {sequence} in the journal is not readable")))
    }
}

impl Change {
    fn apply(&self, operation: &Operation, sequence: Sequence) -> Result<Option<Entry>> {
        operation.apply(self.entry(), sequence)
    }
}

/// How many bytes the payload of `batch` takes at most.
pub(super) fn payload_bytes(batch: &Batch) -> usize {
    let bytes = |operation: &Operation| {
        let value = match &operation.write {
            Write::Put(value, _) => value.len(),
            Write::Delete => 0,
        };
        MAX_CHANGE_OVERHEAD_BYTES + operation.key.len() + value
    };
    COUNT_BYTES + batch.operations.iter().map(bytes).sum::<usize>()
}

fn push_length(bytes: &mut Vec<u8>, length: usize) -> Result<()> {
    let length = u32::try_from(length).map_err(|_| Error::assertion("A batch is longer than 4 GiB"))?;
    bytes.extend_from_slice(&length.to_le_bytes());
    Ok(())
}

fn decode_changes(reader: &mut Reader<'_>, sequence: Sequence) -> Option<Vec<Change>> {
    let count = reader.u32()?;
    // No capacity is reserved, since the count may be anything.
    (0..count).map(|_| decode_change(reader, sequence)).collect()
}

fn decode_change(reader: &mut Reader<'_>, sequence: Sequence) -> Option<Change> {
    let kind = reader.u8()?;
    let space = Space(reader.u32()?);
    let key = decode_bytes(reader)?;
    match kind {
        DELETE => Some(Change::Delete(space, key.into())),
        PUT => {
            let version = reader.u64()?;
            Some(Change::Put(space, Entry::new(key, decode_bytes(reader)?, version, sequence)))
        }
        _ => None,
    }
}

fn decode_bytes<'a>(reader: &mut Reader<'a>) -> Option<&'a [u8]> {
    let length = reader.u32()?;
    reader.take(length as usize)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ErrorKind;
    use crate::kv::Check;
    use proptest::prelude::*;

    fn change() -> impl Strategy<Value = Change> {
        let bytes = || proptest::collection::vec(any::<u8>(), 0..40);
        (any::<u32>(), bytes(), proptest::option::of((bytes(), any::<u64>()))).prop_map(
            |(space, key, put)| match put {
                Some((value, version)) => Change::Put(Space(space), Entry::new(&key, &value, version, 9)),
                None => Change::Delete(Space(space), key.into()),
            },
        )
    }

    fn encoded(commit: &Commit) -> Vec<u8> {
        let mut bytes = Vec::new();
        commit.encode(&mut bytes).unwrap();
        bytes
    }

    proptest! {
        #[test]
        fn comes_back_as_it_went_in(changes in proptest::collection::vec(change(), 0..20)) {
            let commit = Commit { sequence: 9, changes };
            prop_assert_eq!(Commit::decode(9, &encoded(&commit)).unwrap(), commit);
        }

        #[test]
        fn any_bytes_are_a_commit_or_an_error(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            if let Ok(commit) = Commit::decode(9, &bytes) {
                prop_assert_eq!(encoded(&commit), bytes);
            }
        }

        #[test]
        fn damaged_commits_are_a_commit_or_an_error(
            changes in proptest::collection::vec(change(), 0..20),
            at in any::<proptest::sample::Index>(),
            byte in any::<u8>(),
            cut in any::<proptest::sample::Index>(),
        ) {
            let mut bytes = encoded(&Commit { sequence: 9, changes });
            let at = at.index(bytes.len());
            bytes[at] = byte;
            let _ = Commit::decode(9, &bytes);
            let shorter = &bytes[..cut.index(bytes.len())];
            if let Ok(commit) = Commit::decode(9, shorter) {
                prop_assert_eq!(encoded(&commit), shorter);
            }
        }
    }

    #[test]
    fn the_layout_stays() {
        let commit = Commit {
            sequence: 1,
            changes: vec![
                Change::Put(Space(2), Entry::new(b"k", b"vv", 3, 1)),
                Change::Delete(Space(0), (*b"x").into()),
            ],
        };
        let expected = b"\x02\0\0\0\
            \x01\x02\0\0\0\x01\0\0\0k\x03\0\0\0\0\0\0\0\x02\0\0\0vv\
            \0\0\0\0\0\x01\0\0\0x";
        assert_eq!(encoded(&commit), expected);
    }

    #[test]
    fn operations_of_a_batch_see_each_other() {
        let put = |check| Operation::put(Space(0), b"k", check, b"new");
        let delete = Operation::delete(Space(0), b"k", Check::Any);
        let stored = Entry::new(b"k", b"old", 4, 1);
        let prepare = |operations| {
            Commit::prepare(&Batch { operations }, 2, |_, _| Some(stored.clone()))
                .map(|commit| commit.committed().versions)
        };
        let versions = prepare(vec![put(Check::Version(4)), put(Check::Version(5)), delete.clone()]).unwrap();
        assert_eq!(versions, [Some(5), Some(6), None]);
        assert_eq!(prepare(vec![delete.clone(), put(Check::Absent)]).unwrap(), [None, Some(0)]);
        let conflict = prepare(vec![delete, put(Check::Version(4))]).unwrap_err();
        assert_eq!(conflict.kind(), ErrorKind::Conflict);
    }

    #[test]
    fn the_estimate_is_never_too_low() {
        let operations = vec![
            Operation::put(Space(0), b"key", Check::Any, b"value"),
            Operation::delete(Space(0), b"other", Check::Any),
        ];
        let batch = Batch { operations };
        let commit = Commit::prepare(&batch, 1, |_, _| None).unwrap();
        assert!(encoded(&commit).len() <= payload_bytes(&batch));
    }
}
