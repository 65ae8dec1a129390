//! Reading the records of one segment from its bytes, and telling a torn tail from damage.

use super::bytes::is_zero;
use super::header::{SEGMENT_HEADER_BYTES, SegmentHeader};
use super::record::{ALIGNMENT, BadRecord, Kind, RECORD_HEADER_BYTES, RecordHeader, seed, stored_bytes};
use crate::kv::Sequence;

/// What a segment holds.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Scan<'a> {
    /// The commits in order: sequence number and payload.
    pub(super) commits: Vec<(Sequence, &'a [u8])>,
    /// The highest checkpoint of a record, or else of the segment's header.
    pub(super) checkpoint: Sequence,
    /// Everything before this offset was durable when the last record was written.
    pub(super) synced: usize,
    /// Where the good records end.
    pub(super) length: usize,
    /// What comes behind them.
    pub(super) end: End,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum End {
    /// Nothing, or zeros.
    Clean,
    /// Writes that a crash cut off; nothing behind the good records was ever durable.
    Torn,
    /// Damage to what was once durable.
    Corrupt(&'static str),
    /// What only a newer version understands.
    Newer,
}

/// Reads the records of a segment whose header is `header`; nothing behind the commit `through`, where others
/// may be writing.
pub(super) fn scan<'a>(bytes: &'a [u8], header: &SegmentHeader, through: Sequence) -> Scan<'a> {
    let mut scan = Scan {
        commits: Vec::new(),
        checkpoint: header.checkpoint,
        synced: SEGMENT_HEADER_BYTES,
        length: SEGMENT_HEADER_BYTES,
        end: End::Clean,
    };
    let mut last = header.first_sequence - 1;
    while last < through {
        let record = match read_record(&bytes[scan.length..], scan.length as u64, header.salt) {
            Ok(record) => record,
            Err(bad) => {
                scan.end = judge(bytes, scan.length, header.salt, bad);
                return scan;
            }
        };
        match record.header.kind {
            Kind::Commit if record.header.sequence == last.wrapping_add(1) => {
                last = record.header.sequence;
                scan.commits.push((last, record.payload));
            }
            Kind::Checkpoint if record.header.sequence <= last => {
                scan.checkpoint = scan.checkpoint.max(record.header.sequence);
            }
            _ => {
                scan.end = End::Corrupt("its sequence number does not follow");
                return scan;
            }
        }
        scan.synced = scan.synced.max(usize::try_from(record.header.synced).unwrap_or(usize::MAX));
        // The zeros behind the last payload may be cut off.
        scan.length = bytes.len().min(scan.length + stored_bytes(record.payload.len()));
        scan.synced = scan.synced.min(scan.length);
    }
    scan
}

pub(super) struct Record<'a> {
    pub(super) header: RecordHeader,
    pub(super) payload: &'a [u8],
}

/// The record at the start of `bytes`, which lie at `offset` in their segment.
pub(super) fn read_record(bytes: &[u8], offset: u64, salt: u64) -> Result<Record<'_>, BadRecord> {
    let seed = seed(salt, offset);
    let header = RecordHeader::decode(bytes, seed)?;
    let payload = bytes[RECORD_HEADER_BYTES..]
        .get(..header.payload_length as usize)
        .filter(|payload| crc32c::crc32c_append(seed, payload) == header.payload_crc)
        .ok_or(BadRecord::Damaged)?;
    Ok(Record { header, payload })
}

/// What it means that there is no good record at `at`.
fn judge(bytes: &[u8], at: usize, salt: u64, bad: BadRecord) -> End {
    match bad {
        BadRecord::Unknown => End::Newer,
        BadRecord::Damaged if is_zero(&bytes[at..]) => End::Clean,
        BadRecord::Damaged if was_durable(bytes, at, salt) => {
            End::Corrupt("a later record proves that it was whole once")
        }
        BadRecord::Damaged => End::Torn,
    }
}

/// Whether any record behind `at` says that the bytes at `at` were durable. Its header is proof enough: a
/// checksum over our salt and this very place does not come about by chance.
fn was_durable(bytes: &[u8], at: usize, salt: u64) -> bool {
    (at.next_multiple_of(ALIGNMENT)..bytes.len()).step_by(ALIGNMENT).skip(1).any(|later| {
        RecordHeader::decode(&bytes[later..], seed(salt, later as u64))
            .is_ok_and(|header| header.synced > at as u64 && header.synced <= later as u64)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stores::journal::Form;
    use crate::stores::journal::record::{Place, Records};

    const HEADER: SegmentHeader = SegmentHeader {
        id: 1,
        form: Form::FILES,
        salt: 99,
        first_sequence: 5,
        checkpoint: 2,
        previous_salt: 0,
    };

    const ALL: Sequence = Sequence::MAX;

    /// A segment as it lies on disk.
    struct Image {
        bytes: Vec<u8>,
        synced: usize,
    }

    impl Image {
        fn new() -> Self {
            Self { bytes: HEADER.encode().to_vec(), synced: SEGMENT_HEADER_BYTES }
        }

        fn group(mut self, kind: Kind, first: Sequence, payloads: &[&[u8]]) -> Self {
            let mut records = Records::default();
            for payload in payloads {
                records
                    .push(|bytes| {
                        bytes.extend_from_slice(payload);
                        Ok(())
                    })
                    .unwrap();
            }
            let offset = self.bytes.len() as u64;
            records.seal(kind, first, Place { salt: HEADER.salt, offset, synced: self.synced as u64 });
            self.bytes.extend_from_slice(records.bytes());
            self
        }

        fn synced(mut self) -> Self {
            self.synced = self.bytes.len();
            self
        }
    }

    fn sequences(scan: &Scan<'_>) -> Vec<Sequence> {
        scan.commits.iter().map(|commit| commit.0).collect()
    }

    #[test]
    fn reads_commits_and_checkpoints_up_to_zeros_or_the_end() {
        let mut image = Image::new()
            .group(Kind::Commit, 5, &[b"a", b"", b"12345678"])
            .synced()
            .group(Kind::Checkpoint, 6, &[b""])
            .group(Kind::Commit, 8, &[b"last"]);
        let length = image.bytes.len();
        for zeros in [0, 1, 7, 31, 100] {
            image.bytes.resize(length + zeros, 0);
            let scan = scan(&image.bytes, &HEADER, ALL);
            assert_eq!(sequences(&scan), [5, 6, 7, 8]);
            assert_eq!(scan.commits[2].1, b"12345678");
            assert_eq!((scan.checkpoint, scan.length, &scan.end), (6, length, &End::Clean));
            assert_eq!(scan.synced, image.synced);
        }
    }

    #[test]
    fn damage_is_a_torn_tail_unless_a_later_record_knows_better() {
        let first = SEGMENT_HEADER_BYTES;
        let unsynced = Image::new().group(Kind::Commit, 5, &[b"a"]).group(Kind::Commit, 6, &[b"b"]);
        let synced = Image::new().group(Kind::Commit, 5, &[b"a"]).synced().group(Kind::Commit, 6, &[b"b"]);
        for (image, torn) in [(unsynced, true), (synced, false)] {
            for at in [first, first + 30, first + RECORD_HEADER_BYTES] {
                let mut bytes = image.bytes.clone();
                bytes[at] ^= 0x40;
                let scan = scan(&bytes, &HEADER, ALL);
                assert_eq!(
                    (scan.end == End::Torn, scan.commits.len(), scan.length),
                    (torn, 0, first),
                    "{at}"
                );
            }
        }
    }

    #[test]
    fn damage_to_a_synced_checkpoint_is_no_torn_tail() {
        let image = Image::new().group(Kind::Commit, 5, &[b"a"]).synced();
        let at = image.bytes.len();
        let image = image.group(Kind::Checkpoint, 5, &[b""]).synced().group(Kind::Commit, 6, &[b"b"]);
        let mut bytes = image.bytes;
        bytes[at] ^= 1;
        let scan = scan(&bytes, &HEADER, ALL);
        assert_eq!(sequences(&scan), [5]);
        assert!(matches!(scan.end, End::Corrupt(_)));
    }

    #[test]
    fn a_segment_inside_a_payload_proves_nothing() {
        let inner = Image::new().group(Kind::Commit, 5, &[b"x"]).synced().group(Kind::Commit, 6, &[b"y"]);
        let mut image = Image::new().group(Kind::Commit, 5, &[&inner.bytes]);
        image.bytes[SEGMENT_HEADER_BYTES] ^= 1;
        assert_eq!(scan(&image.bytes, &HEADER, ALL).end, End::Torn);
    }

    #[test]
    fn sequence_numbers_have_to_follow() {
        for (kind, sequence) in [(Kind::Commit, 4), (Kind::Commit, 6), (Kind::Checkpoint, 5)] {
            let image = Image::new().group(kind, sequence, &[b"a"]);
            assert!(matches!(scan(&image.bytes, &HEADER, ALL).end, End::Corrupt(_)), "{kind:?} {sequence}");
        }
    }

    #[test]
    fn a_record_of_a_newer_version_is_no_torn_tail() {
        let mut image = Image::new().group(Kind::Commit, 5, &[b"a"]);
        let header = &mut image.bytes[SEGMENT_HEADER_BYTES..SEGMENT_HEADER_BYTES + RECORD_HEADER_BYTES];
        header[25] = 3;
        let crc = crc32c::crc32c_append(seed(HEADER.salt, SEGMENT_HEADER_BYTES as u64), &header[..28]);
        header[28..].copy_from_slice(&crc.to_le_bytes());
        assert_eq!(scan(&image.bytes, &HEADER, ALL).end, End::Newer);
    }
}
