//! Random operations against a plain model, with the structure checked after each sequence. Nodes are narrow
//! here (`MAX_WIDTH`), so that a few hundred keys make a tree of several levels.

use super::node::Node;
use super::{MAX_WIDTH, MIN_WIDTH, Tree};
use crate::kv::{Direction, Entry, KeyRange, Scan};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::ops::Bound;

type Model = BTreeMap<Vec<u8>, Entry>;

#[derive(Clone, Debug)]
enum Step {
    Insert(Vec<u8>, Vec<u8>),
    Remove(Vec<u8>),
    /// Removes the key at this share of the tree, so that trees shrink as well as grow.
    RemoveAt(usize),
    Snapshot,
    ForgetSnapshot,
    Rebuild,
}

/// Keys that share prefixes of many lengths, end in zeros, and are often met again.
fn key() -> impl Strategy<Value = Vec<u8>> {
    let tail = prop::collection::vec(prop::sample::select(vec![0u8, 1, b'a', b'b', 255]), 0..5);
    let long = &b"user:a:a stem that is not kept inline:"[..];
    let stem = prop::sample::select(vec![&b""[..], b"user:", long, b"user:b:long stem:", b"\xff"]);
    (stem, tail).prop_map(|(stem, tail)| [stem, &tail].concat())
}

fn value() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(any::<u8>(), 0..4)
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        12 => (key(), value()).prop_map(|(key, value)| Step::Insert(key, value)),
        4 => key().prop_map(Step::Remove),
        5 => any::<usize>().prop_map(Step::RemoveAt),
        1 => Just(Step::Snapshot),
        1 => Just(Step::ForgetSnapshot),
        1 => Just(Step::Rebuild),
    ]
}

fn bound() -> impl Strategy<Value = Bound<Box<[u8]>>> {
    prop_oneof![
        Just(Bound::Unbounded),
        key().prop_map(|key| Bound::Included(key.into())),
        key().prop_map(|key| Bound::Excluded(key.into())),
    ]
}

fn scan() -> impl Strategy<Value = Scan> {
    let direction = prop::sample::select(vec![Direction::Ascending, Direction::Descending]);
    let number = prop_oneof![4 => 0..40u64, 1 => Just(u64::MAX)];
    (bound(), bound(), direction, number.clone(), number).prop_map(
        |(lower, upper, direction, skip, limit)| Scan {
            range: KeyRange { lower, upper },
            direction,
            skip,
            limit,
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn behaves_as_a_sorted_map(
        steps in prop::collection::vec(step(), 0..600),
        probes in prop::collection::vec(key(), 8),
        scans in prop::collection::vec(scan(), 12),
    ) {
        let mut tree = Tree::new();
        let mut model = Model::new();
        let mut snapshots: Vec<(Tree, Model)> = Vec::new();
        for (number, step) in steps.into_iter().enumerate() {
            match step {
                Step::Snapshot => snapshots.push((tree.clone(), model.clone())),
                Step::ForgetSnapshot => drop(snapshots.pop()),
                Step::Rebuild => tree = Tree::from_sorted(model.values().cloned()),
                write => apply(write, number as u64, &mut tree, &mut model),
            }
        }
        snapshots.push((tree, model));
        for (tree, model) in &snapshots {
            assert_sound(tree);
            assert_same(tree, model, &probes, &scans);
        }
    }
}

fn apply(step: Step, sequence: u64, tree: &mut Tree, model: &mut Model) {
    match step {
        Step::Insert(key, value) => {
            let entry = Entry::new(&key, &value, 0, sequence);
            assert_eq!(tree.insert(entry.clone()), model.insert(key, entry));
        }
        Step::Remove(key) => assert_eq!(tree.remove(&key), model.remove(&key)),
        Step::RemoveAt(share) if !model.is_empty() => {
            let key = model.keys().nth(share % model.len()).cloned().unwrap();
            assert_eq!(tree.remove(&key), model.remove(&key));
        }
        _ => {}
    }
}

fn assert_same(tree: &Tree, model: &Model, probes: &[Vec<u8>], scans: &[Scan]) {
    let list: Vec<&Entry> = model.values().collect();
    assert_eq!(tree.len(), list.len());
    let memory = tree.memory();
    let keys: usize = list.iter().map(|entry| entry.key().len()).sum();
    assert_eq!(memory.values, list.iter().map(|entry| entry.memory_bytes()).sum::<usize>() - keys);
    assert!(memory.keys > keys + list.len() * size_of::<Entry>());
    assert!(tree.iter().eq(list.iter().copied()));
    for (index, entry) in list.iter().enumerate() {
        assert_eq!((tree.get(entry.key()), tree.rank(entry.key())), (Some(*entry), index));
        assert_eq!(tree.select(index), Some(*entry));
    }
    assert_eq!(tree.select(list.len()), None);
    for probe in probes {
        assert_eq!(tree.get(probe), model.get(probe));
        let rank = model.keys().take_while(|key| *key < probe).count();
        assert_eq!(tree.rank(probe), rank);
        assert!(tree.iter_from(rank, Direction::Ascending).eq(list[rank..].iter().copied()));
        let down = list.iter().take(rank + 1).rev().copied();
        assert!(tree.iter_from(rank, Direction::Descending).eq(down));
    }
    for scan in scans {
        let mut expected: Vec<Entry> =
            list.iter().filter(|entry| scan.range.contains(entry.key())).copied().cloned().collect();
        assert_eq!(tree.count(&scan.range), expected.len() as u64, "{scan:?}");
        assert!(tree.indices(&scan.range).start <= tree.indices(&scan.range).end, "{scan:?}");
        if scan.direction == Direction::Descending {
            expected.reverse();
        }
        let page = |number: u64| usize::try_from(number).unwrap();
        let expected: Vec<Entry> =
            expected.into_iter().skip(page(scan.skip)).take(page(scan.limit)).collect();
        assert_eq!(tree.range(scan), expected, "{scan:?}");
    }
}

/// Every invariant of the structure.
fn assert_sound(tree: &Tree) {
    let (count, _) = assert_node(&tree.root, None, None, Place::Root);
    assert_eq!(count, tree.length);
}

#[derive(Clone, Copy)]
enum Place {
    Root,
    Below,
}

/// Checks the node, whose keys lie in `lower..upper`; answers with its count and height.
fn assert_node(node: &Node, lower: Option<&[u8]>, upper: Option<&[u8]>, place: Place) -> (usize, usize) {
    let fewest = match (node, place) {
        (_, Place::Below) => MIN_WIDTH,
        (Node::Inner(_), Place::Root) => 2,
        (Node::Leaf(_), Place::Root) => 0,
    };
    assert!((fewest..=MAX_WIDTH).contains(&node.width()), "a node of width {}", node.width());
    match node {
        Node::Leaf(leaf) => {
            assert!(leaf.is_sound());
            for entry in leaf.entries() {
                assert!(lower.is_none_or(|lower| lower <= entry.key()));
                assert!(upper.is_none_or(|upper| entry.key() < upper));
            }
            (leaf.entries().len(), 0)
        }
        Node::Inner(inner) => {
            let separators = &inner.separators;
            assert!(separators.is_sound());
            assert_eq!(separators.len() + 1, inner.children.len());
            let mut heights = Vec::new();
            for (at, child) in inner.children.iter().enumerate() {
                let lower = if at == 0 { lower } else { Some(separators.at(at - 1)) };
                let upper = if at == separators.len() { upper } else { Some(separators.at(at)) };
                let (count, height) = assert_node(child, lower, upper, Place::Below);
                assert_eq!(inner.counts[at], count);
                heights.push(height);
            }
            assert!(heights.iter().all(|height| *height == heights[0]), "leaves at different depths");
            (inner.counts.iter().sum(), heights[0] + 1)
        }
    }
}

#[test]
fn a_write_without_a_snapshot_copies_no_node_and_with_one_only_its_path() {
    let entry = |number: u32| Entry::new(&number.to_be_bytes(), b"value", 0, 0);
    let mut tree = Tree::from_sorted((0..2_000).map(entry));
    let nodes = |tree: &Tree| {
        let mut found = Vec::new();
        collect_nodes(&tree.root, &mut found);
        found
    };
    let before = nodes(&tree);
    tree.insert(entry(77));
    assert_eq!(nodes(&tree), before);

    let snapshot = tree.clone();
    tree.insert(entry(77));
    let copied = nodes(&tree).iter().filter(|node| !before.contains(node)).count();
    let (_, height) = assert_node(&tree.root, None, None, Place::Root);
    assert_eq!(copied, height + 1);
    assert!(height >= 3);
    assert_eq!(nodes(&snapshot), before);
}

fn collect_nodes(node: &std::sync::Arc<Node>, found: &mut Vec<*const Node>) {
    found.push(std::sync::Arc::as_ptr(node));
    if let Node::Inner(inner) = &**node {
        inner.children.iter().for_each(|child| collect_nodes(child, found));
    }
}

#[test]
fn removing_an_absent_key_copies_nothing() {
    let mut tree = Tree::from_sorted((0..100u8).map(|number| Entry::new(&[number], b"", 0, 0)));
    let snapshot = tree.clone();
    assert_eq!(tree.remove(b"absent"), None);
    assert!(std::sync::Arc::ptr_eq(&tree.root, &snapshot.root));
}

#[test]
fn an_emptied_tree_takes_keys_unlike_those_it_held() {
    let mut tree = Tree::new();
    tree.insert(Entry::new(b"a long key", b"", 0, 0));
    assert!(tree.remove(b"a long key").is_some());
    assert_eq!((tree.get(b"a"), tree.rank(b"a")), (None, 0));
    tree.insert(Entry::new(b"a", b"", 0, 0));
    tree.insert(Entry::new(b"", b"", 0, 0));
    assert_eq!((tree.rank(b"a"), tree.len()), (1, 2));
    assert_sound(&tree);
}
