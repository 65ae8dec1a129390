//! snapshot: one moment, kept.

use crate::harness::{Harness, all_keys, delete, get, number, put};
use kixx_datastore::kv::{Check, KeyRange, Read};
use std::sync::Arc;

pub(crate) fn later_commits_do_not_move_a_snapshot(harness: &Harness) {
    for space in harness.spaces() {
        let names: Vec<String> = (0..200).map(|number| format!("item:{number:03}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        harness.fill(space, &names);
        let snapshot = harness.store.snapshot().wait().unwrap();
        let sequence = harness.store.sequence();
        for (key, number) in names.iter().zip(0..) {
            let operation = match number % 3 {
                0 => delete(space, key, Check::Any),
                _ => put(space, key, Check::Any, 1_000),
            };
            harness.commit(vec![operation, put(space, &format!("new:{number}"), Check::Any, 0)]).unwrap();
        }
        assert_eq!(snapshot.sequence(), sequence);
        assert_eq!(all_keys(&*snapshot, space), names);
        assert_eq!(snapshot.count(space, &KeyRange::ALL).wait().unwrap(), 200);
        for (key, expected) in names.iter().zip(0..) {
            let entry = get(&*snapshot, space, key).unwrap();
            assert_eq!((number(&entry), entry.version()), (expected, 0));
        }
        assert_eq!(get(&*snapshot, space, "new:0"), None);
        assert_eq!(harness.store.count(space, &KeyRange::ALL).wait().unwrap(), 200 - 67 + 200);
    }
}

pub(crate) fn each_snapshot_has_its_own_moment(harness: &Harness) {
    let mut snapshots: Vec<Arc<dyn Read>> = Vec::new();
    for round in 0..50 {
        snapshots.push(harness.store.snapshot().wait().unwrap());
        harness.commit(vec![put(harness.scratch(), &format!("{round:02}"), Check::Absent, round)]).unwrap();
    }
    for (round, snapshot) in snapshots.iter().enumerate() {
        assert_eq!(all_keys(&**snapshot, harness.scratch()).len(), round);
    }
    drop(snapshots);
    assert_eq!(all_keys(&*harness.store, harness.scratch()).len(), 50);
}
