//! changes: what happened after a commit.

use crate::harness::{Harness, delete, put};
use kixx_datastore::kv::{Changes, Check, KeyRange, Moment, Sequence, Space};

/// The changed keys in order, or `None` when that is too long ago.
fn changed(harness: &Harness, space: Space, since: Sequence) -> Option<Vec<String>> {
    in_order(harness.store.changes(space, since).wait().unwrap())
}

/// The same between two moments.
fn between(harness: &Harness, space: Space, from: Moment, to: Moment) -> Option<Vec<String>> {
    in_order(harness.store.changes_between(space, from, to).wait().unwrap())
}

fn in_order(changes: Changes) -> Option<Vec<String>> {
    match changes {
        Changes::TooOld => None,
        Changes::Keys(keys) => {
            let mut keys: Vec<String> =
                keys.iter().map(|key| String::from_utf8(key.to_vec()).unwrap()).collect();
            keys.sort();
            Some(keys)
        }
    }
}

pub(crate) fn every_changed_key_is_told_once(harness: &Harness) {
    for space in harness.spaces() {
        let start = harness.store.sequence();
        assert_eq!(changed(harness, space, start).unwrap(), [""; 0]);
        harness.fill(space, &["a", "b", "c"]);
        let filled = harness.store.sequence();
        let operations = vec![
            put(space, "b", Check::Any, 7),
            put(space, "d", Check::Any, 7),
            put(space, "b", Check::Any, 8),
        ];
        harness.commit(operations).unwrap();
        let again = harness.store.sequence();
        harness.commit(vec![delete(space, "a", Check::Any), put(space, "b", Check::Any, 9)]).unwrap();
        assert_eq!(changed(harness, space, start).unwrap(), ["a", "b", "c", "d"]);
        assert_eq!(changed(harness, space, filled).unwrap(), ["a", "b", "d"]);
        assert_eq!(changed(harness, space, again).unwrap(), ["a", "b"]);
        assert_eq!(changed(harness, space, harness.store.sequence()).unwrap(), [""; 0]);
        assert_eq!(changed(harness, Space(99), start).unwrap(), [""; 0]);
    }
}

pub(crate) fn a_conflict_is_no_change(harness: &Harness) {
    harness.fill(Space::DOCUMENTS, &["a"]);
    let before = harness.store.sequence();
    let operations =
        vec![put(Space::DOCUMENTS, "b", Check::Any, 1), put(Space::DOCUMENTS, "a", Check::Absent, 1)];
    harness.commit(operations).unwrap_err();
    assert_eq!(changed(harness, Space::DOCUMENTS, before).unwrap(), [""; 0]);
}

pub(crate) fn long_ago_is_too_old(harness: &Harness) {
    const BATCH: u64 = 2_000;
    const MOST_REMEMBERED: u64 = 200_000;
    let start = harness.store.sequence();
    let mut changes = 0;
    let mut before_last = start;
    while changed(harness, harness.scratch(), start).is_some() {
        assert!(changes < MOST_REMEMBERED, "the store remembers without bound");
        before_last = harness.store.sequence();
        let operations =
            (0..BATCH).map(|number| put(harness.scratch(), &format!("{number:04}"), Check::Any, number));
        harness.commit(operations.collect()).unwrap();
        changes += BATCH;
    }
    assert_eq!(changed(harness, harness.scratch(), before_last).unwrap().len() as u64, BATCH);
}

pub(crate) fn changes_between_moments_are_told(harness: &Harness) {
    let moment = || harness.store.moment().wait().unwrap();
    for space in harness.spaces() {
        let start = moment().1;
        harness.fill(space, &["a", "b"]);
        let (snapshot, filled) = moment();
        assert_eq!((snapshot.sequence(), filled.sequence), (harness.store.sequence(), snapshot.sequence()));
        harness.commit(vec![delete(space, "a", Check::Any), put(space, "c", Check::Any, 1)]).unwrap();
        let end = moment().1;
        assert_eq!(snapshot.count(space, &KeyRange::ALL).wait().unwrap(), 2);
        let told = |from, to| between(harness, space, from, to);
        assert_eq!(told(start, filled).unwrap(), ["a", "b"]);
        assert_eq!(told(filled, end).unwrap(), ["a", "c"]);
        assert_eq!(told(start, end).unwrap(), ["a", "b", "c"]);
        assert_eq!(told(end, end).unwrap(), [""; 0]);
        assert_eq!(told(end, filled), None);
    }
}

pub(crate) fn moments_of_others_are_too_old(harness: &Harness) {
    let before = harness.store.moment().wait().unwrap().1;
    harness.fill(Space::DOCUMENTS, &["a"]);
    let now = harness.store.moment().wait().unwrap().1;
    let [first, second] = now.history;
    for history in [[0, 0], [1, 1], [!first, !second], [Moment::random_name(), 0]] {
        let other = Moment { history, ..before };
        assert_eq!(between(harness, Space::DOCUMENTS, other, now), None);
    }
    let future = Moment { sequence: now.sequence + 1, ..now };
    assert_eq!(between(harness, Space::DOCUMENTS, future, now), None);
}
