//! Batches: what to write, and what has to hold for it.

use super::{Entry, MAX_KEY_BYTES, MAX_VALUE_BYTES, OPERATION_BYTES, Sequence, Space, Version};
use crate::json::utf16;
use crate::{Error, ErrorKind, Result};

/// Operations that happen together or not at all. They apply in order, so a later one sees the effect of
/// an earlier one on the same key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Batch {
    /// The operations in order.
    pub operations: Vec<Operation>,
}

/// One write under one condition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operation {
    /// Where.
    pub space: Space,
    /// What has to hold.
    pub check: Check,
    /// What to do.
    pub write: Write,
    /// Key and value, which a put leaves as they are here: so they are copied once.
    entry: Entry,
}

/// A condition on the current entry of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Check {
    /// Always holds.
    Any,
    /// There is no entry.
    Absent,
    /// There is no entry. Where there is one, the operation is left out, and the others go on.
    AbsentOrSkip,
    /// There is an entry with this version.
    Version(Version),
    /// There is no entry, or one with this version.
    VersionIfPresent(Version),
    /// There is an entry, written by this commit. Stricter than a version, which starts again at 0
    /// when an entry is deleted and made anew.
    Unchanged(Sequence),
    /// There is an entry, written by this commit. The operation is left out, and only its check counts.
    Still(Sequence),
    /// There is no entry. The operation is left out, and only its check counts.
    StillAbsent,
    /// No commit came after this one. The operation is left out, and only its check counts.
    Latest(Sequence),
}

/// What to do with a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Write {
    /// Put the value.
    Put(Versioning),
    /// Remove the entry, if there is one.
    Delete,
}

/// Which version a put gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Versioning {
    /// 0 when there was no entry, otherwise one more than before.
    Next,
    /// This one: for copies of what was versioned elsewhere.
    Exact(Version),
}

impl Batch {
    /// A batch of one operation.
    pub fn of(operation: Operation) -> Self {
        Self { operations: vec![operation] }
    }
}

impl Operation {
    /// Puts `value`, counting the version up. Keys have [`super::MAX_KEY_BYTES`] at most.
    pub fn put(space: Space, key: &[u8], check: Check, value: &[u8]) -> Self {
        Self::new(space, key, check, Write::Put(Versioning::Next), value)
    }

    /// Puts `value` with this version.
    pub fn put_exact(space: Space, key: &[u8], check: Check, value: &[u8], version: Version) -> Self {
        Self::new(space, key, check, Write::Put(Versioning::Exact(version)), value)
    }

    /// Removes the entry.
    pub fn delete(space: Space, key: &[u8], check: Check) -> Self {
        Self::new(space, key, check, Write::Delete, &[])
    }

    fn new(space: Space, key: &[u8], check: Check, write: Write, value: &[u8]) -> Self {
        Self { space, check, write, entry: Entry::new(key, value, 0, 0) }
    }

    /// The key.
    pub fn key(&self) -> &[u8] {
        self.entry.key()
    }

    /// The value to put; empty for what puts nothing.
    pub fn value(&self) -> &[u8] {
        self.entry.value()
    }

    /// The entry that this operation leaves, or `None` when it leaves nothing; `Conflict` when the check
    /// does not hold against `current`, `Assertion` when the key or the value is too long. This is the one
    /// place where checks and versions are decided.
    pub fn apply(&mut self, current: Option<&Entry>, sequence: Sequence) -> Result<Option<Entry>> {
        self.check_lengths()?;
        if !self.check.holds(current, sequence) {
            return Err(self.conflict(current));
        }
        let version = match self.write {
            Write::Delete => return Ok(None),
            Write::Put(Versioning::Exact(version)) => version,
            Write::Put(Versioning::Next) => current.map_or(0, |entry| entry.version() + 1),
        };
        self.entry.stamp(version, sequence);
        Ok(Some(self.entry.clone()))
    }

    /// Whether nothing is to be done in the commit `sequence`; `Conflict` as [`Operation::apply`].
    #[inline]
    pub fn is_left_out(&self, current: Option<&Entry>, sequence: Sequence) -> Result<bool> {
        match self.check {
            Check::AbsentOrSkip => Ok(current.is_some()),
            Check::Still(_) | Check::StillAbsent | Check::Latest(_) => self.only_checks(current, sequence),
            _ => Ok(false),
        }
    }

    #[cold]
    fn only_checks(&self, current: Option<&Entry>, sequence: Sequence) -> Result<bool> {
        if self.check.holds(current, sequence) { Ok(true) } else { Err(self.conflict(current)) }
    }

    /// What this counts in a batch.
    pub fn bytes(&self) -> usize {
        OPERATION_BYTES + self.key().len() + self.value().len()
    }

    /// Whether [`Operation::apply`] leaves the same whatever there is now.
    pub fn ignores_current(&self) -> bool {
        self.check == Check::Any && self.write != Write::Put(Versioning::Next)
    }

    fn check_lengths(&self) -> Result<()> {
        let (key, value) = (self.key(), self.value());
        if key.len() > MAX_KEY_BYTES {
            let (quoted, length) = (utf16::quote(key), key.len());
            let message = format!("The key {quoted} has {length} bytes, more than {MAX_KEY_BYTES}");
            return Err(Error::assertion(message).with_key(utf16::decode(key)));
        }
        if value.len() > MAX_VALUE_BYTES {
            let (key, length) = (utf16::decode(key), value.len());
            let message = format!("The value at \"{key}\" has {length} bytes, more than {MAX_VALUE_BYTES}");
            return Err(Error::assertion(message).with_key(key));
        }
        Ok(())
    }

    fn conflict(&self, current: Option<&Entry>) -> Error {
        let found = match current {
            None => "it does not exist".to_owned(),
            Some(entry) => format!("it is at revision {}", entry.version()),
        };
        let expected = match self.check {
            Check::Any | Check::AbsentOrSkip => "anything".to_owned(),
            Check::Absent | Check::StillAbsent => "nothing there".to_owned(),
            Check::Version(version) | Check::VersionIfPresent(version) => format!("revision {version}"),
            Check::Unchanged(_) | Check::Still(_) => "no change since it was read".to_owned(),
            Check::Latest(_) => "no commit in between".to_owned(),
        };
        let key = utf16::decode(self.key());
        let message = format!("Conflict at \"{key}\": expected {expected}, but {found}");
        Error::new(ErrorKind::Conflict, message).with_key(key).with_expected(expected)
    }
}

impl Check {
    /// Whether the condition holds for `current` in the commit `sequence`.
    pub fn holds(self, current: Option<&Entry>, sequence: Sequence) -> bool {
        match (self, current) {
            (Self::Any | Self::AbsentOrSkip, _)
            | (Self::Absent | Self::StillAbsent | Self::VersionIfPresent(_), None) => true,
            (Self::Absent | Self::StillAbsent, Some(_))
            | (Self::Version(_) | Self::Unchanged(_) | Self::Still(_), None) => false,
            (Self::Version(version) | Self::VersionIfPresent(version), Some(entry)) => {
                entry.version() == version
            }
            (Self::Unchanged(seen) | Self::Still(seen), Some(entry)) => entry.sequence() == seen,
            (Self::Latest(latest), _) => latest + 1 == sequence,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checks_decide_and_versions_count() {
        let entry = Entry::new(b"k", b"v", 3, 9);
        let put = |check| Operation::put(Space::DOCUMENTS, b"k", check, b"new");
        let version = |check, current| {
            put(check).apply(current, 10).map(|new| new.map(|new| new.version())).ok().flatten()
        };
        assert_eq!(version(Check::Any, None), Some(0));
        assert_eq!(version(Check::Any, Some(&entry)), Some(4));
        assert_eq!(version(Check::Absent, None), Some(0));
        assert_eq!(version(Check::Absent, Some(&entry)), None);
        assert_eq!(version(Check::Version(3), Some(&entry)), Some(4));
        assert_eq!(version(Check::Version(2), Some(&entry)), None);
        assert_eq!(version(Check::Version(0), None), None);
        assert_eq!(version(Check::VersionIfPresent(8), None), Some(0));
        assert_eq!(version(Check::VersionIfPresent(8), Some(&entry)), None);
        assert_eq!(version(Check::Unchanged(9), Some(&entry)), Some(4));
        assert_eq!(version(Check::Unchanged(8), Some(&entry)), None);
        assert_eq!(version(Check::Unchanged(0), None), None);
    }

    #[test]
    fn what_only_checks_is_left_out() {
        let entry = Entry::new(b"k", b"v", 3, 9);
        let left_out = |check, current: Option<&Entry>| {
            Operation::delete(Space::DOCUMENTS, b"k", check).is_left_out(current, 10).map_err(|e| e.kind())
        };
        let conflict = Err(ErrorKind::Conflict);
        assert_eq!(left_out(Check::Still(9), Some(&entry)), Ok(true));
        assert_eq!(left_out(Check::Still(8), Some(&entry)), conflict);
        assert_eq!(left_out(Check::StillAbsent, Some(&entry)), conflict);
        assert_eq!(left_out(Check::Still(9), None), conflict);
        assert_eq!(left_out(Check::StillAbsent, None), Ok(true));
        assert_eq!(left_out(Check::Latest(9), None), Ok(true));
        assert_eq!(left_out(Check::Latest(8), Some(&entry)), conflict);
        assert_eq!(left_out(Check::Unchanged(9), Some(&entry)), Ok(false));
    }

    #[test]
    fn a_conflict_says_what_was_expected_and_found() {
        let error = Operation::delete(Space::DOCUMENTS, b"k", Check::Version(2))
            .apply(Some(&Entry::new(b"k", b"v", 3, 9)), 10)
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Conflict);
        assert_eq!(error.message(), "Conflict at \"k\": expected revision 2, but it is at revision 3");
        assert_eq!(error.key(), Some("k"));
        assert_eq!(error.expected(), Some("revision 2"));
    }
}
