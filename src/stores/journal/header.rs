//! Segments: their names and headers.
//!
//! | offset | bytes | field |
//! |---|---|---|
//! | 0 | 8 | magic `KIXX-LOG` |
//! | 8 | 1 | format, 1 |
//! | 9 | 1 | form of the store |
//! | 10 | 6 | zeros |
//! | 16 | 8 | segment id |
//! | 24 | 8 | salt |
//! | 32 | 8 | sequence number of the first commit |
//! | 40 | 8 | checkpoint: the files of the store were durable up to this commit |
//! | 48 | 8 | salt of the segment before, 0 if there was none |
//! | 56 | 4 | zeros |
//! | 60 | 4 | crc32c of the bytes before |
//!
//! Numbers are little-endian. Every format keeps the length, the magic, the format byte and the checksum
//! where they are.

use super::bytes::Reader;
use super::form::Form;
use crate::kv::Sequence;
use std::ffi::OsStr;
use std::hash::{BuildHasher, RandomState};
use std::time::SystemTime;

pub(super) const SEGMENT_HEADER_BYTES: usize = 64;
/// Segments are numbered from here.
pub(super) const FIRST_ID: u64 = 1;

const MAGIC: &[u8; 8] = b"KIXX-LOG";
const FORMAT: u8 = 1;
const CRC_AT: usize = 60;
/// No journal counts so far. What claims to is damaged, and must not overflow.
pub(super) const MAX_NUMBER: u64 = 1 << 62;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SegmentHeader {
    pub(super) id: u64,
    /// Of the store whose journal this is.
    pub(super) form: Form,
    /// Goes into every checksum of the segment, so that bytes of another segment never pass.
    pub(super) salt: u64,
    pub(super) first_sequence: Sequence,
    pub(super) checkpoint: Sequence,
    /// Ties the segments of one journal together.
    pub(super) previous_salt: u64,
}

/// Why bytes are not a segment header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BadHeader {
    Damaged,
    /// Whole, but of a format that this version does not know.
    UnknownFormat(u8),
}

impl SegmentHeader {
    pub(super) fn encode(&self) -> [u8; SEGMENT_HEADER_BYTES] {
        let mut bytes = [0; SEGMENT_HEADER_BYTES];
        bytes[..8].copy_from_slice(MAGIC);
        bytes[8] = FORMAT;
        bytes[9] = self.form.code();
        bytes[16..24].copy_from_slice(&self.id.to_le_bytes());
        bytes[24..32].copy_from_slice(&self.salt.to_le_bytes());
        bytes[32..40].copy_from_slice(&self.first_sequence.to_le_bytes());
        bytes[40..48].copy_from_slice(&self.checkpoint.to_le_bytes());
        bytes[48..56].copy_from_slice(&self.previous_salt.to_le_bytes());
        let crc = crc32c::crc32c(&bytes[..CRC_AT]);
        bytes[CRC_AT..].copy_from_slice(&crc.to_le_bytes());
        bytes
    }

    pub(super) fn decode(bytes: &[u8]) -> Result<Self, BadHeader> {
        Self::decode_checked(bytes).unwrap_or(Err(BadHeader::Damaged))
    }

    fn decode_checked(bytes: &[u8]) -> Option<Result<Self, BadHeader>> {
        let (checked, crc) = bytes.get(..SEGMENT_HEADER_BYTES)?.split_at(CRC_AT);
        if Reader(crc).u32()? != crc32c::crc32c(checked) {
            return None;
        }
        let mut reader = Reader(checked);
        if reader.take(MAGIC.len())? != MAGIC {
            return None;
        }
        let format = reader.u8()?;
        if format != FORMAT {
            return Some(Err(BadHeader::UnknownFormat(format)));
        }
        let form = Form::of_code(reader.u8()?);
        reader.take(6)?;
        let header = Self {
            id: reader.u64()?,
            form,
            salt: reader.u64()?,
            first_sequence: reader.u64()?,
            checkpoint: reader.u64()?,
            previous_salt: reader.u64()?,
        };
        let makes_sense = header.checkpoint < header.first_sequence
            && header.first_sequence <= MAX_NUMBER
            && header.id <= MAX_NUMBER;
        makes_sense.then_some(Ok(header))
    }
}

pub(super) fn file_name(id: u64) -> String {
    format!("journal-{id:016x}.log")
}

/// The id in the name of a segment; `None` for every other name.
pub(super) fn parse_file_name(name: &OsStr) -> Option<u64> {
    let digits = name.to_str()?.strip_prefix("journal-")?.strip_suffix(".log")?;
    let ours = digits.len() == 16 && digits.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    ours.then(|| u64::from_str_radix(digits, 16).ok()).flatten()
}

/// A salt that no other segment has, except by chance.
pub fn random_salt() -> u64 {
    RandomState::new().hash_one((SystemTime::now(), std::process::id()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: SegmentHeader = SegmentHeader {
        id: 7,
        form: Form::KEY_VALUES,
        salt: 0x0123_4567_89ab_cdef,
        first_sequence: 41,
        checkpoint: 40,
        previous_salt: 9,
    };

    #[test]
    fn comes_back_as_it_went_in_and_keeps_its_layout() {
        let bytes = HEADER.encode();
        assert_eq!(SegmentHeader::decode(&bytes), Ok(HEADER));
        assert_eq!(&bytes[..17], b"KIXX-LOG\x01\x03\0\0\0\0\0\0\x07");
        assert_eq!(&bytes[24..32], &[0xef, 0xcd, 0xab, 0x89, 0x67, 0x45, 0x23, 0x01]);
        assert_eq!((bytes[32], bytes[40], bytes[48]), (41, 40, 9));
    }

    #[test]
    fn no_damaged_header_passes() {
        let bytes = HEADER.encode();
        for at in 0..bytes.len() {
            assert_eq!(SegmentHeader::decode(&bytes[..at]), Err(BadHeader::Damaged));
            for bit in 0..8 {
                let mut damaged = bytes;
                damaged[at] ^= 1 << bit;
                assert_eq!(SegmentHeader::decode(&damaged), Err(BadHeader::Damaged), "bit {bit} of {at}");
            }
        }
        assert_eq!(SegmentHeader::decode(&[0; 64]), Err(BadHeader::Damaged));
    }

    #[test]
    fn numbers_that_would_overflow_are_damage() {
        for header in [
            SegmentHeader { id: u64::MAX, ..HEADER },
            SegmentHeader { first_sequence: u64::MAX, ..HEADER },
            SegmentHeader { first_sequence: 0, checkpoint: 0, ..HEADER },
        ] {
            assert_eq!(SegmentHeader::decode(&header.encode()), Err(BadHeader::Damaged), "{header:?}");
        }
    }

    #[test]
    fn a_newer_format_is_told_from_damage() {
        let mut bytes = HEADER.encode();
        bytes[8] = 2;
        let crc = crc32c::crc32c(&bytes[..CRC_AT]);
        bytes[CRC_AT..].copy_from_slice(&crc.to_le_bytes());
        assert_eq!(SegmentHeader::decode(&bytes), Err(BadHeader::UnknownFormat(2)));
    }

    #[test]
    fn names_carry_the_id_and_others_are_not_ours() {
        for id in [0, 1, 255, u64::MAX] {
            assert_eq!(parse_file_name(file_name(id).as_ref()), Some(id));
        }
        assert_eq!(file_name(0x1f), "journal-000000000000001f.log");
        for other in [
            "journal-1.log",
            "journal-000000000000001F.log",
            "journal-+00000000000001f.log",
            "journal-000000000000001f.log.bak",
            "lock",
        ] {
            assert_eq!(parse_file_name(other.as_ref()), None, "{other}");
        }
    }

    #[test]
    fn salts_differ() {
        assert_ne!(random_salt(), random_salt());
    }
}
