//! Stores to damage, and what was in them.

use crate::support::{image, open};
use kixx_datastore::fs::{FileSystem, OsFileSystem};
use kixx_datastore::kv::{Batch, Check, KeyRange, Operation, Read, Scan, Space, Store};
use kixx_datastore::stores::disk::{DATA_FILE, DiskStore, plan_repair, repair, verify};
use kixx_datastore::stores::durable::Durable;
use kixx_datastore::stores::maintenance::{Finding, Progress, Repair, Verification};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tempfile::{TempDir, tempdir};

pub(crate) const TIMEOUT: Duration = Duration::from_secs(10);
pub(crate) const PAGE: usize = 4_096;

/// Key to version and value.
pub(crate) type Documents = BTreeMap<String, (u64, String)>;

/// A directory and what was acknowledged in it.
pub(crate) struct Ruin {
    pub(crate) directory: TempDir,
    pub(crate) documents: Documents,
}

pub(crate) fn real() -> Arc<dyn FileSystem> {
    Arc::new(OsFileSystem::PRIVATE)
}

pub(crate) fn key(number: usize) -> String {
    format!("key:{number:04}")
}

fn put(space: Space, key: &str, value: &str) -> Operation {
    Operation::put(space, key.as_bytes(), Check::Any, value.as_bytes())
}

fn commit(store: &DiskStore, operations: Vec<Operation>) {
    store.commit(Batch { operations }).wait().unwrap();
}

/// Writes, replaces and removes documents, with checkpoints between; values of all sizes, and other spaces.
pub(crate) fn fill(store: &DiskStore, count: usize) {
    let value = |number: usize, round: usize| match number % 200 {
        7 => format!("{round}:{}", "large".repeat(1_200)),
        _ => format!("{round}:{}", "x".repeat(number * 31 % 200)),
    };
    let numbers: Vec<usize> = (0..count).collect();
    for (round, step) in [1, 3, 7].into_iter().enumerate() {
        for numbers in numbers.iter().step_by(step).collect::<Vec<_>>().chunks(200) {
            let documents = numbers.iter().map(|n| put(Space::DOCUMENTS, &key(**n), &value(**n, round)));
            let others = numbers.iter().map(|n| put(Space(2), &key(**n), "other"));
            let rows = numbers.iter().map(|n| put(Space(20), &format!("{:04}", **n * 7 % 1_000), "row"));
            commit(store, documents.chain(others.step_by(9)).chain(rows.step_by(2)).collect());
        }
        store.checkpoint().wait().unwrap();
    }
    let gone = numbers.iter().skip(5).step_by(11);
    let delete = |n: &usize| Operation::delete(Space::DOCUMENTS, key(*n).as_bytes(), Check::Any);
    commit(store, gone.map(delete).collect());
}

pub(crate) fn documents(store: &DiskStore) -> Documents {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let entries = store.range(Space::DOCUMENTS, &Scan::all(KeyRange::ALL)).wait().unwrap();
    entries.iter().map(|entry| (text(entry.key()), (entry.version(), text(entry.value())))).collect()
}

/// Closed: there is nothing but the data file.
pub(crate) fn closed(count: usize) -> Ruin {
    let directory = tempdir().unwrap();
    let store = open(directory.path());
    fill(&store, count);
    let documents = documents(&store);
    store.close().wait().unwrap();
    Ruin { directory, documents }
}

/// As a crash leaves it: some documents are only in the journal, or newer there.
pub(crate) fn crashed(count: usize) -> Ruin {
    let directory = tempdir().unwrap();
    let store = open(directory.path());
    fill(&store, count);
    store.checkpoint().wait().unwrap();
    let newer = (0..count).step_by(17).map(|n| put(Space::DOCUMENTS, &key(n), "newer"));
    commit(&store, newer.collect());
    commit(&store, vec![put(Space::DOCUMENTS, "last", "{}")]);
    commit(&store, vec![Operation::delete(Space::DOCUMENTS, key(1).as_bytes(), Check::Any)]);
    let documents = documents(&store);
    Ruin { directory: image(directory.path()), documents }
}

impl Ruin {
    pub(crate) fn path(&self) -> &Path {
        self.directory.path()
    }

    pub(crate) fn data_file(&self) -> PathBuf {
        self.path().join(DATA_FILE)
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        fs::read(self.data_file()).unwrap()
    }

    /// A copy with other bytes in its data file.
    pub(crate) fn with(&self, bytes: &[u8]) -> Self {
        let copy = Self { directory: image(self.path()), documents: self.documents.clone() };
        fs::write(copy.data_file(), bytes).unwrap();
        copy
    }

    pub(crate) fn verified(&self) -> Verification {
        let before = everything(self.path());
        let found = verify(&real(), self.path(), TIMEOUT, &Progress::default()).unwrap();
        assert!(before == everything(self.path()), "something was changed");
        found
    }

    /// Repairs, and says what is lost; everything else is as it was.
    #[track_caller]
    pub(crate) fn repaired(&self, what: &str) -> (Repair, Vec<String>) {
        let planned = plan_repair(&real(), self.path(), TIMEOUT, &Progress::default()).unwrap();
        let done = repair(&real(), self.path(), TIMEOUT, &Progress::default()).unwrap();
        assert_eq!(planned, done, "{what}: the plan says what happens");
        assert_eq!(self.verified().findings, [], "{what}: nothing is left to do");
        let store = open(self.path());
        let found = documents(&store);
        let count = store.count(Space::DOCUMENTS, &KeyRange::ALL).wait().unwrap();
        assert_eq!(count, found.len() as u64, "{what}");
        for (key, document) in &found {
            assert!(Some(document) == self.documents.get(key), "{what}: {key} is wrong");
        }
        let lost: Vec<String> =
            self.documents.keys().filter(|key| !found.contains_key(*key)).cloned().collect();
        for key in &lost {
            assert!(is_named(&done.lost, key), "{what}: {key} is lost, and not in {:#?}", done.lost);
        }
        // It goes on.
        commit(&store, vec![put(Space::DOCUMENTS, "after", "{}")]);
        store.close().wait().unwrap();
        (done, lost)
    }
}

fn is_named(lost: &[Finding], key: &str) -> bool {
    lost.iter().any(|Finding { after, before, .. }| {
        after.as_deref().is_none_or(|after| after < key)
            && before.as_deref().is_none_or(|before| key < before)
    })
}

/// Path to content.
pub(crate) fn everything(directory: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(everything(&path));
        } else {
            found.insert(path.clone(), fs::read(&path).unwrap());
        }
    }
    found
}
