//! Entries: a key and its value in one allocation.

use std::fmt;
use std::hint::black_box;
use std::sync::Arc;

/// How often the value at a key was put, counted from 0. What documents show as `_rev`.
pub type Version = u64;

/// The number of a commit in the history of a store, from 1. Entries that were there before the history
/// began have 0.
pub type Sequence = u64;

/// One ordered map inside a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Space(pub u32);

impl Space {
    /// The space of the documents.
    pub const DOCUMENTS: Self = Self(0);
    /// Where there are derived spaces, what is known of them.
    pub const OF_DERIVED: Self = Self(1);
    /// From this one on, spaces hold what is made of the others, and can be made anew.
    pub const FIRST_DERIVED: Self = Self(16);

    /// Whether what it holds can be made anew.
    pub fn is_derived(self) -> bool {
        self >= Self::FIRST_DERIVED
    }
}

/// An entry as it was at one moment. Cloning shares the bytes.
///
/// Layout: version u64, sequence u64, key length u32, key, value; all little-endian.
#[derive(Clone, PartialEq, Eq)]
pub struct Entry {
    bytes: Arc<[u8]>,
}

const SEQUENCE_AT: usize = 8;
const KEY_LENGTH_AT: usize = 16;
const KEY_AT: usize = 20;

impl Entry {
    /// An entry with its own copy of `key`, which must be shorter than 4 GiB, and `value`.
    #[expect(clippy::cast_possible_truncation, reason = "stores refuse keys over MAX_KEY_BYTES")]
    pub fn new(key: &[u8], value: &[u8], version: Version, sequence: Sequence) -> Self {
        let value_at = KEY_AT + key.len();
        // Collected in place: going through a vector would allocate and copy twice.
        let mut bytes: Arc<[u8]> = std::iter::repeat_n(0, value_at + value.len()).collect();
        if let Some(bytes) = Arc::get_mut(&mut bytes) {
            bytes[..SEQUENCE_AT].copy_from_slice(&version.to_le_bytes());
            bytes[SEQUENCE_AT..KEY_LENGTH_AT].copy_from_slice(&sequence.to_le_bytes());
            bytes[KEY_LENGTH_AT..KEY_AT].copy_from_slice(&(key.len() as u32).to_le_bytes());
            bytes[KEY_AT..value_at].copy_from_slice(key);
            bytes[value_at..].copy_from_slice(value);
        }
        Self { bytes }
    }

    /// The key.
    pub fn key(&self) -> &[u8] {
        &self.bytes[KEY_AT..KEY_AT + self.key_length()]
    }

    /// The value.
    pub fn value(&self) -> &[u8] {
        &self.bytes[KEY_AT + self.key_length()..]
    }

    /// The version.
    pub fn version(&self) -> Version {
        self.u64_at(0)
    }

    /// The commit that wrote the entry.
    pub fn sequence(&self) -> Sequence {
        self.u64_at(SEQUENCE_AT)
    }

    /// The bytes of memory that the entry takes, with what an allocator usually adds.
    pub fn memory_bytes(&self) -> usize {
        allocated_bytes(2 * size_of::<usize>() + self.bytes.len())
    }

    /// How many bytes it has. Does not look at them.
    pub fn size(&self) -> usize {
        self.bytes.len()
    }

    /// Reads the last byte, so that the end comes from memory while the caller looks at the key. Of a short
    /// entry that is all of the rest.
    pub fn touch_end(&self) {
        black_box(self.bytes[self.size() - 1]);
    }

    /// Gives it another version and sequence: in place where nobody else has it.
    pub(super) fn stamp(&mut self, version: Version, sequence: Sequence) {
        match Arc::get_mut(&mut self.bytes) {
            Some(bytes) => {
                bytes[..SEQUENCE_AT].copy_from_slice(&version.to_le_bytes());
                bytes[SEQUENCE_AT..KEY_LENGTH_AT].copy_from_slice(&sequence.to_le_bytes());
            }
            None => *self = Self::new(self.key(), self.value(), version, sequence),
        }
    }

    fn key_length(&self) -> usize {
        let mut length = [0; 4];
        length.copy_from_slice(&self.bytes[KEY_LENGTH_AT..KEY_AT]);
        u32::from_le_bytes(length) as usize
    }

    fn u64_at(&self, at: usize) -> u64 {
        let mut number = [0; 8];
        number.copy_from_slice(&self.bytes[at..at + 8]);
        u64::from_le_bytes(number)
    }
}

/// What an allocation of so many bytes takes where blocks have a word of their own and come in steps of 16
/// bytes, as with glibc; others differ by little.
pub fn allocated_bytes(bytes: usize) -> usize {
    (bytes + size_of::<usize>()).next_multiple_of(16)
}

impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entry")
            .field("key", &String::from_utf8_lossy(self.key()))
            .field("value", &String::from_utf8_lossy(self.value()))
            .field("version", &self.version())
            .field("sequence", &self.sequence())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_what_it_was_made_of() {
        for (key, value) in [(&b""[..], &b""[..]), (b"k", b""), (b"", b"v"), (b"user:1", b"{\"a\":1}")] {
            let entry = Entry::new(key, value, 7, u64::MAX);
            assert_eq!(
                (entry.key(), entry.value(), entry.version(), entry.sequence()),
                (key, value, 7, u64::MAX)
            );
        }
    }

    #[test]
    fn a_stamp_changes_no_entry_that_others_have() {
        let mut entry = Entry::new(b"k", b"v", 1, 2);
        let other = entry.clone();
        entry.stamp(3, 4);
        entry.stamp(5, 6);
        assert_eq!((entry, other), (Entry::new(b"k", b"v", 5, 6), Entry::new(b"k", b"v", 1, 2)));
    }
}
