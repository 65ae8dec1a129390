//! Rows that tell which entries expire next: the time, as 8 bytes that sort, and the key.
//!
//! Times are rounded up to steps, so that a key whose expiry is moved again and again has one row for each
//! step at most. An entry that expires always has its row; a row whose entry lives on or is gone does no harm
//! and is removed when it is due.

use super::{DUE, Millis};
use crate::kv::{Batch, Check, KeyRange, Operation};
use std::ops::Bound;

/// What comes before the key in a row.
pub(super) const TIME_BYTES: usize = 8;

/// Rows are due at multiples of this.
const STEP_MS: Millis = 1024;

/// When the row of an entry that expires then is due.
pub(super) fn step(expires: Millis) -> Millis {
    expires.div_ceil(STEP_MS).saturating_mul(STEP_MS)
}

/// Puts the row of `key`.
pub(super) fn put(key: &[u8], expires: Millis) -> Operation {
    Operation::put_exact(DUE, &row(key, expires), Check::Any, &[], 0)
}

/// Removes the row of `key`.
pub(super) fn delete(key: &[u8], expires: Millis) -> Operation {
    Operation::delete(DUE, &row(key, expires), Check::Any)
}

/// The rows of all entries that have expired by `now`, and maybe of some that will soon.
pub(super) fn until(now: Millis) -> KeyRange {
    let behind = step(now).saturating_add(1).to_be_bytes();
    KeyRange { lower: Bound::Unbounded, upper: Bound::Excluded(behind.as_slice().into()) }
}

/// When a row is due, and its key.
pub(super) fn parse(row: &[u8]) -> Option<(Millis, &[u8])> {
    row.split_first_chunk::<TIME_BYTES>().map(|(time, key)| (Millis::from_be_bytes(*time), key))
}

/// When the first row is due that the batch puts.
pub(super) fn first_step(batch: &Batch) -> Option<Millis> {
    let puts = batch.operations.iter().filter(|operation| operation.space == DUE);
    puts.filter_map(|operation| parse(operation.key())).map(|(step, _)| step).min()
}

fn row(key: &[u8], expires: Millis) -> Vec<u8> {
    let mut row = Vec::with_capacity(TIME_BYTES + key.len());
    row.extend_from_slice(&step(expires).to_be_bytes());
    row.extend_from_slice(key);
    row
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_sort_by_time_and_are_found_once_their_entry_has_expired() {
        let row = |expires| row(b"k", expires);
        assert_eq!(parse(&row(1_025)), Some((2_048, &b"k"[..])));
        assert_eq!(row(1_025), row(2_048));
        assert!(row(2_048) < row(2_049));
        assert!(until(1_025).contains(&row(1_025)));
        assert!(!until(1_024).contains(&row(1_025)));
        assert!(until(Millis::MAX).contains(&row(1 << 60)));
    }
}
