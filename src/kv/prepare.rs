//! From a batch to what it leaves: the pure part of a commit.

use super::{Batch, Committed, Entry, Operation, Sequence, Space, Version};
use crate::Result;
use foldhash::{HashMap, HashMapExt};
use std::sync::Arc;

/// A batch whose checks all held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prepared {
    /// The sequence number that its entries carry.
    pub sequence: Sequence,
    /// One per operation: the version that a put got, or `None` for a delete and for what was left out.
    pub versions: Vec<Option<Version>>,
    /// What is left at each key that the batch touched, each key once.
    pub changes: Vec<Change>,
}

impl Prepared {
    /// The answer to whoever committed the batch.
    pub fn committed(&self) -> Committed {
        Committed { sequence: self.sequence, versions: self.versions.clone() }
    }
}

/// What a batch leaves at one key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Where.
    pub space: Space,
    /// The key.
    pub key: Arc<[u8]>,
    /// The entry, or `None` when there is none any more.
    pub entry: Option<Entry>,
}

/// What `batch` leaves where `current` is what there was; later operations see the effect of earlier
/// ones. `Conflict` names the key whose check does not hold, `Assertion` a key or value that is too long.
pub fn prepare(
    batch: &mut Batch,
    sequence: Sequence,
    current: impl Fn(Space, &[u8]) -> Result<Option<Entry>>,
) -> Result<Prepared> {
    let operations = &mut batch.operations;
    let mut versions = Vec::with_capacity(operations.len());
    let mut changes: Vec<Change> = Vec::with_capacity(operations.len());
    let repeats = repeats(operations);
    // Of the first operations at their place that others repeat: their change, if there is one.
    let mut change_of: HashMap<usize, usize> = HashMap::new();
    for (index, operation) in operations.iter_mut().enumerate() {
        let first = repeats.get(&index).copied().unwrap_or(index);
        let earlier = change_of.get(&first).copied();
        let before = match earlier {
            Some(at) => changes[at].entry.take(),
            None if operation.ignores_current() => None,
            None => current(operation.space, operation.key())?,
        };
        if operation.is_left_out(before.as_ref(), sequence)? {
            versions.push(None);
            if let Some(at) = earlier {
                changes[at].entry = before;
            }
            continue;
        }
        let entry = operation.apply(before.as_ref(), sequence)?;
        versions.push(entry.as_ref().map(Entry::version));
        if let Some(at) = earlier {
            changes[at].entry = entry;
            continue;
        }
        if !repeats.is_empty() {
            change_of.insert(first, changes.len());
        }
        changes.push(Change { space: operation.space, key: operation.key().into(), entry });
    }
    Ok(Prepared { sequence, versions, changes })
}

/// The operations at a place where one was before: by their numbers, the number of the first one there.
fn repeats(operations: &[Operation]) -> HashMap<usize, usize> {
    let mut repeats = HashMap::new();
    // A single operation is the usual case.
    if operations.len() <= 1 {
        return repeats;
    }
    let mut firsts = HashMap::with_capacity(operations.len());
    for (index, operation) in operations.iter().enumerate() {
        let first = *firsts.entry((operation.space, operation.key())).or_insert(index);
        if first != index {
            repeats.insert(index, first);
        }
    }
    repeats
}

/// What the batches of a group leave that are prepared but not yet published, over the published state.
#[derive(Debug, Default)]
pub struct Overlay {
    spaces: HashMap<Space, HashMap<Arc<[u8]>, Option<Entry>>>,
}

impl Overlay {
    /// Prepares the next batch of the group, over `published` and the group's earlier batches. It belongs to
    /// them once it is [added](Self::add).
    pub fn prepare(
        &self,
        batch: &mut Batch,
        sequence: Sequence,
        published: impl Fn(Space, &[u8]) -> Result<Option<Entry>>,
    ) -> Result<Prepared> {
        prepare(batch, sequence, |space, key| match self.get(space, key) {
            Some(entry) => Ok(entry.clone()),
            None => published(space, key),
        })
    }

    /// The batches that come see what this one leaves.
    pub fn add(&mut self, prepared: &Prepared) {
        for change in &prepared.changes {
            let space = self.spaces.entry(change.space).or_default();
            space.insert(Arc::clone(&change.key), change.entry.clone());
        }
    }

    /// What the group leaves at `key`, if it touched it.
    pub fn get(&self, space: Space, key: &[u8]) -> Option<&Option<Entry>> {
        self.spaces.get(&space)?.get(key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ErrorKind;
    use crate::kv::{Check, MAX_KEY_BYTES, Operation};

    const SPACE: Space = Space::DOCUMENTS;

    fn put(key: &[u8], check: Check) -> Operation {
        Operation::put(SPACE, key, check, b"{}")
    }

    fn batch(operations: &[Operation]) -> Batch {
        Batch { operations: operations.to_vec() }
    }

    #[test]
    fn later_operations_see_earlier_ones_and_each_key_is_left_once() {
        let stored = Entry::new(b"a", b"", 4, 1);
        let current = |_: Space, key: &[u8]| Ok((key == b"a").then(|| stored.clone()));
        let operations = [
            put(b"a", Check::Version(4)),
            put(b"b", Check::Absent),
            put(b"a", Check::Version(5)),
            Operation::delete(SPACE, b"b", Check::Version(0)),
            put(b"b", Check::Absent),
            Operation::delete(SPACE, b"a", Check::Unchanged(9)),
        ];
        let prepared = prepare(&mut batch(&operations), 9, current).unwrap();
        assert_eq!(prepared.versions, [Some(5), Some(0), Some(6), None, Some(0), None]);
        let left: Vec<_> = prepared
            .changes
            .iter()
            .map(|change| (&*change.key, change.entry.as_ref().map(Entry::version)))
            .collect();
        assert_eq!(left, [(&b"a"[..], None), (b"b", Some(0))]);
    }

    #[test]
    fn what_is_left_out_changes_nothing() {
        let stored = Entry::new(b"a", b"", 4, 1);
        let current = |_: Space, key: &[u8]| Ok((key == b"a").then(|| stored.clone()));
        let skip = Check::AbsentOrSkip;
        let operations =
            [put(b"a", skip), put(b"b", skip), put(b"b", skip), Operation::delete(SPACE, b"a", skip)];
        let prepared = prepare(&mut batch(&operations), 9, current).unwrap();
        assert_eq!(prepared.versions, [None, Some(0), None, None]);
        assert_eq!(prepared.changes.len(), 1);
        assert_eq!(prepared.changes[0].entry.as_ref().map(Entry::version), Some(0));
    }

    #[test]
    fn failing_says_which_operation() {
        let failing = |operation| {
            let operations = [put(b"a", Check::Any), operation, put(b"c", Check::Version(1))];
            let error = prepare(&mut batch(&operations), 1, |_, _| Ok(None)).unwrap_err();
            (error.key().map(str::to_owned), error.kind())
        };
        assert_eq!(failing(put(b"b", Check::Version(1))), (Some("b".into()), ErrorKind::Conflict));
        assert_eq!(failing(put(b"a", Check::Absent)), (Some("a".into()), ErrorKind::Conflict));
        let (key, kind) = failing(put(&vec![0; MAX_KEY_BYTES + 1], Check::Any));
        assert!(key.is_some() && kind == ErrorKind::Assertion, "{key:?} {kind:?}");
        assert_eq!(
            failing(put(&vec![0; MAX_KEY_BYTES], Check::Any)),
            (Some("c".into()), ErrorKind::Conflict)
        );
    }

    #[test]
    fn a_group_sees_its_good_batches_only() {
        let mut overlay = Overlay::default();
        let stored = Entry::new(b"d", b"", 6, 0);
        let published = |_: Space, key: &[u8]| Ok((key == b"d").then(|| stored.clone()));
        let mut next = |operations: &[Operation], sequence| {
            let prepared = overlay.prepare(&mut batch(operations), sequence, published)?;
            overlay.add(&prepared);
            Ok::<_, crate::Error>(prepared.versions)
        };
        assert_eq!(next(&[put(b"a", Check::Absent)], 1).unwrap(), [Some(0)]);
        assert!(next(&[put(b"b", Check::Any), put(b"a", Check::Absent)], 2).is_err());
        assert_eq!(
            next(&[put(b"b", Check::Absent), put(b"a", Check::Version(0))], 2).unwrap(),
            [Some(0), Some(1)]
        );
        assert_eq!(next(&[Operation::delete(SPACE, b"a", Check::Version(1))], 3).unwrap(), [None]);
        assert_eq!(next(&[put(b"a", Check::Absent)], 4).unwrap(), [Some(0)]);
        assert_eq!(next(&[Operation::delete(SPACE, b"d", Check::Version(6))], 5).unwrap(), [None]);
        assert_eq!(next(&[put(b"d", Check::Absent)], 6).unwrap(), [Some(0)]);
        assert_eq!(overlay.get(SPACE, b"c"), None);
    }
}
