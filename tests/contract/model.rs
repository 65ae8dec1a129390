//! Random batches against a plain map.

use crate::harness::{Harness, delete, get, keys, look, number, number_in, put, scan};
use kixx_datastore::ErrorKind;
use kixx_datastore::kv::{Check, Direction, Operation, Space, Write};
use std::collections::BTreeMap;

const ROUNDS: u64 = 400;
const KEYS: u64 = 40;
const SEEDS: [u64; 3] = [1, 0x5eed, 0x9e37_79b9_7f4a_7c15];

/// Key to number and version.
type Model = BTreeMap<String, (u64, u64)>;

pub(crate) fn random_batches_match_a_plain_map(harness: &mut Harness) {
    for seed in SEEDS {
        println!("seed {seed:#x}");
        let mut random = Random(seed);
        let mut model = read_all(harness, Space::DOCUMENTS);
        for _ in 0..ROUNDS {
            let operations: Vec<Operation> = (0..=random.below(5)).map(|_| operation(&mut random)).collect();
            let expected = apply(&model, &operations);
            match harness.commit(operations) {
                Ok(_) => model = expected.expect("a check should have failed"),
                Err(error) => {
                    assert_eq!(error.kind(), ErrorKind::Conflict);
                    assert_eq!(expected, None, "{error}");
                }
            }
            assert_reads(harness, &model, &mut random);
            if random.below(40) == 0
                && let Some(reopen) = &harness.reopen
            {
                harness.store.close().wait().unwrap();
                harness.store = reopen();
            }
        }
        assert_eq!(read_all(harness, Space::DOCUMENTS), model);
    }
}

fn operation(random: &mut Random) -> Operation {
    let key = format!("key:{}", random.below(KEYS));
    let check = match random.below(8) {
        0 => Check::Absent,
        1 => Check::Version(random.below(3)),
        2 => Check::VersionIfPresent(random.below(3)),
        _ => Check::Any,
    };
    match random.below(3) {
        0 => delete(Space::DOCUMENTS, &key, check),
        _ => put(Space::DOCUMENTS, &key, check, random.below(1_000_000)),
    }
}

/// What the operations make of the map, or `None` when a check fails.
fn apply(model: &Model, operations: &[Operation]) -> Option<Model> {
    let mut model = model.clone();
    for operation in operations {
        let key = String::from_utf8(operation.key().to_vec()).unwrap();
        let version = model.get(&key).map(|(_, version)| *version);
        let holds = match operation.check {
            Check::Absent => version.is_none(),
            Check::Version(wanted) => version == Some(wanted),
            Check::VersionIfPresent(wanted) => version.is_none_or(|version| version == wanted),
            _ => true,
        };
        if !holds {
            return None;
        }
        match operation.write {
            Write::Put(_) => {
                model.insert(key, (number_in(operation.value()), version.map_or(0, |version| version + 1)));
            }
            Write::Delete => {
                model.remove(&key);
            }
        }
    }
    Some(model)
}

fn assert_reads(harness: &Harness, model: &Model, random: &mut Random) {
    let key = format!("key:{}", random.below(KEYS));
    let found = get(&*harness.store, Space::DOCUMENTS, &key);
    let seen = look(&*harness.store, Space::DOCUMENTS, &key);
    assert!(seen.is_none_or(|seen| seen.unwrap() == found), "{key}");
    assert_eq!(found.map(|entry| (number(&entry), entry.version())), model.get(&key).copied(), "{key}");
    let direction = if random.below(2) == 0 { Direction::Ascending } else { Direction::Descending };
    let mut page = scan(Some(&key), None, direction);
    let mut expected: Vec<&str> = model.range(key..).map(|(key, _)| key.as_str()).collect();
    assert_eq!(harness.store.count(Space::DOCUMENTS, &page.range).wait().unwrap(), expected.len() as u64);
    if direction == Direction::Descending {
        expected.reverse();
    }
    page.skip = random.below(10);
    let skip = usize::try_from(page.skip).unwrap();
    assert_eq!(keys(&*harness.store, Space::DOCUMENTS, &page), expected[skip.min(expected.len())..]);
}

fn read_all(harness: &Harness, space: Space) -> Model {
    let entries = harness.store.range(space, &scan(None, None, Direction::Ascending)).wait().unwrap();
    let text = |key: &[u8]| String::from_utf8(key.to_vec()).unwrap();
    entries.iter().map(|entry| (text(entry.key()), (number(entry), entry.version()))).collect()
}

/// Xorshift: small, and the same everywhere.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) % bound
    }
}
