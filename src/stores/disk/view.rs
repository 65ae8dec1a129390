//! What the file held after one checkpoint.

use super::DATA_FILE;
use super::blocks::Blocks;
use crate::kv::{Direction, Entry, KeyRange, Sequence, Space};
use crate::{Error, ErrorKind, Result};
use redb::{OwnedRange, ReadOnlyTable, ReadTransaction, ReadableTable, TableDefinition};
use std::io;
use std::ops::Bound;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

/// Space and key, to checksum, version, sequence number and value.
pub(super) const ENTRIES: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new("entries");
/// First key of a block, to how many entries it has.
pub(super) const BLOCKS: TableDefinition<'_, &[u8], u64> = TableDefinition::new("blocks");
/// Space, to the last commit that changed it.
pub(super) const LAST_CHANGES: TableDefinition<'_, u32, u64> = TableDefinition::new("last changes");
/// Numbers about the file.
pub(super) const NUMBERS: TableDefinition<'_, &str, u64> = TableDefinition::new("numbers");
/// The form of everything in the file.
pub(super) const FORMAT: &str = "format";
/// What the file is: see [`Form`](crate::stores::journal::Form).
pub(super) const FORM: &str = "form";
/// All commits up to this one are in the file.
pub(super) const THROUGH: &str = "through";

pub(super) const SPACE_BYTES: usize = 4;
const CHECKSUM_BYTES: usize = 4;
const VERSION_AND_SEQUENCE_BYTES: usize = 16;
const SHORT_PLACE_BYTES: usize = 128;

/// The entries of the file, not changed by later checkpoints.
pub(super) struct View {
    entries: ReadOnlyTable<&'static [u8], &'static [u8]>,
    pub(super) blocks: Blocks,
    pub(super) last_changes: Vec<(Space, Sequence)>,
    pub(super) through: Sequence,
    /// Which opening of the file this belongs to.
    pub(super) opening: u64,
}

impl View {
    pub(super) fn new(transaction: &ReadTransaction, opening: u64) -> Result<Self> {
        let mut last_changes = Vec::new();
        for change in transaction.open_table(LAST_CHANGES).map_err(failed)?.range(..).map_err(failed)? {
            let (space, sequence) = change.map_err(failed)?;
            last_changes.push((Space(space.value()), sequence.value()));
        }
        Ok(Self {
            last_changes,
            entries: transaction.open_table(ENTRIES).map_err(failed)?,
            blocks: read_blocks(&transaction.open_table(BLOCKS).map_err(failed)?)?,
            through: through(transaction)?,
            opening,
        })
    }

    pub(super) fn get(&self, space: Space, key: &[u8]) -> Result<Option<Entry>> {
        caught(|| {
            let found = with_place(space, key, |place| self.entries.get(place)).map_err(failed)?;
            found.map(|bytes| decode(key, bytes.value())).transpose()
        })
    }

    pub(super) fn contains(&self, space: Space, key: &[u8]) -> Result<bool> {
        caught(|| Ok(with_place(space, key, |place| self.entries.get(place)).map_err(failed)?.is_some()))
    }

    /// The entries in `range`, in this direction.
    pub(super) fn walk(&self, space: Space, range: &KeyRange, direction: Direction) -> Result<Walk> {
        Ok(Walk { rows: self.rows(places(space, range))?, direction })
    }

    /// How many entries lie in `range`.
    pub(super) fn count(&self, space: Space, range: &KeyRange) -> Result<u64> {
        let (lower, upper) = places(space, range);
        let (above, below) = (self.before(&lower, Side::Lower)?, self.before(&upper, Side::Upper)?);
        Ok(below.saturating_sub(above))
    }

    /// How many entries, of all spaces, lie before `key` of `space`.
    pub(super) fn rank(&self, space: Space, key: &[u8]) -> Result<u64> {
        self.before(&Bound::Included(place(space, key)), Side::Lower)
    }

    /// How many entries lie before a bound.
    fn before(&self, bound: &Bound<Vec<u8>>, side: Side) -> Result<u64> {
        let (key, with_key) = match (bound, side) {
            (Bound::Unbounded, Side::Lower) => return Ok(0),
            (Bound::Unbounded, Side::Upper) => return Ok(self.blocks.total()),
            (Bound::Included(key), Side::Lower) | (Bound::Excluded(key), Side::Upper) => (key, false),
            (Bound::Excluded(key), Side::Lower) | (Bound::Included(key), Side::Upper) => (key, true),
        };
        if self.blocks.len() == 0 {
            return Ok(0);
        }
        let (first, before) = self.blocks.at(self.blocks.of(key));
        let end = if with_key { Bound::Included(key.clone()) } else { Bound::Excluded(key.clone()) };
        let mut rows = self.rows((Bound::Included(first.to_vec()), end))?;
        let in_block = caught(|| rows.try_fold(0, |count, row| row.map(|_| count + 1)).map_err(failed))?;
        Ok(before + in_block)
    }

    fn rows(&self, (lower, upper): (Bound<Vec<u8>>, Bound<Vec<u8>>)) -> Result<Rows> {
        let bounds = (lower.as_ref().map(Vec::as_slice), upper.as_ref().map(Vec::as_slice));
        caught(|| self.entries.range_owned(bounds).map_err(failed))
    }
}

/// The library stops short where bytes are damaged.
pub(super) fn caught<T>(work: impl FnOnce() -> Result<T>) -> Result<T> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| {
        let what = panic.downcast_ref::<&str>().copied();
        let what = what.or(panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("a panic");
        Err(damaged(what))
    })
}

pub(super) fn read_blocks(table: &impl ReadableTable<&'static [u8], u64>) -> Result<Blocks> {
    let mut blocks = Blocks::default();
    for block in table.range(..).map_err(failed)? {
        let (first, count) = block.map_err(failed)?;
        blocks.push(first.value(), count.value());
    }
    Ok(blocks)
}

/// All commits up to the answer are in the file.
pub(super) fn through(transaction: &ReadTransaction) -> Result<Sequence> {
    let numbers = transaction.open_table(NUMBERS).map_err(failed)?;
    let through = numbers.get(THROUGH).map_err(failed)?;
    Ok(through.map_or(0, |through| through.value()))
}

type Rows = OwnedRange<&'static [u8], &'static [u8]>;

#[derive(Clone, Copy)]
enum Side {
    Lower,
    Upper,
}

/// Entries one after the other.
pub(super) struct Walk {
    rows: Rows,
    direction: Direction,
}

impl Iterator for Walk {
    type Item = Result<Entry>;

    fn next(&mut self) -> Option<Result<Entry>> {
        let row = caught(|| match self.direction {
            Direction::Ascending => self.rows.next().transpose().map_err(failed),
            Direction::Descending => self.rows.next_back().transpose().map_err(failed),
        });
        let entry = |(place, bytes): (redb::OwnedAccessGuard<&[u8]>, redb::OwnedAccessGuard<&[u8]>)| {
            let key = place.value().get(SPACE_BYTES..).ok_or_else(not_an_entry)?;
            decode(key, bytes.value())
        };
        Some(row.transpose()?.and_then(entry))
    }
}

/// Where an entry lies in the table.
pub(super) fn place(space: Space, key: &[u8]) -> Vec<u8> {
    let mut place = Vec::with_capacity(SPACE_BYTES + key.len());
    place.extend_from_slice(&space.0.to_be_bytes());
    place.extend_from_slice(key);
    place
}

/// Calls `look_up` with where an entry lies. A short key needs no allocation.
fn with_place<T>(space: Space, key: &[u8], look_up: impl FnOnce(&[u8]) -> T) -> T {
    let mut short = [0; SHORT_PLACE_BYTES];
    let Some(bytes) = short.get_mut(..SPACE_BYTES + key.len()) else { return look_up(&place(space, key)) };
    bytes[..SPACE_BYTES].copy_from_slice(&space.0.to_be_bytes());
    bytes[SPACE_BYTES..].copy_from_slice(key);
    look_up(bytes)
}

/// Where the entries of `range` lie. A range whose bounds are in the wrong order becomes an empty one.
fn places(space: Space, range: &KeyRange) -> (Bound<Vec<u8>>, Bound<Vec<u8>>) {
    let at = |key: &[u8]| place(space, key);
    let lower = match &range.lower {
        Bound::Unbounded => Bound::Included(at(b"")),
        Bound::Included(key) => Bound::Included(at(key)),
        Bound::Excluded(key) => Bound::Excluded(at(key)),
    };
    let upper = match &range.upper {
        Bound::Unbounded => {
            space.0.checked_add(1).map_or(Bound::Unbounded, |next| Bound::Excluded(place(Space(next), b"")))
        }
        Bound::Included(key) => Bound::Included(at(key)),
        Bound::Excluded(key) => Bound::Excluded(at(key)),
    };
    if is_empty(&lower, &upper) {
        (Bound::Included(at(b"")), Bound::Excluded(at(b"")))
    } else {
        (lower, upper)
    }
}

fn is_empty(lower: &Bound<Vec<u8>>, upper: &Bound<Vec<u8>>) -> bool {
    match (lower, upper) {
        (Bound::Unbounded, _) | (_, Bound::Unbounded) => false,
        (Bound::Included(lower), Bound::Included(upper)) => lower > upper,
        (
            Bound::Included(lower) | Bound::Excluded(lower),
            Bound::Included(upper) | Bound::Excluded(upper),
        ) => lower >= upper,
    }
}

/// What the table holds for an entry: a checksum that is bound to its key, version, sequence number, value.
pub(super) fn encode(bytes: &mut Vec<u8>, entry: &Entry) {
    bytes.clear();
    bytes.extend_from_slice(&[0; CHECKSUM_BYTES]);
    bytes.extend_from_slice(&entry.version().to_le_bytes());
    bytes.extend_from_slice(&entry.sequence().to_le_bytes());
    bytes.extend_from_slice(entry.value());
    let (checksum, rest) = bytes.split_at_mut(CHECKSUM_BYTES);
    checksum.copy_from_slice(&checksum_of(entry.key(), rest));
}

/// The library has checksums too, and looks at them after a crash only.
fn checksum_of(key: &[u8], bytes: &[u8]) -> [u8; CHECKSUM_BYTES] {
    crc32c::crc32c_append(crc32c::crc32c(key), bytes).to_le_bytes()
}

/// The entry in what the table holds for it; an error if its checksum is wrong.
pub(super) fn decode(key: &[u8], bytes: &[u8]) -> Result<Entry> {
    let (checksum, rest) = bytes.split_at_checked(CHECKSUM_BYTES).ok_or_else(not_an_entry)?;
    if checksum != checksum_of(key, rest) {
        return Err(not_an_entry());
    }
    let (numbers, value) = rest.split_at_checked(VERSION_AND_SEQUENCE_BYTES).ok_or_else(not_an_entry)?;
    let number = |at: usize| {
        let mut bytes = [0; 8];
        bytes.copy_from_slice(&numbers[at..at + 8]);
        u64::from_le_bytes(bytes)
    };
    Ok(Entry::new(key, value, number(0), number(8)))
}

fn not_an_entry() -> Error {
    damaged("what it holds at a key has another checksum")
}

fn damaged(what: &str) -> Error {
    Error::corrupt(format!("The data file, {DATA_FILE}, is damaged: {what}. Restore a backup, or repair it"))
}

/// An error of the library as ours.
pub(super) fn failed(error: impl Into<redb::Error>) -> Error {
    let error = error.into();
    match &error {
        redb::Error::Corrupted(what) => damaged(what).with_source(error),
        redb::Error::DatabaseClosed => Error::closed(),
        _ => Error::new(ErrorKind::Storage, format!("The data file could not be used: {error}"))
            .with_source(error),
    }
}

/// As [`failed`], naming the file.
pub(super) fn failed_to(action: &str, path: &Path, error: impl Into<redb::Error>) -> Error {
    let damaged = |what: String| {
        Error::corrupt(format!("{} is damaged, or no data file: {what}. Restore a backup", path.display()))
    };
    match error.into() {
        redb::Error::Io(error)
            if matches!(error.kind(), io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof) =>
        {
            damaged(error.to_string()).with_source(error)
        }
        redb::Error::Io(error) => Error::io(action, path, error),
        redb::Error::Corrupted(what) => damaged(what),
        other => failed(other),
    }
}
