//! Many threads on one store.

use crate::harness::{Harness, get, keys, number, put, scan};
use kixx_datastore::ErrorKind;
use kixx_datastore::kv::{Batch, Check, Direction, KeyRange, Read, Space};
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

const THREADS: usize = 8;

pub(crate) fn increments_lose_nothing(harness: &Harness) {
    const INCREMENTS: u64 = 100;
    let space = Space::DOCUMENTS;
    harness.fill(space, &["counter"]);
    let store = &*harness.store;
    let increment = || {
        loop {
            let entry = get(store, space, "counter").unwrap();
            let operation = put(space, "counter", Check::Version(entry.version()), number(&entry) + 1);
            match store.commit(Batch::of(operation)).wait() {
                Ok(_) => return,
                Err(error) => assert_eq!(error.kind(), ErrorKind::Conflict),
            }
        }
    };
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| (0..INCREMENTS).for_each(|_| increment()));
        }
    });
    let counter = get(store, space, "counter").unwrap();
    let total = THREADS as u64 * INCREMENTS;
    assert_eq!((number(&counter), counter.version()), (total, total));
}

pub(crate) fn only_one_insert_of_a_key_wins(harness: &Harness) {
    let store = &*harness.store;
    let barrier = Barrier::new(THREADS);
    for round in 0..30 {
        let key = format!("key:{round}");
        let winners = AtomicUsize::new(0);
        thread::scope(|scope| {
            for thread in 0..THREADS as u64 {
                let (barrier, key, winners) = (&barrier, &key, &winners);
                scope.spawn(move || {
                    barrier.wait();
                    let insert = Batch::of(put(Space::DOCUMENTS, key, Check::Absent, thread));
                    match store.commit(insert).wait() {
                        Ok(_) => {
                            winners.fetch_add(1, Ordering::Relaxed);
                            let entry = get(store, Space::DOCUMENTS, key).unwrap();
                            assert_eq!(number(&entry), thread);
                        }
                        Err(error) => assert_eq!(error.kind(), ErrorKind::Conflict),
                    }
                });
            }
        });
        assert_eq!(winners.into_inner(), 1);
    }
}

/// Every batch puts one number at all keys, and adds one key and removes another: a reader that sees
/// part of it finds two numbers, or another count.
pub(crate) fn readers_see_batches_whole(harness: &Harness) {
    const KEYS: u64 = 10;
    const ROUNDS: u64 = 300;
    let space = Space::DOCUMENTS;
    let store = &*harness.store;
    let write = |round: u64| {
        let mut operations: Vec<_> =
            (0..KEYS).map(|key| put(space, &format!("all:{key}"), Check::Any, round)).collect();
        operations.push(put(space, &format!("moving:{round:05}"), Check::Absent, round));
        if let Some(last) = round.checked_sub(1) {
            operations.push(crate::harness::delete(space, &format!("moving:{last:05}"), Check::Any));
        }
        store.commit(Batch { operations }).wait().unwrap();
    };
    write(0);
    let done = AtomicBool::new(false);
    let read = || {
        let mut newest = 0;
        while !done.load(Ordering::Acquire) {
            newest = assert_whole(store, newest, KEYS);
            let snapshot = store.snapshot().wait().unwrap();
            let seen = assert_whole(&*snapshot, newest, KEYS);
            assert_eq!(seen, assert_whole(&*snapshot, seen, KEYS));
            assert_eq!(keys(&*snapshot, space, &scan(Some("moving:"), None, Direction::Ascending)).len(), 1);
        }
    };
    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(read);
        }
        let _finish = Finish(&done);
        (1..=ROUNDS).for_each(write);
    });
}

/// Lets the readers stop, also when writing panics.
struct Finish<'a>(&'a AtomicBool);

impl Drop for Finish<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
    }
}

/// Checks one range read; answers with its number, which is not lower than `oldest`.
fn assert_whole(read: &dyn Read, oldest: u64, expected: u64) -> u64 {
    let scan = scan(Some("all:"), Some("all:~"), Direction::Ascending);
    let entries = read.range(Space::DOCUMENTS, &scan).wait().unwrap();
    let numbers: Vec<u64> = entries.iter().map(number).collect();
    assert_eq!(numbers.len() as u64, expected);
    assert!(numbers.iter().all(|number| *number == numbers[0]), "{numbers:?}");
    assert!(numbers[0] >= oldest, "went back from {oldest} to {}", numbers[0]);
    assert_eq!(read.count(Space::DOCUMENTS, &KeyRange::ALL).wait().unwrap(), expected + 1);
    numbers[0]
}
