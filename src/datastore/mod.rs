//! Puts the parts together: options, the engine of a directory, and the registry that shares it.

mod options;
mod registry;

pub use options::{Location, Options, Rights, Storage};
pub use registry::{Engine, Place, Registry};

use crate::fs::FileSystem;
use crate::kv::{Answer, Head, KeyRange, Sequence, Space, Store};
use crate::stores::durable::{CheckpointTotals, LoadReport, Notify, OnDamage, Watch};
use crate::stores::journal::JournalTotals;
use crate::stores::memory::{Memory, MemoryStore};
use crate::{Error, Result};
use std::sync::{Arc, Mutex, PoisonError};

/// A handle on a store. The last handle on a directory, closed or dropped, releases it.
pub struct Datastore {
    held: Mutex<Option<Held>>,
    store: Arc<dyn Store>,
    head: Option<Head>,
    report: LoadReport,
}

/// Figures about a store.
#[derive(Clone, Debug)]
pub struct Stats {
    /// How many documents there are.
    pub documents: u64,
    /// The newest commit.
    pub sequence: Sequence,
    /// How many documents are in the journal and not yet in their files.
    pub backlog: u64,
    /// What the documents take of memory.
    pub memory: Memory,
    /// Why files could not be brought up to date, if that is so.
    pub checkpoint_failure: Option<Error>,
    /// What was committed, and what became of it; none where there is no journal.
    pub totals: Option<(JournalTotals, CheckpointTotals)>,
}

/// What a handle holds on to.
enum Held {
    Memory(Arc<MemoryStore>),
    Directory { registry: &'static Registry, place: Place, engine: Engine, watch: Option<Watch> },
}

impl Datastore {
    /// Opens a store: an empty one in memory, or that of a directory, which is loaded unless a handle in
    /// this process has it open. Blocks while files are read.
    pub fn open(fs: &Arc<dyn FileSystem>, options: &Options, damage: OnDamage) -> Result<Self> {
        match &options.location {
            Location::Memory => {
                let store = Arc::new(MemoryStore::new());
                Ok(Self {
                    head: Some(store.head()),
                    store: Arc::clone(&store) as _,
                    report: LoadReport::default(),
                    held: Mutex::new(Some(Held::Memory(store))),
                })
            }
            Location::Directory(path) => {
                let registry = Registry::global();
                let (place, engine) = registry.acquire(fs, path, options, damage)?;
                Ok(Self {
                    head: engine.head(),
                    store: engine.store(),
                    report: engine.report().clone(),
                    held: Mutex::new(Some(Held::Directory { registry, place, engine, watch: None })),
                })
            }
        }
    }

    /// The store, to read and write.
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.store
    }

    /// The sequence number of the newest commit by anyone, always current; none where it has to be looked
    /// for.
    pub fn head(&self) -> Option<&Head> {
        self.head.as_ref()
    }

    /// What loading found.
    pub fn report(&self) -> &LoadReport {
        &self.report
    }

    /// Figures about the store.
    pub fn stats(&self) -> Result<Stats> {
        let documents = self.store.count(Space::DOCUMENTS, &KeyRange::ALL).wait()?;
        let (memory, backlog, checkpoint_failure, totals) =
            match &*self.held.lock().unwrap_or_else(PoisonError::into_inner) {
                None => return Err(Error::closed()),
                Some(Held::Memory(store)) => (store.memory(Space::DOCUMENTS)?, 0, None, None),
                Some(Held::Directory { engine, .. }) => {
                    (engine.memory()?, engine.backlog(), engine.checkpoint_failure(), engine.totals())
                }
            };
        Ok(Stats { documents, sequence: self.store.sequence(), memory, backlog, checkpoint_failure, totals })
    }

    /// Tells `notify` about the checkpoints of this process until the handle is released; only one handle of
    /// each thread is told. To be called on that thread.
    pub fn watch(&self, notify: Notify) {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(Held::Directory { engine: Engine::Writer(store), watch, .. }) = &mut *held {
            *watch = Some(store.watch(notify));
        }
    }

    /// Brings all files up to date, so that the journal can forget.
    pub fn checkpoint(&self) -> Answer<()> {
        match &*self.held.lock().unwrap_or_else(PoisonError::into_inner) {
            None => Err(Error::closed()).into(),
            Some(Held::Memory(_)) => Ok(()).into(),
            Some(Held::Directory { engine, .. }) => engine.checkpoint(),
        }
    }

    /// Lets go of the store. Blocks until its last handle has written everything out. Later calls do
    /// nothing.
    pub fn close(&self) -> Result<()> {
        let held = self.held.lock().unwrap_or_else(PoisonError::into_inner).take();
        held.map_or(Ok(()), Held::release)
    }
}

impl Held {
    fn release(self) -> Result<()> {
        match self {
            Self::Memory(store) => store.close().wait(),
            Self::Directory { registry, place, engine, watch } => {
                drop(engine);
                let released = registry.release(&place);
                // The last checkpoint is told too.
                drop(watch);
                released
            }
        }
    }
}

impl Drop for Datastore {
    /// Releases on another thread, since this may be the JavaScript thread.
    fn drop(&mut self) {
        let held = self.held.get_mut().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(held) = held {
            drop(Answer::blocking(move || held.release()));
        }
    }
}
