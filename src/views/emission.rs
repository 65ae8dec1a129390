//! What a view knows about a document: which rows it has.

use super::row::length;
use crate::json::{JsonError, collate_into};
use crate::{Error, Result};

const ROWS: u8 = 0;
const FAILED: u8 = 1;

/// The collated keys of a document's rows in the order of emission, or that mapping the document failed.
///
/// Layout: [`ROWS`] or [`FAILED`], then each collated key with its length u32 little-endian before it. A
/// document without rows has no entry at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Emission<'a> {
    bytes: &'a [u8],
}

impl<'a> Emission<'a> {
    /// No rows, no failure.
    pub(super) const NOTHING: Self = Self { bytes: &[ROWS] };
    pub(super) const FAILURE: Self = Self { bytes: &[FAILED] };

    pub(super) fn read(bytes: &'a [u8]) -> Result<Self> {
        let emission = Self { bytes };
        let length_bytes: usize = emission.collated_keys().map(|key| 4 + key.len()).sum();
        match bytes.first() {
            Some(&(ROWS | FAILED)) if 1 + length_bytes == bytes.len() => Ok(emission),
            _ => Err(Error::corrupt("The index of a view is damaged")),
        }
    }

    pub(super) fn bytes(self) -> &'a [u8] {
        self.bytes
    }

    pub(super) fn is_failure(self) -> bool {
        self.bytes.first() == Some(&FAILED)
    }

    pub(super) fn collated_keys(self) -> impl Iterator<Item = &'a [u8]> {
        let mut rest = self.bytes.get(1..).unwrap_or_default();
        std::iter::from_fn(move || {
            let (length, behind) = rest.split_first_chunk::<4>()?;
            let (key, behind) = behind.split_at_checked(u32::from_le_bytes(*length) as usize)?;
            rest = behind;
            Some(key)
        })
    }
}

/// Writes emissions, one after the other, in one piece of memory.
#[derive(Debug, Default)]
pub(super) struct EmissionWriter {
    bytes: Vec<u8>,
}

impl EmissionWriter {
    /// Begins an emission with no rows.
    pub(super) fn begin(&mut self) {
        self.bytes.clear();
        self.bytes.push(ROWS);
    }

    /// Adds a row and answers with its collated key.
    pub(super) fn push(&mut self, key_text: &str) -> Result<&[u8], JsonError> {
        let start = self.bytes.len() + 4;
        self.bytes.extend_from_slice(&[0; 4]);
        collate_into(&mut self.bytes, key_text)?;
        let collated_length = length(self.bytes.len() - start);
        self.bytes[start - 4..start].copy_from_slice(&collated_length.to_le_bytes());
        Ok(&self.bytes[start..])
    }

    pub(super) fn emission(&self) -> Emission<'_> {
        Emission { bytes: &self.bytes }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::collate;
    use proptest::prelude::*;

    #[test]
    fn an_emission_comes_back() {
        let mut writer = EmissionWriter::default();
        for keys in [&[][..], &["1"], &["[1,\"a\"]", "null", "null"], &["2"]] {
            writer.begin();
            for key in keys {
                assert_eq!(writer.push(key).unwrap(), collate(key).unwrap());
            }
            let emission = Emission::read(writer.emission().bytes()).unwrap();
            let expected: Vec<_> = keys.iter().map(|key| collate(key).unwrap()).collect();
            assert_eq!(emission.collated_keys().collect::<Vec<_>>(), expected);
            assert_eq!((emission.is_failure(), emission == Emission::NOTHING), (false, keys.is_empty()));
        }
        assert!(Emission::read(Emission::FAILURE.bytes()).unwrap().is_failure());
    }

    proptest! {
        #[test]
        fn damage_is_an_error(bytes in proptest::collection::vec(0..6_u8, 0..24)) {
            if let Ok(emission) = Emission::read(&bytes) {
                let keys: usize = emission.collated_keys().map(|key| key.len() + 4).sum();
                prop_assert_eq!(keys + 1, bytes.len());
            }
        }
    }
}
