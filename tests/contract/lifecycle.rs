//! flush, close, and opening again.

use crate::harness::{Harness, all_keys, delete, error_kind, get, look, number, put};
use kixx_datastore::ErrorKind;
use kixx_datastore::kv::{Check, KeyRange, Scan, Space};

pub(crate) fn a_closed_store_answers_closed(harness: &Harness) {
    harness.fill(Space::DOCUMENTS, &["a"]);
    let Harness { store, .. } = harness;
    store.close().wait().unwrap();
    let put = put(Space::DOCUMENTS, "b", Check::Any, 1);
    let answers = [
        ("get", error_kind(store.get(Space::DOCUMENTS, b"a").wait())),
        ("range", error_kind(store.range(Space::DOCUMENTS, &Scan::all(KeyRange::ALL)).wait())),
        ("count", error_kind(store.count(Space::DOCUMENTS, &KeyRange::ALL).wait())),
        ("snapshot", error_kind(store.snapshot().wait())),
        ("commit", error_kind(harness.commit(vec![put]))),
        ("changes", error_kind(store.changes(Space::DOCUMENTS, 0).wait())),
        ("flush", error_kind(store.flush().wait())),
        ("close", error_kind(store.close().wait())),
    ];
    for (call, kind) in answers {
        assert_eq!(kind, Some(ErrorKind::Closed), "{call}");
    }
    let looked = look(&**store, Space::DOCUMENTS, "a");
    assert!(looked.is_none_or(|looked| error_kind(looked) == Some(ErrorKind::Closed)));
    // These need nothing that a close lets go of.
    let _ = (store.sequence(), store.capability());
}

pub(crate) fn flushing_keeps_everything(harness: &Harness) {
    harness.store.flush().wait().unwrap();
    harness.fill(Space::DOCUMENTS, &["a", "b"]);
    harness.store.flush().wait().unwrap();
    harness.store.flush().wait().unwrap();
    assert_eq!(all_keys(&*harness.store, Space::DOCUMENTS), ["a", "b"]);
}

pub(crate) fn what_was_acknowledged_is_there_after_reopening(harness: &mut Harness) {
    let documents = Space::DOCUMENTS;
    for round in 0..3 {
        harness.fill(documents, &["kept", "deleted", "made again"]);
        harness.commit(vec![delete(documents, "deleted", Check::Any)]).unwrap();
        let again =
            vec![delete(documents, "made again", Check::Any), put(documents, "made again", Check::Absent, 7)];
        harness.commit(again).unwrap();
        harness.store.close().wait().unwrap();
        let Some(reopen) = &harness.reopen else { return };
        harness.store = reopen();
        assert_eq!(all_keys(&*harness.store, documents), ["kept", "made again"]);
        let kept = get(&*harness.store, documents, "kept").unwrap();
        assert_eq!((number(&kept), kept.version()), (0, round));
        let again = get(&*harness.store, documents, "made again").unwrap();
        assert_eq!((number(&again), again.version()), (7, 0));
    }
}
