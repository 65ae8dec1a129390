//! Random batches and faults.

use crate::oracle::Documents;
use kixx_datastore::fs::simulated::{Call, Choices, Failure, Fault, Seeded};
use kixx_datastore::kv::{Batch, Check, Durability, Operation, Space, Write};

const KEYS: [&str; 6] = ["a", "b", "user:1", "user:2", "Ordner", "z"];
const LETTERS: [char; 8] = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'];

/// What a run does between opening and closing.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    pub(crate) steps: usize,
    pub(crate) durability: Durability,
    pub(crate) faults: Faults,
    pub(crate) size: Size,
}

/// What a batch holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Size {
    /// One operation, within a sector or two.
    Small,
    Any,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Faults {
    None,
    Sometimes,
    Often,
}

/// A batch that no other one equals.
pub(crate) fn batch(size: Size, random: &mut Seeded) -> Batch {
    let number = random.bits() >> 40;
    let count = match size {
        Size::Small => 1,
        Size::Any => 1 + random.choose(2) * random.choose(5),
    };
    let operations = (0..count).map(|index| {
        let key = KEYS[random.choose(KEYS.len())].as_bytes();
        if random.choose(4) == 0 {
            return Operation::delete(Space::DOCUMENTS, key, Check::Any);
        }
        let text = text(size, random);
        let body = format!(r#"{{"n":{number},"i":{index},"t":"{text}"}}"#);
        Operation::put(Space::DOCUMENTS, key, Check::Any, body.as_bytes())
    });
    Batch { operations: operations.collect() }
}

fn text(size: Size, random: &mut Seeded) -> String {
    let length = match random.choose(12) {
        _ if size == Size::Small => random.choose(60),
        0 => random.choose(9_000),
        1..=3 => random.choose(1_500),
        _ => random.choose(60),
    };
    (0..length).map(|_| LETTERS[random.choose(LETTERS.len())]).collect()
}

/// What `batch` leaves of the documents `before` it.
pub(crate) fn after(before: &Documents, batch: &Batch) -> Documents {
    let mut after = before.clone();
    for operation in &batch.operations {
        let key = String::from_utf8_lossy(operation.key()).into_owned();
        match operation.write {
            Write::Delete => {
                after.remove(&key);
            }
            Write::Put(_) => {
                let revision = after.get(&key).map_or(0, |(revision, _)| revision + 1);
                after.insert(key, (revision, String::from_utf8_lossy(operation.value()).into_owned()));
            }
        }
    }
    after
}

/// A fault that may hit what is done next.
pub(crate) fn fault(faults: Faults, random: &mut Seeded) -> Option<Fault> {
    let one_in = match faults {
        Faults::None => return None,
        Faults::Sometimes => 5,
        Faults::Often => 2,
    };
    (random.choose(one_in) == 0).then(|| any_fault(random))
}

fn any_fault(random: &mut Seeded) -> Fault {
    let calls = [
        Call::Open,
        Call::Write,
        Call::Write,
        Call::SetLength,
        Call::SyncFile,
        Call::SyncFile,
        Call::SyncDirectory,
        Call::Rename,
        Call::Remove,
    ];
    Fault {
        call: calls[random.choose(calls.len())],
        after: random.choose(3),
        times: if random.choose(6) == 0 { 2 } else { 1 },
        failure: if random.choose(2) == 0 { Failure::Io } else { Failure::Full },
        arriving: match random.choose(3) {
            0 => 0,
            1 => usize::MAX,
            _ => random.choose(2_000),
        },
    }
}
