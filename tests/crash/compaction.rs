//! Crashes while the file of a store on disk is compacted.

use crate::driver::{DIRECTORY, documents};
use crate::kind::Kind;
use kixx_datastore::fs::FileSystem;
use kixx_datastore::fs::simulated::{Seeded, SimulatedDisk};
use kixx_datastore::kv::{Batch, Check, Operation, Space, Store};
use kixx_datastore::stores::disk::{DataFile, DiskStore, compact};
use kixx_datastore::stores::durable::OpenOptions;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// Images after one operation.
const SAMPLES: usize = 6;

fn open(disk: &SimulatedDisk) -> DiskStore {
    let fs: Arc<dyn FileSystem> = Arc::new(disk.clone());
    DiskStore::open(&fs, Path::new(DIRECTORY), &OpenOptions::default()).unwrap()
}

fn key(number: u32) -> Vec<u8> {
    format!("key:{number:04}").into_bytes()
}

#[test]
fn a_crash_during_compaction_loses_nothing() {
    let (disk, _) = DataFile::first_disk();
    let store = open(&disk);
    let body = format!(r#"{{"text":"{}"}}"#, "x".repeat(2_000));
    let put = |number| Operation::put(Space::DOCUMENTS, &key(number), Check::Any, body.as_bytes());
    store.commit(Batch { operations: (0..400).map(put).collect() }).wait().unwrap();
    store.close().wait().unwrap();
    let store = open(&disk);
    let delete = |number| Operation::delete(Space::DOCUMENTS, &key(number), Check::Any);
    let gone = (0..400).filter(|number| number % 10 != 0);
    store.commit(Batch { operations: gone.map(delete).collect() }).wait().unwrap();
    let expected = documents(&store).unwrap();
    store.close().wait().unwrap();

    let begun = disk.operations();
    let fs: Arc<dyn FileSystem> = Arc::new(disk.clone());
    let compaction = compact(&fs, Path::new(DIRECTORY), Duration::ZERO).unwrap();
    assert!(compaction.after < compaction.before, "{compaction:?}");
    let mut history = disk.history();
    history.advance_to(begun);
    let (mut random, mut images) = (Seeded(7), 0);
    loop {
        for _ in 0..SAMPLES {
            let image = history.crash(&mut random);
            let store = open(&image);
            assert_eq!(documents(&store).unwrap(), expected, "after operation {}", history.done());
            store.close().wait().unwrap();
            images += 1;
        }
        if !history.advance() {
            break;
        }
    }
    println!("{images} images");
}
