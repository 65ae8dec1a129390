//! Drives a store step by step, and tells the oracle.

use crate::bugs::Bug;
use crate::kind::Kind;
use crate::oracle::{Documents, Loss, Oracle};
use crate::plan::{self, Plan};
use crate::seam::Seam;
use kixx_datastore::Result as StoreResult;
use kixx_datastore::fs::FileSystem;
use kixx_datastore::fs::simulated::{Choices, Fault, Seeded, SimulatedDisk};
use kixx_datastore::kv::{Batch, Committed, Durability, KeyRange, Read, Scan, Space, Store};
use kixx_datastore::stores::durable::{Durable, DurableStore, OpenOptions};
use std::marker::PhantomData;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

pub(crate) const DIRECTORY: &str = "data";
/// Never within a test.
const FLUSH_INTERVAL: Duration = Duration::from_secs(3_600);
/// Nobody is ever in the way for long.
const LOCK_TIMEOUT: Duration = Duration::from_secs(5);

type Outcome = Result<(), String>;

/// Opens the store on `disk`, which holds one of `states`, goes through `plan`, and closes it. The oracle
/// knows what there may be at each operation.
pub(crate) fn run<K: Kind>(
    disk: &SimulatedDisk,
    states: Vec<Arc<Documents>>,
    plan: Plan,
    random: &mut Seeded,
    bug: Option<Bug>,
) -> (Oracle, Outcome) {
    run_from::<K>(disk, Oracle::new(states, 0), plan, random, bug)
}

/// As [`run`], where `oracle` knows what there may be on `disk`.
pub(crate) fn run_from<K: Kind>(
    disk: &SimulatedDisk,
    oracle: Oracle,
    plan: Plan,
    random: &mut Seeded,
    bug: Option<Bug>,
) -> (Oracle, Outcome) {
    let mut driver = Driver::<K> {
        kind: PhantomData,
        disk: disk.clone(),
        seam: Seam::new(disk.clone(), bug),
        oracle,
        plan,
        random,
        suspect: false,
    };
    let outcome = driver.go();
    (driver.oracle, outcome)
}

struct Driver<'a, K> {
    kind: PhantomData<K>,
    disk: SimulatedDisk,
    seam: Seam,
    oracle: Oracle,
    plan: Plan,
    random: &'a mut Seeded,
    /// Whether a fault has hit since the store was opened, so that it may refuse to write.
    suspect: bool,
}

impl<K: Kind> Driver<'_, K> {
    fn go(&mut self) -> Outcome {
        let mut store = self.open(Loss::Process)?;
        for _ in 0..self.plan.steps {
            store = self.step(store)?;
        }
        match self.close(&store)? {
            Closed::Cleanly => Ok(()),
            Closed::WithError => self.reopen(store).map(drop),
        }
    }

    fn now(&self) -> usize {
        self.disk.operations()
    }

    fn step(&mut self, store: DurableStore<K>) -> Result<DurableStore<K>, String> {
        match self.random.choose(20) {
            0..=2 if !self.suspect => self.group(&store)?,
            0..=11 => {
                if !self.commit(&store)? {
                    return self.reopen(store);
                }
            }
            12 => {
                let flushed = self.with_fault(|| store.flush().wait());
                return self.after(store, flushed);
            }
            13..=15 => {
                let done = self.with_fault(|| store.checkpoint().wait());
                return self.after(store, done);
            }
            16 if !self.suspect => self.second_open(&store)?,
            _ => {
                self.maybe_fault();
                let closed = self.close(&store);
                self.suspect |= self.disk.heal() > 0;
                closed?;
                return self.reopen(store);
            }
        }
        Ok(store)
    }

    /// A flush or a checkpoint: what was acknowledged is durable, or it failed for a reason.
    fn after(&mut self, store: DurableStore<K>, done: StoreResult<()>) -> Result<DurableStore<K>, String> {
        match done {
            Ok(()) => {
                let now = self.now();
                self.oracle.flushed(now);
                Ok(store)
            }
            Err(error) if !self.suspect => Err(format!("failed without a fault: {error}")),
            Err(_) if self.random.choose(2) == 0 => Ok(store),
            Err(_) => self.reopen(store),
        }
    }

    /// One batch. False if the store has to be opened again.
    fn commit(&mut self, store: &DurableStore<K>) -> Result<bool, String> {
        let batch = plan::batch(self.plan.size, self.random);
        let link = self.submit(&batch, self.now());
        let refused = self.suspect;
        let mut struck = 0;
        let done = self.with_fault_counted(|| store.commit(batch).wait(), &mut struck);
        let now = self.now();
        match done {
            Ok(_) => self.acknowledged(link),
            Err(error) if !self.suspect => return Err(format!("a commit failed without a fault: {error}")),
            // Two failures in a row, and taking it back may have failed too.
            Err(_) if struck > 1 => return Ok(false),
            Err(_) => {
                self.oracle.revoke(link, now);
                return Ok(!refused && self.random.choose(2) == 0);
            }
        }
        Ok(true)
    }

    /// Notes that `batch` was submitted when there were `then` operations.
    fn submit(&mut self, batch: &Batch, then: usize) -> usize {
        let after = plan::after(self.oracle.head(), batch);
        self.oracle.submit(Arc::new(after), then)
    }

    /// Several batches, all but the first of them in one write.
    fn group(&mut self, store: &DurableStore<K>) -> Outcome {
        let begun = self.now();
        let count = 2 + self.random.choose(3);
        let batches: Vec<Batch> = (0..count).map(|_| plan::batch(self.plan.size, self.random)).collect();
        let links: Vec<usize> = batches.iter().map(|batch| self.submit(batch, begun)).collect();
        self.seam.gate.close();
        let mut answers = vec![store.commit(batches[0].clone())];
        if !self.seam.gate.wait_for_somebody() {
            return Err("nobody came to write".to_owned());
        }
        answers.extend(batches[1..].iter().map(|batch| store.commit(batch.clone())));
        if let Some(fault) = plan::fault(self.plan.faults, self.random) {
            // With a second one, taking back may fail too, and then nobody knows what is there.
            self.disk.fail(Fault { times: 1, ..fault });
        }
        self.seam.gate.open();
        let mut done = Vec::new();
        for (answer, link) in answers.into_iter().zip(&links) {
            done.push(answer.wait());
            if done.iter().all(Result::is_ok) {
                self.acknowledged(*link);
            }
        }
        self.suspect |= self.disk.heal() > 0;
        self.settle_group(begun, &batches, &links, &done)
    }

    /// If one failed, those behind it did not build on what was thought.
    fn settle_group(
        &mut self,
        begun: usize,
        batches: &[Batch],
        links: &[usize],
        done: &[StoreResult<Committed>],
    ) -> Outcome {
        let Some(failed) = done.iter().position(Result::is_err) else { return Ok(()) };
        if let (Err(error), false) = (&done[failed], self.suspect) {
            return Err(format!("a commit failed without a fault: {error}"));
        }
        let now = self.now();
        links[failed..].iter().for_each(|link| self.oracle.revoke(*link, now));
        for (batch, _) in batches.iter().zip(done).skip(failed).filter(|(_, done)| done.is_ok()) {
            let link = self.submit(batch, begun);
            self.acknowledged(link);
        }
        Ok(())
    }

    fn acknowledged(&mut self, link: usize) {
        let now = self.now();
        self.oracle.acknowledge(link, now);
        if self.plan.durability == Durability::Sync {
            self.oracle.flushed(now);
        }
    }

    /// Another process comes, sees the same, writes, is seen, and goes.
    fn second_open(&mut self, first: &DurableStore<K>) -> Outcome {
        let second = self.try_open().map_err(|error| format!("opening a second time: {error}"))?;
        if documents(&second)? != documents(first)? {
            return Err("the second process sees something else".to_owned());
        }
        let batch = plan::batch(self.plan.size, self.random);
        let link = self.submit(&batch, self.now());
        second.commit(batch).wait().map_err(|error| format!("the second can not commit: {error}"))?;
        self.acknowledged(link);
        if documents(first)? != **self.oracle.head() {
            return Err("the first process does not see what the second wrote".to_owned());
        }
        if self.random.choose(2) == 0 {
            let written = second.checkpoint().wait();
            written.map_err(|error| format!("the second can not write files: {error}"))?;
        }
        let closed = second.close().wait();
        closed.map_err(|error| format!("the second can not close: {error}"))
    }

    /// Closes it once more, if that has to be, and goes on with what there is without a crash.
    fn reopen(&mut self, store: DurableStore<K>) -> Result<DurableStore<K>, String> {
        let _ = store.close().wait();
        drop(store);
        self.suspect = false;
        self.open(Loss::Process)
    }

    fn open(&mut self, loss: Loss) -> Result<DurableStore<K>, String> {
        self.maybe_fault();
        let mut opened = self.try_open();
        self.suspect |= self.disk.heal() > 0;
        if opened.is_err() && self.suspect {
            opened = self.try_open();
        }
        let store = opened.map_err(|error| format!("a crash is no damage: {error}"))?;
        self.suspect = false;
        let now = self.now();
        self.oracle.pin(&documents(&store)?, now, loss)?;
        Ok(store)
    }

    fn try_open(&self) -> StoreResult<DurableStore<K>> {
        let fs: Arc<dyn FileSystem> = Arc::new(self.seam.clone());
        let (directory, durability) = (Path::new(DIRECTORY), self.plan.durability);
        let options = OpenOptions {
            durability,
            flush_interval: FLUSH_INTERVAL,
            lock_timeout: LOCK_TIMEOUT,
            ..OpenOptions::default()
        };
        DurableStore::open(&fs, directory, &options)
    }

    fn close(&mut self, store: &DurableStore<K>) -> Result<Closed, String> {
        match store.close().wait() {
            Ok(()) => {
                let now = self.now();
                self.oracle.flushed(now);
                K::check_closed(&self.disk, self.oracle.head())?;
                Ok(Closed::Cleanly)
            }
            Err(_) if self.suspect || self.disk.heal() > 0 => {
                self.suspect = true;
                Ok(Closed::WithError)
            }
            Err(error) => Err(format!("closing failed without a fault: {error}")),
        }
    }

    fn maybe_fault(&mut self) {
        if let Some(fault) = plan::fault(self.plan.faults, self.random) {
            self.disk.fail(fault);
        }
    }

    fn with_fault<T>(&mut self, action: impl FnOnce() -> T) -> T {
        self.with_fault_counted(action, &mut 0)
    }

    fn with_fault_counted<T>(&mut self, action: impl FnOnce() -> T, struck: &mut usize) -> T {
        self.maybe_fault();
        let result = action();
        *struck = self.disk.heal();
        self.suspect |= *struck > 0;
        result
    }
}

enum Closed {
    Cleanly,
    WithError,
}

pub(crate) fn documents<K: Kind>(store: &DurableStore<K>) -> Result<Documents, String> {
    let entries = store.range(Space::DOCUMENTS, &Scan::all(KeyRange::ALL)).wait();
    let entries = entries.map_err(|error| error.to_string())?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Ok(entries.iter().map(|entry| (text(entry.key()), (entry.version(), text(entry.value())))).collect())
}
