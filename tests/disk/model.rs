//! Random histories with checkpoints anywhere, compared with plain maps: reads, counts and deep pages.

use crate::support::open;
use kixx_datastore::kv::{Batch, Check, Direction, KeyRange, Operation, Read, Scan, Sequence, Space, Store};
use kixx_datastore::stores::disk::DiskStore;
use kixx_datastore::stores::durable::Durable;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

const SPACES: [Space; 2] = [Space(0), Space(7)];

/// How many keys are looked up one by one beside each page.
const LOOK_UPS: u16 = 200;

type Model = BTreeMap<(Space, Vec<u8>), (u64, Vec<u8>)>;

#[derive(Clone, Debug)]
enum Step {
    /// Keys from `first` in steps, of one space: put, or deleted.
    Write {
        space: usize,
        first: u16,
        step: u16,
        count: u16,
        is_put: bool,
        is_blind: bool,
    },
    Checkpoint,
    Reopen,
    /// Compare a page of a range.
    Page {
        space: usize,
        lower: u16,
        upper: u16,
        skip: u16,
        limit: u8,
        is_descending: bool,
    },
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let space = 0..SPACES.len();
    let write = (space.clone(), 0..3_000_u16, 1..4_u16, 1..900_u16, any::<bool>(), any::<bool>()).prop_map(
        |(space, first, step, count, is_put, is_blind)| Step::Write {
            space,
            first,
            step,
            count,
            is_put,
            is_blind,
        },
    );
    let page = (space, 0..3_500_u16, 0..3_500_u16, 0..3_000_u16, 0..40_u8, any::<bool>()).prop_map(
        |(space, lower, upper, skip, limit, is_descending)| Step::Page {
            space,
            lower,
            upper,
            skip,
            limit,
            is_descending,
        },
    );
    let step = prop_oneof![4 => write, 2 => Just(Step::Checkpoint), 1 => Just(Step::Reopen), 8 => page];
    prop::collection::vec(step, 1..30)
}

fn key(number: u16) -> Vec<u8> {
    format!("key:{number:05}").into_bytes()
}

#[test]
fn histories_match_plain_maps() {
    let mut runner = TestRunner::new(Config { cases: 48, ..Config::default() });
    runner
        .run(&steps(), |steps| {
            run(&steps);
            Ok(())
        })
        .unwrap();
}

fn run(steps: &[Step]) {
    let directory = tempfile::tempdir().unwrap();
    let mut store = open(directory.path());
    let mut model = Model::new();
    let mut sequence: Sequence = 0;
    let mut snapshots: Vec<(Arc<dyn Read>, Model)> = Vec::new();
    for step in steps {
        match *step {
            Step::Write { space, first, step, count, is_put, is_blind } => {
                let space = SPACES[space];
                let numbers: Vec<u16> = (0..count).map(|at| first.wrapping_add(at * step)).collect();
                sequence = write(&store, &mut model, space, &numbers, (is_put, is_blind), sequence);
            }
            Step::Checkpoint => {
                snapshots.push((store.snapshot().wait().unwrap(), model.clone()));
                store.checkpoint().wait().unwrap();
            }
            Step::Reopen => {
                snapshots.clear();
                store.close().wait().unwrap();
                drop(store);
                store = open(directory.path());
                assert_eq!(store.sequence(), sequence, "numbers go on after closing");
            }
            Step::Page { space, lower, upper, skip, limit, is_descending } => {
                let direction = if is_descending { Direction::Descending } else { Direction::Ascending };
                let range = KeyRange {
                    lower: Bound::Included(key(lower).into()),
                    upper: Bound::Excluded(key(upper).into()),
                };
                let scan = Scan { range, direction, skip: skip.into(), limit: limit.into() };
                compare(&store, &model, SPACES[space], &scan);
                let all = Scan { range: KeyRange::ALL, ..scan };
                compare(&store, &model, SPACES[space], &all);
                look_up(&store, &model, SPACES[space], lower);
                for (snapshot, model) in &snapshots {
                    compare(&**snapshot, model, SPACES[space], &all);
                    look_up(&**snapshot, model, SPACES[space], lower);
                }
            }
        }
    }
    for space in SPACES {
        compare(&store, &model, space, &Scan::all(KeyRange::ALL));
    }
}

fn write(
    store: &DiskStore,
    model: &mut Model,
    space: Space,
    numbers: &[u16],
    (is_put, is_blind): (bool, bool),
    sequence: Sequence,
) -> Sequence {
    let mut operations = Vec::new();
    for number in numbers {
        let (key, value) = (key(*number), format!("{sequence}").into_bytes());
        let place = (space, key.clone());
        operations.push(match (is_put, is_blind) {
            (false, _) => Operation::delete(space, &key, Check::Any),
            (true, true) => Operation::put_exact(space, &key, Check::Any, &value, 0),
            (true, false) => Operation::put(space, &key, Check::Any, &value),
        });
        if is_put {
            let next = model.get(&place).map_or(0, |(version, _)| version + 1);
            model.insert(place, (if is_blind { 0 } else { next }, value));
        } else {
            model.remove(&place);
        }
    }
    store.commit(Batch { operations }).wait().unwrap().sequence
}

fn compare(read: &dyn Read, model: &Model, space: Space, scan: &Scan) {
    let mut expected: Vec<(&[u8], u64, &[u8])> = model
        .iter()
        .filter(|((its, key), _)| *its == space && scan.range.contains(key))
        .map(|((_, key), (version, value))| (&**key, *version, &**value))
        .collect();
    assert_eq!(read.count(space, &scan.range).wait().unwrap(), expected.len() as u64, "{scan:?}");
    if scan.direction == Direction::Descending {
        expected.reverse();
    }
    let skip = usize::try_from(scan.skip).unwrap().min(expected.len());
    expected.drain(..skip);
    expected.truncate(usize::try_from(scan.limit).unwrap_or(usize::MAX));
    let entries = read.range(space, scan).wait().unwrap();
    let found: Vec<_> = entries.iter().map(|entry| (entry.key(), entry.version(), entry.value())).collect();
    assert_eq!(found, expected, "{scan:?}");
    for (key, version, value) in expected {
        let entry = read.get(space, key).wait().unwrap().unwrap();
        assert_eq!((entry.version(), entry.value()), (version, value));
    }
}

/// Keys from `first`, those too that are not there or no more.
fn look_up(read: &dyn Read, model: &Model, space: Space, first: u16) {
    for number in first..first + LOOK_UPS {
        let key = key(number);
        let entry = read.get(space, &key).wait().unwrap();
        let found = entry.map(|entry| (entry.version(), entry.value().to_vec()));
        assert_eq!(found.as_ref(), model.get(&(space, key)), "{number} of {space:?}");
    }
}
