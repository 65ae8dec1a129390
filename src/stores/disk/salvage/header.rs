//! The first bytes of the file: which of two commit slots counts, and the roots that it names.

use super::page::{PAGE_BYTES, Pointer, checksum_of, u32_at, u64_at};

pub(super) const HEADER_BYTES: usize = 320;

const MAGIC: &[u8; 9] = b"redb\x1A\x0A\xA9\x0D\x0A";
const FLAGS_AT: usize = 9;
const SECOND_COUNTS: u8 = 1;
const IS_OPEN: u8 = 2;
/// Page size, pages of a region's head, pages of a region: always the same in our files.
const GEOMETRY: [(usize, usize); 3] = [(12, 4_096), (16, 0), (20, 1 << 20)];
const FULL_REGIONS_AT: usize = 24;
const MORE_PAGES_AT: usize = 28;
const SLOTS_AT: [usize; 2] = [64, 192];
const SLOT_BYTES: usize = 128;
const VERSION: u8 = 3;
const TABLES_AT: usize = 8;
const SYSTEM_TABLES_AT: usize = 40;
const TRANSACTION_AT: usize = 104;
const CHECKSUM_AT: usize = 112;

/// What the first page says.
#[derive(Debug)]
pub(super) struct Header {
    /// The slot that counts.
    pub(super) slot: Slot,
    /// The other one.
    pub(super) other: Slot,
    /// Whether nobody has closed the file who had it open.
    pub(super) is_open: bool,
    /// How long the file was when it was closed.
    pub(super) length: u64,
    /// What is wrong with it.
    pub(super) problems: Vec<String>,
}

/// The roots that a commit left.
#[derive(Debug)]
pub(super) struct Slot {
    pub(super) tables: Option<Pointer>,
    pub(super) system_tables: Option<Pointer>,
    pub(super) transaction: u64,
    /// Its checksum is right.
    pub(super) is_whole: bool,
    /// That is so since one bit was turned around.
    pub(super) is_mended: bool,
    /// A newer version of the library wrote it.
    pub(super) is_newer: bool,
}

impl Header {
    pub(super) fn decode(bytes: &[u8; HEADER_BYTES]) -> Self {
        let mut problems = Vec::new();
        if !bytes.starts_with(MAGIC) {
            problems.push("at byte 0: it does not begin as a data file does".to_owned());
        }
        for (at, expected) in GEOMETRY {
            if u32_at(bytes, at) != Some(expected) {
                problems.push(format!("at byte {at}: there is no {expected}"));
            }
        }
        let number = |at| u32_at(bytes, at).unwrap_or_default() as u64;
        let pages = number(FULL_REGIONS_AT) * GEOMETRY[2].1 as u64 + number(MORE_PAGES_AT);
        let flags = bytes[FLAGS_AT];
        let first = usize::from(flags & SECOND_COUNTS);
        let (at, other_at) = (SLOTS_AT[first], SLOTS_AT[1 - first]);
        let (slot, other) = (Slot::decode(&bytes[at..]), Slot::decode(&bytes[other_at..]));
        let is_open = flags & IS_OPEN != 0;
        if !slot.is_whole || slot.is_mended {
            problems.push(format!("at byte {at}: the checksum of the commit slot that counts is wrong"));
        } else if !is_open && other.is_whole && other.transaction > slot.transaction {
            problems.push(format!("at byte {FLAGS_AT}: an older commit slot counts"));
        }
        Self { slot, other, is_open, length: (1 + pages) * PAGE_BYTES, problems }
    }
}

impl Slot {
    /// One wrong bit is turned around.
    fn decode(bytes: &[u8]) -> Self {
        let slot = Self::parse(bytes);
        if slot.is_whole || slot.is_newer {
            return slot;
        }
        let mut bytes = bytes[..SLOT_BYTES].to_vec();
        for at in 0..SLOT_BYTES * 8 {
            bytes[at / 8] ^= 1 << (at % 8);
            let mended = Self::parse(&bytes);
            if mended.is_whole {
                return Self { is_mended: true, ..mended };
            }
            bytes[at / 8] ^= 1 << (at % 8);
        }
        slot
    }

    fn parse(bytes: &[u8]) -> Self {
        let root = |flag: usize, at| Pointer::decode(&bytes[at..]).filter(|_| bytes[flag] != 0);
        let checksum = bytes.get(CHECKSUM_AT..SLOT_BYTES).and_then(|sum| sum.try_into().ok());
        let is_whole = checksum.map(u128::from_le_bytes) == Some(checksum_of(&bytes[..CHECKSUM_AT]));
        Self {
            tables: root(1, TABLES_AT),
            system_tables: root(2, SYSTEM_TABLES_AT),
            transaction: u64_at(bytes, TRANSACTION_AT).unwrap_or_default(),
            is_whole: is_whole && bytes[0] == VERSION,
            is_newer: is_whole && bytes[0] > VERSION,
            is_mended: false,
        }
    }
}
