//! Rows as entries of a store.
//!
//! Key: the collated view key, the document's key with its end marked, the number of the emission u32
//! big-endian. So rows sort by view key, then by document, then in the order of emission.
//! Value: length of the collated key u32, sequence of the document u64, length of the key's text u32 (all
//! little-endian), the key's text, the value's text (empty when there is none).

use super::mapped::EmittedRow;
use crate::json::{push_terminated, read_terminated};
use crate::kv::{Entry, Sequence};
use crate::{Error, Result};
use std::borrow::Cow;

const HEADER_BYTES: usize = 16;
const ORDINAL_BYTES: usize = 4;

/// A row of a view.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    entry: Entry,
    collated_length: usize,
    key_length: usize,
}

impl Row {
    /// Reads a row, or says that it is damaged.
    pub fn read(entry: Entry) -> Result<Self> {
        let damaged = || Error::corrupt("A row of a view is damaged");
        let (header, texts) = entry.value().split_first_chunk::<HEADER_BYTES>().ok_or_else(damaged)?;
        let length =
            |at| u32::from_le_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]]) as usize;
        let (collated_length, key_length) = (length(0), length(12));
        if key_length > texts.len() || document_key(entry.key(), collated_length).is_none() {
            return Err(damaged());
        }
        Ok(Self { entry, collated_length, key_length })
    }

    /// The JSON text of the view key.
    pub fn key_text(&self) -> &[u8] {
        &self.texts()[..self.key_length]
    }

    /// The JSON text of the value; `None` when none was emitted.
    pub fn value_text(&self) -> Option<&[u8]> {
        let text = &self.texts()[self.key_length..];
        (!text.is_empty()).then_some(text)
    }

    /// The stored key of the document that emitted the row.
    pub fn document_key(&self) -> Cow<'_, [u8]> {
        document_key(self.entry.key(), self.collated_length).unwrap_or_default()
    }

    /// The commit that wrote the document which emitted the row.
    pub fn document_sequence(&self) -> Sequence {
        let mut number = [0; 8];
        number.copy_from_slice(&self.entry.value()[4..12]);
        Sequence::from_le_bytes(number)
    }

    fn texts(&self) -> &[u8] {
        &self.entry.value()[HEADER_BYTES..]
    }
}

/// The document's part of the key of a row.
fn document_key(row_key: &[u8], collated_length: usize) -> Option<Cow<'_, [u8]>> {
    let end = row_key.len().checked_sub(ORDINAL_BYTES)?;
    read_terminated(row_key.get(collated_length..end)?)
}

/// Appends the key of a row.
pub(super) fn push_row_key(out: &mut Vec<u8>, collated: &[u8], document_key: &[u8], ordinal: u32) {
    out.extend_from_slice(collated);
    push_terminated(out, document_key);
    out.extend_from_slice(&ordinal.to_be_bytes());
}

/// Appends the value of a row.
pub(super) fn push_row_value(out: &mut Vec<u8>, collated: &[u8], document: &Entry, row: &EmittedRow<'_>) {
    out.extend_from_slice(&length(collated.len()).to_le_bytes());
    out.extend_from_slice(&document.sequence().to_le_bytes());
    out.extend_from_slice(&length(row.key.len()).to_le_bytes());
    out.extend_from_slice(row.key.as_bytes());
    out.extend_from_slice(row.value.unwrap_or_default().as_bytes());
}

#[expect(clippy::cast_possible_truncation, reason = "values are limited to 512 MiB")]
pub(super) fn length(bytes: usize) -> u32 {
    bytes as u32
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn few_bytes() -> impl Strategy<Value = Vec<u8>> {
        proptest::collection::vec(prop_oneof![0..3_u8, any::<u8>()], 0..6)
    }

    proptest! {
        #[test]
        fn a_row_comes_back(
            collated in few_bytes(), document_key in few_bytes(), ordinal: u32, sequence: u64,
            key_text in ".{1,9}", value_text in proptest::option::of(".{1,9}"),
        ) {
            let document = Entry::new(&document_key, b"{}", 3, sequence);
            let (mut key, mut value) = (Vec::new(), Vec::new());
            push_row_key(&mut key, &collated, &document_key, ordinal);
            let emitted = EmittedRow { key: &key_text, value: value_text.as_deref() };
            push_row_value(&mut value, &collated, &document, &emitted);
            let row = Row::read(Entry::new(&key, &value, 0, 1)).unwrap();
            prop_assert_eq!(row.key_text(), key_text.as_bytes());
            prop_assert_eq!(row.value_text(), value_text.as_ref().map(String::as_bytes));
            prop_assert_eq!(&*row.document_key(), &document_key[..]);
            prop_assert_eq!(row.document_sequence(), sequence);
        }

        #[test]
        fn damage_is_an_error(key in few_bytes(), value in proptest::collection::vec(0..9_u8, 0..24)) {
            if let Ok(row) = Row::read(Entry::new(&key, &value, 0, 1)) {
                let _ = (row.key_text(), row.value_text(), row.document_key(), row.document_sequence());
            }
        }
    }
}
