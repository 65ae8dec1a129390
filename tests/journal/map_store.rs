//! A store that is a map, behind a journal.

use crate::support::Journal;
use kixx_datastore::Result;
use kixx_datastore::kv::{Batch, Change, Check, Durability, Entry, Operation, Prepared, Space, prepare};
use kixx_datastore::stores::journal::{GroupCommit, Place, Sink, decode_commit};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// A flush interval that tests wait for.
pub const INTERVAL: Duration = Duration::from_millis(10);
/// A flush interval that no test reaches.
pub const NEVER: Duration = Duration::from_secs(3_600);

pub type Map = BTreeMap<Vec<u8>, Entry>;

#[derive(Clone, Default)]
pub struct Store {
    shared: Arc<Mutex<Shared>>,
}

/// Whether a store takes batches.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub enum Open {
    #[default]
    Yes,
    No,
}

#[derive(Default)]
struct Shared {
    published: Map,
    prepared: Map,
    asked: usize,
    /// The sizes of the groups.
    groups: Vec<usize>,
    open: Open,
    panic_on: Option<&'static str>,
}

impl Store {
    pub fn start(&self, journal: &Journal, durability: Durability, interval: Duration) -> GroupCommit {
        GroupCommit::start(journal.writer(), self.clone(), durability, interval).unwrap()
    }

    pub fn value(&self, key: &str) -> Option<Vec<u8>> {
        let shared = self.lock();
        shared.published.get(key.as_bytes()).map(|entry| entry.value().to_vec())
    }

    pub fn groups(&self) -> Vec<usize> {
        self.lock().groups.clone()
    }

    pub fn published(&self) -> Map {
        self.lock().published.clone()
    }

    /// How many batches were prepared.
    pub fn asked(&self) -> usize {
        self.lock().asked
    }

    pub fn set_open(&self, open: Open) {
        self.lock().open = open;
    }

    /// Panics once, in `place`.
    pub fn panic_on(&self, place: &'static str) {
        self.lock().panic_on = Some(place);
    }
}

impl Store {
    fn lock(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shared {
    fn maybe_panic(&mut self, place: &str) {
        if self.panic_on == Some(place) {
            self.panic_on = None;
            panic!("the store panics in {place}");
        }
    }
}

impl Sink for Store {
    fn prepare(&mut self, batch: &mut Batch, sequence: u64) -> Result<Prepared> {
        let mut shared = self.lock();
        shared.asked += 1;
        shared.maybe_panic("prepare");
        let commit = prepare(batch, sequence, |_, key| Ok(shared.prepared.get(key).cloned()))?;
        apply(&mut shared.prepared, &commit.changes);
        Ok(commit)
    }

    fn publish(&mut self, commits: Vec<Prepared>, _end: Place) {
        let mut shared = self.lock();
        shared.maybe_panic("publish");
        shared.groups.push(commits.len());
        for commit in &commits {
            apply(&mut shared.published, &commit.changes);
        }
    }

    fn catch_up(&mut self, _through: u64) -> Result<()> {
        Ok(())
    }

    fn abandon(&mut self) {
        let mut shared = self.lock();
        shared.prepared = shared.published.clone();
    }

    fn takes_batches(&self) -> bool {
        self.lock().open == Open::Yes
    }
}

fn apply(map: &mut Map, changes: &[Change]) {
    for change in changes {
        match &change.entry {
            Some(entry) => map.insert(change.key.to_vec(), entry.clone()),
            None => map.remove(&*change.key),
        };
    }
}

pub fn put(key: &str, check: Check, value: &[u8]) -> Batch {
    Batch::of(Operation::put(Space::DOCUMENTS, key.as_bytes(), check, value))
}

pub fn put_any(key: &str) -> Batch {
    put(key, Check::Any, b"value")
}

/// What the journal holds, as a map.
pub fn recovered(journal: &Journal) -> Map {
    let mut map = Map::new();
    for (sequence, payload) in journal.commits().unwrap() {
        apply(&mut map, &decode_commit(sequence, &payload).unwrap());
    }
    map
}
