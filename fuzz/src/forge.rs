//! Segments whose checksums are good and whose fields are not: what lies behind the checksums is checked too.

use super::input::Input;
use std::collections::BTreeMap;

/// The content of segments by their id.
pub(crate) type Files = BTreeMap<u64, Vec<u8>>;

pub(crate) const SEGMENT_HEADER_BYTES: usize = 64;
pub(crate) const RECORD_HEADER_BYTES: usize = 32;
const MAX_SEGMENTS: u64 = 4;
const SALT: u64 = 0x5a17;

/// A record of a good segment: where it begins and ends, without the zeros that fill it up.
#[derive(Debug)]
pub(crate) struct Record {
    pub(crate) start: usize,
    pub(crate) end: usize,
    pub(crate) synced: u64,
    pub(crate) is_commit: bool,
}

/// The records of a good segment.
pub(crate) fn records(bytes: &[u8]) -> Vec<Record> {
    let mut records = Vec::new();
    let mut start = SEGMENT_HEADER_BYTES;
    while let Some(header) = bytes.get(start..start + RECORD_HEADER_BYTES).filter(|header| header[24] != 0) {
        let mut fields = Input(header);
        let length = fields.u64() & u64::from(u32::MAX);
        let (_sequence, synced) = (fields.u64(), fields.u64());
        let end = start + RECORD_HEADER_BYTES + usize::try_from(length).unwrap();
        records.push(Record { start, end, synced, is_commit: header[25] == 1 });
        start = end.next_multiple_of(8);
    }
    records
}

/// What the next segment and record would say in a good journal.
struct Expected {
    id: u64,
    sequence: u64,
    checkpoint: u64,
    synced: u64,
    previous_salt: u64,
}

pub(crate) fn segments(input: &mut Input<'_>) -> Files {
    let mut files = Files::new();
    let mut expected = Expected { id: 1, sequence: 1, checkpoint: 0, synced: 64, previous_salt: 0 };
    for _ in 0..MAX_SEGMENTS {
        if input.is_empty() {
            break;
        }
        let id = field(input, expected.id);
        let bytes = segment(input, id, &mut expected);
        files.insert(id, bytes);
        expected.id = id.wrapping_add(1);
    }
    files
}

fn segment(input: &mut Input<'_>, id: u64, expected: &mut Expected) -> Vec<u8> {
    let salt = field(input, SALT ^ id);
    let mut bytes = b"KIXX-LOG".to_vec();
    bytes.resize(SEGMENT_HEADER_BYTES - 4, 0);
    bytes[8] = small(input, 1);
    expected.sequence = field(input, expected.sequence);
    let (own_id, checkpoint) = (field(input, id), field(input, expected.checkpoint));
    let numbers = [own_id, salt, expected.sequence, checkpoint, expected.previous_salt];
    expected.previous_salt = salt;
    for (at, number) in (16..).step_by(8).zip(numbers) {
        bytes[at..at + 8].copy_from_slice(&number.to_le_bytes());
    }
    bytes.extend_from_slice(&crc32c::crc32c(&bytes).to_le_bytes());
    expected.synced = bytes.len() as u64;
    while !input.is_empty() && !input.byte().is_multiple_of(8) {
        record(input, &mut bytes, salt, expected);
    }
    let tail = small(input, 0);
    bytes.resize(bytes.len() + usize::from(tail), tail & 1);
    bytes
}

fn record(input: &mut Input<'_>, bytes: &mut Vec<u8>, salt: u64, expected: &mut Expected) {
    let offset = bytes.len() as u64;
    let kind = 1 + input.byte() % 2;
    let sequence =
        field(input, if kind == 1 { expected.sequence } else { expected.sequence.wrapping_sub(1) });
    let synced = field(input, expected.synced);
    let (format, kind, flags) = (small(input, 1), small(input, kind), small(input, 0));
    let length = usize::from(input.byte() % 40);
    let payload = input.take(if kind == 1 { length } else { 0 });
    let length = field(input, payload.len() as u64);
    let seed = crc32c::crc32c_append(crc32c::crc32c(&salt.to_le_bytes()), &offset.to_le_bytes());
    let mut header = Vec::new();
    #[expect(clippy::cast_possible_truncation, reason = "any length will do")]
    header.extend_from_slice(&(length as u32).to_le_bytes());
    header.extend_from_slice(&crc32c::crc32c_append(seed, payload).to_le_bytes());
    header.extend_from_slice(&sequence.to_le_bytes());
    header.extend_from_slice(&synced.to_le_bytes());
    header.extend_from_slice(&[format, kind, flags, 0]);
    header.extend_from_slice(&crc32c::crc32c_append(seed, &header).to_le_bytes());
    bytes.extend_from_slice(&header);
    bytes.extend_from_slice(payload);
    bytes.resize(bytes.len().next_multiple_of(8), 0);
    match kind {
        1 => expected.sequence = sequence.wrapping_add(1),
        _ => expected.checkpoint = sequence,
    }
    if input.byte().is_multiple_of(2) {
        expected.synced = bytes.len() as u64;
    }
}

/// Mostly `expected`, sometimes its neighbours, the ends of the range, or anything.
fn field(input: &mut Input<'_>, expected: u64) -> u64 {
    match input.byte() {
        0xff => input.u64(),
        0xfe => u64::MAX,
        0xfd => 0,
        0xfc => expected.wrapping_add(1),
        0xfb => expected.wrapping_sub(1),
        0xfa => expected.wrapping_add(u64::from(input.byte())),
        _ => expected,
    }
}

/// Mostly `expected`, sometimes any byte.
fn small(input: &mut Input<'_>, expected: u8) -> u8 {
    match input.byte() {
        0xf0.. => input.byte(),
        _ => expected,
    }
}
