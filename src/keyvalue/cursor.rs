//! Walks over the entries at one moment, portion by portion.

use super::{ENTRIES, Millis, value};
use crate::Result;
use crate::kv::{Direction, Entry, KeyRange, Read, Scan};
use std::ops::Bound;
use std::sync::Arc;

/// Which entries, and in which order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selection {
    /// Which keys.
    pub range: KeyRange,
    /// From which end.
    pub direction: Direction,
    /// How many at most.
    pub limit: u64,
}

/// A walk over a selection. Entries that have expired when it begins are not there.
pub struct Cursor {
    read: Arc<dyn Read>,
    now: Millis,
    rest: Selection,
    /// How many entries to ask for next.
    portion: u64,
}

/// A portion has so many entries at most, ...
const MAX_PORTION: u64 = 256;
/// ... to begin with so many, ...
const FIRST_PORTION: u64 = 16;
/// ... and, if it has more than one, about so many bytes.
const MAX_PORTION_BYTES: usize = 1 << 20;

impl Selection {
    /// All entries whose keys begin with `prefix`, upwards.
    pub fn prefix(prefix: &[u8]) -> Self {
        Self { range: prefix_range(prefix), direction: Direction::Ascending, limit: u64::MAX }
    }
}

impl Cursor {
    /// A walk over what `read` shows, at the time `now`.
    pub fn new(read: Arc<dyn Read>, selection: Selection, now: Millis) -> Self {
        Self { read, now, rest: selection, portion: FIRST_PORTION }
    }

    /// The next entries; none at the end.
    pub async fn next(&mut self) -> Result<Vec<Entry>> {
        loop {
            let limit = self.portion.min(self.rest.limit);
            if limit == 0 {
                return Ok(Vec::new());
            }
            let (range, direction) = (self.rest.range.clone(), self.rest.direction);
            let scan = Scan { range, direction, skip: 0, limit };
            let mut entries = self.read.range(ENTRIES, &scan).await?;
            let is_last = (entries.len() as u64) < limit;
            let fits = fitting(&entries);
            let is_cut = fits < entries.len();
            entries.truncate(fits);
            self.portion = if is_cut { fits as u64 } else { MAX_PORTION.min(4 * self.portion) };
            match entries.last() {
                Some(last) if is_cut || !is_last => self.advance(last.key().into()),
                _ => self.rest.limit = 0,
            }
            entries.retain(|entry| value::is_live(entry.value(), self.now));
            self.rest.limit = self.rest.limit.saturating_sub(entries.len() as u64);
            if !entries.is_empty() {
                return Ok(entries);
            }
        }
    }

    fn advance(&mut self, last: Box<[u8]>) {
        match self.rest.direction {
            Direction::Ascending => self.rest.range.lower = Bound::Excluded(last),
            Direction::Descending => self.rest.range.upper = Bound::Excluded(last),
        }
    }
}

/// How many of these make a portion.
fn fitting(entries: &[Entry]) -> usize {
    let mut bytes = 0;
    let fits = entries.iter().take_while(|entry| {
        let before = bytes;
        bytes += entry.value().len();
        before < MAX_PORTION_BYTES
    });
    fits.count()
}

/// The keys that begin with `prefix`.
pub fn prefix_range(prefix: &[u8]) -> KeyRange {
    let lower = Bound::Included(prefix.into());
    // No key has a byte 0xff, so what follows all of them differs in the last byte that is not.
    let upper = match prefix.iter().rposition(|byte| *byte < u8::MAX) {
        None => Bound::Unbounded,
        Some(at) => {
            let mut behind = prefix[..=at].to_vec();
            behind[at] += 1;
            Bound::Excluded(behind.into_boxed_slice())
        }
    };
    KeyRange { lower, upper }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keyvalue::value::{Content, Kind, encode};
    use crate::kv::{Batch, Check, Operation, Store, block_on};
    use crate::stores::memory::MemoryStore;

    fn put(store: &MemoryStore, key: &str, bytes: &[u8], expires: Option<Millis>) {
        let form = encode(Content { kind: Kind::Bytes, bytes }, expires);
        let operation = Operation::put(ENTRIES, key.as_bytes(), Check::Any, &form);
        store.commit(Batch::of(operation)).wait().unwrap();
    }

    /// The sizes of the portions up to the end.
    fn portions(cursor: &mut Cursor) -> Vec<usize> {
        std::iter::from_fn(|| Some(block_on(cursor.next()).unwrap().len()).filter(|size| *size > 0)).collect()
    }

    #[test]
    fn portions_have_bounds_and_limits_count_what_is_live() {
        let store = MemoryStore::new();
        for n in 0..1_000 {
            put(&store, &format!("{n:04}"), b"x", (n % 2 == 0).then_some(10));
        }
        put(&store, "large 1", &vec![0; 2 << 20], None);
        put(&store, "large 2", &vec![0; 2 << 20], None);
        let read = store.snapshot().wait().unwrap();
        let cursor = |selection, now| Cursor::new(Arc::clone(&read), selection, now);
        for direction in [Direction::Ascending, Direction::Descending] {
            let selection = |limit| Selection { direction, limit, ..Selection::prefix(b"0") };
            let sizes = portions(&mut cursor(selection(u64::MAX), 9));
            assert_eq!((sizes.iter().sum::<usize>(), sizes.iter().max()), (1_000, Some(&256)));
            assert_eq!(portions(&mut cursor(selection(300), 10)).iter().sum::<usize>(), 300);
            assert_eq!(portions(&mut cursor(selection(700), 10)).iter().sum::<usize>(), 500);
            assert!(portions(&mut cursor(selection(0), 9)).is_empty());
        }
        assert_eq!(portions(&mut cursor(Selection::prefix(b"large"), 9)), [1, 1]);
    }

    #[test]
    fn prefixes_are_ranges() {
        let range = prefix_range(b"a\xef\xff");
        assert!(range.contains(b"a\xef\xff") && range.contains(b"a\xef\xff\xff"));
        assert!(!range.contains(b"a\xf0") && !range.contains(b"a\xef"));
        assert_eq!(prefix_range(b""), KeyRange { lower: Bound::Included([].into()), ..KeyRange::ALL });
    }
}
