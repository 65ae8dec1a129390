//! What changed lately, within bounds.

use crate::kv::{Changes, Sequence, Space};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

/// The newest changes of all spaces. When they are too many, the space with the most of them loses its
/// oldest, so that a space which changes all the time does not make another one forget.
#[derive(Debug, Default)]
pub(in crate::stores) struct ChangeLog {
    spaces: BTreeMap<Space, SpaceLog>,
    /// The commit before the first that could be recorded.
    start: Sequence,
    forgets_all: bool,
    changes: usize,
    key_bytes: usize,
}

/// Most changes that are remembered over all spaces ...
const MAX_CHANGES: usize = 65_536;
/// ... and most bytes of their keys.
const MAX_KEYS_BYTES: usize = 16 << 20;
/// What a space loses at once: this part of its changes.
const FORGET_ONE_IN: usize = 64;

#[derive(Debug, Default)]
struct SpaceLog {
    /// Oldest first.
    changes: VecDeque<Change>,
    /// Changes up to this commit are no longer known, or not all of them.
    forgotten: Sequence,
}

#[derive(Debug)]
struct Change {
    sequence: Sequence,
    key: Arc<[u8]>,
}

impl ChangeLog {
    /// A log of what comes after the commit `start`.
    pub(in crate::stores) fn new(start: Sequence) -> Self {
        Self { start, ..Self::default() }
    }

    /// A log that remembers nothing.
    pub(super) fn of_nothing() -> Self {
        Self { forgets_all: true, ..Self::default() }
    }

    /// A log of what comes after these commits, which were the last ones to change their spaces.
    pub(in crate::stores) fn after(last: impl IntoIterator<Item = (Space, Sequence)>) -> Self {
        let log = |forgotten| SpaceLog { changes: VecDeque::new(), forgotten };
        let spaces = last.into_iter().map(|(space, sequence)| (space, log(sequence))).collect();
        Self { spaces, ..Self::default() }
    }

    /// The keys of `space` that changed after `since` and up to `through`, each once.
    pub(in crate::stores) fn between(&self, space: Space, since: Sequence, through: Sequence) -> Changes {
        let log = self.spaces.get(&space);
        if since < log.map_or(self.start, |log| log.forgotten) {
            return Changes::TooOld;
        }
        let Some(SpaceLog { changes, .. }) = log else { return Changes::Keys(Vec::new()) };
        let first = changes.partition_point(|change| change.sequence <= since);
        let behind = changes.partition_point(|change| change.sequence <= through).max(first);
        let mut keys: Vec<_> = changes.range(first..behind).map(|change| Arc::clone(&change.key)).collect();
        keys.sort_unstable();
        keys.dedup();
        Changes::Keys(keys)
    }

    /// Remembers a change by the commit `sequence`, the newest.
    pub(in crate::stores) fn record(&mut self, space: Space, key: Arc<[u8]>, sequence: Sequence) {
        if self.forgets_all {
            self.start = sequence;
            return;
        }
        self.changes += 1;
        self.key_bytes += key.len();
        self.space(space).changes.push_back(Change { sequence, key });
        while self.changes > MAX_CHANGES || self.key_bytes > MAX_KEYS_BYTES {
            self.forget_oldest();
        }
    }

    /// The keys of `space` that changed after `since`, each once.
    pub(in crate::stores) fn since(&self, space: Space, since: Sequence) -> Changes {
        self.between(space, since, Sequence::MAX)
    }

    fn forget_oldest(&mut self) {
        let Some(log) = self.spaces.values_mut().max_by_key(|log| log.changes.len()) else { return };
        let count = log.changes.len().div_ceil(FORGET_ONE_IN);
        for change in log.changes.drain(..count) {
            log.forgotten = change.sequence;
            self.key_bytes -= change.key.len();
        }
        self.changes -= count;
    }

    fn space(&mut self, space: Space) -> &mut SpaceLog {
        let start = self.start;
        self.spaces.entry(space).or_insert_with(|| SpaceLog { changes: VecDeque::new(), forgotten: start })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BUSY: Space = Space(1);
    const QUIET: Space = Space(2);

    fn keys(changes: Changes) -> Vec<String> {
        match changes {
            Changes::TooOld => vec!["too old".into()],
            Changes::Keys(keys) => keys.iter().map(|key| String::from_utf8_lossy(key).into_owned()).collect(),
        }
    }

    #[test]
    fn tells_what_came_after() {
        let mut log = ChangeLog::new(10);
        for (sequence, key) in [(11, "a"), (11, "b"), (12, "a"), (14, "c"), (15, "a")] {
            log.record(BUSY, key.as_bytes().into(), sequence);
        }
        assert_eq!(keys(log.since(BUSY, 9)), ["too old"]);
        assert_eq!(keys(log.since(BUSY, 10)), ["a", "b", "c"]);
        assert_eq!(keys(log.since(BUSY, 11)), ["a", "c"]);
        assert_eq!(keys(log.since(BUSY, 13)), ["a", "c"]);
        assert_eq!(keys(log.since(BUSY, 14)), ["a"]);
        assert!(keys(log.since(BUSY, 15)).is_empty());
        assert_eq!(keys(log.between(BUSY, 11, 13)), ["a"]);
        assert_eq!(keys(log.between(BUSY, 10, 14)), ["a", "b", "c"]);
        assert!(keys(log.between(BUSY, 12, 12)).is_empty());
        assert_eq!(keys(log.between(BUSY, 9, 12)), ["too old"]);
        assert_eq!((keys(log.since(QUIET, 9)), keys(log.since(QUIET, 10))), (vec!["too old".into()], vec![]));
    }

    #[test]
    fn a_busy_space_forgets_its_own_changes_first() {
        let mut log = ChangeLog::new(0);
        log.record(QUIET, b"quiet"[..].into(), 1);
        let last = 3 * MAX_CHANGES as u64;
        for sequence in 2..=last {
            log.record(BUSY, sequence.to_string().as_bytes().into(), sequence);
            assert!(log.changes <= MAX_CHANGES);
        }
        assert_eq!(keys(log.since(QUIET, 0)), ["quiet"]);
        assert_eq!(keys(log.since(BUSY, 2)), ["too old"]);
        let kept = MAX_CHANGES as u64 / 2;
        assert_eq!(keys(log.since(BUSY, last - kept)).len() as u64, kept);
        assert_eq!(log.changes, log.spaces.values().map(|log| log.changes.len()).sum::<usize>());
    }

    #[test]
    fn a_log_of_nothing_knows_that_something_changed() {
        let mut log = ChangeLog::of_nothing();
        assert!(keys(log.since(BUSY, 0)).is_empty());
        log.record(BUSY, b"a"[..].into(), 1);
        assert_eq!((keys(log.since(BUSY, 0)), keys(log.since(BUSY, 1))), (vec!["too old".into()], vec![]));
    }

    #[test]
    fn long_keys_are_forgotten_by_their_bytes() {
        let mut log = ChangeLog::new(0);
        for sequence in 1..=600 {
            log.record(BUSY, vec![b'k'; 64 << 10].into(), sequence);
            assert!(log.key_bytes <= MAX_KEYS_BYTES);
        }
        assert_eq!(keys(log.since(BUSY, 100)), ["too old"]);
        assert_eq!(keys(log.since(BUSY, 500)).len(), 1);
    }
}
