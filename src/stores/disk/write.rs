//! Checkpoints: the overlay goes into the file, in the order of its keys and in one transaction.

use super::blocks::{Blocks, MAX_BLOCK_ENTRIES, NEW_BLOCK_ENTRIES, beginning};
use super::overlay::Overlay;
use super::view::{
    BLOCKS, ENTRIES, FORM, FORMAT, LAST_CHANGES, NUMBERS, THROUGH, encode, failed, place, read_blocks,
};
use crate::Result;
use crate::kv::{Sequence, Space};
use crate::stores::journal::Form;
use redb::{Database, ReadableTable, Table, WriteTransaction};
use std::collections::BTreeMap;
use std::ops::Bound;

/// The form of the file.
pub(super) const FORMAT_NUMBER: u64 = 1;

type Entries<'a> = Table<'a, &'static [u8], &'static [u8]>;
type BlockTable<'a> = Table<'a, &'static [u8], u64>;

/// Makes the tables in a new file. One that has them stays as it is.
pub(super) fn make_tables(database: &Database, form: Form) -> Result<()> {
    let transaction = begin(database)?;
    transaction.open_table(ENTRIES).map_err(failed)?;
    transaction.open_table(BLOCKS).map_err(failed)?;
    transaction.open_table(LAST_CHANGES).map_err(failed)?;
    {
        let mut numbers = transaction.open_table(NUMBERS).map_err(failed)?;
        numbers.insert(FORMAT, FORMAT_NUMBER).map_err(failed)?;
        numbers.insert(FORM, u64::from(form.code())).map_err(failed)?;
    }
    transaction.commit().map_err(failed)
}

/// Writes what `overlay` has after the commit `since`. When it answers, the file holds, durably, all commits
/// up to `through`.
pub(super) fn write(
    database: &Database,
    overlay: &Overlay,
    since: Sequence,
    through: Sequence,
) -> Result<()> {
    let transaction = begin(database)?;
    {
        let mut entries = transaction.open_table(ENTRIES).map_err(failed)?;
        let mut table = transaction.open_table(BLOCKS).map_err(failed)?;
        let blocks = read_blocks(&table)?;
        // Of each block that changes, how many entries more or less it has.
        let mut differences: BTreeMap<usize, i64> = BTreeMap::new();
        let mut bytes = Vec::new();
        let mut last_changes: BTreeMap<Space, Sequence> = BTreeMap::new();
        for (space, key, entry, sequence) in overlay.since(since) {
            let last = last_changes.entry(space).or_default();
            *last = sequence.max(*last);
            let place = place(space, key);
            let (was_there, is_there) = match entry {
                Some(entry) => {
                    encode(&mut bytes, entry);
                    (entries.insert(&*place, &*bytes).map_err(failed)?.is_some(), true)
                }
                None => (entries.remove(&*place).map_err(failed)?.is_some(), false),
            };
            let difference = i64::from(is_there) - i64::from(was_there);
            *differences.entry(blocks.of(&place)).or_default() += difference;
        }
        for (block, difference) in differences {
            resize(&entries, &mut table, &blocks, block, difference)?;
        }
        let mut table = transaction.open_table(LAST_CHANGES).map_err(failed)?;
        for (space, sequence) in last_changes {
            table.insert(space.0, sequence).map_err(failed)?;
        }
        let mut numbers = transaction.open_table(NUMBERS).map_err(failed)?;
        numbers.insert(THROUGH, through).map_err(failed)?;
    }
    transaction.commit().map_err(failed)
}

/// Notes that everything in `spaces` was changed by the commit `through`, the last one.
pub(super) fn note_changes(
    database: &Database,
    spaces: impl IntoIterator<Item = Space>,
    through: Sequence,
) -> Result<()> {
    let transaction = begin(database)?;
    {
        let mut table = transaction.open_table(LAST_CHANGES).map_err(failed)?;
        for space in spaces {
            table.insert(space.0, through).map_err(failed)?;
        }
        let mut numbers = transaction.open_table(NUMBERS).map_err(failed)?;
        numbers.insert(THROUGH, through).map_err(failed)?;
    }
    transaction.commit().map_err(failed)
}

fn begin(database: &Database) -> Result<WriteTransaction> {
    let mut transaction = database.begin_write().map_err(failed)?;
    // So that opening after a crash does not have to read the whole file.
    transaction.set_quick_repair(true);
    Ok(transaction)
}

/// Notes the new size of a block; splits it if it has become too large, and takes it out when it is empty.
fn resize(
    entries: &Entries<'_>,
    table: &mut BlockTable<'_>,
    blocks: &Blocks,
    block: usize,
    difference: i64,
) -> Result<()> {
    let is_new = blocks.len() == 0;
    let (first, count) = if is_new { (&b""[..], 0) } else { (blocks.at(block).0, blocks.count(block)) };
    let count = count.saturating_add_signed(difference);
    if count == 0 && !first.is_empty() {
        table.remove(first).map_err(failed)?;
    } else if count <= MAX_BLOCK_ENTRIES {
        table.insert(first, count).map_err(failed)?;
    } else {
        let end =
            if block + 1 < blocks.len() { Bound::Excluded(blocks.at(block + 1).0) } else { Bound::Unbounded };
        split(entries, table, first, end)?;
    }
    Ok(())
}

fn split(entries: &Entries<'_>, table: &mut BlockTable<'_>, first: &[u8], end: Bound<&[u8]>) -> Result<()> {
    let (mut begin, mut last) = (first.to_vec(), Vec::new());
    let mut count = 0;
    for row in entries.range((Bound::Included(first), end)).map_err(failed)? {
        let (place, _) = row.map_err(failed)?;
        if count == NEW_BLOCK_ENTRIES {
            table.insert(&*begin, count).map_err(failed)?;
            begin = beginning(&last, place.value()).to_vec();
            count = 0;
        }
        last.clear();
        last.extend_from_slice(place.value());
        count += 1;
    }
    table.insert(&*begin, count).map_err(failed)?;
    Ok(())
}
