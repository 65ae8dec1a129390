//! Readers beside writers and checkpoints, and snapshots that outlive what they were taken of.

use crate::support::{delete, open, put, try_open};
use kixx_datastore::ErrorKind;
use kixx_datastore::kv::{KeyRange, Read, Space, Store};
use kixx_datastore::stores::disk::DiskStore;
use kixx_datastore::stores::durable::Durable;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;
use tempfile::tempdir;

/// A hang is a failure.
const LIMIT: Duration = Duration::from_secs(20);

/// It holds the file, but no lock on it.
#[test]
fn a_snapshot_of_a_closed_store_keeps_nobody_out() {
    let directory = tempdir().unwrap();
    let store = open(directory.path());
    put(&store, "a", "{}");
    store.checkpoint().wait().unwrap();
    let snapshot = store.snapshot().wait().unwrap();
    store.close().wait().unwrap();
    drop(store);

    let (done, opened) = mpsc::channel();
    let path = directory.path().to_owned();
    thread::spawn(move || done.send(try_open(&path)).is_ok());
    let again = opened.recv_timeout(LIMIT).expect("it opens").unwrap();
    put(&again, "b", "{}");
    again.checkpoint().wait().unwrap();
    // What it has in memory it may show.
    match snapshot.get(Space::DOCUMENTS, b"a").wait() {
        Ok(entry) => assert_eq!(entry.unwrap().value(), b"{}"),
        Err(error) => assert_eq!(error.kind(), ErrorKind::Closed),
    }
}

/// Each checkpoint takes over more; those that began before see their moment.
#[test]
fn a_snapshot_shows_its_moment_through_many_checkpoints() {
    let directory = tempdir().unwrap();
    let [store, other] = std::array::from_fn(|_| open(directory.path()));
    let mut snapshots = Vec::new();
    for number in 0..40 {
        let writer = if number % 2 == 0 { &store } else { &other };
        put(writer, "a", &number.to_string());
        put(writer, &format!("key:{number}"), "{}");
        snapshots.push((number, store.snapshot().wait().unwrap()));
        if number % 3 == 0 {
            writer.checkpoint().wait().unwrap();
        }
        for (number, snapshot) in &snapshots {
            let entry = snapshot.get(Space::DOCUMENTS, b"a").wait().unwrap().unwrap();
            assert_eq!(entry.value(), number.to_string().as_bytes());
        }
    }
    assert_eq!(snapshots[7].1.count(Space::DOCUMENTS, &KeyRange::ALL).wait().unwrap(), 9);
}

/// Both have read everything before, so it may come from a cache.
#[test]
fn what_others_change_and_checkpoint_is_seen() {
    let directory = tempdir().unwrap();
    let [store, other] = std::array::from_fn(|_| open(directory.path()));
    let key = |number: u32| format!("key:{number}");
    let look = |read: &dyn Read| -> Vec<Option<(u64, Vec<u8>)>> {
        let get = |number| read.get(Space::DOCUMENTS, key(number).as_bytes()).wait().unwrap();
        let found = (0..60).map(|number| get(number).map(|entry| (entry.version(), entry.value().to_vec())));
        found.collect()
    };
    let checkpoint = |first: &DiskStore, second: &DiskStore| {
        first.checkpoint().wait().unwrap();
        second.checkpoint().wait().unwrap();
    };
    (0..50).for_each(|number| put(&store, &key(number), "old"));
    checkpoint(&store, &other);
    let mut expected: Vec<_> = (0..60).map(|number| (number < 50).then(|| (0, b"old".to_vec()))).collect();
    for round in 0..4 {
        let snapshot = other.snapshot().wait().unwrap();
        for _ in 0..2 {
            assert_eq!([look(&store), look(&other)], [expected.clone(), expected.clone()], "round {round}");
        }
        let before = expected.clone();
        for (number, expected) in (0..).zip(&mut expected) {
            let value = format!("{round}");
            let deletes = (number + round) % 4;
            if deletes != 0 {
                delete(&store, &key(number));
                *expected = None;
            }
            if deletes != 1 {
                put(&store, &key(number), &value);
                let version = expected.as_ref().map_or(0, |(version, _)| version + 1);
                *expected = Some((version, value.into_bytes()));
            }
        }
        if round % 2 == 0 {
            checkpoint(&store, &other);
        } else {
            checkpoint(&other, &store);
        }
        assert_eq!(look(&*snapshot), before, "round {round}");
    }
    assert_eq!([look(&store), look(&other)], [expected.clone(), expected]);
}

/// Meanwhile checkpoints move entries from memory to the file.
#[test]
fn a_reader_never_sees_what_was_before_an_answer() {
    const KEYS: usize = 8;
    const COMMITS: u64 = 1_000;
    let directory = tempdir().unwrap();
    let store = open(directory.path());
    let key = |number: usize| format!("key:{number}");
    (0..KEYS).for_each(|number| put(&store, &key(number), "0"));
    let acknowledged: [AtomicU64; KEYS] = Default::default();
    thread::scope(|scope| {
        let writer = scope.spawn(|| {
            for commit in 1..=COMMITS {
                let number = usize::try_from(commit).unwrap() % KEYS;
                put(&store, &key(number), &commit.to_string());
                acknowledged[number].store(commit, Ordering::Release);
                if commit % 5 == 0 {
                    store.checkpoint().wait().unwrap();
                }
            }
        });
        for number in (0..KEYS).cycle() {
            let least = acknowledged[number].load(Ordering::Acquire);
            let entry = store.get(Space::DOCUMENTS, key(number).as_bytes()).wait().unwrap().unwrap();
            let value: u64 = str::from_utf8(entry.value()).unwrap().parse().unwrap();
            assert!(value >= least, "{value} of key {number} came after {least}");
            if writer.is_finished() {
                break;
            }
        }
    });
}
