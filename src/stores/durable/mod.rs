//! A store whose commits a journal makes durable, open in several processes at once. In the background its
//! commits go into files of its own, its [`Base`]: that is its checkpoint, and the journal forgets them.

mod backlog;
mod base;
mod checkpoint;
mod close;
mod core;
mod members;
mod open;
mod sink;
mod watch;

pub use base::{Base, Due, Keys, Loaded, News, Published, Reloaded, Renewal, Snapshot};
pub use members::{Access, Internal};
pub(super) use members::{Found, Neighbours, living};
pub(super) use open::refuse_network;
pub use open::{DEFAULT_CACHE_BYTES, LoadReport, OnDamage, OpenOptions};
pub use watch::{Checkpoint, CheckpointTotals, Notify, Watch};

use self::close::Running;
use self::core::{Core, lock};
use self::watch::Watchers;
use crate::fs::FileSystem;
use crate::kv::{
    Answer, Batch, Capability, Changes, Committed, Durability, Entry, Head, KeyRange, MAX_KEY_BYTES,
    MAX_VALUE_BYTES, Moment, Read, Scan, Sequence, Space, Store,
};
use crate::stores::journal::{GroupCommit, History, JournalTotals, MAX_BATCH_BYTES};
use crate::stores::memory::Memory;
use crate::{Error, Result};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

/// Where everything lies that is not of the base; gone after a clean close.
pub(super) const INTERNAL_DIRECTORY: &str = ".datastore";

/// A store over a journal, whatever its base is.
pub trait Durable: Store {
    /// What loading found.
    fn report(&self) -> &LoadReport;

    /// The sequence number of the newest commit by anyone, to be read without a lock.
    fn head(&self) -> Head;

    /// What the documents take of memory.
    fn memory(&self) -> Result<Memory>;

    /// How many bytes of its base it keeps in memory besides.
    fn cached_bytes(&self) -> usize;

    /// How many entries are in the journal and not yet in the base.
    fn backlog(&self) -> u64;

    /// Why the base could not be brought up to date. It is tried again; until then the journal has
    /// everything.
    fn checkpoint_failure(&self) -> Option<Error>;

    /// What was committed since the directory was opened, by this process.
    fn journal_totals(&self) -> JournalTotals;

    /// What checkpoints did since the directory was opened, in this process.
    fn checkpoint_totals(&self) -> CheckpointTotals;

    /// Tells `notify` about every checkpoint of this process, one watcher of each thread.
    fn watch(&self, notify: Notify) -> Watch;

    /// Brings the base up to date now.
    fn checkpoint(&self) -> Answer<()>;
}

/// The store over one directory. There must be only one per directory and process.
pub struct DurableStore<B: Base> {
    core: Arc<Core<B>>,
    head: Head,
    journal: Arc<GroupCommit>,
    durability: Durability,
    report: LoadReport,
    /// Taken by whoever closes.
    running: Mutex<Option<Running>>,
}

impl<B: Base> DurableStore<B> {
    /// Loads `directory`, which exists, and recovers what the journal holds; or joins the processes that have
    /// it open. `Locked` when they do not let us, `Corrupt` when files are damaged; then nothing was changed.
    pub fn open(fs: &Arc<dyn FileSystem>, directory: &Path, options: &OpenOptions) -> Result<Self> {
        let OpenOptions { durability, flush_interval, .. } = *options;
        let opened = open::open(fs, directory, options)?;
        let core = Arc::new(opened.core);
        let sink = sink::DurableSink::new(Arc::clone(&core));
        let journal = Arc::new(GroupCommit::start(opened.writer, sink, durability, flush_interval)?);
        let checkpointer = checkpoint::start(Arc::clone(&core), Arc::clone(&journal))?;
        Ok(Self {
            head: core.page.head(),
            core,
            journal,
            durability,
            report: opened.report,
            running: Mutex::new(Some(Running { checkpointer, member: opened.member })),
        })
    }
}

impl<B: Base> Durable for DurableStore<B> {
    fn report(&self) -> &LoadReport {
        &self.report
    }

    fn head(&self) -> Head {
        self.head.clone()
    }

    fn memory(&self) -> Result<Memory> {
        self.core.read(|state| Ok(state.memory(Space::DOCUMENTS)))
    }

    fn cached_bytes(&self) -> usize {
        self.core.base.cached_bytes()
    }

    fn backlog(&self) -> u64 {
        self.core.backlog.len() as u64
    }

    fn checkpoint_failure(&self) -> Option<Error> {
        self.core.backlog.failure()
    }

    fn journal_totals(&self) -> JournalTotals {
        self.journal.totals()
    }

    fn checkpoint_totals(&self) -> CheckpointTotals {
        self.core.watchers.totals()
    }

    fn watch(&self, notify: Notify) -> Watch {
        Watchers::add(&self.core.watchers, notify)
    }

    fn checkpoint(&self) -> Answer<()> {
        if lock(&self.running).is_none() {
            return Err(Error::closed()).into();
        }
        let (core, journal) = (Arc::clone(&self.core), Arc::clone(&self.journal));
        Answer::blocking(move || checkpoint::run(&core, &journal))
    }
}

impl<B: Base> Read for DurableStore<B> {
    fn sequence(&self) -> Sequence {
        self.head.get()
    }

    fn get(&self, space: Space, key: &[u8]) -> Answer<Option<Entry>> {
        self.core.read(|state| state.get(space, key)).into()
    }

    fn range(&self, space: Space, scan: &Scan) -> Answer<Vec<Entry>> {
        self.core.read(|state| state.range(space, scan)).into()
    }

    fn count(&self, space: Space, range: &KeyRange) -> Answer<u64> {
        self.core.read(|state| state.count(space, range)).into()
    }
}

impl<B: Base> Store for DurableStore<B> {
    fn snapshot(&self) -> Answer<Arc<dyn Read>> {
        self.core.snapshot().map(|snapshot| Arc::new(snapshot) as Arc<dyn Read>).into()
    }

    fn commit(&self, batch: Batch) -> Answer<Committed> {
        self.journal.submit(batch)
    }

    fn commit_each(&self, batches: Vec<Batch>) -> Answer<Vec<Result<Committed>>> {
        self.journal.submit_each(batches)
    }

    fn changes(&self, space: Space, since: Sequence) -> Answer<Changes> {
        self.core.read(|state| Ok(state.changes_between(space, since, Sequence::MAX))).into()
    }

    fn moment(&self) -> Answer<(Arc<dyn Read>, Moment)> {
        self.core.moment().map(|(snapshot, moment)| (Arc::new(snapshot) as Arc<dyn Read>, moment)).into()
    }

    fn changes_between(&self, space: Space, from: Moment, to: Moment) -> Answer<Changes> {
        let core = Arc::clone(&self.core);
        if from.sequence <= to.sequence && History::is_epoch_of(&core.page, from) {
            match core.read(|state| Ok(state.changes_between(space, from.sequence, to.sequence))) {
                Ok(Changes::TooOld) => {}
                known => return known.into(),
            }
        }
        Answer::blocking(move || History::changes(&core.fs, &core.internal.path, space, from, to))
    }

    fn capability(&self) -> Capability {
        Capability {
            resident: B::RESIDENT,
            durability: self.durability,
            max_key_bytes: MAX_KEY_BYTES,
            max_value_bytes: MAX_VALUE_BYTES,
            max_batch_bytes: MAX_BATCH_BYTES,
        }
    }

    fn flush(&self) -> Answer<()> {
        self.journal.flush()
    }

    /// Makes everything durable and lets go of the directory; the last process to do so brings the base up to
    /// date and removes the journal. If that fails, the journal stays and nothing is lost: the next open goes
    /// on.
    fn close(&self) -> Answer<()> {
        let Some(running) = self.running.lock().unwrap_or_else(PoisonError::into_inner).take() else {
            return Err(Error::closed()).into();
        };
        let (core, journal) = (Arc::clone(&self.core), Arc::clone(&self.journal));
        Answer::blocking(move || close::close(&core, &journal, running))
    }
}

impl<B: Base> Drop for DurableStore<B> {
    /// Closes on another thread, which stays a member until it is done.
    fn drop(&mut self) {
        drop(self.close());
    }
}
