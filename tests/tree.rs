//! The tree at the size of a real datastore, through its public face.

use kixx_datastore::kv::{Direction, Entry, KeyRange, Scan};
use kixx_datastore::stores::memory::tree::Tree;
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::thread;

const ENTRIES: u64 = 200_000;

fn key(number: u64) -> String {
    format!("item:{number:09}")
}

fn entry(number: u64) -> Entry {
    Entry::new(key(number).as_bytes(), &number.to_le_bytes(), 0, number)
}

/// The numbers below `count`, in an order that looks random: the step has no factor in common with `count`.
fn shuffled(count: u64) -> impl Iterator<Item = u64> {
    (0..count).map(move |number| number * 7_919_017 % count)
}

#[test]
fn deep_pages_are_right_at_any_offset() {
    let mut grown = Tree::new();
    shuffled(ENTRIES).for_each(|number| assert_eq!(grown.insert(entry(number)), None));
    let built = Tree::from_sorted((0..ENTRIES).map(entry));
    for tree in [&grown, &built] {
        assert_eq!(tree.len() as u64, ENTRIES);
        for skip in [0, 1, 19, 4_095, 99_990, 100_000, 150_001, 199_980, 199_990, 199_999, 200_000, 1 << 40] {
            let mut scan = Scan { limit: 20, skip, ..Scan::all(KeyRange::ALL) };
            let found = numbers(&tree.range(&scan));
            assert!(found.iter().copied().eq((skip..ENTRIES).take(20)), "{skip}: {found:?}");
            scan.direction = Direction::Descending;
            let found = numbers(&tree.range(&scan));
            assert!(
                found.iter().copied().eq((0..ENTRIES.saturating_sub(skip)).rev().take(20)),
                "{skip}: {found:?}"
            );
        }
        let (lower, upper) = (key(50_000), key(149_999));
        let range = KeyRange::inclusive(Some(lower.as_bytes()), Some(upper.as_bytes()));
        assert_eq!(tree.count(&range), 100_000);
        let scan = Scan { skip: 60_000, limit: 3, direction: Direction::Descending, range };
        assert_eq!(numbers(&tree.range(&scan)), [89_999, 89_998, 89_997]);
    }
}

fn numbers(entries: &[Entry]) -> Vec<u64> {
    entries.iter().map(Entry::sequence).collect()
}

#[test]
fn a_tree_that_shrinks_stays_right() {
    let mut tree = Tree::from_sorted((0..ENTRIES).map(entry));
    let full = tree.clone();
    for number in shuffled(ENTRIES).filter(|number| number % 1_000 != 0) {
        assert!(tree.remove(key(number).as_bytes()).is_some());
    }
    assert_eq!(tree.len(), 200);
    assert!(tree.iter().map(Entry::sequence).eq((0..ENTRIES).step_by(1_000)));
    assert_eq!(tree.rank(key(100_500).as_bytes()), 101);
    (0..ENTRIES).step_by(1_000).for_each(|number| drop(tree.remove(key(number).as_bytes())));
    assert_eq!((tree.len(), tree.memory().values, tree.select(0)), (0, 0, None));
    assert!(full.iter().map(Entry::sequence).eq(0..ENTRIES));
}

#[test]
fn snapshots_are_read_by_other_threads_while_the_tree_changes() {
    let mut tree = Tree::from_sorted((0..20_000).map(entry));
    thread::scope(|scope| {
        for round in 0..8 {
            let snapshot = tree.clone();
            let expected = 20_000 - 1_000 * round;
            scope.spawn(move || {
                assert_eq!(snapshot.iter().filter(|entry| entry.version() == 0).count(), expected);
            });
            for number in shuffled(20_000).skip(1_000 * round).take(1_000) {
                tree.insert(Entry::new(key(number).as_bytes(), b"changed", 1, number));
            }
        }
    });
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    /// Nodes have their full width here, unlike in the unit tests.
    #[test]
    fn wide_nodes_behave_as_a_sorted_map(
        start in 0..20_000u64,
        writes in prop::collection::vec((any::<bool>(), 0..30_000u64), 0..20_000),
        probes in prop::collection::vec(0..30_000u64, 50),
    ) {
        let mut tree = Tree::from_sorted((0..start).map(entry));
        let pairs = (0..start).map(|number| (key(number), entry(number)));
        let mut model: BTreeMap<String, Entry> = pairs.collect();
        let before = (tree.clone(), model.clone());
        for (removes, number) in writes {
            let key = key(number);
            if removes {
                assert_eq!(tree.remove(key.as_bytes()), model.remove(&key));
            } else {
                assert_eq!(tree.insert(entry(number)), model.insert(key, entry(number)));
            }
        }
        for (tree, model) in [before, (tree, model)] {
            assert_eq!(tree.len(), model.len());
            assert!(tree.iter().eq(model.values()));
            assert!(tree.iter_from(usize::MAX, Direction::Descending).eq(model.values().rev()));
            let keys: Vec<&String> = model.keys().collect();
            for probe in probes.iter().map(|number| key(*number)) {
                assert_eq!(tree.get(probe.as_bytes()), model.get(&probe));
                let rank = keys.partition_point(|key| **key < probe);
                assert_eq!(tree.rank(probe.as_bytes()), rank);
                assert_eq!(tree.select(rank).map(Entry::key), keys.get(rank).map(|key| key.as_bytes()));
            }
        }
    }
}
