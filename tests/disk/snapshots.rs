//! Snapshots that outlive what they were taken of.

use crate::support::{open, put, try_open};
use kixx_datastore::ErrorKind;
use kixx_datastore::kv::{KeyRange, Space, Store};
use kixx_datastore::stores::durable::Durable;
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
