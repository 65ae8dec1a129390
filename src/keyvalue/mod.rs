//! Key-value stores over any [`Store`](crate::kv::Store): values that are strings or bytes and may expire,
//! conditional writes, scans, changes and transactions.
//!
//! The entries are in the space [`ENTRIES`]. Beside it, [`due`] has a row for each entry that expires, in the
//! order in which they do, and [`FENCES`] counts how often each lock was taken.

mod changed;
mod clock;
mod cursor;
mod due;
mod request;
mod rounds;
mod store;
mod sweep;
#[cfg(test)]
mod tests;
mod timer;
mod transaction;
pub mod value;
mod watch;

pub use clock::{Clock, Millis, SystemClock};
pub use cursor::{Cursor, Selection, prefix_range};
pub use request::{Action, Request};
pub use store::KeyValues;
pub use transaction::Transaction;
pub use watch::{Event, Stopper, Watch};

use crate::kv::{MAX_KEY_BYTES, Space};
use crate::{Error, Result};

/// Where the entries are.
pub const ENTRIES: Space = Space::DOCUMENTS;
/// Where the rows of those are that expire.
pub const DUE: Space = Space(1);
/// One entry for each lock, whose version counts how often it was taken.
pub const FENCES: Space = Space(2);

/// What is written at a key: the form of a value, or nothing to remove the entry.
pub type KeyWrite = (Box<[u8]>, Option<Box<[u8]>>);

/// Longest key in bytes: the key of its row in [`DUE`] has a time in front.
pub const MAX_ENTRY_KEY_BYTES: usize = MAX_KEY_BYTES - due::TIME_BYTES;

/// `Assertion` for a key that is too long.
pub fn assert_key(key: &[u8]) -> Result<()> {
    if key.len() <= MAX_ENTRY_KEY_BYTES {
        return Ok(());
    }
    let length = key.len();
    Err(Error::assertion(format!("A key of {length} bytes is longer than {MAX_ENTRY_KEY_BYTES}")))
}
