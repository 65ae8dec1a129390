//! A directory of JSON files, one per document: all documents in memory, a journal that makes commits
//! durable, and files that follow in the background as its checkpoint.

mod backlog;
mod checkpoint;
mod core;
pub mod file_name;
mod files;
mod materialise;
mod names;
mod open;
mod quarantine;
mod sink;

pub use open::{LoadReport, OnDamage};

use self::core::Core;
use crate::fs::{FileSystem, LockGuard};
use crate::kv::{
    Answer, Batch, Capability, Changes, Committed, Durability, Entry, KeyRange, MAX_KEY_BYTES,
    MAX_VALUE_BYTES, Read, Scan, Sequence, Space, Store,
};
use crate::stores::journal::GroupCommit;
use crate::{Error, Result};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

/// Where everything lies that is not a document; gone after a clean close.
const INTERNAL_DIRECTORY: &str = ".datastore";

/// The store over one directory. There must be only one per directory and process.
pub struct DirectoryStore {
    core: Arc<Core>,
    head: Arc<AtomicU64>,
    journal: Arc<GroupCommit>,
    durability: Durability,
    report: LoadReport,
    /// Taken by whoever closes.
    running: Mutex<Option<Running>>,
}

/// What a close ends.
struct Running {
    checkpointer: JoinHandle<()>,
    lock: Box<dyn LockGuard>,
}

impl DirectoryStore {
    /// Loads `directory`, which exists, and recovers what the journal holds. `Locked` while another process
    /// has it open, `Corrupt` when files are damaged; then nothing was changed.
    pub fn open(
        fs: &Arc<dyn FileSystem>,
        directory: &Path,
        durability: Durability,
        flush_interval: Duration,
        damage: OnDamage,
    ) -> Result<Self> {
        let opened = open::open(fs, directory, damage)?;
        let core = Arc::new(opened.core);
        let sink = sink::DirectorySink::new(Arc::clone(&core), opened.names);
        let journal = Arc::new(GroupCommit::start(opened.writer, sink, durability, flush_interval)?);
        let checkpointer = checkpoint::start(Arc::clone(&core), Arc::clone(&journal))?;
        Ok(Self {
            head: core.head(),
            core,
            journal,
            durability,
            report: opened.report,
            running: Mutex::new(Some(Running { checkpointer, lock: opened.lock })),
        })
    }

    /// What loading found.
    pub fn report(&self) -> &LoadReport {
        &self.report
    }

    /// The sequence number of the newest commit, to be read without a lock.
    pub fn head(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.head)
    }

    /// How many documents are in the journal and not yet in their files.
    pub fn backlog(&self) -> u64 {
        self.core.backlog.len() as u64
    }

    /// Why files could not be brought up to date. It is tried again; until then the journal has everything.
    pub fn checkpoint_failure(&self) -> Option<Error> {
        self.core.backlog.failure()
    }

    /// Brings all files up to date now.
    pub fn checkpoint(&self) -> Answer<()> {
        let (core, journal) = (Arc::clone(&self.core), Arc::clone(&self.journal));
        Answer::blocking(move || checkpoint::checkpoint(&core, &journal, core.backlog.take_all()))
    }
}

impl Read for DirectoryStore {
    fn sequence(&self) -> Sequence {
        self.head.load(Ordering::Acquire)
    }

    fn get(&self, space: Space, key: &[u8]) -> Answer<Option<Entry>> {
        self.core.read(|state| state.get(space, key).cloned()).into()
    }

    fn range(&self, space: Space, scan: &Scan) -> Answer<Vec<Entry>> {
        self.core.read(|state| state.range(space, scan)).into()
    }

    fn count(&self, space: Space, range: &KeyRange) -> Answer<u64> {
        self.core.read(|state| state.count(space, range)).into()
    }
}

impl Store for DirectoryStore {
    fn snapshot(&self) -> Answer<Arc<dyn Read>> {
        self.core.read(|state| Arc::new(state.snapshot()) as Arc<dyn Read>).into()
    }

    fn commit(&self, batch: Batch) -> Answer<Committed> {
        self.journal.submit(batch)
    }

    fn changes(&self, space: Space, since: Sequence) -> Answer<Changes> {
        self.core.read(|state| state.changes(space, since)).into()
    }

    fn capability(&self) -> Capability {
        Capability {
            resident: true,
            durability: self.durability,
            max_key_bytes: MAX_KEY_BYTES,
            max_value_bytes: MAX_VALUE_BYTES,
        }
    }

    fn flush(&self) -> Answer<()> {
        self.journal.flush()
    }

    /// Writes all files, removes the journal and lets go of the directory. If that fails, the journal stays
    /// and nothing is lost: the next open goes on with it.
    fn close(&self) -> Answer<()> {
        let Some(running) = self.running.lock().unwrap_or_else(PoisonError::into_inner).take() else {
            return Err(Error::closed()).into();
        };
        let (core, journal) = (Arc::clone(&self.core), Arc::clone(&self.journal));
        Answer::blocking(move || {
            let written = write_everything(&core, &journal, running.checkpointer);
            core.clear();
            let released = match &written {
                Ok(()) => core.leave(running.lock),
                Err(_) => Ok(()),
            };
            written.and(released)
        })
    }
}

impl Drop for DirectoryStore {
    /// Closes on another thread, which keeps the lock until it is done.
    fn drop(&mut self) {
        drop(self.close());
    }
}

/// Ends all threads. When it succeeds the journal is gone, and the files are all there is.
fn write_everything(core: &Core, journal: &GroupCommit, checkpointer: JoinHandle<()>) -> Result<()> {
    // What was submitted before is still committed, and its checkpoints go on meanwhile.
    let flushed = journal.flush().wait();
    core.backlog.close();
    let ended = checkpointer.join().map_err(|_| Error::internal("the checkpointer"));
    let written =
        flushed.and(ended).and_then(|()| checkpoint::write_files(core, journal, core.backlog.take_all()));
    match written {
        Ok(through) => journal.close_and_remove(through).wait(),
        Err(error) => {
            // The journal has everything that was acknowledged. Its own failure would tell no more.
            let _ = journal.close().wait();
            Err(error)
        }
    }
}
