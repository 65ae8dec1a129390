//! The payload of a commit record: what a batch changed.
//!
//! Number of changes u32, then for each: kind u8 (0 delete, 1 put), space u32, length of the key u32, key;
//! for a put also version u64, length of the value u32, value. Numbers are little-endian.

use super::bytes::Reader;
use crate::kv::{Batch, Change, Entry, Operation, Sequence, Space};
use crate::{Error, Result};

const DELETE: u8 = 0;
const PUT: u8 = 1;
/// A change without its key and value: kind, space and two lengths, version.
const MAX_CHANGE_OVERHEAD_BYTES: usize = 1 + 4 + 4 + 8 + 4;
const COUNT_BYTES: usize = 4;

/// Appends the payload for these changes to `bytes`.
pub fn encode_commit(bytes: &mut Vec<u8>, changes: &[Change]) -> Result<()> {
    push_length(bytes, changes.len())?;
    for Change { space, key, entry } in changes {
        bytes.push(if entry.is_some() { PUT } else { DELETE });
        bytes.extend_from_slice(&space.0.to_le_bytes());
        push_length(bytes, key.len())?;
        bytes.extend_from_slice(key);
        if let Some(entry) = entry {
            bytes.extend_from_slice(&entry.version().to_le_bytes());
            push_length(bytes, entry.value().len())?;
            bytes.extend_from_slice(entry.value());
        }
    }
    Ok(())
}

/// Reads the payload of the commit with this sequence number; `Corrupt` if it is not one.
pub fn decode_commit(sequence: Sequence, payload: &[u8]) -> Result<Vec<Change>> {
    let mut reader = Reader(payload);
    decode_changes(&mut reader, sequence)
        .filter(|_| reader.0.is_empty())
        .ok_or_else(|| Error::corrupt(format!("Commit {sequence} in the journal is not readable")))
}

/// How many bytes the payload of `batch` takes at most.
pub(super) fn payload_bytes(batch: &Batch) -> usize {
    let bytes = |operation: &Operation| operation.key().len() + operation.value().len();
    let operations = batch.operations.iter();
    COUNT_BYTES + operations.map(|operation| MAX_CHANGE_OVERHEAD_BYTES + bytes(operation)).sum::<usize>()
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
    let entry = match kind {
        DELETE => None,
        PUT => {
            let version = reader.u64()?;
            Some(Entry::new(key, decode_bytes(reader)?, version, sequence))
        }
        _ => return None,
    };
    Some(Change { space, key: key.into(), entry })
}

fn decode_bytes<'a>(reader: &mut Reader<'a>) -> Option<&'a [u8]> {
    let length = reader.u32()?;
    reader.take(length as usize)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kv::{Check, prepare};
    use proptest::prelude::*;

    fn change() -> impl Strategy<Value = Change> {
        let bytes = || proptest::collection::vec(any::<u8>(), 0..40);
        (any::<u32>(), bytes(), proptest::option::of((bytes(), any::<u64>()))).prop_map(
            |(space, key, put)| {
                let entry = put.map(|(value, version)| Entry::new(&key, &value, version, 9));
                Change { space: Space(space), key: key.into(), entry }
            },
        )
    }

    fn encoded(changes: &[Change]) -> Vec<u8> {
        let mut bytes = Vec::new();
        encode_commit(&mut bytes, changes).unwrap();
        bytes
    }

    proptest! {
        #[test]
        fn comes_back_as_it_went_in(changes in proptest::collection::vec(change(), 0..20)) {
            prop_assert_eq!(decode_commit(9, &encoded(&changes)).unwrap(), changes);
        }

        #[test]
        fn any_bytes_are_a_commit_or_an_error(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            if let Ok(commit) = decode_commit(9, &bytes) {
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
            let mut bytes = encoded(&changes);
            let at = at.index(bytes.len());
            bytes[at] = byte;
            let _ = decode_commit(9, &bytes);
            let shorter = &bytes[..cut.index(bytes.len())];
            if let Ok(commit) = decode_commit(9, shorter) {
                prop_assert_eq!(encoded(&commit), shorter);
            }
        }
    }

    #[test]
    fn the_layout_stays() {
        let changes = [
            Change { space: Space(2), key: (*b"k").into(), entry: Some(Entry::new(b"k", b"vv", 3, 1)) },
            Change { space: Space(0), key: (*b"x").into(), entry: None },
        ];
        let expected = b"\x02\0\0\0\
            \x01\x02\0\0\0\x01\0\0\0k\x03\0\0\0\0\0\0\0\x02\0\0\0vv\
            \0\0\0\0\0\x01\0\0\0x";
        assert_eq!(encoded(&changes), expected);
    }

    #[test]
    fn the_estimate_is_never_too_low() {
        let operations = vec![
            Operation::put(Space(0), b"key", Check::Any, b"value"),
            Operation::delete(Space(0), b"other", Check::Any),
        ];
        let mut batch = Batch { operations };
        let prepared = prepare(&mut batch, 1, |_, _| Ok(None)).unwrap();
        assert!(encoded(&prepared.changes).len() <= payload_bytes(&batch));
    }
}
