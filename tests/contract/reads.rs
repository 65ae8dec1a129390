//! get, range and count.

use crate::harness::{Harness, all_keys, delete, get, keys, look, put, scan, value};
use kixx_datastore::kv::{Answer, Check, Direction, Entry, KeyRange, Operation, Scan, Space};
use std::ops::Bound;

use Direction::{Ascending, Descending};

pub(crate) fn what_was_put_is_there(harness: &Harness) {
    for space in harness.spaces() {
        let committed = harness.commit(vec![put(space, "user:1", Check::Any, 5)]).unwrap();
        let entry = get(&*harness.store, space, "user:1").unwrap();
        assert_eq!((entry.key(), entry.value()), (&b"user:1"[..], &value(5)[..]));
        assert_eq!((entry.version(), entry.sequence()), (0, committed.sequence));
        harness.commit(vec![put(space, "user:1", Check::Any, 6)]).unwrap();
        assert_eq!(get(&*harness.store, space, "user:1").unwrap().value(), value(6));
    }
}

pub(crate) fn absent_keys_and_spaces_are_empty(harness: &Harness) {
    harness.fill(Space::DOCUMENTS, &["b"]);
    for key in ["", "a", "b\0", "c", "B"] {
        assert_eq!(get(&*harness.store, Space::DOCUMENTS, key), None, "{key:?}");
    }
    let unused = Space(4_000_000_000);
    assert_eq!(get(&*harness.store, unused, "b"), None);
    assert!(all_keys(&*harness.store, unused).is_empty());
    assert_eq!(harness.store.count(unused, &KeyRange::ALL).wait().unwrap(), 0);
}

pub(crate) fn spaces_are_apart(harness: &Harness) {
    let Some(raw) = harness.raw else { return };
    let documents = Space::DOCUMENTS;
    harness.fill(documents, &["a", "b"]);
    harness.fill(raw, &["b", "c", "d"]);
    harness.commit(vec![Operation::delete(documents, b"b", Check::Any)]).unwrap();
    assert_eq!(all_keys(&*harness.store, documents), ["a"]);
    assert_eq!(all_keys(&*harness.store, raw), ["b", "c", "d"]);
}

pub(crate) fn keys_and_values_may_be_any_bytes(harness: &Harness) {
    let Harness { store, raw: Some(raw), .. } = harness else { return };
    let long = vec![0xfe; 60_000];
    let sorted: [&[u8]; 8] = [b"", b"\0", b"\0\0", b"a", b"a\0", b"\xc3\xa9", &long, b"\xff"];
    let value = |key: &[u8]| key.iter().rev().copied().collect::<Vec<u8>>();
    let operations = sorted.iter().rev().map(|key| Operation::put(*raw, key, Check::Absent, &value(key)));
    harness.commit(operations.collect()).unwrap();
    for key in sorted {
        assert_eq!(store.get(*raw, key).wait().unwrap().unwrap().value(), value(key));
    }
    let entries = store.range(*raw, &Scan::all(KeyRange::ALL)).wait().unwrap();
    assert!(entries.iter().map(Entry::key).eq(sorted));
    let empty_key = KeyRange::inclusive(Some(b""), Some(b""));
    assert_eq!(store.count(*raw, &empty_key).wait().unwrap(), 1);

    let large = vec![7; 3 << 20];
    harness.commit(vec![Operation::put(*raw, b"large", Check::Any, &large)]).unwrap();
    assert!(store.get(*raw, b"large").wait().unwrap().unwrap().value() == large);
}

pub(crate) fn ranges_respect_their_bounds(harness: &Harness) {
    let present = ["b", "d", "da", "f"];
    harness.fill(harness.scratch(), &present);
    let keys_around = ["a", "b", "c", "d", "da", "e", "f", "g"];
    let mut bounds: Vec<Bound<Box<[u8]>>> = vec![Bound::Unbounded];
    for key in keys_around {
        bounds.push(Bound::Included(key.as_bytes().into()));
        bounds.push(Bound::Excluded(key.as_bytes().into()));
    }
    for lower in &bounds {
        for upper in &bounds {
            let range = KeyRange { lower: lower.clone(), upper: upper.clone() };
            let mut expected: Vec<&str> =
                present.into_iter().filter(|key| range.contains(key.as_bytes())).collect();
            let count = harness.store.count(harness.scratch(), &range).wait().unwrap();
            assert_eq!(count, expected.len() as u64, "{range:?}");
            let mut scan = Scan::all(range);
            assert_eq!(keys(&*harness.store, harness.scratch(), &scan), expected, "{scan:?}");
            scan.direction = Descending;
            expected.reverse();
            assert_eq!(keys(&*harness.store, harness.scratch(), &scan), expected, "{scan:?}");
        }
    }
}

pub(crate) fn bounds_in_the_wrong_order_are_an_empty_range(harness: &Harness) {
    harness.fill(Space::DOCUMENTS, &["a", "b", "c"]);
    for direction in [Ascending, Descending] {
        let scan = scan(Some("c"), Some("a"), direction);
        assert!(keys(&*harness.store, Space::DOCUMENTS, &scan).is_empty());
        assert_eq!(harness.store.count(Space::DOCUMENTS, &scan.range).wait().unwrap(), 0);
    }
}

pub(crate) fn pages_begin_at_any_offset(harness: &Harness) {
    let names: Vec<String> = (0..500).map(|number| format!("item:{number:03}")).collect();
    let operations =
        names.iter().zip(0..).map(|(key, number)| put(harness.scratch(), key, Check::Any, number));
    harness.commit(operations.collect()).unwrap();
    for direction in [Ascending, Descending] {
        let mut scan = scan(Some("item:100"), Some("item:399"), direction);
        let mut expected = names[100..400].to_vec();
        if direction == Descending {
            expected.reverse();
        }
        for skip in [0, 1, 63, 64, 150, 299, 300, 301, u64::MAX] {
            for limit in [0, 1, 20, 130, 300, u64::MAX] {
                (scan.skip, scan.limit) = (skip, limit);
                let index = |number: u64| usize::try_from(number).unwrap();
                let page: Vec<&str> =
                    expected.iter().map(String::as_str).skip(index(skip)).take(index(limit)).collect();
                assert_eq!(keys(&*harness.store, harness.scratch(), &scan), page, "{scan:?}");
            }
        }
    }
}

pub(crate) fn resident_stores_answer_at_once(harness: &Harness) {
    if !harness.store.capability().resident {
        return;
    }
    harness.fill(Space::DOCUMENTS, &["a"]);
    let Harness { store, .. } = harness;
    assert!(matches!(store.get(Space::DOCUMENTS, b"a"), Answer::Ready(Ok(Some(_)))));
    assert!(matches!(store.range(Space::DOCUMENTS, &Scan::all(KeyRange::ALL)), Answer::Ready(Ok(_))));
    assert!(matches!(store.count(Space::DOCUMENTS, &KeyRange::ALL), Answer::Ready(Ok(1))));
    let Answer::Ready(Ok(snapshot)) = store.snapshot() else { panic!("no snapshot at once") };
    assert!(matches!(snapshot.get(Space::DOCUMENTS, b"a"), Answer::Ready(Ok(Some(_)))));
    assert!(matches!(store.changes(Space::DOCUMENTS, store.sequence()), Answer::Ready(Ok(_))));
}

pub(crate) fn a_look_sees_what_get_does(harness: &Harness) {
    for space in harness.spaces() {
        harness.fill(space, &["a", "b", "c"]);
        harness.commit(vec![put(space, "a", Check::Any, 9), delete(space, "b", Check::Any)]).unwrap();
        for key in ["", "a", "b", "c", "d"] {
            let found = get(&*harness.store, space, key);
            let seen = look(&*harness.store, space, key);
            assert!(seen.is_none_or(|seen| seen.unwrap() == found), "{key:?}");
        }
    }
}
