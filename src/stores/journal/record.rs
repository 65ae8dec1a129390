//! Records: what a segment holds after its header.
//!
//! | offset | bytes | field |
//! |---|---|---|
//! | 0 | 4 | length of the payload |
//! | 4 | 4 | crc32c of the payload |
//! | 8 | 8 | sequence number |
//! | 16 | 8 | synced: all bytes of the segment before this offset were durable when the record was written |
//! | 24 | 1 | format, 1 |
//! | 25 | 1 | kind: 1 commit, 2 checkpoint |
//! | 26 | 2 | flags, 0 |
//! | 28 | 4 | crc32c of the header before |
//! | 32 | | payload, then zeros up to the next multiple of 8 |
//!
//! Both checksums begin with the salt of the segment and the offset of the record, so that bytes of another
//! segment or another place never pass. A commit's sequence number is one more than the last commit's; a
//! checkpoint's is that of the last commit that it covers.

use super::MAX_PAYLOAD_BYTES;
use super::bytes::Reader;
use super::header::MAX_NUMBER;
use crate::kv::Sequence;
use crate::{Error, Result};

pub(super) const RECORD_HEADER_BYTES: usize = 32;
/// Records begin at multiples of this.
pub(super) const ALIGNMENT: usize = 8;

const FORMAT: u8 = 1;
const CRC_AT: usize = 28;
/// Memory that a buffer may keep between groups.
const MAX_KEPT_BYTES: usize = 8 << 20;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Commit = 1,
    Checkpoint = 2,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct RecordHeader {
    pub(super) payload_length: u32,
    pub(super) payload_crc: u32,
    pub(super) sequence: Sequence,
    pub(super) synced: u64,
    pub(super) kind: Kind,
}

/// Why bytes are not a record header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BadRecord {
    Damaged,
    /// Whole, but of a format or kind that this version does not know.
    Unknown,
}

/// Where records are written.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    pub(super) salt: u64,
    pub(super) offset: u64,
    pub(super) synced: u64,
}

/// What the checksums of the record at `offset` begin with.
pub(super) fn seed(salt: u64, offset: u64) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c(&salt.to_le_bytes()), &offset.to_le_bytes())
}

/// How many bytes a record with such a payload takes.
pub(super) const fn stored_bytes(payload_length: usize) -> usize {
    (RECORD_HEADER_BYTES + payload_length).next_multiple_of(ALIGNMENT)
}

impl RecordHeader {
    pub(super) fn decode(bytes: &[u8], seed: u32) -> Result<Self, BadRecord> {
        Self::decode_checked(bytes, seed).unwrap_or(Err(BadRecord::Damaged))
    }

    fn decode_checked(bytes: &[u8], seed: u32) -> Option<Result<Self, BadRecord>> {
        let (checked, crc) = bytes.get(..RECORD_HEADER_BYTES)?.split_at(CRC_AT);
        if Reader(crc).u32()? != crc32c::crc32c_append(seed, checked) {
            return None;
        }
        let mut reader = Reader(checked);
        let (payload_length, payload_crc) = (reader.u32()?, reader.u32()?);
        let (sequence, synced) = (reader.u64()?, reader.u64()?);
        if sequence > MAX_NUMBER {
            return None;
        }
        let kind = match (reader.u8()?, reader.u8()?, reader.u16()?) {
            (FORMAT, 1, 0) => Kind::Commit,
            (FORMAT, 2, 0) => Kind::Checkpoint,
            _ => return Some(Err(BadRecord::Unknown)),
        };
        Some(Ok(Self { payload_length, payload_crc, sequence, synced, kind }))
    }
}

/// Records that are written together. The buffers are used again after [`Records::clear`].
#[derive(Debug, Default)]
pub struct Records {
    /// The records as they will be stored, except for their headers, which are zeros until they have a place.
    bytes: Vec<u8>,
    /// Where each begins, and the length of its payload.
    places: Vec<(usize, usize)>,
    content: Content,
}

/// What commits do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Content {
    /// Anything.
    #[default]
    Any,
    /// Nothing but remove: they may go on when there is hardly any space.
    Removals,
}

impl Records {
    /// Adds a record with what `write` appends to the buffer. After an error the record is not there.
    pub fn push(&mut self, write: impl FnOnce(&mut Vec<u8>) -> Result<()>) -> Result<()> {
        let start = self.bytes.len();
        self.bytes.resize(start + RECORD_HEADER_BYTES, 0);
        let payload = self.bytes.len();
        let result = write(&mut self.bytes).and_then(|()| match self.bytes.len() - payload {
            length if length <= MAX_PAYLOAD_BYTES => Ok(length),
            _ => Err(Error::assertion(format!("A batch may be {MAX_PAYLOAD_BYTES} bytes long at most"))),
        });
        match result {
            Ok(length) => {
                self.bytes.resize(start + stored_bytes(length), 0);
                self.places.push((start, length));
                Ok(())
            }
            Err(error) => {
                self.bytes.truncate(start);
                Err(error)
            }
        }
    }

    /// How many records there are.
    pub fn count(&self) -> usize {
        self.places.len()
    }

    /// Forgets all records.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.bytes.shrink_to(MAX_KEPT_BYTES);
        self.places.clear();
        self.content = Content::Any;
    }

    /// Says what the records do.
    pub(super) fn set_content(&mut self, content: Content) {
        self.content = content;
    }

    pub(super) fn content(&self) -> Content {
        self.content
    }

    /// How many bytes the records take.
    pub(super) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Fills in the headers. Commits count up from `sequence`.
    pub(super) fn seal(&mut self, kind: Kind, sequence: Sequence, place: Place) {
        for ((start, length), sequence) in self.places.iter().copied().zip(sequence..) {
            let (header, rest) = self.bytes[start..].split_at_mut(RECORD_HEADER_BYTES);
            let seed = seed(place.salt, place.offset + start as u64);
            #[expect(clippy::cast_possible_truncation, reason = "`push` keeps lengths below 1 GiB")]
            header[..4].copy_from_slice(&(length as u32).to_le_bytes());
            header[4..8].copy_from_slice(&crc32c::crc32c_append(seed, &rest[..length]).to_le_bytes());
            header[8..16].copy_from_slice(&sequence.to_le_bytes());
            header[16..24].copy_from_slice(&place.synced.to_le_bytes());
            header[24..CRC_AT].copy_from_slice(&[FORMAT, kind as u8, 0, 0]);
            let crc = crc32c::crc32c_append(seed, &header[..CRC_AT]);
            header[CRC_AT..].copy_from_slice(&crc.to_le_bytes());
        }
    }

    /// Lends the sealed bytes, with zeros behind them up to `length`.
    pub(super) fn extended<T>(&mut self, length: usize, lend: impl FnOnce(&[u8]) -> T) -> T {
        let stored = self.bytes.len();
        self.bytes.resize(length.max(stored), 0);
        let result = lend(&self.bytes);
        self.bytes.truncate(stored);
        result
    }

    /// The sealed bytes.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLACE: Place = Place { salt: 77, offset: 64, synced: 64 };

    fn sealed(payloads: &[&[u8]], place: Place) -> Records {
        let mut records = Records::default();
        for payload in payloads {
            records
                .push(|bytes| {
                    bytes.extend_from_slice(payload);
                    Ok(())
                })
                .unwrap();
        }
        records.seal(Kind::Commit, 5, place);
        records
    }

    #[test]
    fn headers_come_back_as_they_went_in() {
        let records = sealed(&[b"first", b"", b"12345678"], PLACE);
        let mut at = 0;
        for (sequence, payload) in (5..).zip([&b"first"[..], b"", b"12345678"]) {
            let seed = seed(PLACE.salt, PLACE.offset + at as u64);
            let header = RecordHeader::decode(&records.bytes()[at..], seed).unwrap();
            assert_eq!(header.payload_length as usize, payload.len());
            assert_eq!(header.payload_crc, crc32c::crc32c_append(seed, payload));
            assert_eq!((header.sequence, header.synced, header.kind), (sequence, 64, Kind::Commit));
            at += stored_bytes(payload.len());
        }
        assert_eq!((at, at % ALIGNMENT), (records.len(), 0));
    }

    #[test]
    fn bytes_of_another_segment_or_place_do_not_pass() {
        let records = sealed(&[b"payload"], PLACE);
        for other in [seed(78, 64), seed(77, 72), seed(0, 0)] {
            assert_eq!(RecordHeader::decode(records.bytes(), other), Err(BadRecord::Damaged));
        }
    }

    #[test]
    fn no_damaged_header_passes() {
        let records = sealed(&[b"payload"], PLACE);
        let header = &records.bytes()[..RECORD_HEADER_BYTES];
        for at in 0..header.len() {
            for bit in 0..8 {
                let mut damaged = header.to_vec();
                damaged[at] ^= 1 << bit;
                assert_eq!(RecordHeader::decode(&damaged, seed(77, 64)), Err(BadRecord::Damaged));
            }
        }
        assert_eq!(RecordHeader::decode(&[0; 32], seed(77, 64)), Err(BadRecord::Damaged));
    }

    #[test]
    fn a_payload_that_fails_leaves_nothing() {
        let mut records = sealed(&[b"first"], PLACE);
        let before = records.len();
        let failed = records.push(|bytes| {
            bytes.extend_from_slice(b"half");
            Err(Error::closed())
        });
        assert!(failed.is_err());
        assert_eq!((records.len(), records.count()), (before, 1));
    }
}
