//! commit: checks, versions, all or nothing.

use crate::harness::{Harness, all_keys, delete, error_kind, get, number, put};
use kixx_datastore::ErrorKind;
use kixx_datastore::kv::{Batch, Changes, Check, MAX_KEY_BYTES, MAX_VALUE_BYTES, Operation, Space};

pub(crate) fn checks_hold_or_conflict(harness: &Harness) {
    for space in harness.spaces() {
        let first = harness.commit(vec![put(space, "old", Check::Any, 0)]).unwrap();
        let second = harness.commit(vec![put(space, "old", Check::Any, 1)]).unwrap();
        let cases = [
            (Check::Any, true, true),
            (Check::Absent, true, false),
            (Check::Version(0), false, false),
            (Check::Version(1), false, true),
            (Check::Version(2), false, false),
            (Check::VersionIfPresent(1), true, true),
            (Check::VersionIfPresent(0), true, false),
            (Check::Unchanged(second.sequence), false, true),
            (Check::Unchanged(first.sequence), false, false),
        ];
        for (check, holds_for_none, holds_for_old) in cases {
            for (key, holds) in [("none", holds_for_none), ("old", holds_for_old)] {
                // A further operation that always fails keeps the state as it is; its error tells which
                // one did.
                let witness = put(space, "witness", Check::Version(77), 0);
                for operation in [put(space, key, check, 2), delete(space, key, check)] {
                    let error = harness.commit(vec![operation, witness.clone()]).unwrap_err();
                    let failed = error.key().unwrap();
                    assert_eq!(failed == "witness", holds, "{check:?} of {key}: {error}");
                }
            }
        }
        assert_eq!(harness.version(space, "old"), Some(1));
        harness.commit(vec![put(space, "old", Check::Unchanged(second.sequence), 2)]).unwrap();
        harness.commit(vec![delete(space, "old", Check::Version(2))]).unwrap();
        assert_eq!(harness.version(space, "old"), None);
    }
}

pub(crate) fn versions_count_the_puts(harness: &Harness) {
    for space in harness.spaces() {
        let versions = |operations| harness.commit(operations).unwrap().versions;
        assert_eq!(versions(vec![put(space, "a", Check::Any, 1)]), [Some(0)]);
        assert_eq!(versions(vec![put(space, "a", Check::Any, 1)]), [Some(1)]);
        assert_eq!(
            versions(vec![put(space, "a", Check::Version(1), 1), put(space, "b", Check::Any, 1)]),
            [Some(2), Some(0)]
        );
        assert_eq!(versions(vec![delete(space, "a", Check::Version(2))]), [None]);
        assert_eq!(versions(vec![put(space, "a", Check::Absent, 1)]), [Some(0)]);
        assert_eq!(harness.version(space, "a"), Some(0));
    }
}

pub(crate) fn exact_versions_are_kept(harness: &Harness) {
    let exact = |key: &str, version| {
        Operation::put_exact(Space::DOCUMENTS, key.as_bytes(), Check::Any, b"{}", version)
    };
    let committed = harness.commit(vec![exact("a", 41), exact("b", 0)]).unwrap();
    assert_eq!(committed.versions, [Some(41), Some(0)]);
    let next = vec![put(Space::DOCUMENTS, "a", Check::Version(41), 1), exact("b", 7), exact("a", 3)];
    assert_eq!(harness.commit(next).unwrap().versions, [Some(42), Some(7), Some(3)]);
    assert_eq!(harness.version(Space::DOCUMENTS, "a"), Some(3));
}

pub(crate) fn what_is_there_may_be_left_out(harness: &Harness) {
    for space in harness.spaces() {
        harness.fill(space, &["old"]);
        let skip = Check::AbsentOrSkip;
        let operations =
            vec![put(space, "old", skip, 8), put(space, "new", skip, 9), put(space, "new", skip, 10)];
        let committed = harness.commit(operations).unwrap();
        assert_eq!(committed.versions, [None, Some(0), None]);
        let numbers = ["old", "new"].map(|key| number(&get(&*harness.store, space, key).unwrap()));
        assert_eq!(numbers, [0, 9]);
        assert!(get(&*harness.store, space, "old").unwrap().sequence() < committed.sequence);
        assert_eq!(harness.commit(vec![put(space, "old", skip, 8)]).unwrap().versions, [None]);
    }
}

pub(crate) fn what_only_checks_leaves_no_trace(harness: &Harness) {
    for space in harness.spaces() {
        harness.fill(space, &["read"]);
        let seen = get(&*harness.store, space, "read").unwrap().sequence();
        let latest = harness.store.sequence();
        let commit = |checks: &[(&str, Check)]| {
            let mut operations = vec![put(space, "written", Check::Any, 1)];
            operations.extend(checks.iter().map(|(key, check)| delete(space, key, *check)));
            harness.commit(operations)
        };
        let holding = [
            ("", Check::Latest(latest)),
            ("read", Check::Still(seen)),
            ("none", Check::StillAbsent),
            ("written", Check::Still(latest + 1)),
        ];
        let committed = commit(&holding).unwrap();
        assert_eq!(committed.versions[1..], [None; 4]);
        assert_eq!(get(&*harness.store, space, "read").unwrap().sequence(), seen);
        let changes = harness.store.changes(space, latest).wait().unwrap();
        assert_eq!(changes, Changes::Keys(vec![b"written"[..].into()]));
        for broken in [
            ("", Check::Latest(latest)),
            ("read", Check::Still(seen + 1)),
            ("read", Check::StillAbsent),
            ("none", Check::Still(seen)),
        ] {
            assert_eq!(error_kind(commit(&[broken])), Some(ErrorKind::Conflict), "{broken:?}");
        }
        assert_eq!(get(&*harness.store, space, "written").unwrap().sequence(), committed.sequence);
    }
}

pub(crate) fn sequences_grow_and_mark_entries(harness: &Harness) {
    let mut newest = harness.store.sequence();
    for round in 0..5 {
        for space in harness.spaces() {
            let operations = vec![put(space, "a", Check::Any, round), put(space, "b", Check::Any, round)];
            let committed = harness.commit(operations).unwrap();
            assert!(committed.sequence > newest);
            newest = committed.sequence;
            assert_eq!(harness.store.sequence(), newest);
            for key in ["a", "b"] {
                assert_eq!(get(&*harness.store, space, key).unwrap().sequence(), newest);
            }
        }
    }
}

pub(crate) fn a_conflict_changes_nothing(harness: &Harness) {
    let documents = Space::DOCUMENTS;
    harness.fill(documents, &["a", "b"]);
    let before = harness.store.sequence();
    let elsewhere = harness.raw.map(|raw| put(raw, "c", Check::Any, 9));
    let operations = [
        put(documents, "a", Check::Any, 9),
        delete(documents, "b", Check::Any),
        put(documents, "new", Check::Absent, 9),
        put(documents, "a", Check::Version(0), 9),
    ];
    let result = harness.commit(elsewhere.into_iter().chain(operations).collect());
    assert_eq!(error_kind(result), Some(ErrorKind::Conflict));
    assert_eq!(harness.store.sequence(), before);
    assert_eq!(all_keys(&*harness.store, documents), ["a", "b"]);
    assert!(harness.raw.is_none_or(|raw| all_keys(&*harness.store, raw).is_empty()));
    assert_eq!(number(&get(&*harness.store, documents, "a").unwrap()), 0);
    assert_eq!(harness.version(documents, "a"), Some(0));
}

pub(crate) fn a_conflict_says_what_and_where(harness: &Harness) {
    harness.fill(Space::DOCUMENTS, &["user:1"]);
    let stale = vec![
        put(Space::DOCUMENTS, "x", Check::Any, 1),
        put(Space::DOCUMENTS, "user:1", Check::Version(3), 1),
    ];
    let error = harness.commit(stale).unwrap_err();
    assert_eq!((error.kind(), error.key()), (ErrorKind::Conflict, Some("user:1")));
    assert!(error.expected().unwrap().contains('3') && error.message().contains("user:1"), "{error}");
    assert!(error.is_temporary());
}

pub(crate) fn later_operations_see_earlier_ones(harness: &Harness) {
    for space in harness.spaces() {
        let operations = vec![
            put(space, "a", Check::Absent, 1),
            put(space, "a", Check::Version(0), 2),
            delete(space, "a", Check::Version(1)),
            put(space, "a", Check::Absent, 3),
            put(space, "b", Check::Absent, 4),
            delete(space, "b", Check::Any),
        ];
        let committed = harness.commit(operations).unwrap();
        assert_eq!(committed.versions, [Some(0), Some(1), None, Some(0), Some(0), None]);
        assert_eq!(all_keys(&*harness.store, space), ["a"]);
        let entry = get(&*harness.store, space, "a").unwrap();
        assert_eq!((number(&entry), entry.version(), entry.sequence()), (3, 0, committed.sequence));

        let twice = vec![delete(space, "a", Check::Version(0)), delete(space, "a", Check::Version(0))];
        assert_eq!(error_kind(harness.commit(twice)), Some(ErrorKind::Conflict));
        assert_eq!(harness.version(space, "a"), Some(0));
    }
}

pub(crate) fn deleting_nothing_is_no_error(harness: &Harness) {
    for space in harness.spaces() {
        harness.fill(space, &["a"]);
        let committed = harness.commit(vec![delete(space, "b", Check::Any)]).unwrap();
        assert_eq!(committed.versions, [None]);
        assert_eq!(all_keys(&*harness.store, space), ["a"]);
    }
}

pub(crate) fn an_empty_batch_changes_nothing(harness: &Harness) {
    harness.fill(Space::DOCUMENTS, &["a"]);
    let committed = harness.store.commit(Batch::default()).wait().unwrap();
    assert!(committed.versions.is_empty());
    assert_eq!(harness.store.sequence(), committed.sequence);
    assert_eq!(all_keys(&*harness.store, Space::DOCUMENTS), ["a"]);
}

pub(crate) fn keys_and_values_that_are_too_long_are_refused(harness: &Harness) {
    let capability = harness.store.capability();
    assert!(capability.max_key_bytes >= MAX_KEY_BYTES && capability.max_value_bytes >= MAX_VALUE_BYTES);
    let space = harness.scratch();
    let good = put(space, "good", Check::Any, 0);
    let long_key = Operation::put(space, &vec![b'k'; capability.max_key_bytes + 1], Check::Any, b"{}");
    let value = vec![0; capability.max_value_bytes + 1];
    let long_value = Operation::put(space, b"good", Check::Any, &value);
    drop(value);
    for operation in [long_key, long_value] {
        let result = harness.commit(vec![good.clone(), operation]);
        assert_eq!(error_kind(result), Some(ErrorKind::Assertion));
        assert!(all_keys(&*harness.store, space).is_empty());
    }
    if let Some(raw) = harness.raw {
        let longest = Operation::put(raw, &vec![b'k'; MAX_KEY_BYTES], Check::Any, b"");
        harness.commit(vec![longest]).unwrap();
    }
}
